// Analyzer: text to index terms, for code and for prose in any language. The same rules serve documents and
// queries, so a term that is searched as it is written is found.
//
//   ASCII words     [A-Za-z0-9_]+; an identifier gives its lower-cased compound and, if it has more than one, its
//                   parts, split at case, digits and "_": getUserName2 -> getusername2 get user name 2.
//                   Alphabetic parts longer than two letters are stemmed (Snowball English); compounds are not.
//   numbers         1.2.3 gives 1.2.3 1 2 3
//   Hangul          bigrams of each run of syllables; a lone syllable stands for itself
//   Han, Kana       bigrams, likewise
//   other scripts   words by ICU (dictionary-based where the script has no spaces), NFKC, case-folded
//
// Positions count words from 0. A compound stands at the position of its first part; the parts stand at
// consecutive positions, so a phrase can match inside an identifier.
#ifndef CODELORE_INDEX_ANALYSIS_ANALYZER_H_
#define CODELORE_INDEX_ANALYSIS_ANALYZER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/analysis/word_memo.h"

namespace codelore::index {

enum class TokenForm : uint8_t {
  kWord,      // a word of one part, stemmed
  kCompound,  // an identifier of several parts, as a whole
  kPart,      // one of its parts, stemmed
  kBigram,    // of Hangul, Han or Kana
};

struct Token {
  std::string_view term;  // valid during the call only
  std::string_view raw;   // the bytes of the text it came from
  uint32_t position = 0;
  TokenForm form = TokenForm::kWord;
  TermNote note;  // of this analyzer's receiver
};

// Not thread-safe: it holds scratch and a memo of stems. Make one per thread.
class Analyzer {
 public:
  Analyzer();
  ~Analyzer();

  using Sink = std::function<void(const Token&)>;
  // Calls `sink` for each term, in order of position, compounds before their parts. Positions start at
  // `position`; returns the next free one. Broken UTF-8 separates words.
  uint32_t Analyze(std::string_view text, const Sink& sink, uint32_t position = 0);

  // The terms of `text`, in order, duplicates included.
  std::vector<std::string> Terms(std::string_view text);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Splits an ASCII identifier at case changes, digits and underscores: "HTTPServer2_x" -> HTTP, Server, 2, x.
// Appends views into `word`.
void SplitIdentifier(std::string_view word, std::vector<std::string_view>& parts);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_ANALYSIS_ANALYZER_H_
