#include "embed/kernels.h"

#include <algorithm>
#include <vector>

#include "embed/isa_limit.h"
#include "embed/kernels_isa.h"

namespace codelore::embed {

namespace {

std::vector<const Kernels*> Detect() {
  std::vector<const Kernels*> sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const IsaLimit limit = LimitOfInstructions();
  if (limit >= IsaLimit::kAvx512 && __builtin_cpu_supports("avx512f")) sets.push_back(&kAvx512Kernels);
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (limit >= IsaLimit::kAvx2 && avx2) {
    sets.push_back(&kAvx2Kernels);
  }
#endif
  sets.push_back(&kPortableKernels);
  return sets;
}

}  // namespace

std::span<const Kernels* const> AvailableKernels() {
  static const std::vector<const Kernels*> sets = Detect();
  return sets;
}

const Kernels& BestKernels() { return *AvailableKernels().front(); }

size_t PackedSize(size_t depth, size_t columns, size_t panel) {
  return (columns + panel - 1) / panel * panel * depth;
}

void Pack(const PackSource& source, size_t panel, float* panels) {
  for (size_t first = 0; first < source.columns; first += panel) {
    const size_t columns = std::min(panel, source.columns - first);
    for (size_t k = 0; k < source.depth; ++k, panels += panel) {
      const float* from = source.data + k * source.depth_stride + first * source.column_stride;
      for (size_t j = 0; j < columns; ++j) panels[j] = from[j * source.column_stride];
      std::fill(panels + columns, panels + panel, 0.0f);
    }
  }
}

}  // namespace codelore::embed
