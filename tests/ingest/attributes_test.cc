#include "ingest/attributes.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "ingest/folder.h"
#include "ingest/git_tree.h"
#include "ingest/scratch_repository.h"

namespace codelore::ingest {
namespace {

using testing::TempFolder;
using testing::ScratchRepository;

Attributes Parse(std::string_view content) {
  Attributes attributes;
  attributes.Add("", content);
  return attributes;
}

TEST(AttributesTest, ReadsEveryForm) {
  Attributes a = Parse(
      "# comment\n"
      "*.gen.ts linguist-generated\r\n"
      "*.off.gen.ts -linguist-generated\n"
      "lib/** linguist-vendored=true\n"
      "lib/ours/** linguist-vendored=false\n"
      "lib/undecided/** !linguist-vendored\n"
      "doc/* linguist-documentation\n"
      "\t*.inc   linguist-language=PHP  text eol=lf\n"
      "\"with blank/\\303\\251 *.x\" linguist-generated\n");
  EXPECT_EQ(a.Of("x/a.gen.ts").generated, true);
  EXPECT_EQ(a.Of("a.off.gen.ts").generated, false);
  EXPECT_EQ(a.Of("a.ts").generated, std::nullopt);
  EXPECT_EQ(a.Of("lib/x/y.c").vendored, true);
  EXPECT_EQ(a.Of("lib/ours/y.c").vendored, false);
  EXPECT_EQ(a.Of("lib/undecided/y.c").vendored, std::nullopt);
  EXPECT_EQ(a.Of("doc/a").documentation, true);
  EXPECT_EQ(a.Of("src/a.inc").language, "PHP");
  EXPECT_EQ(a.Of("with blank/\u00E9 1.x").generated, true);
}

TEST(AttributesTest, OnlyTheMacroMeansBinary) {
  Attributes a = Parse("* -text\n*.bin binary\n*.dat -diff -text\n*.txt.bin text\n*.bin.x -binary\n");
  EXPECT_FALSE(a.Of("a.c").binary);  // -text keeps line ends as they are, no more
  EXPECT_TRUE(a.Of("a.bin").binary);
  EXPECT_TRUE(a.Of("a.dat").binary);
  EXPECT_FALSE(a.Of("a.txt.bin").binary);
}

TEST(AttributesTest, DeeperFilesWin) {
  Attributes a;
  a.Add("x/y", "*.c -linguist-vendored\n/top.h linguist-generated\n");
  a.Add("", "*.c linguist-vendored\n");
  a.Add("x", "*.c linguist-vendored=1\n");
  EXPECT_EQ(a.Of("a.c").vendored, true);
  EXPECT_EQ(a.Of("x/a.c").vendored, true);
  EXPECT_EQ(a.Of("x/y/z/a.c").vendored, false);
  EXPECT_EQ(a.Of("x/yy/a.c").vendored, true);
  EXPECT_EQ(a.Of("x/y/top.h").generated, true);
  EXPECT_EQ(a.Of("x/y/z/top.h").generated, std::nullopt);
}

TEST(AttributesTest, ReadsThemFromATree) {
  ScratchRepository scratch;
  scratch.Write(".gitattributes", "*.a linguist-generated\n");
  scratch.Write("deep/er/.gitattributes", "*.a -linguist-generated\n");
  scratch.Write("not.gitattributes", "*.a linguist-vendored\n");
  scratch.Write("big/.gitattributes", "*.a linguist-vendored\n" + std::string(1 << 20, '#'));
  scratch.Commit();
  scratch.Write(".gitattributes", "changed, not committed");
  GitRepository repository = GitRepository::Open(scratch.path()).value();
  GitTree tree(repository, repository.Head().value(), {});
  Attributes a = Attributes::Read(tree).value();
  EXPECT_EQ(a.Of("x.a").generated, true);
  EXPECT_EQ(a.Of("deep/er/x.a").generated, false);
  EXPECT_EQ(a.Of("big/x.a").vendored, std::nullopt);
  auto folder = FolderTree::Open(scratch.path()).value();
  EXPECT_EQ(Attributes::Read(*folder)->Of("x.a").generated, std::nullopt);
}

TEST(AttributesTest, HostileFilesStayCheap) {
  std::string content;
  for (int i = 0; i < 200'000; ++i) content += "*a*a*a*a*a" + std::to_string(i) + "*a linguist-vendored\n";
  content += std::string(100'000, '*') + " linguist-vendored\n\"unclosed linguist-vendored\n\"\\q\" binary\n";
  Attributes a = Parse(content);
  EXPECT_TRUE(a.truncated());
  auto start = std::chrono::steady_clock::now();
  a.Of(std::string(200, 'a') + "/" + std::string(200, 'a'));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

// The oracle: git itself, on random patterns and paths over a small alphabet.
TEST(AttributesTest, AgreesWithGit) {
  std::mt19937 random(7);
  auto pick = [&](size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random); };
  auto text = [&](std::string_view alphabet, size_t max) {
    std::string s;
    for (size_t n = pick(max) + 1; s.size() < n;) s += alphabet[pick(alphabet.size())];
    return s;
  };
  const char* marks[] = {"linguist-generated", "-linguist-generated", "!linguist-generated", "linguist-generated=false",
                         "binary", "-text -diff", "text", "diff", "linguist-language=C", "-linguist-language"};
  for (int round = 0; round < 20; ++round) {
    ScratchRepository scratch;
    Attributes a;
    for (const char* folder : {"", "a", "a/b"}) {
      std::string content;
      for (int line = 0; line < 6; ++line) {
        static constexpr const char* kParts[] = {"a", "b", "*", "?", "**", "[ab]", "[!a]", "a*", "*b", ".a", "a?b"};
        std::string pattern = pick(3) == 0 ? "/" : "";
        for (size_t n = pick(4) + 1; n > 0; --n) {
          pattern += kParts[pick(std::size(kParts))];
          if (n > 1 || pick(8) == 0) pattern += "/";
        }
        content += pattern + " " + marks[pick(std::size(marks))] + "\n";
      }
      scratch.Write(std::string(folder) + (*folder ? "/" : "") + ".gitattributes", content);
      a.Add(folder, content);
    }
    std::string paths;
    std::vector<std::string> list;
    for (int i = 0; i < 60; ++i) {
      std::string path = text("ab.", 3);
      for (size_t n = pick(4); n > 0; --n) path += "/" + text("ab.", 2);
      if (path.find("..") != std::string::npos || path.find("/.") != std::string::npos || path[0] == '.') continue;
      if (path.find("./") != std::string::npos) continue;
      list.push_back(path);
      paths += path + std::string(1, '\0');
    }
    std::string answer = scratch.Git(
        {"check-attr", "-z", "--stdin", "linguist-generated", "text", "diff", "linguist-language"}, paths);
    std::vector<std::string> fields;
    for (size_t at = 0; at < answer.size(); at = answer.find('\0', at) + 1) {
      fields.push_back(answer.substr(at, answer.find('\0', at) - at));
    }
    ASSERT_EQ(fields.size(), list.size() * 12);
    for (size_t i = 0; i < list.size(); ++i) {
      auto value = [&](size_t attribute) { return fields[i * 12 + attribute * 3 + 2]; };
      FileAttributes ours = a.Of(list[i]);
      std::string rules;
      for (const char* file : {".gitattributes", "a/.gitattributes", "a/b/.gitattributes"}) {
        std::ifstream in(scratch / file);
        rules += std::string(file) + ":\n" + std::string(std::istreambuf_iterator<char>(in), {});
      }
      std::string generated = !ours.generated ? "unspecified" : *ours.generated ? "set" : "unset";
      std::string theirs = value(0) == "false" ? "unset" : value(0);
      EXPECT_EQ(generated, theirs) << list[i] << "\n" << rules;
      EXPECT_EQ(ours.binary, value(1) == "unset" && value(2) == "unset") << list[i] << "\n" << rules;
      EXPECT_EQ(ours.language, value(3) == "C" ? "C" : "") << list[i] << "\n" << rules;
    }
  }
}

}  // namespace
}  // namespace codelore::ingest
