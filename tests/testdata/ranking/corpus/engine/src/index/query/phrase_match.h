// PhraseMatch: the chunks in which the words of a phrase stand side by side, by the positions that segments keep.
//
// Words are what Analyzer makes of them, so "user name" is found in getUserName, and endings do not matter. A chunk's
// words include its path and the names it defines.
#ifndef CODELORE_INDEX_QUERY_PHRASE_MATCH_H_
#define CODELORE_INDEX_QUERY_PHRASE_MATCH_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "index/segment/segment.h"

namespace codelore::index {

class PhraseMatch {
 public:
  explicit PhraseMatch(std::string_view phrase);
  // Looks for one term as the index has it.
  static PhraseMatch OfTerm(std::string term);

  // Whether there is nothing to look for: the phrase is all punctuation.
  bool empty() const { return terms_.empty(); }
  // Calls `visit` for each chunk with the phrase, in ascending order, of those `wanted` says yes to.
  void ForEachChunk(const SegmentReader& segment, const std::function<bool(uint32_t chunk)>& wanted,
                    const std::function<void(uint32_t chunk)>& visit) const;

 private:
  PhraseMatch() = default;
  struct Term {
    std::string text;
    uint32_t position = 0;  // from the phrase's start
  };
  std::vector<Term> terms_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_PHRASE_MATCH_H_
