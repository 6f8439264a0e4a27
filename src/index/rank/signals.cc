#include "index/rank/signals.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "index/rank/path_kind.h"

namespace codelore::index {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

bool IsType(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum ||
         kind == ChunkKind::kType || kind == ChunkKind::kModule;
}

bool IsProse(std::string_view language) {
  static constexpr std::array<std::string_view, 6> kProse = {"markdown", "restructuredtext", "asciidoc", "html", "text", "notebook"};
  return std::ranges::find(kProse, language) != kProse.end();
}

}  // namespace

SignalReader::SignalReader(const QueryTerms& query, Idf idf) : query_(query), idf_(std::move(idf)) {
  for (const QueryWord& word : query.words) parts_.insert(parts_.end(), word.parts.begin(), word.parts.end());
  std::ranges::sort(parts_);
}

bool SignalReader::InQuestion(const std::string& part) const { return std::ranges::binary_search(parts_, part); }

void SignalReader::Read(std::string_view path, std::string_view language, const std::vector<DefinedName>& definitions,
                        FileFeatures& features) {
  features.secondary = IsSecondaryPath(path);
  features.legacy = IsLegacyPath(path);
  features.foreign_platform = IsForeignPlatform(path);
  features.prose = IsProse(language);
  ReadPath(path, features);
  double hits = 0;
  for (const DefinedName& definition : definitions) ReadDefinition(definition, features, hits);
  features.definitions_hit = std::log2(1 + hits);
}

void SignalReader::ReadPath(std::string_view path, FileFeatures& features) {
  std::string_view stem = TellingName(path);
  double parts = 0, found = 0, weight = 0, found_weight = 0;
  auto count = [&](const Token& token) {
    if (token.form == TokenForm::kCompound) return;
    std::string part(token.term);
    double idf = idf_(part);
    ++parts;
    weight += idf;
    if (InQuestion(part)) {
      ++found;
      found_weight += idf;
    }
  };
  analyzer_.Analyze(stem, count);
  if (parts > 0) features.stem_share = found / parts;
  if (weight > 0) features.stem_rarity = found_weight / weight;
  std::string lower = Lower(stem);
  features.stem_exact = std::ranges::any_of(query_.words, [&](const QueryWord& word) { return word.lower == lower; });
  parts = found = weight = found_weight = 0;
  analyzer_.Analyze(path.substr(0, path.rfind('/') + 1), count);
  if (weight > 0) features.folder_rarity = found_weight / weight;
}

void SignalReader::ReadDefinition(const DefinedName& definition, FileFeatures& features, double& hits) {
  for (const QueryWord& word : query_.words) {
    if (definition.name != word.raw) continue;
    if (word.identifier || query_.symbol_like) features.defines_exact = 1;
    if (word.capitalised && IsType(definition.kind)) features.defines_type = 1;
  }
  double parts = 0, found = 0;
  analyzer_.Analyze(definition.name, [&](const Token& token) {
    if (token.form == TokenForm::kCompound) return;
    ++parts;
    found += InQuestion(std::string(token.term));
  });
  if (found >= 2) ++hits;
  if (parts >= 2) features.definition_cover = std::max(features.definition_cover, found / parts);
}

}  // namespace codelore::index
