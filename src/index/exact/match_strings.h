// MatchStrings: what is known of the texts that a part of a regular expression matches, as sets of strings, so that a
// trigram condition comes out. The method is that of Russ Cox, "Regular Expression Matching with a Trigram Index"
// (2012). Strings are as written where case counts and folded as trigram_postings.h folds where it does not.
#ifndef CODELORE_INDEX_EXACT_MATCH_STRINGS_H_
#define CODELORE_INDEX_EXACT_MATCH_STRINGS_H_

#include <string>
#include <vector>

#include "index/exact/trigram_query.h"

namespace codelore::index {

class MatchStrings {
 public:
  // Matches exactly these strings; {""}: the empty string, as assertions do.
  static MatchStrings Exactly(std::vector<std::string> strings);
  // Any text but the empty one, and any text.
  static MatchStrings AnyCharacter();
  static MatchStrings Anything();

  static MatchStrings Concatenation(MatchStrings a, MatchStrings b);
  static MatchStrings Alternation(MatchStrings a, MatchStrings b);
  static MatchStrings OneOrMore(MatchStrings a);
  static MatchStrings Repeated(const MatchStrings& a, int min, int max);  // max -1: no limit

  // What every matching text fulfils.
  TrigramQuery Condition();
  // Strings of which every matching text contains one; may be none.
  const std::vector<std::string>& Required();

 private:
  void Forget();  // that the strings are exact
  void Trim();
  void Require(std::vector<std::string> texts);

  bool can_be_empty_ = false;
  bool is_exact_ = false;
  std::vector<std::string> exact_;             // sorted; if is_exact_
  std::vector<std::string> prefix_, suffix_;   // sorted; otherwise: matches begin and end with one of them
  TrigramQuery match_ = TrigramQuery::All();
  std::vector<std::string> required_;  // sorted
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_MATCH_STRINGS_H_
