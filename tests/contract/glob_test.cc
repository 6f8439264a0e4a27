#include "codelore/glob.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace codelore {
namespace {

bool Matches(std::string_view pattern, std::string_view path) { return PathPattern(pattern).Matches(path); }

TEST(GlobTest, NamesMatchInAnyFolder) {
  EXPECT_TRUE(Matches("*.py", "a.py"));
  EXPECT_TRUE(Matches("*.py", "src/deep/a.py"));
  EXPECT_FALSE(Matches("*.py", "a.pyc"));
  EXPECT_FALSE(Matches("*.py", "a.py/b"));
  EXPECT_TRUE(Matches("README", "docs/README"));
  EXPECT_FALSE(Matches("README", "docs/xREADME"));
}

TEST(GlobTest, PathsMatchFromTheRoot) {
  EXPECT_TRUE(Matches("/README", "README"));
  EXPECT_FALSE(Matches("/README", "docs/README"));
  EXPECT_TRUE(Matches("src/*.c", "src/a.c"));
  EXPECT_FALSE(Matches("src/*.c", "src/x/a.c"));
  EXPECT_FALSE(Matches("src/*.c", "lib/src/a.c"));
}

TEST(GlobTest, TwoStarsCrossFolders) {
  EXPECT_TRUE(Matches("src/**/*.py", "src/a.py"));
  EXPECT_TRUE(Matches("src/**/*.py", "src/x/y/a.py"));
  EXPECT_TRUE(Matches("**/test", "test"));
  EXPECT_TRUE(Matches("**/test", "a/b/test"));
  EXPECT_FALSE(Matches("**/test", "a/contest"));
  EXPECT_TRUE(Matches("infra/secrets/**", "infra/secrets/a/b"));
  EXPECT_FALSE(Matches("infra/secrets/**", "infra/secrets"));
  EXPECT_FALSE(Matches("infra/secrets/**", "infra/secretsx/a"));
}

TEST(GlobTest, ATrailingSlashMeansEverythingBelow) {
  EXPECT_TRUE(Matches("build/", "build/a"));
  EXPECT_TRUE(Matches("build/", "x/build/a/b"));
  EXPECT_FALSE(Matches("build/", "build"));
  EXPECT_FALSE(Matches("build/", "rebuild/a"));
  EXPECT_TRUE(Matches("/build/", "build/a"));
  EXPECT_FALSE(Matches("/build/", "x/build/a"));
}

TEST(GlobTest, ClassesAndEscapes) {
  EXPECT_TRUE(Matches("[a-c]x", "bx"));
  EXPECT_FALSE(Matches("[!a-c]x", "bx"));
  EXPECT_TRUE(Matches("[!a-c]x", "dx"));
  EXPECT_FALSE(Matches("a[!b]c", "a/c"));
  EXPECT_TRUE(Matches("[]]", "]"));
  EXPECT_TRUE(Matches("[a-]", "-"));
  EXPECT_TRUE(Matches("\\*", "*"));
  EXPECT_FALSE(Matches("\\*", "a"));
  EXPECT_TRUE(Matches("[", "["));
  EXPECT_TRUE(Matches("a\\", "a\\"));
  EXPECT_TRUE(Matches("?", "x"));
  EXPECT_FALSE(Matches("?", "xy"));
}

TEST(GlobTest, MatchesBytesExactly) {
  EXPECT_FALSE(Matches("README", "readme"));
  EXPECT_TRUE(Matches("\uC774*.md", "\uC774\uC288.md"));
  EXPECT_FALSE(Matches("e\u0301", "\u00E9"));
}

// A backtracking matcher that reads like the definition; patterns without classes and escapes.
bool Naive(std::string_view pattern, std::string_view path, bool component_start = true) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**/")) {
    if (Naive(pattern.substr(3), path, component_start)) return true;
    size_t slash = path.find('/');
    return slash != std::string_view::npos && Naive(pattern, path.substr(slash + 1), true);
  }
  if (pattern.starts_with("**")) {
    for (size_t i = 0; i <= path.size(); ++i) {
      if (Naive(pattern.substr(2), path.substr(i), false)) return true;
    }
    return false;
  }
  if (pattern[0] == '*') {
    for (size_t i = 0;; ++i) {
      if (Naive(pattern.substr(1), path.substr(i), false)) return true;
      if (i == path.size() || path[i] == '/') return false;
    }
  }
  if (path.empty() || (pattern[0] == '?' ? path[0] == '/' : path[0] != pattern[0])) return false;
  return Naive(pattern.substr(1), path.substr(1), path[0] == '/');
}

TEST(GlobTest, AgreesWithANaiveMatcher) {
  std::mt19937 random(11);
  auto text = [&](std::string_view alphabet, size_t max) {
    std::string s;
    for (size_t n = random() % max + 1; s.size() < n;) s += alphabet[random() % alphabet.size()];
    return s;
  };
  size_t matched = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string pattern = "/" + text("ab/*?", 7), path = text("ab/", 8);
    if (pattern.ends_with('/') || pattern.starts_with("//")) continue;
    bool expected = Naive(std::string_view(pattern).substr(1), path);
    ASSERT_EQ(Matches(pattern, path), expected) << pattern << " " << path;
    matched += expected;
  }
  EXPECT_GT(matched, 1000u);
}

TEST(GlobTest, AgreesWithTheSystemWithoutTwoStars) {
  std::mt19937 random(12);
  auto text = [&](std::string_view alphabet, size_t max) {
    std::string s;
    for (size_t n = random() % max + 1; s.size() < n;) s += alphabet[random() % alphabet.size()];
    return s;
  };
  for (int round = 0; round < 200'000; ++round) {
    static constexpr const char* kParts[] = {"a", "b", "c", "*", "?", "/", "[ab]", "[!b]", "[a-b]", "\\*", "\\a"};
    std::string pattern, path = text("abc/*", 6);
    for (size_t n = random() % 5 + 1; n > 0; --n) pattern += kParts[random() % std::size(kParts)];
    if (pattern.find("**") != std::string::npos || pattern.ends_with('/') || pattern.starts_with('/')) continue;
    bool expected = fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
    ASSERT_EQ(Matches("/" + pattern, path), expected) << pattern << " " << path;
  }
}

TEST(GlobTest, HostilePatternsStayQuick) {
  std::string pattern, path(4000, 'a');
  for (int i = 0; i < 200; ++i) pattern += "**/*a";
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(Matches(pattern + "b", path));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace codelore
