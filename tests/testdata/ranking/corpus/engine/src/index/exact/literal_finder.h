// LiteralFinder: where a byte string stands in a text, with or without regard to ASCII case.
//
// Looks for two of its rarest bytes at their distance, 32 places at a time where the processor can (AVX2, found out at
// run time), and compares the rest at the places that are left; elsewhere byte by byte. Both give the same places.
// Immutable and thread-safe.
#ifndef CODELORE_INDEX_EXACT_LITERAL_FINDER_H_
#define CODELORE_INDEX_EXACT_LITERAL_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace codelore::index {

class LiteralFinder {
 public:
  // `needle` is not empty. `portable`: without vector instructions, for tests.
  LiteralFinder(std::string_view needle, bool fold_case, bool portable = false);

  // The first place at or after `from`; npos if there is none.
  size_t Find(std::string_view text, size_t from) const;
  size_t size() const { return needle_.size(); }

 private:
  bool Equals(const char* at) const;
  size_t FindPortable(std::string_view text, size_t from) const;
  size_t FindAvx2(std::string_view text, size_t from) const;

  std::string needle_;  // lower case if case is folded
  bool fold_case_;
  bool vectors_;
  size_t first_ = 0, second_ = 0;  // where its two rarest bytes stand
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_LITERAL_FINDER_H_
