#include "ingest/git_tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "ingest/scratch_repository.h"

namespace codelore::ingest {
namespace {

using testing::ScratchRepository;

GitTree TreeOf(const ScratchRepository& scratch, GitTree::Options options = {}) {
  GitRepository repository = GitRepository::Open(scratch.path()).value();
  return GitTree(repository, repository.Head().value(), std::move(options));
}

std::vector<TreeEntry> List(SourceTree& tree) {
  std::vector<TreeEntry> entries;
  Status status = tree.List([&](TreeEntry entry) {
    entries.push_back(std::move(entry));
    return OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  return entries;
}

Status ListAndDrop(SourceTree& tree) {
  return tree.List([](TreeEntry) { return OkStatus(); });
}

TEST(GitTreeTest, ListsAndReadsTheCommitNotTheWorkingFiles) {
  ScratchRepository scratch;
  scratch.Write("b/c.txt", "see\n");
  scratch.Write("a.txt", std::string("nul\0nul", 7));
  scratch.Write("empty", "");
  scratch.Write("b-c", "sorts before b/");
  scratch.Write("이슈/새 글.md", "# 글\n");
  std::string commit = scratch.Commit();
  scratch.Write("a.txt", "changed in the work tree only");
  scratch.Write("untracked", "x");
  GitTree tree = TreeOf(scratch);
  EXPECT_EQ(tree.revision(), commit);
  EXPECT_EQ(tree.branch(), "main");
  std::vector<TreeEntry> entries = List(tree);
  std::map<std::string, std::string> contents;
  std::vector<std::string> paths;
  for (const TreeEntry& entry : entries) {
    paths.push_back(entry.path);
    contents[entry.path] = tree.Read(entry, 1000).value();
    EXPECT_EQ(entry.size_bytes, contents[entry.path].size());
    EXPECT_EQ(entry.version, scratch.Git({"rev-parse", commit + ":" + entry.path}));
    EXPECT_EQ(entry.skip, "");
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"a.txt", "b-c", "b/c.txt", "empty", "이슈/새 글.md"}));
  EXPECT_EQ(contents["a.txt"], std::string("nul\0nul", 7));
  EXPECT_EQ(contents["b/c.txt"], "see\n");
  EXPECT_EQ(contents["empty"], "");
}

TEST(GitTreeTest, StopsWhenTheVisitorFails) {
  ScratchRepository scratch;
  for (int i = 0; i < 100; ++i) scratch.Write("f" + std::to_string(i), "x");
  scratch.Commit();
  int seen = 0;
  Status status = TreeOf(scratch).List([&](TreeEntry) { return ++seen < 10 ? OkStatus() : Unavailable("enough"); });
  EXPECT_EQ(status.message(), "enough");
  EXPECT_EQ(seen, 10);
  std::stop_source stop;
  stop.request_stop();
  GitTree stopped = TreeOf(scratch, {.limits = {}, .stop = stop.get_token()});
  EXPECT_EQ(ListAndDrop(stopped).code(), StatusCode::kUnavailable);
}

TEST(GitTreeTest, ListsWhatChanged) {
  ScratchRepository scratch;
  scratch.Write("keep", "same");
  scratch.Write("edit", "old");
  scratch.Write("gone", "x");
  scratch.Write("dir/moved", "moved bytes");
  std::string before = scratch.Commit();
  std::filesystem::remove(scratch / "gone");
  scratch.Write("edit", "newer");
  scratch.Write("new", "n");
  std::filesystem::rename(scratch / "dir/moved", scratch / "dir/here");
  std::filesystem::create_symlink("keep", scratch / "link");
  scratch.Commit();
  GitTree tree = TreeOf(scratch);
  std::map<std::string, std::string> changes;
  Status status = tree.ListChanges(before, [&](TreeChange change) {
    const TreeEntry& entry = change.entry;
    changes[entry.path] = change.removed ? "removed"
                          : !entry.skip.empty() ? std::string(entry.skip)
                                                : std::to_string(entry.size_bytes) + tree.Read(entry, 100).value();
    return OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(changes, (std::map<std::string, std::string>{{"dir/here", "11moved bytes"},
                                                         {"dir/moved", "removed"},
                                                         {"edit", "5newer"},
                                                         {"gone", "removed"},
                                                         {"link", "symlink"},
                                                         {"new", "1n"}}));
  EXPECT_FALSE(tree.ListChanges("--output=x", [](TreeChange) { return OkStatus(); }).ok());
}

TEST(GitTreeTest, MissingObjectsAreCorruptionAndAreNotFetched) {
  ScratchRepository scratch;
  scratch.Write("a", "some bytes");
  scratch.Write("b", "other");
  scratch.Commit();
  scratch.Git({"config", "remote.origin.promisor", "true"});
  scratch.Git({"config", "remote.origin.url", scratch.path()});
  scratch.Git({"config", "remote.origin.uploadpack", "touch " + (scratch / "ran") + " #"});
  scratch.Git({"config", "extensions.partialClone", "origin"});
  GitTree tree = TreeOf(scratch);
  std::vector<TreeEntry> entries = List(tree);
  std::string id = entries[0].version;
  std::filesystem::remove(scratch / (".git/objects/" + id.substr(0, 2) + "/" + id.substr(2)));
  EXPECT_EQ(tree.Read(entries[0], 100).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(tree.Read(entries[1], 100).value(), "other");
  EXPECT_EQ(ListAndDrop(tree).code(), StatusCode::kCorruption);
  EXPECT_FALSE(std::filesystem::exists(scratch / "ran"));
}

TEST(GitTreeTest, BytesThatAreNoCharactersAreSpelledOut) {
  ScratchRepository scratch;
  std::string blob = scratch.Blob("text");
  scratch.CommitTree(scratch.Tree("100644 blob " + blob + "\t\xBD\xC5\xFE.txt" + std::string(1, '\0')));
  GitTree tree = TreeOf(scratch);
  std::vector<TreeEntry> entries = List(tree);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].path, "\\xBD\\xC5\\xFE.txt");
  EXPECT_EQ(entries[0].raw_path, "\xBD\xC5\xFE.txt");
  EXPECT_EQ(tree.Read(entries[0], 100).value(), "text");
}

TEST(GitTreeTest, Attack041_NaughtyNamesStayAsTheyAre) {
  ScratchRepository scratch;
  std::string blob = scratch.Blob("x");
  std::vector<std::string> names = {"$(touch ran)", "%s%n", "';DROP TABLE", "-h", "--output=x", "a\nb", "a\tb", "a\"b",
                                    "\u202Egpj.exe", "${jndi:ldap:}"};
  std::sort(names.begin(), names.end());
  std::string listing;
  for (const std::string& name : names) listing += "100644 blob " + blob + "\t" + name + std::string(1, '\0');
  scratch.CommitTree(scratch.Tree(listing));
  GitTree tree = TreeOf(scratch);
  std::vector<std::string> listed;
  for (const TreeEntry& entry : List(tree)) {
    listed.push_back(entry.path);
    EXPECT_EQ(tree.Read(entry, 10).value(), "x");
  }
  EXPECT_EQ(listed, names);
}

TEST(GitTreeTest, Attack103_HostileRefsDoNotMatter) {
  ScratchRepository scratch;
  scratch.Write("a", "1");
  std::string commit = scratch.Commit();
  scratch.Write(".git/refs/heads/--output=x", commit + "\n");
  scratch.Write(".git/refs/heads/-h", commit + "\n");
  GitTree tree = TreeOf(scratch);
  EXPECT_EQ(List(tree).size(), 1u);
}

TEST(GitTreeTest, Attack104_SubmodulesAreNamedAndNotFollowed) {
  ScratchRepository scratch;
  std::string id(40, 'a');
  std::string modules = scratch.Blob(
      "[submodule \"../../x\"]\n\tpath = \"sub\r\"\n\turl = -u./payload\n\tupdate = !touch " + (scratch / "ran"));
  std::string listing = "100644 blob " + modules + "\t.gitmodules" + std::string(1, '\0') + "160000 commit " + id +
                        "\tsub\r" + std::string(1, '\0');
  scratch.CommitTree(scratch.Git({"mktree", "-z", "--missing"}, listing));
  GitTree tree = TreeOf(scratch);
  std::vector<TreeEntry> entries = List(tree);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].path, "sub\r");
  EXPECT_EQ(entries[1].skip, "submodule");
  EXPECT_FALSE(tree.Read(entries[1], 100).ok());
  EXPECT_FALSE(std::filesystem::exists(scratch / "ran"));
  testing::TempFolder data;  // received from a remote, such a tree is refused by git's own checks
  EXPECT_FALSE(GitRepository::Mirror("file://" + scratch.path(), {.folder = data / "m"}).ok());
}

TEST(GitTreeTest, Attack106_SymlinksAndGitLookalikesAreNotRead) {
  ScratchRepository scratch;
  std::string passwd = scratch.Blob("/etc/passwd"), plain = scratch.Blob("plain");
  std::string sub = scratch.Tree("100644 blob " + plain + "\tconfig\n");
  std::string tree_id = scratch.Tree("120000 blob " + passwd + "\tpasswd\n" + "120000 blob " + passwd + "\t.git\n" +
                                     "040000 tree " + sub + "\t.GIT\n" + "100644 blob " + plain + "\tReadme\n" +
                                     "100644 blob " + plain + "\tREADME\n" + "040000 tree " + sub + "\tgit~1\n" +
                                     "040000 tree " + sub + "\t..\n");
  scratch.CommitTree(tree_id);
  GitTree tree = TreeOf(scratch);
  std::map<std::string, std::string> skips;
  for (const TreeEntry& entry : List(tree)) skips[entry.path] = entry.skip;
  EXPECT_EQ(skips, (std::map<std::string, std::string>{{"passwd", "symlink"},
                                                       {".git", "symlink"},
                                                       {".GIT/config", "unsafe path"},
                                                       {"../config", "unsafe path"},
                                                       {"Readme", ""},
                                                       {"README", ""},
                                                       {"git~1/config", ""}}));
}

TEST(GitTreeTest, Attack107_TreeBombEndsAtTheLimit) {
  ScratchRepository scratch;
  std::string id = scratch.Blob("x"), kind = "100644 blob ";
  for (int level = 0; level < 10; ++level) {  // 10^10 paths
    std::string listing;
    for (char name = 'a'; name < 'k'; ++name) listing += kind + id + "\t" + name + "\n";
    id = scratch.Tree(listing);
    kind = "040000 tree ";
  }
  scratch.CommitTree(id);
  GitTree tree = TreeOf(scratch, {.limits = {.max_entries = 1000}, .stop = {}});
  Status status = ListAndDrop(tree);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("more than 1000 paths"), std::string::npos) << status.message();
}

TEST(GitTreeTest, Attack107_LargeBlobIsNotRead) {
  ScratchRepository scratch;
  scratch.Write("big", std::string(3'000'000, '\0'));
  scratch.Write("small", "s");
  scratch.Commit();
  GitTree tree = TreeOf(scratch);
  std::vector<TreeEntry> entries = List(tree);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].size_bytes, 3'000'000u);
  EXPECT_EQ(tree.Read(entries[0], 1'000'000).status().code(), StatusCode::kResourceExhausted);
  TreeEntry lying = entries[0];
  lying.size_bytes = 1;
  EXPECT_EQ(tree.Read(lying, 1'000'000).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(tree.Read(entries[1], 1).value(), "s");
}

TEST(GitTreeTest, Attack107_LongAndDeepPathsAreShortened) {
  ScratchRepository scratch;
  std::string deep;
  for (int i = 0; i < 1500; ++i) deep += "abc/";
  std::string stream = "commit refs/heads/main\ncommitter C <c@example.org> 1700000000 +0000\ndata 1\nm\n";
  for (const char* name : {"one", "two"}) stream += "M 100644 inline " + deep + name + "\ndata 1\nx\n";
  stream += "M 100644 inline ok\ndata 1\nx\n";
  scratch.Git({"fast-import", "--quiet"}, stream);
  GitTree tree = TreeOf(scratch);
  std::vector<TreeEntry> entries = List(tree);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].skip, "path too long");
  EXPECT_LT(entries[0].path.size(), 300u);
  EXPECT_NE(entries[0].path, entries[1].path);
  EXPECT_EQ(entries[2].path, "ok");
}

TEST(GitTreeTest, Attack109_OddCommitsAreReadLikeOthers) {
  ScratchRepository scratch;
  scratch.Write("a", "1");
  scratch.Commit();
  std::string tree_id = scratch.Git({"rev-parse", "HEAD^{tree}"});
  auto commit_of = [&](const std::string& author, const std::string& message) {
    return scratch.Git({"hash-object", "-t", "commit", "-w", "--stdin", "--literally"},
                       "tree " + tree_id + "\nauthor " + author + "\ncommitter " + author + "\n\n" + message);
  };
  for (const std::string& commit :
       {commit_of("A <a@example.org> 0 +0000", "m"), commit_of("A <a@example.org> 9223372036854775808 +0000", "m"),
        commit_of(std::string(1 << 20, 'A') + " <a@example.org> 1 +0000", "m"),
        commit_of("A <a@example.org> 1 +0000", std::string("m\0\xFF\xFE", 4)), commit_of("nobody", "")}) {
    scratch.Git({"update-ref", "refs/heads/main", commit});
    GitTree tree = TreeOf(scratch);
    EXPECT_EQ(tree.revision(), commit);
    std::vector<TreeEntry> entries = List(tree);
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(tree.Read(entries[0], 10).value(), "1");
  }
}

}  // namespace
}  // namespace codelore::ingest
