// One bit of a large file is another: the folder is refused, or what is missing is named, or nothing differs. CODELORE_BIT_FLIPS says
// how many bits of each kind of file are tried (by default few). Whole folders are opened in children, so that what ends a
// process is seen, and told by its bit.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/small_world.h"
#include "support/temp_folder.h"

namespace codelore::index {
namespace {

namespace fs = std::filesystem;

using Answers = SmallWorld::Answers;

constexpr size_t kFlipsPerChild = 40;

std::set<std::string> TextsOf(const Answers& answers) {
  std::set<std::string> texts;
  for (const auto& [query, hits] : answers) {
    for (const std::string& hit : hits) texts.insert(hit.substr(0, hit.find(' ')) + hit.substr(hit.find("alpha")));
  }
  return texts;
}

// 'r'efused by name, 'e'qual, 't'old that something is missing; 'W'rong, 'N'ot named.
char Judge(const std::string& folder, const Answers& right) {
  auto named = [&](const Status& status) { return status.message().find(folder) != std::string::npos ? 'r' : 'N'; };
  auto world = SmallWorld::Open(folder);
  if (!world.ok()) return named(world.status());
  if (!(*world)->source) return 'W';
  auto now = (*world)->Ask();
  if (!now.ok()) return 'r';  // a request that fails, in a server that goes on
  if (*now == right) return 'e';
  std::set<std::string> known = TextsOf(right);
  for (const std::string& text : TextsOf(*now)) {
    if (!known.contains(text)) return 'W';
  }
  auto viewer = (*world)->directory->OperatorViewer((*world)->tenant);
  auto status = (*world)->index->Describe(*viewer, (*world)->source, (*world)->encoder.info().fingerprint);
  bool told = !status.ok() || status->files_failed > 0 || status->chunks_with_vectors < status->chunks;
  return told ? 't' : 'W';
}

struct Flip {
  fs::path file;  // within the folder
  uint64_t bit = 0;
};

std::string KindOf(const fs::path& file) {
  std::string name = file.filename().string();
  for (const char* prefix : {"MANIFEST", "OPTIONS"}) {
    if (name.starts_with(prefix)) return prefix;
  }
  return file.extension().string();
}

class BitRotTest : public ::testing::Test {
 protected:
  // Writes one letter for each flip into `report`, from flip `first` on.
  int Try(const std::vector<Flip>& flips, size_t first, const fs::path& report) {
    const std::string data = folder_ / "data", copy = folder_ / "copy";
    Result<Answers> right = Internal("not asked");
    CopyFolder(data, copy);
    if (auto world = SmallWorld::Open(copy); world.ok()) right = (*world)->Ask();
    if (!right.ok()) return 1;
    for (size_t i = first; i < std::min(flips.size(), first + kFlipsPerChild); ++i) {
      CopyFolder(data, copy);
      std::fstream file(fs::path(copy) / flips[i].file, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(flips[i].bit / 8));
      char byte = static_cast<char>(file.get() ^ 1 << flips[i].bit % 8);
      file.seekp(static_cast<std::streamoff>(flips[i].bit / 8));
      file.put(byte);
      file.close();
      char outcome = Judge(copy, *right);
      std::ofstream(report, std::ios::app) << outcome;
    }
    return 0;
  }

  testing::TempFolder folder_;
};

TEST_F(BitRotTest, NoBitOfALargeFileChangesAnAnswerInSilence) {
  const char* wanted = getenv("CODELORE_BIT_FLIPS");
  size_t per_kind = wanted != nullptr ? static_cast<size_t>(atol(wanted)) : 4;
  const std::string data = folder_ / "data";
  ASSERT_EQ(InChild([&] { return SmallWorld::Fill(data).ok() ? 0 : 1; }), 0);
  std::map<std::string, std::vector<fs::path>> kinds;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.is_regular_file() && entry.file_size() > 64) kinds[KindOf(entry.path())].push_back(fs::relative(entry.path(), data));
  }
  std::mt19937_64 random(11);
  for (auto& [kind, files] : kinds) {
    std::vector<Flip> flips;
    for (size_t i = 0; i < per_kind; ++i) {
      const fs::path& file = files[i % files.size()];
      flips.push_back({file, random() % (8 * fs::file_size(data / file))});
    }
    std::string outcomes;
    while (outcomes.size() < flips.size()) {
      fs::path report = folder_ / "report";
      fs::remove(report);
      int status = InChild([&] { return Try(flips, outcomes.size(), report); });
      std::ifstream read(report);
      outcomes.append(std::istreambuf_iterator<char>(read), {});
      ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
      if (WIFSIGNALED(status)) outcomes += 'A';  // it was ended
    }
    for (size_t i = 0; i < flips.size(); ++i) {
      bool bad = outcomes[i] == 'W' || outcomes[i] == 'N' || outcomes[i] == 'A';
      EXPECT_FALSE(bad) << outcomes[i] << ": bit " << flips[i].bit << " of " << flips[i].file << ", " << fs::file_size(data / flips[i].file) << " bytes";
    }
    auto count = [&](char c) { return std::ranges::count(outcomes, c); };
    printf("%-9s %2zu files, %zu bits: refused %td, told %td, equal %td, wrong %td, not named %td, ended %td\n", kind.c_str(), files.size(), flips.size(), count('r'),
           count('t'), count('e'), count('W'), count('N'), count('A'));
  }
}

}  // namespace
}  // namespace codelore::index
