#include "embed/kernels_int8.h"

#include <cmath>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
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
#endif

std::vector<const Int8Kernels*> Detect() {
  std::vector<const Int8Kernels*> sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const IsaLimit limit = LimitOfInstructions();
  if (limit == IsaLimit::kNone && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni")) {
    sets.push_back(&kAvx512VnniInt8Kernels);
  }
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (limit >= IsaLimit::kAvx2 && avx2) {
    if (limit == IsaLimit::kNone && HasAvxVnni()) sets.push_back(&kAvxVnniInt8Kernels);
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

const Int8Kernels& BestInt8Kernels() { return *AvailableInt8Kernels().front(); }

}  // namespace codelore::embed
