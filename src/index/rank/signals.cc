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

// Added to the idf of a name: words that nearly every chunk has (its project's name) tell nothing about a file.
constexpr double kTelling = 0.1;

// A question about code names its subject first, then by what means or in which circumstances: "resolving hostnames using
// the thread pool" is not about thread.c. In a file's name the first word counts 1, the last this.
constexpr double kLastWord = 0.4;
double StressOf(size_t word, const QueryTerms& query) {
  if (query.symbol_like || query.words.size() < 2) return 1;
  return 1 - (1 - kLastWord) * static_cast<double>(word) / static_cast<double>(query.words.size() - 1);
}

bool IsType(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum ||
         kind == ChunkKind::kType || kind == ChunkKind::kModule || kind == ChunkKind::kReexport;
}

}  // namespace

SignalReader::SignalReader(const QueryTerms& query, Idf idf) : query_(query), idf_(std::move(idf)) {
  for (size_t w = 0; w < query.words.size(); ++w) {
    for (const std::string& part : query.words[w].parts) parts_.emplace_back(Root(part), StressOf(w, query));
  }
  std::ranges::stable_sort(parts_, {}, &std::pair<std::string, double>::first);
}

bool SignalReader::Asked(bool (*asks)(std::string_view)) const {
  return std::ranges::any_of(query_.words, [&](const QueryWord& word) { return asks(word.lower); });
}

bool SignalReader::IsCompound(std::string_view name) const {
  return !query_.compounds.empty() && std::ranges::find(query_.compounds, Squeezed(name)) != query_.compounds.end();
}

bool SignalReader::InQuestion(std::string_view part) const {
  return std::ranges::binary_search(parts_, Root(part), {}, &std::pair<std::string, double>::first);
}

double SignalReader::Stress(std::string_view part) const {
  auto whole = std::ranges::lower_bound(parts_, Root(part), {}, &std::pair<std::string, double>::first);
  if (whole != parts_.end() && whole->first == Root(part)) return whole->second;
  return std::ranges::find(query_.abbreviations, part) != query_.abbreviations.end() ? 1 : 0;
}

void SignalReader::Read(std::string_view path, std::string_view language, const std::vector<DefinedName>& definitions,
                        FileFeatures& features) {
  features.secondary = !Asked(AsksForSecondary) && IsSecondaryPath(path);
  features.legacy = !Asked(AsksForLegacy) && IsLegacyPath(path);
  features.foreign_platform = !Asked(AsksForForeignPlatform) && IsForeignPlatform(path);
  features.prose = !Asked(AsksForProse) && IsProseLanguage(language);
  ReadPath(path, language == "text" || IsProseLanguage(language), features);
  double hits = 0;
  for (const DefinedName& definition : definitions) ReadDefinition(definition, features, hits);
  features.definitions_hit = std::log2(1 + hits);
}

SignalReader::NameMatch SignalReader::Match(std::string_view text) {
  double all = 0, found = 0, stressed = 0;
  analyzer_.Analyze(text, [&](const Token& token) {
    if (token.form == TokenForm::kCompound) return;
    double idf = idf_(std::string(token.term)), stress = Stress(token.term);
    all += idf;
    if (stress > 0) found += idf;
    stressed += idf * stress;
  });
  return {.share = all > 0 ? found / (all + kTelling) : 0, .stress = found > 0 ? stressed / found : 1};
}

// A document's name is a title, whose words may come anywhere in a question.
void SignalReader::ReadPath(std::string_view path, bool prose, FileFeatures& features) {
  std::string_view stem = TellingName(path);
  NameMatch match = Match(stem);
  double stress = prose ? 1 : match.stress;
  std::string lower = Lower(stem);
  bool exact = match.share > 0.5 && std::ranges::any_of(query_.words, [&](const QueryWord& word) { return word.lower == lower; });
  features.stem_rarity = stress * match.share;
  features.stem_exact = exact ? stress : 0;
  features.stem_compound = IsCompound(stem) ? stress : 0;
  features.folder_rarity = Match(path.substr(0, path.rfind('/') + 1)).share;
}

void SignalReader::ReadDefinition(const DefinedName& definition, FileFeatures& features, double& hits) {
  for (const QueryWord& word : query_.words) {
    if (definition.name != word.raw) continue;
    if (word.identifier || query_.symbol_like) features.defines_exact = 1;
    if (word.capitalised && IsType(definition.kind)) features.defines_type = 1;
  }
  if (IsCompound(definition.name)) features.defines_compound = 1;
  int found = 0;
  analyzer_.Analyze(definition.name, [&](const Token& token) {
    found += token.form != TokenForm::kCompound && InQuestion(token.term);
  });
  if (found >= 2) ++hits;
}

}  // namespace codelore::index
