#include "index/query/file_name.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::index {
namespace {

NameFit Fit(std::string_view path, std::string_view word, bool typos = false) {
  FileName name;
  name.Read(path);
  return name.Fit(NameLetters(word), typos);
}

TEST(FileNameTest, SplitsAtCaseDigitsAndPunctuation) {
  FileName name;
  name.Read("src/my-app/HTTPServer2_test.spec.ts");
  EXPECT_EQ(name.parts(), (std::vector<std::string_view>{"http", "server", "2", "test", "spec", "ts"}));
  EXPECT_EQ(name.stem_parts(), 5u);
  name.Read(".gitignore");
  EXPECT_EQ(name.parts(), (std::vector<std::string_view>{"gitignore"}));
  name.Read("docs/사용자_안내.md");
  EXPECT_EQ(name.parts(), (std::vector<std::string_view>{"사용자", "안내", "md"}));
  for (const char* odd : {"", "/", "a/", "...", "_", "a/.", "-.-"}) name.Read(odd);
}

TEST(FileNameTest, FitsFromBestToWorst) {
  constexpr const char* kPath = "src/web/UserServiceController.java";
  EXPECT_EQ(Fit(kPath, "service"), NameFit::kParts);
  EXPECT_EQ(Fit(kPath, "userService"), NameFit::kParts);
  EXPECT_EQ(Fit(kPath, "java"), NameFit::kParts);
  EXPECT_EQ(Fit(kPath, "usc"), NameFit::kInitials);
  EXPECT_EQ(Fit(kPath, "userv"), NameFit::kPrefixes);
  EXPECT_EQ(Fit(kPath, "troll"), NameFit::kPiece);
  EXPECT_EQ(Fit(kPath, "we"), NameFit::kFolder);
  EXPECT_EQ(Fit(kPath, "usrvcntr"), NameFit::kSubsequence);
  EXPECT_EQ(Fit(kPath, "srcusr"), NameFit::kPath);
  EXPECT_EQ(Fit(kPath, "sevrice"), NameFit::kNone);
  EXPECT_EQ(Fit(kPath, "sevrice", true), NameFit::kTypo);
  EXPECT_EQ(Fit(kPath, "serbice", true), NameFit::kTypo);
  EXPECT_EQ(Fit(kPath, "servicez", true), NameFit::kTypo);
  EXPECT_EQ(Fit(kPath, "xylophone", true), NameFit::kNone);
  EXPECT_EQ(Fit("docs/사용자_안내.md", "사용자"), NameFit::kParts);
  EXPECT_EQ(Fit("docs/사용자_안내.md", "용자"), NameFit::kPiece);
  EXPECT_EQ(Fit("docs/사용자_안내.md", "사안"), NameFit::kPrefixes);
}

TEST(FileNameTest, AnythingMayBeAskedOfAnything) {
  std::mt19937 random(5);
  FileName name;
  for (int i = 0; i < 20000; ++i) {
    std::string path, word;
    for (size_t n = random() % 30; n > 0; --n) path += static_cast<char>(random() % 3 == 0 ? "/._-"[random() % 4] : random());
    for (size_t n = 1 + random() % FileName::kMaxWordBytes; n > 0; --n) word += static_cast<char>(random() % 2 == 0 ? 'a' : random());
    word = NameLetters(word);
    if (word.empty()) continue;
    name.Read(path);
    (void)name.Fit(word, i % 2 == 0);
  }
}

}  // namespace
}  // namespace codelore::index
