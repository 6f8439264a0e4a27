// TrigramQuery: a condition that every block with a match fulfils: AND and OR over trigrams. It may let through
// blocks without a match, never the other way round.
#ifndef CODELORE_INDEX_EXACT_TRIGRAM_QUERY_H_
#define CODELORE_INDEX_EXACT_TRIGRAM_QUERY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/exact/trigram_postings.h"

namespace codelore::index {

class TrigramQuery {
 public:
  enum class Kind : uint8_t { kAll, kNone, kAnd, kOr };

  static TrigramQuery All() { return TrigramQuery(Kind::kAll); }
  static TrigramQuery None() { return TrigramQuery(Kind::kNone); }
  // All trigrams of a text; of one shorter than three bytes: kAll. The text is folded as blocks are.
  static TrigramQuery Of(std::string_view text);
  static TrigramQuery OfAny(const std::vector<std::string>& texts);

  // Both and either. Beyond a bounded size they give a weaker condition.
  static TrigramQuery And(TrigramQuery a, TrigramQuery b);
  static TrigramQuery Or(TrigramQuery a, TrigramQuery b);

  Kind kind() const { return kind_; }
  bool MatchesEverything() const { return kind_ == Kind::kAll; }
  BlockSet Evaluate(const TrigramReader& trigrams) const;
  std::string ToString() const;  // for tests: ("abc" & ("bcd" | "xyz"))

 private:
  explicit TrigramQuery(Kind kind) : kind_(kind) {}
  size_t Size() const;
  BlockSet EvaluateAll(const TrigramReader& trigrams) const;
  BlockSet EvaluateAny(const TrigramReader& trigrams) const;
  void Take(TrigramQuery other);  // as a child, or its parts when it is of the same kind

  Kind kind_;
  std::vector<uint32_t> trigrams_;  // rarest first, by the look of their bytes
  std::vector<TrigramQuery> children_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_TRIGRAM_QUERY_H_
