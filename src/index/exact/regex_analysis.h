// AnalyzeRegex: reads a regular expression that RE2 has accepted, for what a search can use of it. Where it does not
// follow, it claims nothing: then every block is a candidate.
#ifndef CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_
#define CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_

#include <string>
#include <string_view>

#include "index/exact/trigram_query.h"

namespace codelore::index {

struct RegexAnalysis {
  TrigramQuery condition = TrigramQuery::All();
  std::string required;      // folded text within every match; may be empty
  bool folds = false;        // "s" or "k" in it may stand for the special letters of trigram_postings.h
  bool has_capital = false;  // as a literal, so not in \W
  std::string refused;       // what cannot be searched for within lines: "\\A at byte 3"; empty: nothing
};

RegexAnalysis AnalyzeRegex(std::string_view pattern, bool ignore_case);

// The character's bytes as trigrams see them; empty: with case ignored it may match others too.
std::string FoldedCharacter(std::string_view utf8, bool ignore_case);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_REGEX_ANALYSIS_H_
