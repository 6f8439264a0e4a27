#include "ingest/git_location.h"

#include <gtest/gtest.h>

#include <string>

namespace codelore::ingest {
namespace {

TEST(GitLocationTest, AcceptsPathsAndUrls) {
  for (std::string_view path : {"/srv/repo", "repo", "./-odd", "../a b", "/srv/이슈", "./host:path", "/x/ext::y"}) {
    EXPECT_TRUE(ValidateLocation(path).ok()) << path;
    EXPECT_FALSE(IsRemote(path)) << path;
  }
  for (std::string_view url :
       {"https://example.org/a/b.git", "HTTP://example.org:8080/x", "ssh://git@example.org:22/a", "ssh://[::1]:22/a",
        "git://example.org/a", "file:///srv/a", "git@example.org:a/b.git", "host:a", "me@[::1]:a"}) {
    EXPECT_TRUE(ValidateLocation(url).ok()) << url << ": " << ValidateLocation(url).message();
    EXPECT_TRUE(IsRemote(url)) << url;
  }
}

TEST(GitLocationTest, Attack098_OptionsCommandsAndBlanksAreRefused) {
  for (std::string_view location :
       {"", "--upload-pack=touch x", "-u", "-oProxyCommand=id", " /srv/repo", "/srv/repo ", "/srv/re\npo",
        "/srv/re\tpo", "/srv/re\rpo", "https://example.org/a b", "https://example.org/a\n", "host:a b",
        "ext::sh -c id", "ext::id", "fd::17/foo", "EXT::id/x", "ftp://example.org/a", "ext://x/y", "gopher://x/y",
        "javascript://x/y", "ssh://-oProxyCommand=id/x", "ssh://git@-oProxyCommand=id/x", "-oProxyCommand=id:x",
        "git@-oProxyCommand=id:x", "ssh://-u@host/x", "host:-x", "host:", "https://", "https:///x",
        "https://example.org", "file://host/x", "https://user:secret@example.org/x", "https://token@example.org/x",
        "ssh://u:p@example.org/x", "ssh://$(id)/x", "ssh://a`id`@h/x", "ho;st:x", "/srv/\xFF"}) {
    EXPECT_EQ(ValidateLocation(location).code(), StatusCode::kInvalidArgument) << location;
  }
  EXPECT_FALSE(ValidateLocation(std::string_view("/srv\0/x", 7)).ok());
  EXPECT_FALSE(ValidateLocation(std::string(5000, 'a')).ok());
}

TEST(GitLocationTest, ASecretInAUrlIsNotRepeated) {
  EXPECT_EQ(ValidateLocation("https://user:s3cret@example.org/x").message().find("s3cret"), std::string::npos);
}

TEST(GitLocationTest, Attack103_BranchNamesGitWouldNotAllow) {
  for (std::string_view good : {"main", "feature/x", "release-1.0", "김/철수", "a@b", "v1"}) {
    EXPECT_TRUE(ValidateBranch(good).ok()) << good;
  }
  for (std::string_view bad :
       {"", "--output=x", "-h", "refs/heads/../../x", "a..b", "@{", "a@{1}", "@", "HEAD", "a b", "a\nb", "a\x7F", "a~1",
        "a^", "a:b", "a?", "a*", "a[b", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "\xFF"}) {
    EXPECT_EQ(ValidateBranch(bad).code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(ValidateBranch(std::string(4096, 'a')).ok());
}

}  // namespace
}  // namespace codelore::ingest
