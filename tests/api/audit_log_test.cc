#include "api/audit_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "support/temp_folder.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;
using testing::TempFolder;

class AuditLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditLog> Open(AuditLog::Options options = {}) {
    options.now_unix_ms = [this] { return now_.load(); };
    return AuditLog::Open(folder_.path(), options).value();
  }
  AuditLog::Verdict Verify() { return AuditLog::Verify(folder_.path()).value(); }
  std::string FirstFile() { return folder_.path() + "/audit-000000000001.jsonl"; }
  std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void Write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary | std::ios::trunc) << text; }
  static AuditEvent Event(const std::string& what, uint32_t tenant = 1) { return {.tenant = {tenant}, .who = "user:ann", .what = what}; }

  TempFolder folder_;
  std::atomic<int64_t> now_{1'700'000'000'000};
};

TEST_F(AuditLogTest, ChainsRecordsOverRestarts) {
  for (int i = 0; i < 3; ++i) {
    auto log = Open();
    EXPECT_TRUE(log->Append(Event("grant")).ok());
    EXPECT_TRUE(log->Append(Event("revoke")).ok());
  }
  EXPECT_EQ(Verify().altered, "");
  EXPECT_EQ(Verify().records, 6u);
  auto lines = AuditLog::ListIn(folder_.path(), {}).value();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(Json::parse(lines[5])["previous"], Json::parse(lines[4])["hash"]);
}

TEST_F(AuditLogTest, NamesTheFirstLineThatWasAltered) {
  {
    auto log = Open();
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(log->Append(Event("grant" + std::to_string(i))).ok());
  }
  const std::string good = Read(FirstFile());
  std::vector<std::string> lines;
  std::istringstream in(good);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  auto join = [](const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) text += line + "\n";
    return text;
  };
  auto altered = [&](const std::string& text) {
    Write(FirstFile(), text);
    return Verify().altered;
  };
  EXPECT_EQ(altered(good), "");
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line_name = " line " + std::to_string(i + 1) + ":";
    auto changed = lines;
    changed[i].replace(changed[i].find("user:ann"), 8, "user:bob");
    EXPECT_NE(altered(join(changed)).find(line_name), std::string::npos) << i;
    auto removed = lines;
    removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(i));
    if (i > 0 && i + 1 < lines.size()) EXPECT_NE(altered(join(removed)).find(line_name), std::string::npos) << i;
    if (i + 1 < lines.size()) {
      auto swapped = lines;
      std::swap(swapped[i], swapped[i + 1]);
      EXPECT_NE(altered(join(swapped)), "") << i;
    }
  }
  for (size_t bit = 0; bit < good.size() * 8; bit += 13) {  // any bit at all
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    bool last_line_end = bit / 8 == good.size() - 1;
    if (!last_line_end) EXPECT_NE(altered(flipped), "") << bit;
  }
}

TEST_F(AuditLogTest, GoesOnBehindALineThatACrashCutOff) {
  { EXPECT_TRUE(Open()->Append(Event("grant")).ok()); }
  std::string whole = Read(FirstFile());
  for (size_t cut = 1; cut < whole.size(); cut += 7) {
    Write(FirstFile(), whole + whole.substr(0, cut));
    EXPECT_EQ(Verify().altered, "");
    { EXPECT_TRUE(Open()->Append(Event("revoke")).ok()); }
    EXPECT_EQ(Verify().altered, "");
    EXPECT_EQ(Verify().records, 2u);
  }
  Write(FirstFile(), whole.substr(0, 20));
  { EXPECT_TRUE(Open()->Append(Event("grant")).ok()); }
  EXPECT_EQ(Verify().records, 1u);
}

TEST_F(AuditLogTest, IsBoundedAndStaysWholeWhenFlooded) {
  auto log = Open({.max_file_bytes = 4096, .max_files = 4, .noise_per_minute = 5});
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(log->Append(Event("grant")).ok());
  size_t files = 0;
  for (auto& entry : std::filesystem::directory_iterator(folder_.path())) files += entry.is_regular_file();
  EXPECT_EQ(files, 4u);
  EXPECT_EQ(Verify().altered, "");
  EXPECT_GT(Verify().first, 1u);
  uint64_t before = Verify().records + Verify().first;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(log->AppendNoise(Event("refused")).ok());
  EXPECT_EQ(Verify().records + Verify().first, before + 5);
  now_ += 60'000;
  EXPECT_TRUE(log->AppendNoise(Event("refused")).ok());
  auto lines = log->List({.limit = 100'000}).value();
  EXPECT_EQ(Json::parse(lines[lines.size() - 2])["about"]["refusals"], "995");
}

TEST_F(AuditLogTest, RecordsACallerOnceAnHour) {
  auto log = Open();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(log->AppendHourly("token 7", Event("sign-in")).ok());
  EXPECT_TRUE(log->AppendHourly("token 8", Event("sign-in")).ok());
  now_ += 3'600'000;
  EXPECT_TRUE(log->AppendHourly("token 7", Event("sign-in")).ok());
  EXPECT_EQ(Verify().records, 3u);
}

TEST_F(AuditLogTest, ListsOneTenantsRecordsAndNoOthers) {
  auto log = Open();
  EXPECT_TRUE(log->Append(Event("grant", 1)).ok());
  EXPECT_TRUE(log->Append(Event("grant", 2)).ok());
  EXPECT_TRUE(log->Append(Event("refused", 0)).ok());
  now_ += 5000;
  EXPECT_TRUE(log->Append(Event("revoke", 1)).ok());
  EXPECT_EQ(log->List({.tenant = TenantId{1}})->size(), 2u);
  EXPECT_EQ(log->List({.tenant = TenantId{2}})->size(), 1u);
  EXPECT_EQ(log->List({.tenant = TenantId{0}})->size(), 0u);
  EXPECT_EQ(log->List({})->size(), 4u);
  EXPECT_EQ(log->List({.tenant = TenantId{1}, .since_unix_ms = now_})->size(), 1u);
  EXPECT_EQ(log->List({.skip = 3})->size(), 1u);
  EXPECT_EQ(log->List({.limit = 2})->size(), 2u);
}

TEST_F(AuditLogTest, KeepsForgedLinesInOneLine) {
  auto log = Open();
  EXPECT_TRUE(log->Append({.tenant = {1}, .who = "user:x\nadmin login ok", .what = "grant", .about = {{"principal", std::string("\xff\r\n\x1b[2J")}}}).ok());
  EXPECT_EQ(log->List({})->size(), 1u);
  EXPECT_EQ(Verify().altered, "");
}

TEST_F(AuditLogTest, ChainsWhatManyThreadsAppend) {
  auto log = Open();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(log->Append(Event("grant")).ok());
      });
    }
  }
  EXPECT_EQ(Verify().altered, "");
  EXPECT_EQ(Verify().records, 80u);
}

}  // namespace
}  // namespace codelore::api
