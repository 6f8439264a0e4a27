// The int8 kernels for any processor, over the compiler's vectors of 4 elements.
#include "embed/kernels_int8_isa.h"

namespace codelore::embed {
namespace {

#include "embed/kernels_portable_inl.h"

constexpr int kRows = 2, kColumns = 2;
constexpr int kLevels = 255, kTogether = 1;
inline IntVec LoadInts(const void* p) {
  IntVec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline IntVec Broadcast(const void* p) {
  int bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return IntVec{bytes, bytes, bytes, bytes};
}
inline void Dot(const IntVec (&u)[1], const IntVec (&s)[1], IntVec* sum) {
  for (int shift = 0; shift < 32; shift += 8) {
    *sum += ((u[0] >> shift) & 0xFF) * ((s[0] << (24 - shift)) >> 24);
  }
}
inline Vec ToFloat(IntVec v) { return __builtin_convertvector(v, Vec); }
inline void StoreBytes(uint8_t* p, Vec v) {
  v = Round(Min(Max(v, Set(0)), Set(255)));
  for (size_t i = 0; i < kWidth; ++i) p[i] = static_cast<uint8_t>(v[i]);
}
inline Vec FastGelu(Vec x) { return ExactGelu(x); }

#include "embed/kernels_int8_inl.h"

}  // namespace

const Int8Kernels kPortableInt8Kernels = {.name = "portable",
                                          .fast = false,
                                          .panel = kPanel,
                                          .levels = kLevels,
                                          .together = kTogether,
                                          .multiply = Int8Multiply<KeepFloat>,
                                          .multiply_gelu = Int8Multiply<ApplyGelu>,
                                          .multiply_bfloat16 = nullptr,
                                          .quantise = Quantise};

}  // namespace codelore::embed
