// The sets of kernels that exist; kernels.cc chooses among them.
#ifndef CODELORE_EMBED_KERNELS_ISA_H_
#define CODELORE_EMBED_KERNELS_ISA_H_

#include "embed/kernels.h"

namespace codelore::embed {

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_KERNELS_ISA_H_
