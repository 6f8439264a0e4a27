#include "index/rank/query.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <unordered_set>

#include "gloss/abbreviations.h"
#include "gloss/korean.h"
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

constexpr size_t kSyllableBytes = 3;  // in UTF-8
constexpr float kOtherReading = 0.5f;  // of a Korean word, beside the first; .25 and 1 rank worse
constexpr float kAbbreviated = 0.15f;  // a word's abbreviation, beside it; up to .4 rank alike

void AddTerm(std::string_view term, float weight, uint32_t concept_id, QueryTerms& query) {
  auto at = std::ranges::find(query.terms, term);
  if (at != query.terms.end()) {
    if (weight == 1) query.weights[static_cast<size_t>(at - query.terms.begin())] += 1;
    return;
  }
  query.terms.emplace_back(term);
  query.weights.push_back(weight);
  query.concepts.push_back(concept_id);
}

// "factories" -> "factory", "handlers" -> "handler"; empty if it does not look like a plural.
std::string Singular(const std::string& word) {
  if (word.size() < 4 || !word.ends_with('s') || word.ends_with("ss") || word.ends_with("us")) return "";
  return word.ends_with("ies") ? word.substr(0, word.size() - 3) + "y" : word.substr(0, word.size() - 1);
}

constexpr size_t kMaxCompoundWords = 3;

using StemsOfStem = std::unordered_multimap<std::string, std::string>;

// The stems of abbreviations, by those of the words they stand for.
const StemsOfStem& AbbreviationsByStem() {
  static const StemsOfStem abbreviations = [] {
    StemsOfStem stems;
    Analyzer analyzer;
    for (const gloss::Abbreviation& entry : gloss::Abbreviations()) {
      const std::string stem = analyzer.Terms(entry.abbreviation).front();
      for (const std::string& word : analyzer.Terms(entry.words)) stems.emplace(word, stem);
    }
    return stems;
  }();
  return abbreviations;
}

// What the files may be called, by the question's words.
void AddAbbreviations(QueryTerms& query) {
  for (const QueryWord& word : query.words) {
    for (const std::string& part : word.parts) {
      auto [begin, end] = AbbreviationsByStem().equal_range(part);
      for (auto at = begin; at != end; ++at) query.abbreviations.push_back(at->second);
    }
  }
  for (size_t begin = 0; begin < query.words.size(); ++begin) {
    std::string initials(1, query.words[begin].lower[0]);
    for (size_t i = begin + 1; i < query.words.size() && i < begin + kMaxCompoundWords && query.words[i].follows; ++i) {
      initials += query.words[i].lower[0];
      query.abbreviations.push_back(initials);
    }
  }
}

// Before the Korean words' terms, which have their own other readings.
void AddAbbreviatedTerms(QueryTerms& query) {
  for (size_t t = 0, count = query.terms.size(); t < count; ++t) {
    auto [begin, end] = AbbreviationsByStem().equal_range(query.terms[t]);
    for (auto at = begin; at != end; ++at) AddTerm(at->second, kAbbreviated, query.concepts[t], query);
  }
}

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

// A question with its Korean words in English, and where they stand.
class Rendering {
 public:
  struct Word {
    gloss::KoreanPiece piece;
    size_t begin = 0, end = 0;  // in text()
  };

  explicit Rendering(std::string_view question) {
    const char* done = question.data();
    for (std::string_view run : gloss::HangulRuns(question)) {
      text_.append(done, run.data());
      done = run.data() + run.size();
      runs_.push_back({words_.size(), run});
      for (const gloss::KoreanPiece& piece : gloss::ReadKorean(run)) {
        text_ += ' ';
        words_.push_back({piece, text_.size(), text_.size()});
        if (piece.kind == gloss::PieceKind::kWord) text_ += piece.english[0];
        words_.back().end = text_.size();
      }
      text_ += ' ';
    }
    text_.append(done, question.data() + question.size());
  }

  struct Run {
    size_t first_word = 0;
    std::string_view korean;
  };

  const std::string& text() const { return text_; }
  const std::vector<Word>& words() const { return words_; }
  const std::vector<Run>& runs() const { return runs_; }

  // The word that `raw`, a part of text(), comes from; words().size(): none.
  size_t WordAt(std::string_view raw) const {
    auto at = static_cast<size_t>(raw.data() - text_.data());
    auto after = std::ranges::upper_bound(words_, at, {}, &Word::end);
    return after != words_.end() && after->begin <= at ? static_cast<size_t>(after - words_.begin()) : words_.size();
  }

 private:
  std::string text_;
  std::vector<Word> words_;
  std::vector<Run> runs_;
};

// The run without its ending; a stem of one syllable keeps it, for alone it is no bigram of the run.
std::string_view StemOf(const Rendering& question, const Rendering::Run& run) {
  size_t length = 0, last = 0;
  for (size_t w = run.first_word; w < question.words().size() && length < run.korean.size(); ++w) {
    const gloss::KoreanPiece& piece = question.words()[w].piece;
    length += piece.korean.size();
    if (piece.kind != gloss::PieceKind::kEnding) last = length;
  }
  return last > kSyllableBytes ? run.korean.substr(0, last) : run.korean;
}

// "어떻게" and the like: its English is a stop-word.
bool AsksOnly(const gloss::KoreanPiece& piece) {
  return piece.kind == gloss::PieceKind::kWord && IsStopWord(std::string(piece.english[0]));
}

// The Korean words as they stand, and their other readings. Concepts from `first_free` on are nobody's yet.
void AddKorean(const Rendering& question, uint32_t first_free, Analyzer& analyzer, QueryTerms& query) {
  for (const Rendering::Run& run : question.runs()) {
    if (AsksOnly(question.words()[run.first_word].piece)) continue;
    QueryWord word{.raw = std::string(StemOf(question, run)), .lower = {}, .parts = {}};
    word.lower = word.raw;
    size_t piece = run.first_word;  // that the bigram starts in
    size_t end = question.words()[piece].piece.korean.size(), at = 0;
    analyzer.Analyze(word.raw, [&](const Token& token) {
      while (at >= end && piece + 1 < question.words().size()) end += question.words()[++piece].piece.korean.size();
      bool known = question.words()[piece].piece.kind == gloss::PieceKind::kWord;
      word.parts.emplace_back(token.term);
      AddTerm(token.term, 1, known ? static_cast<uint32_t>(piece) : first_free++, query);
      at += kSyllableBytes;
    });
    query.words.push_back(std::move(word));
  }
  for (size_t w = 0; w < question.words().size(); ++w) {
    const gloss::KoreanPiece& piece = question.words()[w].piece;
    if (piece.kind != gloss::PieceKind::kWord) continue;
    for (std::string_view other : piece.english.subspan(1)) {
      analyzer.Analyze(other, [&](const Token& token) { AddTerm(token.term, kOtherReading, static_cast<uint32_t>(w), query); });
    }
  }
}

QueryTerms Analyze(std::string_view text, const std::vector<std::string>& ignored, bool keep_stop_words) {
  QueryTerms query;
  const Rendering question(text);
  auto first_free = static_cast<uint32_t>(question.words().size());  // concepts: Korean words, then the others
  size_t dropped = 0;
  const char* last_raw = nullptr;
  uint32_t next_position = 0;
  Analyzer analyzer;
  analyzer.Analyze(question.text(), [&](const Token& token) {
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
    size_t korean = question.WordAt(token.raw);
    AddTerm(token.term, 1, korean < question.words().size() ? static_cast<uint32_t>(korean) : first_free++, query);
  });
  AddCompounds(query);
  AddAbbreviations(query);
  bool any_name = std::ranges::any_of(query.words, [](const QueryWord& w) { return w.identifier || w.capitalised; });
  query.symbol_like = !query.words.empty() && dropped == 0 && query.words.size() <= 2 && (any_name || query.words.size() == 1);
  if (!query.symbol_like) AddAbbreviatedTerms(query);
  AddKorean(question, first_free, analyzer, query);
  return query;
}

}  // namespace

QueryTerms AnalyzeQuery(std::string_view text, const std::vector<std::string>& ignored) {
  QueryTerms query = Analyze(text, ignored, /*keep_stop_words=*/false);
  if (query.terms.empty()) query = Analyze(text, {}, /*keep_stop_words=*/false);
  return query.terms.empty() ? Analyze(text, {}, /*keep_stop_words=*/true) : query;
}

}  // namespace codelore::index
