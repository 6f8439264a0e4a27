#include "ingest/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "codelore/glob.h"
#include "support/temp_folder.h"

namespace codelore::ingest {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

std::vector<TreeEntry> List(SourceTree& tree) {
  std::vector<TreeEntry> entries;
  Status status = tree.List([&](TreeEntry entry) {
    entries.push_back(std::move(entry));
    return OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  return entries;
}

std::map<std::string, std::string> Skips(SourceTree& tree) {
  std::map<std::string, std::string> skips;
  for (const TreeEntry& entry : List(tree)) skips[entry.path] = entry.skip;
  return skips;
}

TEST(FolderTest, ListsInTheOrderOfGitAndReads) {
  TempFolder scratch;
  for (const char* name : {"b/c.md", "b-c", "b.md", "a/x/deep.txt", "a.txt", ".hidden-file"}) scratch.Write(name, name);
  auto tree = FolderTree::Open(scratch.path()).value();
  std::vector<std::string> paths;
  std::vector<TreeEntry> entries = List(*tree);
  for (const TreeEntry& entry : entries) {
    paths.push_back(entry.path);
    EXPECT_EQ(tree->Read(entry, 100).value(), entry.path);
    EXPECT_EQ(entry.size_bytes, entry.path.size());
  }
  EXPECT_EQ(paths, (std::vector<std::string>{".hidden-file", "a.txt", "a/x/deep.txt", "b-c", "b.md", "b/c.md"}));
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  EXPECT_TRUE(PathPattern("2[0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T??:??:??Z").Matches(tree->revision()));
  EXPECT_EQ(tree->branch(), "");
}

TEST(FolderTest, VersionTellsEveryChange) {
  TempFolder scratch;
  scratch.Write("a", "one");
  auto version = [&] { return List(*FolderTree::Open(scratch.path()).value())[0].version; };
  std::string before = version();
  EXPECT_EQ(version(), before);
  struct stat status {};
  ASSERT_EQ(stat((scratch / "a").c_str(), &status), 0);
  timespec times[2] = {status.st_atim, status.st_mtim};
  timespec changed = status.st_ctim;
  while (changed.tv_sec == status.st_ctim.tv_sec && changed.tv_nsec == status.st_ctim.tv_nsec) {  // one clock tick
    scratch.Write("a", "two");  // as long, and its time of modification put back
    ASSERT_EQ(utimensat(AT_FDCWD, (scratch / "a").c_str(), times, 0), 0);
    struct stat now {};
    ASSERT_EQ(stat((scratch / "a").c_str(), &now), 0);
    changed = now.st_ctim;
  }
  EXPECT_NE(version(), before);
}

TEST(FolderTest, HiddenFoldersAreNamedAndNotEntered) {
  TempFolder scratch;
  for (const char* name : {".git/config", ".ssh/id_rsa", "docs/.cache/x", ".github/workflows/ci.yml", "docs/a.md"}) {
    scratch.Write(name, "x");
  }
  auto tree = FolderTree::Open(scratch.path()).value();
  EXPECT_EQ(Skips(*tree), (std::map<std::string, std::string>{{".git", "hidden folder"},
                                                              {".ssh", "hidden folder"},
                                                              {"docs/.cache", "hidden folder"},
                                                              {".github/workflows/ci.yml", ""},
                                                              {"docs/a.md", ""}}));
}

TEST(FolderTest, RefusesWhatIsNoFolder) {
  TempFolder scratch;
  scratch.Write("file", "x");
  EXPECT_EQ(FolderTree::Open(scratch / "file").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(FolderTree::Open(scratch / "none").status().code(), StatusCode::kNotFound);
}

TEST(FolderTest, UnreadableFoldersAndFilesDoNotStopTheRest) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  TempFolder scratch;
  scratch.Write("a/secret", "x");
  scratch.Write("b", "x");
  chmod((scratch / "a").c_str(), 0);
  auto tree = FolderTree::Open(scratch.path()).value();
  EXPECT_EQ(Skips(*tree), (std::map<std::string, std::string>{{"a", "unreadable folder"}, {"b", ""}}));
  chmod((scratch / "a").c_str(), 0700);
}

TEST(FolderTest, Attack106_NoLinkIsFollowedNotEvenOnePutInLater) {
  TempFolder scratch, other;
  other.Write("tenant/secret", "secret");
  scratch.Write("dir/file", "mine");
  scratch.Write("plain", "mine");
  fs::create_symlink("/etc/passwd", scratch / "passwd");
  fs::create_symlink(other.path(), scratch / "out");
  fs::create_symlink(".", scratch / "loop");
  fs::create_symlink(other.path(), scratch / ".git");
  ASSERT_EQ(mkfifo((scratch / "pipe").c_str(), 0600), 0);
  auto tree = FolderTree::Open(scratch.path()).value();
  EXPECT_EQ(Skips(*tree), (std::map<std::string, std::string>{{"passwd", "symlink"},
                                                              {"out", "symlink"},
                                                              {"loop", "symlink"},
                                                              {".git", "symlink"},
                                                              {"pipe", "not a regular file"},
                                                              {"dir/file", ""},
                                                              {"plain", ""}}));
  std::vector<TreeEntry> entries = List(*tree);
  fs::rename(scratch / "dir", scratch / "old");
  fs::create_symlink(other / "tenant", scratch / "dir");
  other.Write("tenant/file", "secret");
  fs::remove(scratch / "plain");
  fs::create_symlink(other / "tenant/secret", scratch / "plain");
  for (const TreeEntry& entry : entries) {
    if (entry.path == "dir/file" || entry.path == "plain") {
      EXPECT_EQ(tree->Read(entry, 100).status().code(), StatusCode::kNotFound) << entry.path;
    }
  }
  for (std::string raw : {"../x", "out/tenant/secret", "passwd", "", "/etc/passwd", "dir/../../x", "pipe", "old"}) {
    TreeEntry entry;
    entry.raw_path = raw;
    EXPECT_FALSE(tree->Read(entry, 100).ok()) << raw;
  }
}

TEST(FolderTest, Attack107_LimitsOnCountPathAndSize) {
  TempFolder scratch;
  for (int i = 0; i < 20; ++i) scratch.Write("d" + std::to_string(i) + "/file", "x");
  auto few = FolderTree::Open(scratch.path(), {.limits = {.max_entries = 30}, .stop = {}}).value();
  EXPECT_EQ(few->List([](TreeEntry) { return OkStatus(); }).code(), StatusCode::kResourceExhausted);

  TempFolder deep;
  std::string path = "a";
  for (int i = 0; i < 30; ++i) path += "/bbbbbbbbb";
  deep.Write(path + "/file", "x");
  deep.Write("big", std::string(5000, 'x'));
  auto shallow = FolderTree::Open(deep.path(), {.limits = {.max_path_bytes = 100}, .stop = {}}).value();
  std::vector<TreeEntry> entries = List(*shallow);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].skip, "path too long");
  EXPECT_EQ(shallow->Read(entries[1], 4999).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(shallow->Read(entries[1], 5000)->size(), 5000u);
}

TEST(FolderTest, StopsWhenAsked) {
  TempFolder scratch;
  scratch.Write("a", "x");
  std::stop_source stop;
  stop.request_stop();
  auto tree = FolderTree::Open(scratch.path(), {.limits = {}, .stop = stop.get_token()}).value();
  EXPECT_EQ(tree->List([](TreeEntry) { return OkStatus(); }).code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace codelore::ingest
