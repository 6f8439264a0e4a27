// AnalyzeRegex: reads a regular expression that RE2 has accepted, for what a search can use of it. Where it does not
// follow, it claims nothing: then every block is a candidate.
#ifndef CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_
#define CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_

#include <string>
#include <string_view>
#include <vector>

#include "index/exact/trigram_query.h"

namespace codelore::index {

struct RegexAnalysis {
  TrigramQuery condition = TrigramQuery::All();
  // Every match contains one of these, in any case if `folds`; may be none.
  std::vector<std::string> required;
  bool folds = false;        // somewhere in it case is ignored
  bool has_capital = false;  // as a literal, so not in \W
  std::string refused;       // what cannot be searched for within lines: "\\A at byte 3"; empty: nothing
};

RegexAnalysis AnalyzeRegex(std::string_view pattern, bool ignore_case);

// The bytes that stand for a character when case is ignored; none: it equals others, which trigrams tell apart.
std::string FoldedCharacter(std::string_view utf8);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_
