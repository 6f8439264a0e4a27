#include "index/rank/signals.h"

#include <algorithm>
#include <array>

namespace codelore::index {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

bool IsSecondaryWord(std::string_view word) {
  static constexpr std::array<std::string_view, 24> kWords = {
      "test",    "tests",      "testing", "spec",    "specs",    "__tests__", "testdata", "fixtures",
      "fixture", "mock",       "mocks",   "example", "examples", "sample",    "samples",  "demo",
      "demos",   "bench",      "benches", "benchmark", "benchmarks", "vendor", "third_party", "node_modules"};
  return std::ranges::find(kWords, word) != kWords.end();
}

// "FooTests.java", "test_foo.py", "foo.spec.ts", "foo-bench.c".
bool IsSecondaryName(std::string_view name) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = std::min(name.find_first_of(".-", begin), name.size());
    SplitIdentifier(name.substr(begin, end - begin), parts);
    begin = end + 1;
  }
  if (parts.size() < 2) return false;
  parts.pop_back();  // the extension
  return IsSecondaryWord(Lower(parts.front())) || IsSecondaryWord(Lower(parts.back()));
}

bool IsType(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum ||
         kind == ChunkKind::kType || kind == ChunkKind::kModule;
}

}  // namespace

bool IsSecondaryPath(std::string_view path) {
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', begin)) {
    if (IsSecondaryWord(Lower(path.substr(begin, slash - begin)))) return true;
    begin = slash + 1;
  }
  return IsSecondaryName(path.substr(begin));
}

SignalReader::SignalReader(const QueryTerms& query, Idf idf) : query_(query), idf_(std::move(idf)) {
  for (const QueryWord& word : query.words) {
    parts_.insert(parts_.end(), word.parts.begin(), word.parts.end());
    asks_for_secondary_ = asks_for_secondary_ || IsSecondaryWord(word.lower);
  }
  std::ranges::sort(parts_);
}

bool SignalReader::InQuestion(const std::string& part) const { return std::ranges::binary_search(parts_, part); }

FileSignals SignalReader::Read(std::string_view path, const std::vector<DefinedName>& definitions) {
  FileSignals signals;
  signals.secondary = !asks_for_secondary_ && IsSecondaryPath(path);
  ReadStem(path, signals);
  ReadDefinitions(definitions, signals);
  return signals;
}

void SignalReader::ReadStem(std::string_view path, FileSignals& signals) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  std::string_view stem = name.substr(0, name.find('.', 1));
  double parts = 0, found = 0, weight = 0, found_weight = 0;
  analyzer_.Analyze(stem, [&](const Token& token) {
    if (token.form == TokenForm::kCompound) return;
    std::string part(token.term);
    double idf = idf_(part);
    ++parts;
    weight += idf;
    if (InQuestion(part)) {
      ++found;
      found_weight += idf;
    }
  });
  if (parts > 0) signals.stem_share = found / parts;
  if (weight > 0) signals.stem_rarity = found_weight / weight;
  std::string lower = Lower(stem);
  signals.stem_exact = std::ranges::any_of(query_.words, [&](const QueryWord& word) { return word.lower == lower; });
}

void SignalReader::ReadDefinitions(const std::vector<DefinedName>& definitions, FileSignals& signals) {
  for (const DefinedName& definition : definitions) {
    for (const QueryWord& word : query_.words) {
      if (definition.name != word.raw) continue;
      if (word.identifier || query_.symbol_like) signals.defines_exact = 1;
      if (word.capitalised && IsType(definition.kind)) signals.defines_type = 1;
    }
    double parts = 0, found = 0;
    analyzer_.Analyze(definition.name, [&](const Token& token) {
      if (token.form == TokenForm::kCompound) return;
      ++parts;
      found += InQuestion(std::string(token.term));
    });
    if (parts >= 2) signals.definition_cover = std::max(signals.definition_cover, found / parts);
  }
}

}  // namespace codelore::index
