// Files that are not what was written: one bit is another, the end is missing, they are another tenant's, or older than the rest. The
// folder is refused, or what is missing is named, or nothing differs. CODELORE_BIT_FLIPS says how many bits of each kind of file are
// tried (by default few). Whole folders are opened in children, so that what ends a process is seen, and told by its bit.
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

constexpr size_t kTriesPerChild = 40;

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

struct Damage {
  fs::path file;  // within the folder
  uint64_t bit = 0;
  bool cut = false;  // it ends there; else that bit is another
};

void Apply(const Damage& damage, const std::string& folder) {
  fs::path path = fs::path(folder) / damage.file;
  if (damage.cut) return fs::resize_file(path, damage.bit / 8);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(damage.bit / 8));
  char byte = static_cast<char>(file.get() ^ 1 << damage.bit % 8);
  file.seekp(static_cast<std::streamoff>(damage.bit / 8));
  file.put(byte);
}

std::string KindOf(const fs::path& file) {
  std::string name = file.filename().string();
  for (const char* prefix : {"MANIFEST", "OPTIONS"}) {
    if (name.starts_with(prefix)) return prefix;
  }
  return file.extension().string();
}

class BitRotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(InChild([&] { return SmallWorld::Fill(data_).ok() ? 0 : 1; }), 0);
  }

  std::map<std::string, std::vector<fs::path>> FilesByKind(uintmax_t larger_than) const {
    std::map<std::string, std::vector<fs::path>> kinds;
    for (const auto& entry : fs::recursive_directory_iterator(data_)) {
      if (entry.is_regular_file() && entry.file_size() > larger_than) kinds[KindOf(entry.path())].push_back(fs::relative(entry.path(), data_));
    }
    return kinds;
  }

  // Writes one letter for each damage into `report`, from the `first` on.
  int Try(const std::vector<Damage>& all, size_t first, const fs::path& report) {
    Result<Answers> right = Internal("not asked");
    CopyFolder(data_, copy_);
    if (auto world = SmallWorld::Open(copy_); world.ok()) right = (*world)->Ask();
    if (!right.ok()) return 1;
    for (size_t i = first; i < std::min(all.size(), first + kTriesPerChild); ++i) {
      CopyFolder(data_, copy_);
      Apply(all[i], copy_);
      char outcome = Judge(copy_, *right);
      std::ofstream(report, std::ios::app) << outcome;
    }
    return 0;
  }

  void TryAll(const std::string& kind, size_t files, const std::vector<Damage>& all) {
    std::string outcomes;
    while (outcomes.size() < all.size()) {
      fs::path report = folder_ / "report";
      fs::remove(report);
      int status = InChild([&] { return Try(all, outcomes.size(), report); });
      std::ifstream read(report);
      outcomes.append(std::istreambuf_iterator<char>(read), {});
      ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
      if (WIFSIGNALED(status)) outcomes += 'A';  // it was ended
    }
    for (size_t i = 0; i < all.size(); ++i) {
      bool bad = outcomes[i] == 'W' || outcomes[i] == 'N' || outcomes[i] == 'A';
      EXPECT_FALSE(bad) << outcomes[i] << (all[i].cut ? ": cut at bit " : ": bit ") << all[i].bit << " of " << all[i].file << ", " << fs::file_size(data_ / all[i].file) << " bytes";
    }
    auto count = [&](char c) { return std::ranges::count(outcomes, c); };
    printf("%-11s %2zu files, %zu %s: refused %td, told %td, equal %td, wrong %td, not named %td, ended %td\n", kind.c_str(), files, all.size(),
           all[0].cut ? "cuts" : "bits", count('r'), count('t'), count('e'), count('W'), count('N'), count('A'));
    fflush(stdout);
  }

  testing::TempFolder folder_;
  const fs::path data_ = folder_ / "data";
  const std::string copy_ = folder_ / "copy";
};

TEST_F(BitRotTest, Attack124_NoBitOfALargeFileChangesAnAnswerInSilence) {
  const char* wanted = getenv("CODELORE_BIT_FLIPS");
  size_t per_kind = wanted != nullptr ? static_cast<size_t>(atol(wanted)) : 4;
  std::mt19937_64 random(11);
  for (auto& [kind, files] : FilesByKind(64)) {
    std::vector<Damage> flips;
    for (size_t i = 0; i < per_kind; ++i) {
      const fs::path& file = files[i % files.size()];
      flips.push_back({file, random() % (8 * fs::file_size(data_ / file))});
    }
    TryAll(kind, files.size(), flips);
  }
}

TEST_F(BitRotTest, Attack124_NoFileThatWasCutOffChangesAnAnswerInSilence) {
  const char* given = getenv("CODELORE_CUTS");
  size_t per_kind = given != nullptr ? static_cast<size_t>(atol(given)) : 3;
  for (auto& [kind, files] : FilesByKind(0)) {
    std::vector<Damage> cuts;
    size_t wanted = kind == "MANIFEST" ? 8 * per_kind : per_kind;  // which RocksDB opens where it is cut off
    for (size_t i = 0; i < wanted; ++i) {
      const fs::path& file = files[i % files.size()];
      cuts.push_back({file, 8 * (fs::file_size(data_ / file) * i / wanted), true});
    }
    TryAll(kind.empty() ? "small files" : kind, files.size(), cuts);
  }
}

// Of two folders with other sources, as two tenants' are: what lies where another file should is not read as if it were that one.
TEST_F(BitRotTest, Attack124_FilesOfAnotherTenantAreRefused) {
  const fs::path other = folder_ / "other";
  ASSERT_EQ(InChild([&] { return SmallWorld::Fill(other, /*version=*/7).ok() ? 0 : 1; }), 0);
  int tried = 0;
  for (const auto& [kind, files] : FilesByKind(0)) {
    for (const fs::path& file : files) {
      if (!fs::exists(other / file) || fs::file_size(data_ / file) == 0 || kind == "OPTIONS" || file.filename() == "IDENTITY" || file.filename() == "CURRENT" ||
          file.extension() == ".generation") {
        continue;  // alike in both, or names nothing that is answered
      }
      int status = InChild([&] {
        CopyFolder(data_, copy_);
        Result<Answers> right = Internal("not asked");
        if (auto world = SmallWorld::Open(copy_); world.ok()) right = (*world)->Ask();
        if (!right.ok()) return 1;
        CopyFolder(data_, copy_);
        fs::copy_file(other / file, fs::path(copy_) / file, fs::copy_options::overwrite_existing);
        return static_cast<int>(Judge(copy_, *right));
      });
      ASSERT_TRUE(WIFEXITED(status)) << file << ": ended by signal " << WTERMSIG(status);
      char outcome = static_cast<char>(WEXITSTATUS(status));
      EXPECT_TRUE(outcome == 'r' || outcome == 't') << outcome << ": " << file;
      ++tried;
    }
  }
  EXPECT_GE(tried, 6);
}

TEST_F(BitRotTest, Attack124_PartsOfAnOlderStateAreRefused) {
  const std::string older = folder_ / "older";
  ASSERT_EQ(InChild([&] {
              CopyFolder(data_, older);
              auto world = SmallWorld::Open(data_);
              return world.ok() && (*world)->Commit("c3", 5, 25, 1).ok() && (*world)->Embed().ok() ? 0 : 1;
            }),
            0);
  // The store of before with the note of now; its parts of before with the rest of now.
  std::vector<std::vector<std::string>> mixtures = {{"store/"}, {"store/MANIFEST", "store/CURRENT"}, {"store/CURRENT"}, {"segments/"}};
  for (const auto& mixture : mixtures) {
    int status = InChild([&] {
      CopyFolder(data_, copy_);
      Result<Answers> right = Internal("not asked");
      if (auto world = SmallWorld::Open(copy_); world.ok()) right = (*world)->Ask();
      if (!right.ok()) return 1;
      CopyFolder(data_, copy_);
      for (const std::string& part : mixture) {
        if (part.ends_with('/')) {
          CopyFolder(older + "/" + part, copy_ + "/" + part);
          continue;
        }
        std::string name = part.substr(6);
        for (const auto& entry : fs::directory_iterator(older + "/store")) {
          std::string found = entry.path().filename().string();
          if (found.starts_with(name)) fs::copy_file(entry.path(), fs::path(copy_) / "store" / found, fs::copy_options::overwrite_existing);
        }
      }
      return static_cast<int>(Judge(copy_, *right));
    });
    ASSERT_TRUE(WIFEXITED(status)) << mixture[0] << ": ended by signal " << WTERMSIG(status);
    char outcome = static_cast<char>(WEXITSTATUS(status));
    EXPECT_TRUE(outcome == 'r' || outcome == 't' || (outcome == 'e' && mixture[0] == "store/CURRENT")) << outcome << ": " << mixture[0];
  }
}

}  // namespace
}  // namespace codelore::index
