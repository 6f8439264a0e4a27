// QueryTerms: what a question asks of the lexical index and of the ranking.
#ifndef CODELORE_INDEX_RANK_QUERY_H_
#define CODELORE_INDEX_RANK_QUERY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::index {

// A word of the question as the user wrote it.
struct QueryWord {
  std::string raw;                 // "getUserName"
  std::string lower;               // "getusername"
  std::vector<std::string> parts;  // stems: "get", "user", "name"
  bool identifier = false;         // written like a name in code: several parts, or in capitals inside, or with "_"
  bool follows = false;            // directly after the word before it, no stop-word between
  bool capitalised = false;        // starts with a capital and is not the first word of a sentence-like question
};

struct QueryTerms {
  std::vector<std::string> terms;  // index terms, each once, stop-words dropped
  std::vector<float> weights;      // beside terms: how often the question has it
  // Beside terms, or empty: what each stands for. Terms of one concept are readings of one Korean word, or a word and
  // its abbreviations: any of them covers it.
  std::vector<uint32_t> concepts;
  std::vector<QueryWord> words;    // stop-words dropped
  // Names that two or three neighbouring words would make, without separators: "JSON objects" gives jsonobjects and
  // jsonobject.
  std::vector<std::string> compounds;
  // What files about these words may be called (gloss/abbreviations.h), and the initials of two or three neighbouring
  // words: "file system authentication" gives auth, fs, sa, fsa. Stems.
  std::vector<std::string> abbreviations;
  std::vector<std::string> ignored_words;  // of `ignored`, those the question has
  // The question is a name (or a few) rather than a description.
  bool symbol_like = false;
};

// Korean words are looked for as they are and in English (gloss/korean.h), without their endings; English words as they
// are and, unless the question is a name, abbreviated.
// Stop-words, and words that are in `ignored` (lower case), are dropped unless nothing else is left.
QueryTerms AnalyzeQuery(std::string_view text, const std::vector<std::string>& ignored = {});

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_QUERY_H_
