#include "index/segment/symbol_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

struct MadeFile {
  std::string text;
  ChunkedFile chunked;
};

// A file of `lines` lines that defines and uses names of a small vocabulary, in any case.
MadeFile MakeFile(std::mt19937& random, int lines) {
  const std::vector<std::string> words = {"route", "Route", "ROUTE", "app",    "Flask", "청구서", "load", "Loader",
                                          "x",     "_y",    "세금",  "parse2", "a.b",   "operator->", "zz"};
  auto word = [&] { return words[random() % words.size()]; };
  MadeFile file;
  for (int i = 0; i < lines; ++i) {
    auto begin = static_cast<uint32_t>(file.text.size());
    std::string name = word();
    file.text += name + " ";
    if (random() % 3 == 0) {
      std::string scope = random() % 2 == 0 ? "" : word() + "." + word();
      file.chunked.definitions.push_back({.name = name,
                                          .qualified = scope.empty() ? name : scope + "." + name,
                                          .kind = static_cast<ChunkKind>(2 + random() % 9),
                                          .extent = {begin - std::min(begin, static_cast<uint32_t>(random() % 9)), begin + 1 + static_cast<uint32_t>(name.size())},
                                          .name_begin = begin});
    } else {
      file.chunked.references.push_back({.name = name,
                                         .qualifier = random() % 2 == 0 ? "" : word(),
                                         .kind = static_cast<ReferenceKind>(random() % 6),
                                         .begin = begin});
    }
    if (random() % 2 == 0) file.text += "\n";
  }
  return file;
}

uint32_t LineAt(std::string_view text, uint32_t byte) {
  return static_cast<uint32_t>(std::count(text.begin(), text.begin() + byte, '\n')) + 1;
}

std::vector<MadeFile> MakeFiles() {
  std::mt19937 random(11);
  std::vector<MadeFile> files;
  for (int i = 0; i < 40; ++i) files.push_back(MakeFile(random, i % 7 == 0 ? 0 : static_cast<int>(random() % 30)));
  return files;
}

std::string Build(const std::vector<MadeFile>& files) {
  SymbolTableBuilder builder;
  for (const MadeFile& file : files) builder.AddFile(file.chunked, file.text);
  return builder.Finish();
}

uint32_t CountOf(const std::vector<MadeFile>& files) { return static_cast<uint32_t>(files.size()); }

// Every look-up gives what a plain walk over the files gives.
TEST(SymbolTable, AgreesWithAPlainScan) {
  std::vector<MadeFile> files = MakeFiles();
  std::string bytes = Build(files);
  auto table = SymbolTable::Open(bytes, CountOf(files));
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  std::map<std::string, std::vector<std::string>> wanted, found;
  for (uint32_t f = 0; f < files.size(); ++f) {
    const auto& [text, chunked] = files[f];
    for (const Definition& d : chunked.definitions) {
      wanted[d.name].push_back("def " + std::to_string(f) + ":" + std::to_string(LineAt(text, d.name_begin)) + "-" +
                               std::to_string(LineAt(text, d.extent.end - 1)) + " " + d.qualified + " " + std::string(ChunkKindName(d.kind)));
    }
    for (const Reference& r : chunked.references) {
      wanted[r.name].push_back("use " + std::to_string(f) + ":" + std::to_string(LineAt(text, r.begin)) + " " + r.qualifier + " " +
                               std::string(ReferenceKindName(r.kind)));
    }
  }
  for (uint32_t name = 0; name < table->name_count(); ++name) {
    std::vector<std::string>& list = found[std::string(table->Name(name))];
    for (auto [file, ordinal] : table->DefinitionsOf(name)) {
      std::vector<DefinedSymbol> symbols = table->DefinitionsIn(file);
      ASSERT_LT(ordinal, symbols.size());
      EXPECT_EQ(symbols[ordinal].name, table->Name(name));
      list.push_back("def " + std::to_string(file) + ":" + std::to_string(symbols[ordinal].line) + "-" +
                     std::to_string(symbols[ordinal].end_line) + " " + symbols[ordinal].Qualified() + " " +
                     std::string(ChunkKindName(symbols[ordinal].kind)));
    }
    table->VisitReferences(name, [&](const UsedSymbol& used) {
      list.push_back("use " + std::to_string(used.file) + ":" + std::to_string(used.line) + " " + std::string(used.qualifier) + " " +
                     std::string(ReferenceKindName(used.kind)));
      return true;
    });
  }
  for (auto* lists : {&wanted, &found}) {
    for (auto& [name, list] : *lists) std::ranges::sort(list);
  }
  EXPECT_EQ(found, wanted);
}

TEST(SymbolTable, FindsNamesByBeginningWithoutCase) {
  std::vector<MadeFile> files = MakeFiles();
  std::string bytes = Build(files);
  SymbolTable table = SymbolTable::Open(bytes, CountOf(files)).value();
  for (const char* text : {"route", "ROUT", "", "청", "load", "nothing", "a.", "OPERATOR"}) {
    std::set<std::string> wanted_equal, wanted_prefix, equal, prefix;
    for (uint32_t i = 0; i < table.name_count(); ++i) {
      std::string name(table.Name(i));
      if (CompareFolded(name, text) == 0) wanted_equal.insert(name);
      if (CompareFolded(std::string_view(name).substr(0, std::string(text).size()), text) == 0) wanted_prefix.insert(name);
    }
    auto range = table.NamesEqualTo(text);
    for (uint32_t i = range.begin; i < range.end; ++i) equal.emplace(table.Name(i));
    range = table.NamesWithPrefix(text);
    for (uint32_t i = range.begin; i < range.end; ++i) prefix.emplace(table.Name(i));
    EXPECT_EQ(equal, wanted_equal) << text;
    EXPECT_EQ(prefix, wanted_prefix) << text;
  }
}

TEST(SymbolTable, KnowsTheBasesOfAClass) {
  MadeFile file;
  file.text = "class A(B, C):\n  class D(E): pass\n";
  file.chunked.definitions = {{.name = "A", .qualified = "A", .kind = ChunkKind::kClass, .extent = {0, 34}, .name_begin = 6},
                              {.name = "D", .qualified = "A.D", .kind = ChunkKind::kClass, .extent = {17, 34}, .name_begin = 23}};
  file.chunked.references = {{.name = "B", .kind = ReferenceKind::kInherit, .begin = 8},
                             {.name = "C", .kind = ReferenceKind::kInherit, .begin = 11},
                             {.name = "E", .kind = ReferenceKind::kInherit, .begin = 25}};
  std::string bytes = Build({file});
  SymbolTable table = SymbolTable::Open(bytes, 1).value();
  std::vector<DefinedSymbol> symbols = table.DefinitionsIn(0);
  ASSERT_EQ(symbols.size(), 2u);
  auto bases = [&](const DefinedSymbol& symbol) {
    std::string text;
    for (uint32_t base : symbol.bases) text += std::string(table.Name(base));
    return text;
  };
  EXPECT_EQ(bases(symbols[0]), "BC");
  EXPECT_EQ(bases(symbols[1]), "E");
}

TEST(SymbolTable, OfNothingIsValid) {
  std::string bytes = Build({});
  auto table = SymbolTable::Open(bytes, 0);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  EXPECT_EQ(table->name_count(), 0u);
  EXPECT_FALSE(SymbolTable::Open(bytes, 1).ok());
}

TEST(SymbolTable, RefusesEveryTruncation) {
  std::vector<MadeFile> files = MakeFiles();
  std::string bytes = Build(files);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(SymbolTable::Open(std::string_view(bytes).substr(0, size), CountOf(files)).ok()) << size;
  }
}

void ReadEverything(const SymbolTable& table, uint32_t files) {
  for (uint32_t name = 0; name < table.name_count(); ++name) {
    (void)table.Name(name);
    for (auto [file, ordinal] : table.DefinitionsOf(name)) EXPECT_LT(file, files);
    table.VisitReferences(name, [&](const UsedSymbol& used) {
      EXPECT_LT(used.file, files);
      return true;
    });
  }
  for (uint32_t file = 0; file < files; ++file) {
    for (const DefinedSymbol& symbol : table.DefinitionsIn(file)) {
      EXPECT_LE(symbol.start_line, symbol.line);
      EXPECT_LE(symbol.line, symbol.end_line);
      for (uint32_t base : symbol.bases) EXPECT_LT(base, table.name_count());
    }
  }
  (void)table.NamesWithPrefix("r");
}

TEST(SymbolTable, FollowsNoOffsetOutsideItselfWhenBitsFlip) {
  std::vector<MadeFile> files = MakeFiles();
  files.resize(12);
  std::string bytes = Build(files);
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string altered = bytes;
    altered[random() % altered.size()] ^= static_cast<char>(1 << random() % 8);
    auto table = SymbolTable::Open(altered, CountOf(files));
    if (table.ok()) ReadEverything(*table, CountOf(files));
  }
}

}  // namespace
}  // namespace codelore::index
