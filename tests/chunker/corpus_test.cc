#include "chunker/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "chunker/chunker.h"
#include "chunker/grammar.h"
#include "codelore/utf8.h"

// The scanner of the SQL grammar leaks the tags of dollar quotes; a parse that is broken off leaks
// its scanner (parser_memory.h).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:tree_sitter_\nleak:ts_parser_parse\nleak:ts_external_scanner_states\nleak:start_"
         "layout\n";
}

namespace codelore::chunker {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string JoinLines(const std::vector<std::string>& lines, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += lines[i] + "\n";
  return text;
}

uint32_t LineAt(std::string_view text, uint32_t offset) {
  return static_cast<uint32_t>(std::count(text.begin(), text.begin() + offset, '\n')) + 1;
}

ChunkOptions OptionsOf(const CorpusCase& c) {
  ChunkOptions options;
  for (const auto& [name, value] : c.options) {
    if (name == "max_lines")
      options.max_lines = options.max_document_lines = value;
    else if (name == "max_bytes")
      options.max_bytes = options.max_document_bytes = value;
    else if (name == "merge_bytes")
      options.merge_bytes = value;
    else
      ADD_FAILURE() << "unknown option " << name;
  }
  return options;
}

class CorpusTest : public testing::TestWithParam<std::string> {};

TEST_P(CorpusTest, GivesTheExpectedChunks) {
  const char* update = std::getenv("CODELORE_UPDATE_CORPUS");
  Corpus corpus = Corpus::Read(CorpusPath(GetParam()));
  ASSERT_FALSE(corpus.cases.empty());
  for (CorpusCase& c : corpus.cases) {
    SCOPED_TRACE(c.title);
    ChunkedFile file = ChunkText("file", GetParam(), c.source, OptionsOf(c));
    EXPECT_EQ(BrokenInvariant(c.source, file), "");
    std::string actual = Describe(c.source, file);
    if (update != nullptr && std::string_view(update) == "1") c.expected = actual;
    EXPECT_EQ(actual, c.expected);
  }
  if (update != nullptr && std::string_view(update) == "1") corpus.Write(CorpusPath(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(AllLanguages, CorpusTest, testing::ValuesIn(CorpusNames()),
                         [](const auto& test) { return test.param; });

TEST(Corpus, HasAFileForEveryGrammar) {
  std::vector<std::string> names = CorpusNames();
  for (const Grammar* grammar : AllGrammars()) {
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), grammar->language))
        << grammar->language;
  }
}

}  // namespace

Corpus Corpus::Read(const std::string& path) {
  Corpus corpus;
  std::vector<std::string> lines = SplitLines(ReadFile(path));
  if (lines.empty() || !lines[0].starts_with("===")) return corpus;
  const std::string header = lines[0];
  corpus.suffix = header.substr(3);
  const std::string divider = "---" + corpus.suffix;
  for (size_t at = 0; at < lines.size();) {
    CorpusCase c;
    size_t source = at + 1;
    for (; lines.at(source) != header; ++source) {
      std::stringstream words(lines[source]);
      std::string word;
      if (lines[source].starts_with(':') && words >> word)
        words >> c.options[word.substr(1)];
      else
        c.title = lines[source];
    }
    ++source;
    size_t end = source;
    while (end < lines.size() && lines[end] != header) ++end;
    size_t expected = end;
    while (expected > source && lines[expected - 1] != divider) --expected;
    c.source = JoinLines(lines, source, expected - 1);
    c.expected = JoinLines(lines, expected, end);
    corpus.cases.push_back(std::move(c));
    at = end;
  }
  return corpus;
}

void Corpus::Write(const std::string& path) const {
  std::ofstream out(path, std::ios::binary);
  for (const CorpusCase& c : cases) {
    out << "===" << suffix << "\n" << c.title << "\n";
    for (const auto& [name, value] : c.options) out << ":" << name << " " << value << "\n";
    out << "===" << suffix << "\n" << c.source << "---" << suffix << "\n" << c.expected;
  }
}

std::vector<std::string> CorpusNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TESTDATA "/chunker")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string CorpusPath(const std::string& name) { return TESTDATA "/chunker/" + name + ".txt"; }

std::string Describe(std::string_view text, const ChunkedFile& file) {
  std::stringstream out;
  if (!file.fallback_reason.empty()) out << "by lines: " << file.fallback_reason << "\n";
  for (const Chunk& chunk : file.chunks) {
    out << chunk.start_line << "-" << chunk.end_line << " " << ChunkKindName(chunk.kind);
    if (!chunk.symbol.empty()) out << " " << chunk.symbol;
    if (!chunk.scope.empty()) out << " | " << chunk.scope;
    out << "\n";
    if (!chunk.signature.empty()) out << "  sig: " << chunk.signature << "\n";
    for (uint32_t i : chunk.definitions) {
      const Definition& d = file.definitions[i];
      out << "  def: " << LineAt(text, d.name_begin) << " " << ChunkKindName(d.kind) << " "
          << d.qualified << " (" << LineAt(text, d.extent.begin) << "-"
          << LineAt(text, d.extent.end - 1) << ")\n";
    }
    if (!chunk.prose.empty()) {
      out << "  prose:";
      for (ByteSpan span : chunk.prose)
        out << " " << LineAt(text, span.begin) << "-" << LineAt(text, span.end - 1);
      out << "\n";
    }
    std::stringstream search_text(chunk.search_text);
    for (std::string line; std::getline(search_text, line);) out << "  text: " << line << "\n";
  }
  return out.str();
}

std::string BrokenInvariant(std::string_view text, const ChunkedFile& file) {
  uint32_t at = 0;
  uint32_t line = 1;
  bool valid = IsValidUtf8(text);
  for (const Chunk& chunk : file.chunks) {
    std::string where = "chunk at byte " + std::to_string(at) + ": ";
    if (chunk.bytes.begin != at) return where + "does not follow the one before";
    if (chunk.bytes.end <= chunk.bytes.begin) return where + "is empty";
    if (chunk.bytes.end > text.size()) return where + "reaches beyond the text";
    std::string_view bytes = text.substr(chunk.bytes.begin, chunk.bytes.size());
    if (valid && !IsValidUtf8(bytes)) return where + "splits a character";
    auto newlines = static_cast<uint32_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    if (chunk.start_line != line)
      return where + "start_line is " + std::to_string(chunk.start_line);
    if (chunk.end_line != line + newlines - (bytes.back() == '\n' ? 1 : 0))
      return where + "end_line is " + std::to_string(chunk.end_line);
    line += newlines;
    at = chunk.bytes.end;
    uint32_t prose_end = chunk.bytes.begin;
    for (ByteSpan span : chunk.prose) {
      if (span.begin < prose_end || span.end <= span.begin || span.end > chunk.bytes.end)
        return where + "prose lies wrong";
      prose_end = span.end;
    }
    for (uint32_t i : chunk.definitions) {
      if (i >= file.definitions.size()) return where + "unknown definition";
      uint32_t name = file.definitions[i].name_begin;
      if (name < chunk.bytes.begin || name >= chunk.bytes.end)
        return where + "definition elsewhere";
    }
    if (valid && !(IsValidUtf8(chunk.symbol) && IsValidUtf8(chunk.scope) &&
                   IsValidUtf8(chunk.signature) && IsValidUtf8(chunk.search_text))) {
      return where + "a text about it is not UTF-8";
    }
  }
  if (at != text.size())
    return "the chunks end at byte " + std::to_string(at) + " of " + std::to_string(text.size());
  for (const Definition& d : file.definitions) {
    if (d.extent.end > text.size() || d.name_begin < d.extent.begin || d.name_begin >= d.extent.end)
      return "extent of " + d.qualified;
  }
  return "";
}

}  // namespace codelore::chunker
