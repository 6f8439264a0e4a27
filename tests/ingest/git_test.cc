#include "ingest/git.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "ingest/git_command.h"
#include "ingest/git_refs.h"
#include "ingest/scratch_repository.h"

namespace codelore::ingest {
namespace {

using testing::TempFolder;
using testing::ScratchRepository;

std::string Url(const TempFolder& repository) { return "file://" + repository.path(); }

TEST(GitTest, FindsWorkTreesBareRepositoriesAndGitFolders) {
  ScratchRepository tree;
  tree.Write("docs/a.md", "# A\n");
  std::string commit = tree.Commit();
  ScratchRepository bare({"--bare"});
  tree.Git({"push", "--quiet", bare.path(), "main"});
  tree.Git({"worktree", "add", "--quiet", "-b", "side", tree / "linked"});
  for (const std::string& path : {tree.path(), tree / ".git", bare.path(), tree / "linked"}) {
    auto repository = GitRepository::Open(path);
    ASSERT_TRUE(repository.ok()) << path;
    auto head = repository->Head();
    ASSERT_TRUE(head.ok()) << head.status().ToString();
    EXPECT_EQ(head->commit, commit);
    EXPECT_EQ(head->branch, path.ends_with("linked") ? "side" : "main");
  }
  EXPECT_FALSE(GitRepository::IsRepository(tree / "docs"));
  EXPECT_FALSE(GitRepository::IsRepository(tree / "docs/a.md"));
  EXPECT_EQ(GitRepository::Open("/no/such/path").status().code(), StatusCode::kNotFound);
}

TEST(GitTest, HeadMayBeDetachedButMustExist) {
  ScratchRepository scratch;
  auto repository = GitRepository::Open(scratch.path()).value();
  Status unborn = repository.Head().status();
  EXPECT_EQ(unborn.code(), StatusCode::kNotFound);
  EXPECT_NE(unborn.message().find("no commit yet"), std::string::npos) << unborn.message();
  std::string first = scratch.Commit();
  scratch.Write("a", "1");
  scratch.Commit();
  scratch.Git({"checkout", "--quiet", "--detach", first});
  GitHead head = repository.Head().value();
  EXPECT_EQ(head.commit, first);
  EXPECT_EQ(head.branch, "HEAD");
}

TEST(GitTest, BranchesByNameAlsoThoseOfTheOrigin) {
  ScratchRepository scratch;
  std::string first = scratch.Commit();
  scratch.Git({"branch", "old"});
  scratch.Git({"update-ref", "refs/remotes/origin/theirs", first});
  scratch.Write("a", "1");
  scratch.Commit();
  auto repository = GitRepository::Open(scratch.path()).value();
  EXPECT_EQ(repository.Head("old")->commit, first);
  EXPECT_EQ(repository.Head("theirs")->commit, first);
  EXPECT_EQ(repository.Head("none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(repository.Head("--output=x").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(repository.Head("old@{0}").status().code(), StatusCode::kInvalidArgument);
}

TEST(GitTest, TipsAreTheSameInLooseAndInPackedRefs) {
  ScratchRepository scratch;
  scratch.Commit();
  scratch.Git({"branch", "topic/a.b"});
  auto repository = GitRepository::Open(scratch.path()).value();
  for (bool packed : {false, true}) {
    if (packed) scratch.Git({"pack-refs", "--all"});
    std::string loose = ReadLooseTip(repository.git_folder(), "").has_value() ? "loose" : "packed";
    EXPECT_EQ(loose, packed ? "packed" : "loose");
    EXPECT_EQ(repository.Head()->commit, scratch.Git({"rev-parse", "HEAD"}));
    EXPECT_EQ(repository.Head()->branch, "main");
    EXPECT_EQ(repository.Head("topic/a.b")->commit, scratch.Git({"rev-parse", "topic/a.b"}));
  }
}

TEST(GitTest, LooseTipsAreReadFromPlainFilesOnly) {
  ScratchRepository scratch;
  std::string commit = scratch.Commit();
  std::string git = scratch / ".git", main = git + "/refs/heads/main";
  EXPECT_EQ(ReadLooseTip(git, "")->commit, commit);
  EXPECT_FALSE(ReadLooseTip(git, "../../HEAD").has_value());
  std::filesystem::rename(main, main + "2");
  std::filesystem::create_symlink(main + "2", main);
  EXPECT_FALSE(ReadLooseTip(git, "").has_value());
  std::filesystem::remove(main);
  ASSERT_EQ(mkfifo(main.c_str(), 0600), 0);
  EXPECT_FALSE(ReadLooseTip(git, "").has_value());  // and it does not wait for a writer
  std::filesystem::remove(main);
  std::ofstream(main) << "ref: refs/heads/main2\n";
  EXPECT_FALSE(ReadLooseTip(git, "").has_value());
}

TEST(GitTest, MirrorsTheTipAndFollowsIt) {
  ScratchRepository origin;
  origin.Write("a.txt", "one");
  origin.Commit();
  origin.Write("a.txt", "two");
  std::string second = origin.Commit();
  TempFolder data;
  MirrorOptions options{.folder = data / "mirrors/1"};
  auto mirror = GitRepository::Mirror(Url(origin), options);
  ASSERT_TRUE(mirror.ok()) << mirror.status().ToString();
  EXPECT_EQ(mirror->Head()->commit, second);
  EXPECT_EQ(mirror->Head()->branch, "main");

  origin.Git({"checkout", "--quiet", "-b", "next"});
  origin.Git({"commit", "--quiet", "--amend", "--allow-empty", "--message=rewritten"});
  std::string rewritten = origin.Commit();
  mirror = GitRepository::Mirror(Url(origin), options);
  ASSERT_TRUE(mirror.ok()) << mirror.status().ToString();
  EXPECT_EQ(mirror->Head()->commit, rewritten);
  EXPECT_EQ(mirror->Head()->branch, "next");

  origin.Git({"checkout", "--quiet", "--detach", second});
  EXPECT_EQ(GitRepository::Mirror(Url(origin), options)->Head()->branch, "HEAD");
  EXPECT_EQ(GitRepository::Open(options.folder)->Head()->commit, second);
  options.branch = "next";
  EXPECT_EQ(GitRepository::Mirror(Url(origin), options)->Head()->commit, rewritten);
}

TEST(GitTest, MirrorHasNoHistoryAndNoTags) {
  ScratchRepository origin;
  std::string first = origin.Commit();
  origin.Git({"tag", "v1"});
  origin.Write("a", "1");
  origin.Commit();
  TempFolder data;
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
  EXPECT_FALSE(std::filesystem::exists(data / "m/refs/tags/v1"));
  EXPECT_FALSE(std::filesystem::exists(data / ("m/objects/" + first.substr(0, 2) + "/" + first.substr(2))));
}

TEST(GitTest, MirrorFollowsBranchesAndTagsByPattern) {
  ScratchRepository origin;
  std::string first = origin.Commit();
  origin.Git({"tag", "-a", "-m", "one", "v1"});
  origin.Git({"branch", "release/1"});
  origin.Git({"branch", "topic"});
  origin.Write("a", "1");
  origin.Commit();
  TempFolder data;
  MirrorOptions options{.folder = data / "m", .also = {.branches = {"release/*"}, .tags = {"v*"}}};
  auto names = [](const std::vector<GitRef>& refs) {
    std::string text;
    for (const GitRef& ref : refs) text += ref.name + " ";
    return text;
  };
  auto mirror = GitRepository::Mirror(Url(origin), options);
  ASSERT_TRUE(mirror.ok()) << mirror.status().ToString();
  auto refs = mirror->Refs(options.also).value();
  EXPECT_EQ(names(refs), "release/1 tags/v1 ");
  for (const GitRef& ref : refs) EXPECT_EQ(ref.commit, first) << "a tag's commit, not the tag";
  auto remote = GitRepository::RemoteRefs(Url(origin), options).value();
  EXPECT_EQ(names(remote), names(refs));
  for (const GitRef& ref : remote) EXPECT_EQ(ref.commit, first);
  EXPECT_EQ(names(GitRepository::Open(origin.path())->Refs({.branches = {"*"}}).value()), "main release/1 topic ");
  origin.Git({"branch", "-m", "release/1", "release/2"});
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), options).ok());
  EXPECT_EQ(names(mirror->Refs(options.also).value()), "release/2 tags/v1 ");
}

TEST(GitTest, MirrorThatGrowsTooLargeIsNamed) {
  ScratchRepository origin;
  origin.Commit();
  TempFolder data;
  auto mirror = GitRepository::Mirror(Url(origin), {.folder = data / "m", .max_mirror_bytes = 100});
  EXPECT_EQ(mirror.status().code(), StatusCode::kResourceExhausted);
  EXPECT_NE(mirror.status().message().find("fewer branches"), std::string::npos);
}

TEST(GitTest, FailedFetchKeepsTheMirrorAndSaysWhy) {
  ScratchRepository origin;
  std::string first = origin.Commit();
  TempFolder data;
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
  std::filesystem::rename(origin / ".git", origin / "gone");
  auto failed = GitRepository::Mirror(Url(origin), {.folder = data / "m"});
  EXPECT_EQ(failed.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(failed.status().message().find("git: fatal: "), std::string::npos) << failed.status().message();
  EXPECT_EQ(GitRepository::Open(data / "m")->Head()->commit, first);
}

TEST(GitTest, EmptyRemoteIsSaidToBeEmpty) {
  ScratchRepository origin;
  TempFolder data;
  auto mirror = GitRepository::Mirror(Url(origin), {.folder = data / "m"});
  EXPECT_EQ(mirror.status().code(), StatusCode::kNotFound) << mirror.status().ToString();
}

// git lets everyone read what it writes, and whoever has an account on the machine is none of those who may read.
TEST(GitTest, MirrorsAreClosedToOtherAccounts) {
  ScratchRepository origin;
  origin.Commit();
  TempFolder data;
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
  EXPECT_EQ(std::filesystem::status(data / "m").permissions(), std::filesystem::perms::owner_all);
  std::filesystem::permissions(data / "m", std::filesystem::perms(0755));  // one of before
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
  EXPECT_EQ(std::filesystem::status(data / "m").permissions(), std::filesystem::perms::owner_all);
}

TEST(GitTest, LeftoversOfAKilledFetchAreNoObstacle) {
  ScratchRepository origin;
  origin.Commit();
  TempFolder data;
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
  for (const char* left : {"m/shallow.lock", "m/HEAD.lock", "m/config.lock", "m/refs/heads/main.lock",
                           "m/packed-refs.lock", "m/objects/pack/tmp_pack_abc"}) {
    data.Write(left, "");
  }
  origin.Write("a", "1");
  std::string second = origin.Commit();
  auto mirror = GitRepository::Mirror(Url(origin), {.folder = data / "m"});
  ASSERT_TRUE(mirror.ok()) << mirror.status().ToString();
  EXPECT_EQ(mirror->Head()->commit, second);
  EXPECT_FALSE(std::filesystem::exists(data / "m/objects/pack/tmp_pack_abc"));
}

TEST(GitTest, Attack098_NothingOptionLikeReachesGit) {
  TempFolder data;
  for (std::string url : {"--upload-pack=touch " + (data / "ran"), std::string("ext::sh -c 'touch ran'"),
                          "file:///x\n--upload-pack=touch " + (data / "ran")}) {
    EXPECT_EQ(GitRepository::Mirror(url, {.folder = data / "m"}).status().code(), StatusCode::kInvalidArgument) << url;
  }
  EXPECT_TRUE(std::filesystem::is_empty(data.path()));
}

// A repository's own configuration, hooks and partial-clone settings run nothing.
TEST(GitTest, RepositoryConfigurationRunsNothing) {
  ScratchRepository scratch;
  scratch.Write("a", "1");
  scratch.Commit();
  std::string run = "touch " + (scratch / "ran") + " #";
  for (const char* name : {"core.fsmonitor", "core.sshCommand", "core.pager", "core.editor",
                           "core.alternateRefsCommand", "credential.helper", "uploadpack.packObjectsHook", "diff.external",
                           "filter.x.smudge"}) {
    scratch.Git({"config", name, run});
  }
  scratch.Git({"config", "remote.origin.promisor", "true"});
  scratch.Git({"config", "remote.origin.url", scratch.path()});
  scratch.Git({"config", "remote.origin.uploadpack", run});
  scratch.Git({"config", "extensions.partialClone", "origin"});
  auto repository = GitRepository::Open(scratch.path()).value();
  EXPECT_TRUE(repository.Head().ok());
  EXPECT_FALSE(std::filesystem::exists(scratch / "ran"));
}

// The limit on time holds for a remote that never answers.
TEST(GitTest, Attack110_SilentRemoteIsGivenUp) {
  TempFolder data;
  std::string fifo = data / "repo/HEAD";  // reading it waits for ever
  std::filesystem::create_directories(data / "repo/objects");
  std::filesystem::create_directories(data / "repo/refs");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  MirrorOptions options{.folder = data / "m", .timeout = std::chrono::milliseconds(300)};
  EXPECT_EQ(GitRepository::Mirror("file://" + (data / "repo"), options).status().code(),
            StatusCode::kResourceExhausted);
}

TEST(GitTest, Attack110_TooLargeAPackIsCutOff) {
  ScratchRepository origin;
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 400'000; ++i) noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  origin.Write("noise", noise);
  origin.Commit();
  TempFolder data;
  auto mirror = GitRepository::Mirror(Url(origin), {.folder = data / "m", .max_pack_bytes = 100'000});
  EXPECT_EQ(mirror.status().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(GitRepository::Mirror(Url(origin), {.folder = data / "m"}).ok());
}

// A mirror does not grow with the number of fetches.
TEST(GitTest, PacksOfManyFetchesAreMadeOneAndTheTipBeforeStays) {
  ScratchRepository origin;
  TempFolder data;
  std::string before;
  size_t most = 0;
  for (int i = 0; i < 60; ++i) {
    origin.Write("a", std::to_string(i));
    std::string commit = origin.Commit();
    auto mirror = GitRepository::Mirror(Url(origin), {.folder = data / "m"});
    ASSERT_TRUE(mirror.ok()) << mirror.status().ToString();
    EXPECT_EQ(mirror->Head()->commit, commit);
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "m/objects")) files += entry.is_regular_file();
    most = std::max(most, files);
    if (!before.empty()) {
      EXPECT_TRUE(RunGit(LocalGit(data / "m", {"cat-file", "-e", before + "^{tree}"}), StatusCode::kNotFound).ok()) << i;
    }
    before = commit;
  }
  EXPECT_LT(most, 260u);  // four files a pack at most
}

}  // namespace
}  // namespace codelore::ingest
