#include "index/rank/signals.h"

#include <algorithm>
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

// What a name's word shares with the verb it was made from, which the stemmer keeps apart: logger and logging both
// give log, parser and parse both give pars.
std::string_view Root(std::string_view stem) {
  if (stem.size() < 5 || !(stem.ends_with("er") || stem.ends_with("or"))) return stem;
  stem.remove_suffix(2);
  if (stem.size() > 3 && stem[stem.size() - 1] == stem[stem.size() - 2]) stem.remove_suffix(1);
  return stem;
}

// "json_object" and "JsonObject" alike: jsonobject.
std::string Squeezed(std::string_view name) {
  std::string squeezed = Lower(name);
  std::erase_if(squeezed, [](char c) { return c == '_' || c == '-' || c == '.'; });
  return squeezed;
}

bool IsType(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum ||
         kind == ChunkKind::kType || kind == ChunkKind::kModule;
}

}  // namespace

SignalReader::SignalReader(const QueryTerms& query, Idf idf) : query_(query), idf_(std::move(idf)) {
  std::vector<std::pair<std::string, double>> parts;
  for (const QueryWord& word : query.words) {
    for (const std::string& part : word.parts) parts.emplace_back(Root(part), idf_(part));
  }
  std::ranges::sort(parts);
  for (const auto& [part, weight] : parts) {
    if (!parts_.empty() && parts_.back() == part) continue;
    parts_.push_back(part);
    part_idf_.push_back(weight);
    idf_sum_ += weight;
  }
}

void SignalReader::Mark(std::string_view term, std::vector<bool>& seen) const {
  std::string_view root = Root(term);
  auto at = std::ranges::lower_bound(parts_, root);
  if (at != parts_.end() && *at == root) seen[static_cast<size_t>(at - parts_.begin())] = true;
}

double SignalReader::Share(const std::vector<bool>& seen) const {
  double sum = 0;
  for (size_t i = 0; i < seen.size(); ++i) sum += seen[i] ? part_idf_[i] : 0;
  return idf_sum_ > 0 ? sum / idf_sum_ : 0;
}

bool SignalReader::Asked(bool (*asks)(std::string_view)) const {
  return std::ranges::any_of(query_.words, [&](const QueryWord& word) { return asks(word.lower); });
}

bool SignalReader::IsCompound(std::string_view name) const {
  return !query_.compounds.empty() && std::ranges::find(query_.compounds, Squeezed(name)) != query_.compounds.end();
}

bool SignalReader::InQuestion(std::string_view part) const { return std::ranges::binary_search(parts_, Root(part)); }

void SignalReader::Read(std::string_view path, std::string_view language, const std::vector<DefinedName>& definitions,
                        FileFeatures& features) {
  features.secondary = !Asked(AsksForSecondary) && IsSecondaryPath(path);
  features.legacy = !Asked(AsksForLegacy) && IsLegacyPath(path);
  features.foreign_platform = !Asked(AsksForForeignPlatform) && IsForeignPlatform(path);
  features.prose = !Asked(AsksForProse) && IsProseLanguage(language);
  ReadPath(path, features);
  double hits = 0;
  names_seen_.assign(parts_.size(), false);
  for (const DefinedName& definition : definitions) ReadDefinition(definition, features, hits);
  features.definitions_hit = std::log2(1 + hits);
  features.names_cover = Share(names_seen_);
  std::vector<bool> seen(parts_.size());
  analyzer_.Analyze(path, [&](const Token& token) { Mark(token.term, seen); });
  features.path_cover = Share(seen);
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
  features.stem_compound = IsCompound(stem);
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
  if (IsCompound(definition.name)) (IsType(definition.kind) ? features.defines_compound_type : features.defines_compound) = 1;
  double parts = 0, found = 0;
  std::vector<bool> seen(parts_.size());
  analyzer_.Analyze(definition.name, [&](const Token& token) {
    if (token.form == TokenForm::kCompound) return;
    ++parts;
    found += InQuestion(token.term);
    Mark(token.term, seen);
    Mark(token.term, names_seen_);
  });
  features.name_cover = std::max(features.name_cover, Share(seen));
  if (found >= 2) ++hits;
  if (parts >= 2) features.definition_cover = std::max(features.definition_cover, found / parts);
}

}  // namespace codelore::index
