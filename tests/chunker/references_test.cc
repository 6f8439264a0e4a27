#include "chunker/references.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>

#include "chunker/chunker.h"
#include "chunker/corpus.h"

namespace codelore::chunker {
namespace {

std::string ReferencesPath(const std::string& name) {
  return TESTDATA "/references/" + name + ".txt";
}

std::vector<std::string> ReferenceNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TESTDATA "/references"))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// One line each: its line, kind, name, and (qualifier).
std::string DescribeReferences(std::string_view text, const ChunkedFile& file) {
  std::stringstream out;
  for (const Reference& r : file.references) {
    out << std::count(text.begin(), text.begin() + r.begin, '\n') + 1 << " "
        << ReferenceKindName(r.kind) << " " << r.name;
    if (!r.qualifier.empty()) out << " (" << r.qualifier << ")";
    out << "\n";
  }
  return out.str();
}

// "" or what is wrong.
std::string BrokenReference(std::string_view text, const ChunkedFile& file) {
  uint32_t last = 0;
  std::set<uint32_t> defined;
  for (const Definition& d : file.definitions) {
    if (d.kind != ChunkKind::kReexport) defined.insert(d.name_begin);  // which is an import too
  }
  for (size_t i = 0; i < file.references.size(); ++i) {
    const Reference& r = file.references[i];
    if (i > 0 && r.begin <= last) return r.name + " is out of order";
    if (text.substr(r.begin, r.name.size()) != r.name || r.name.empty())
      return r.name + " does not stand there";
    if (defined.contains(r.begin)) return r.name + " is a definition";
    last = r.begin;
  }
  return file.references.size() <= kMaxReferencesPerFile ? "" : "too many";
}

class ReferencesTest : public testing::TestWithParam<std::string> {};

TEST_P(ReferencesTest, AreTheExpectedOnes) {
  const char* update = std::getenv("CODELORE_UPDATE_CORPUS");
  Corpus corpus = Corpus::Read(ReferencesPath(GetParam()));
  ASSERT_FALSE(corpus.cases.empty());
  for (CorpusCase& c : corpus.cases) {
    SCOPED_TRACE(c.title);
    ChunkedFile file = ChunkText("file", GetParam(), c.source);
    EXPECT_EQ(file.fallback_reason, "");
    EXPECT_EQ(BrokenReference(c.source, file), "");
    std::string actual = DescribeReferences(c.source, file);
    if (update != nullptr && std::string_view(update) == "1") c.expected = actual;
    EXPECT_EQ(actual, c.expected);
  }
  if (update != nullptr && std::string_view(update) == "1")
    corpus.Write(ReferencesPath(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(AllLanguages, ReferencesTest, testing::ValuesIn(ReferenceNames()),
                         [](const auto& test) { return test.param; });

TEST(References, HaveACorpusForEveryLanguageThatHasThem) {
  std::vector<std::string> names = ReferenceNames();
  for (const Grammar* grammar : AllGrammars()) {
    if (grammar->references == nullptr) continue;
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), grammar->language))
        << grammar->language;
  }
}

// The grammars that share a table share its rows: each must mean something in at least one of them.
TEST(References, TablesNameOnlyNodeTypesAndFieldsThatExist) {
  for (const Grammar* grammar : AllGrammars()) {
    if (grammar->references == nullptr) continue;
    std::set<std::string_view> seen;
    std::string_view last;
    for (const ReferenceRule& rule : grammar->references->rules) {
      bool together = rule.type == last || seen.insert(rule.type).second;
      EXPECT_TRUE(together) << grammar->language << ": " << rule.type << " stands apart";
      last = rule.type;
      bool type = false, field = rule.field.empty();
      for (const Grammar* other : AllGrammars()) {
        if (other->references != grammar->references) continue;
        type = type || TypeNumber(other->parser(), rule.type) != 0;
        field = field || FieldNumber(other->parser(), rule.field) != 0;
      }
      EXPECT_TRUE(type) << grammar->language << ": " << rule.type;
      EXPECT_TRUE(field) << grammar->language << ": " << rule.type << "." << rule.field;
    }
  }
}

TEST(References, StopAtTheirLimit) {
  std::string text;
  for (size_t i = 0; i < kMaxReferencesPerFile + 100; ++i) text += "f(x)\n";
  ChunkedFile file = ChunkText("file", "python", text);
  EXPECT_EQ(file.references.size(), kMaxReferencesPerFile);
  EXPECT_EQ(BrokenReference(text, file), "");
}

TEST(References, OfLongChainsTakeNoLongTime) {
  std::string text = "x = a";
  for (int i = 0; i < 700; ++i) text += ".f(b<" + std::string(300, '<') + ")";
  for (const char* language : {"python", "javascript", "cpp", "rust", "kotlin"}) {
    ChunkedFile file = ChunkText("file", language, text);
    EXPECT_EQ(BrokenReference(text, file), "") << language;
  }
}

// Whatever the bytes are, a reference is a word of the text.
TEST(References, OfDamagedSourcesStayInside) {
  std::mt19937 random(7);
  for (const std::string& name : ReferenceNames()) {
    Corpus corpus = Corpus::Read(ReferencesPath(name));
    for (const CorpusCase& c : corpus.cases) {
      for (int round = 0; round < 30; ++round) {
        std::string text = c.source;
        for (int i = 0; i < 8; ++i)
          text[random() % text.size()] = static_cast<char>(random() % 128);
        EXPECT_EQ(BrokenReference(text, ChunkText("file", name, text)), "") << name;
      }
    }
  }
}

}  // namespace
}  // namespace codelore::chunker
