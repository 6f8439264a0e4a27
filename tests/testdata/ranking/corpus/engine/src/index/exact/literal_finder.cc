#include "index/exact/literal_finder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "index/exact/trigram_postings.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 warns of its own intrinsics
#endif
#include <immintrin.h>
#endif

namespace codelore::index {
namespace {

// Bytes of source text, most frequent first; what is not here is rarer.
constexpr std::string_view kFrequent = " etrinsaocdlp_u\nf,m()0hgb.;1v\tkxy=-/\"2w*:>ESRTIANCOLPD'3qz{}<#45jUMF8B6GH\\VX79K&W+Y[]|Q!%Z?@J$`^~";

int RarityOf(char byte) {
  size_t at = kFrequent.find(byte);
  return static_cast<int>(at == std::string_view::npos ? kFrequent.size() : at);
}

char Fold(char c) { return static_cast<char>(kFoldedByte[static_cast<uint8_t>(c)]); }
char Upper(char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c); }

bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
#else
  return false;
#endif
}

}  // namespace

LiteralFinder::LiteralFinder(std::string_view needle, bool fold_case, bool portable)
    : needle_(needle), fold_case_(fold_case), vectors_(!portable && HasAvx2()) {
  if (fold_case) std::ranges::transform(needle_, needle_.begin(), Fold);
  for (size_t i = 1; i < needle_.size(); ++i) {
    if (RarityOf(needle_[i]) > RarityOf(needle_[first_])) first_ = i;
  }
  second_ = first_ == 0 ? needle_.size() - 1 : 0;
  for (size_t i = 0; i < needle_.size(); ++i) {
    if (i != first_ && RarityOf(needle_[i]) > RarityOf(needle_[second_])) second_ = i;
  }
}

bool LiteralFinder::Equals(const char* at) const {
  if (!fold_case_) return std::memcmp(at, needle_.data(), needle_.size()) == 0;
  for (size_t i = 0; i < needle_.size(); ++i) {
    if (Fold(at[i]) != needle_[i]) return false;
  }
  return true;
}

size_t LiteralFinder::Find(std::string_view text, size_t from) const {
  if (from > text.size() || text.size() - from < needle_.size()) return std::string_view::npos;
  return vectors_ ? FindAvx2(text, from) : FindPortable(text, from);
}

size_t LiteralFinder::FindPortable(std::string_view text, size_t from) const {
  size_t last = text.size() - needle_.size();
  char low = needle_[first_], high = fold_case_ ? Upper(low) : low;
  for (size_t at = from; at <= last; ++at) {
    if (low == high) {
      const void* next = std::memchr(text.data() + at + first_, low, last - at + 1);
      if (next == nullptr) return std::string_view::npos;
      at = static_cast<size_t>(static_cast<const char*>(next) - text.data()) - first_;
    } else if (text[at + first_] != low && text[at + first_] != high) {
      continue;
    }
    if (Equals(text.data() + at)) return at;
  }
  return std::string_view::npos;
}

#if defined(__x86_64__)

// The places where a byte is one of two.
__attribute__((target("avx2"))) static inline __m256i EqualsEither(const char* at, __m256i low, __m256i high) {
  __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm256_or_si256(_mm256_cmpeq_epi8(bytes, low), _mm256_cmpeq_epi8(bytes, high));
}

__attribute__((target("avx2"))) size_t LiteralFinder::FindAvx2(std::string_view text, size_t from) const {
  const __m256i low1 = _mm256_set1_epi8(needle_[first_]), low2 = _mm256_set1_epi8(needle_[second_]);
  const __m256i high1 = fold_case_ ? _mm256_set1_epi8(Upper(needle_[first_])) : low1;
  const __m256i high2 = fold_case_ ? _mm256_set1_epi8(Upper(needle_[second_])) : low2;
  size_t last = text.size() - needle_.size(), at = from;
  for (; at + 31 <= last; at += 32) {  // the 32nd place's needle ends within the text, so both loads do
    __m256i both = _mm256_and_si256(EqualsEither(text.data() + at + first_, low1, high1),
                                    EqualsEither(text.data() + at + second_, low2, high2));
    for (auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(both)); mask != 0; mask &= mask - 1) {
      size_t place = at + static_cast<size_t>(__builtin_ctz(mask));
      if (Equals(text.data() + place)) return place;
    }
  }
  return at <= last ? FindPortable(text, at) : std::string_view::npos;
}

#else

size_t LiteralFinder::FindAvx2(std::string_view text, size_t from) const { return FindPortable(text, from); }

#endif

}  // namespace codelore::index
