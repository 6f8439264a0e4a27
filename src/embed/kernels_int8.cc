#include "embed/kernels_int8.h"

#include <cmath>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#include "embed/isa_limit.h"
#include "embed/kernels_int8_isa.h"

namespace codelore::embed {

namespace {

#if defined(__x86_64__)
// CPUID leaf 7, subleaf 1, EAX bit 4; the compilers' __builtin_cpu_supports does not know it.
// That the system saves the registers is told by AVX2, which the caller asks for too.
bool HasAvxVnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
}

// Tiles of palette 1 and products of bytes, and Linux lets this process have them (Documentation/arch/x86/xstate.rst).
bool MayUseAmx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kTileBit = 1u << 24, kInt8Bit = 1u << 25, kSaved = 1u << 27;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kTileBit) == 0 || (edx & kInt8Bit) == 0) return false;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kSaved) == 0) return false;
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return false;  // the system saves the tiles and their configuration
  // Bytes and tiles; bytes of a row, names; rows.
  if (__get_cpuid_count(0x1D, 1, &eax, &ebx, &ecx, &edx) == 0) return false;
  if (eax >> 16 != 1024 || (ebx & 0xFFFF) != 64 || ebx >> 16 != 8 || (ecx & 0xFFFF) != 16) return false;
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

// Whether one product, with ends in all directions, is that of the VNNI kernels bit for bit: the AMX kernels are taken on trust
// nowhere, because no machine that they were written on has AMX.
bool MultipliesLikeVnni(const Int8Kernels& kernels) {
  constexpr size_t kRows = 53, kDepth = 148, kColumns = 75, kPadded = 96;
  std::vector<uint8_t> a(kRows * kDepth);
  std::vector<int8_t> panels(kDepth * kPadded);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<uint8_t>(i * i * 7 + i / 3);
  for (size_t i = 0; i < panels.size(); ++i) panels[i] = static_cast<int8_t>(i * i * 5 + i / 7);
  const std::vector<float> ones(kPadded, 1);
  const std::vector<ByteScale> scales(kRows, {0.5f, -3});
  const Int8Weights weights = {.panels = panels.data(), .scale = ones.data(), .sum = ones.data(), .bias = ones.data(), .depth = kDepth, .columns = kColumns};
  const auto multiply = [&](const Int8Kernels& by) {
    std::vector<float> c(kRows * kColumns);
    by.multiply({.a = a.data(), .a_stride = kDepth, .a_scales = scales.data(), .weights = &weights, .c = c.data(), .c_stride = kColumns, .rows = kRows});
    return c;
  };
  return kernels.panel == kAvx512VnniInt8Kernels.panel && multiply(kernels) == multiply(kAvx512VnniInt8Kernels);
}
#endif

std::vector<const Int8Kernels*> Detect() {
  std::vector<const Int8Kernels*> sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const IsaLimit limit = LimitOfInstructions();
  if (limit >= IsaLimit::kVnni && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni")) {
    if (limit == IsaLimit::kNone && MayUseAmx() && MultipliesLikeVnni(kAmxInt8Kernels)) {
      sets.push_back(&kAmxInt8Kernels);
    }
    sets.push_back(&kAvx512VnniInt8Kernels);
  }
  if (limit >= IsaLimit::kAvx512 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    sets.push_back(&kAvx512Int8Kernels);
  }
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (limit >= IsaLimit::kAvx2 && avx2) {
    if (limit >= IsaLimit::kVnni && HasAvxVnni()) sets.push_back(&kAvxVnniInt8Kernels);
    sets.push_back(&kAvx2Int8Kernels);
  }
#endif
  sets.push_back(&kPortableInt8Kernels);
  return sets;
}

GeluTable MakeGeluTable() {
  const auto tail = [](double piece) {
    const double a = piece / kGeluPiecesPerUnit;
    return a * 0.5 * std::erfc(a / std::sqrt(2.0));
  };
  GeluTable table;
  for (size_t i = 0; i < kGeluPieces; ++i) {
    // Through the Chebyshev nodes of [-1/2, 1/2]: -h, 0, h.
    const double h = 0.5 * std::sqrt(0.75), at = static_cast<double>(i);
    const double low = tail(at - h), middle = tail(at), high = tail(at + h);
    table.constant[i] = static_cast<float>(middle);
    table.linear[i] = static_cast<float>((high - low) / (2 * h));
    table.square[i] = static_cast<float>((high + low - 2 * middle) / (2 * h * h));
  }
  return table;
}

}  // namespace

const GeluTable kGeluTable = MakeGeluTable();

std::span<const Int8Kernels* const> AvailableInt8Kernels() {
  static const std::vector<const Int8Kernels*> sets = Detect();
  return sets;
}

const Int8Kernels* EmulatedAmxInt8Kernels() {
#if defined(__x86_64__)
  for (const Int8Kernels* set : AvailableInt8Kernels()) {
    if (set == &kAvx512VnniInt8Kernels) return &kEmulatedAmxInt8Kernels;
  }
#endif
  return nullptr;
}

const Int8Kernels& BestInt8Kernels() { return *AvailableInt8Kernels().front(); }

}  // namespace codelore::embed
