// Which instructions the kernels may use at most: all that the processor has, unless the environment says less.
//
//   CODELORE_CPU=portable | avx2 | avx512 | vnni    (avx512: without VNNI and bfloat16; vnni: without AMX)
//
// For measuring and testing, on one machine, what others would do.
#ifndef CODELORE_EMBED_ISA_LIMIT_H_
#define CODELORE_EMBED_ISA_LIMIT_H_

#include <cstdlib>
#include <string_view>

namespace codelore::embed {

enum class IsaLimit { kPortable, kAvx2, kAvx512, kVnni, kNone };

inline IsaLimit LimitOfInstructions() {
  const char* value = std::getenv("CODELORE_CPU");
  const std::string_view name = value != nullptr ? value : "";
  return name == "portable" ? IsaLimit::kPortable
         : name == "avx2"   ? IsaLimit::kAvx2
         : name == "avx512" ? IsaLimit::kAvx512
         : name == "vnni"   ? IsaLimit::kVnni
                            : IsaLimit::kNone;
}

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_ISA_LIMIT_H_
