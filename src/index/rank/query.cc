#include "index/rank/query.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

// Words that say how one asks, not what about. Programming words ("for", "if", "new") stay out of the list where
// they are also names one searches for.
bool IsStopWord(const std::string& word) {
  static const std::unordered_set<std::string> words = {
      "a",     "an",    "the",   "and",   "or",    "but",    "of",    "in",    "on",    "at",    "to",    "by",
      "for",   "from",  "with",  "as",    "is",    "are",    "was",   "were",  "be",    "been",  "being", "do",
      "does",  "did",   "how",   "what",  "which", "who",    "when",  "where", "why",   "that",  "this",  "these",
      "those", "it",    "its",   "i",     "we",    "you",    "they",  "he",    "she",   "me",    "my",    "our",
      "your",  "their", "can",   "could", "should", "would", "will",  "shall", "may",   "might", "must",  "has",
      "have",  "had",   "there", "here",  "then",  "than",   "so",    "such",  "not",   "no",    "if",    "into",
      "about", "between", "through", "during", "each", "both", "any", "some",  "all",   "also",  "s",     "t"};
  return words.contains(word);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

QueryWord MakeWord(std::string_view raw) {
  QueryWord word{.raw = std::string(raw), .lower = Lower(raw), .parts = {}};
  word.capitalised = IsUpper(raw[0]);
  word.identifier = raw.find('_') != std::string_view::npos ||
                    std::ranges::any_of(raw.substr(1), IsUpper);
  return word;
}

void AddTerm(std::string_view term, QueryTerms& query) {
  auto at = std::ranges::find(query.terms, term);
  if (at != query.terms.end()) {
    query.weights[static_cast<size_t>(at - query.terms.begin())] += 1;
    return;
  }
  query.terms.emplace_back(term);
  query.weights.push_back(1);
}

// "factories" -> "factory", "handlers" -> "handler"; empty if it does not look like a plural.
std::string Singular(const std::string& word) {
  if (word.size() < 4 || !word.ends_with('s') || word.ends_with("ss") || word.ends_with("us")) return "";
  return word.ends_with("ies") ? word.substr(0, word.size() - 3) + "y" : word.substr(0, word.size() - 1);
}

constexpr size_t kMaxCompoundWords = 3;

void AddCompounds(QueryTerms& query) {
  auto add = [&](const std::string& name) {
    if (std::ranges::find(query.compounds, name) == query.compounds.end()) query.compounds.push_back(name);
  };
  for (size_t begin = 0; begin < query.words.size(); ++begin) {
    std::string joined;
    for (size_t i = begin; i < query.words.size() && i < begin + kMaxCompoundWords; ++i) {
      if (i > begin && !query.words[i].follows) break;
      const std::string& word = query.words[i].lower;
      if (std::string singular = Singular(word); i > begin && !singular.empty()) add(joined + singular);
      joined += word;
      if (i > begin) add(joined);
    }
  }
}

QueryTerms Analyze(std::string_view text, const std::vector<std::string>& ignored, bool keep_stop_words) {
  QueryTerms query;
  size_t dropped = 0;
  const char* last_raw = nullptr;
  uint32_t next_position = 0;
  Analyzer().Analyze(text, [&](const Token& token) {
    if (!keep_stop_words && token.form == TokenForm::kWord && IsStopWord(Lower(token.raw))) {
      ++dropped;
      return;
    }
    if (auto at = std::ranges::find(ignored, Lower(token.raw)); at != ignored.end()) {
      if (std::ranges::find(query.ignored_words, *at) == query.ignored_words.end()) query.ignored_words.push_back(*at);
      return;
    }
    if (token.raw.data() != last_raw) {
      query.words.push_back(MakeWord(token.raw));
      query.words.back().follows = token.position == next_position;
    }
    last_raw = token.raw.data();
    next_position = token.position + 1;
    if (token.form != TokenForm::kCompound) query.words.back().parts.emplace_back(token.term);
    AddTerm(token.term, query);
  });
  AddCompounds(query);
  bool any_name = std::ranges::any_of(query.words, [](const QueryWord& w) { return w.identifier || w.capitalised; });
  query.symbol_like = !query.words.empty() && dropped == 0 && query.words.size() <= 2 && (any_name || query.words.size() == 1);
  return query;
}

}  // namespace

QueryTerms AnalyzeQuery(std::string_view text, const std::vector<std::string>& ignored) {
  QueryTerms query = Analyze(text, ignored, /*keep_stop_words=*/false);
  if (query.terms.empty()) query = Analyze(text, {}, /*keep_stop_words=*/false);
  return query.terms.empty() ? Analyze(text, {}, /*keep_stop_words=*/true) : query;
}

}  // namespace codelore::index
