// SymbolMatch: the chunks that define a name: "route", "Flask.route", "Flask::rou*", "*Error".
//
// The last part is the definition's own name. Those before it must be among the names that enclose it, in order, but
// need not be all of them. For documents, headings are names.
#ifndef CODELORE_INDEX_QUERY_SYMBOL_MATCH_H_
#define CODELORE_INDEX_QUERY_SYMBOL_MATCH_H_

#include <functional>
#include <string_view>
#include <vector>

#include "index/query/name_pattern.h"
#include "index/query/phrase_match.h"
#include "index/segment/segment.h"

namespace codelore::index {

class SymbolMatch {
 public:
  explicit SymbolMatch(std::string_view symbol);

  bool Defines(const ChunkStrings& chunk) const;
  // Like PhraseMatch::ForEachChunk.
  void ForEachChunk(const SegmentReader& segment, const std::function<bool(uint32_t chunk)>& wanted,
                    const std::function<void(uint32_t chunk)>& visit) const;

 private:
  bool EnclosedAsAsked(const std::vector<std::string_view>& enclosing) const;

  NamePattern whole_;                  // "v1.2" may be a heading
  std::vector<NamePattern> enclosing_; // outermost first
  NamePattern name_;
  // Chunks without the name's words, or the name as one word ("getusername" for getUserName), need not be looked at.
  PhraseMatch words_, compound_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_SYMBOL_MATCH_H_
