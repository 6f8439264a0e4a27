#include "acl/codeowners.h"

#include <gtest/gtest.h>

#include "acl/path_rules.h"

namespace codelore::acl {
namespace {

std::vector<OwnedPath> Parse(const std::string& text) {
  auto paths = ParseCodeowners(text);
  EXPECT_TRUE(paths.ok()) << paths.status().ToString();
  return paths.ok() ? *paths : std::vector<OwnedPath>();
}

// The line whose owners a path has; 0: none.
size_t LineOf(const std::vector<OwnedPath>& paths, std::string_view path) {
  std::vector<PathRule> rules;
  for (const OwnedPath& each : paths) {
    rules.push_back({each.pattern, {static_cast<uint32_t>(each.line)}, static_cast<uint32_t>(rules.size() + 1), each.exact});
  }
  return PathRules(rules).LabelOf(path).value_or(LabelId{0}).value;
}

TEST(Codeowners, ReadsWhatGithubDocuments) {
  auto paths = Parse(
      "# a comment\n"
      "*       @global-owner1 @global-owner2\n"
      "*.js    @js-owner #inline\r\n"
      "*.go docs@example.com\n"
      "/build/logs/ @doctocat\n"
      "docs/*  docs@example.com\n"
      "apps/ @octocat\n"
      "/docs/ @doctocat\n"
      "\n"
      "/scripts/ @doctocat @octocat\n"
      "**/logs @octocat\n"
      "/apps/ @octocat\n"
      "/apps/github\n"
      "with\\ space.md @me\n");
  EXPECT_EQ(LineOf(paths, "a/b.c"), 2u);
  EXPECT_EQ(LineOf(paths, "a/b.js"), 3u);
  EXPECT_EQ(LineOf(paths, "build/logs/x/y.c"), 11u);
  EXPECT_EQ(LineOf(paths, "docs/a.md"), 8u);
  EXPECT_EQ(LineOf(paths, "x/docs/a.c"), 2u);
  EXPECT_EQ(LineOf(paths, "x/apps/a.c"), 7u);
  EXPECT_EQ(LineOf(paths, "apps/a.c"), 12u);
  EXPECT_EQ(LineOf(paths, "apps/github/x"), 13u);
  EXPECT_EQ(LineOf(paths, "deeply/nested/logs/x"), 11u);
  EXPECT_EQ(LineOf(paths, "with space.md"), 14u);
  EXPECT_TRUE(paths[paths.size() - 2].owners.empty());
  EXPECT_EQ(paths[0].owners, (std::vector<std::string>{"@global-owner1", "@global-owner2"}));
  EXPECT_EQ(paths[1].owners, std::vector<std::string>{"@js-owner"});
}

TEST(Codeowners, AFolderOfFilesIsNotWhatLiesDeeper) {
  auto paths = Parse("* @all\ndocs/* @writers\n");
  EXPECT_EQ(LineOf(paths, "docs/getting-started.md"), 2u);
  EXPECT_EQ(LineOf(paths, "docs/build-app/troubleshooting.md"), 1u);
}

TEST(Codeowners, OfOnePatternTheLastLineCounts) {
  auto paths = Parse("a @x\nb @y\na @z\n");
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(LineOf(paths, "a"), 3u);
}

// A line that is left out would let more people read.
TEST(Codeowners, WhatIsNotUnderstoodIsAnError) {
  for (const char* line : {"[Docs]", "^[Docs] @x", "!a @x", "a[bc] @x", "a owner", "a @", "a @bad\x01name", "../x @x", "a\xff @x"}) {
    Status refused = ParseCodeowners(std::string("ok @x\n") + line + "\nb @y\n").status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << line;
    EXPECT_TRUE(refused.message().starts_with("line 2: ")) << refused.message();
  }
  EXPECT_FALSE(ParseCodeowners(std::string(4 << 20, 'a')).ok());
  EXPECT_TRUE(Parse("").empty());
}

TEST(Codeowners, OwnersArePrincipals) {
  EXPECT_EQ(PrincipalOfOwner("@ann"), "user:ann");
  EXPECT_EQ(PrincipalOfOwner("@org/core"), "team:core");
  EXPECT_EQ(PrincipalOfOwner("@org/sub/core"), "team:core");
  EXPECT_EQ(PrincipalOfOwner("ann@example.com"), "user:ann@example.com");
  for (const char* none : {"ann", "@", "@org/", "", "everyone", "@a\xE2\x80\x8B"}) EXPECT_EQ(PrincipalOfOwner(none), "") << none;
}

}  // namespace
}  // namespace codelore::acl
