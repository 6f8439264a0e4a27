// The sets of int8 kernels that exist; kernels_int8.cc chooses among them.
#ifndef CODELORE_EMBED_KERNELS_INT8_ISA_H_
#define CODELORE_EMBED_KERNELS_INT8_ISA_H_

#include "embed/kernels_int8.h"

namespace codelore::embed {

extern const Int8Kernels kPortableInt8Kernels;
#if defined(__x86_64__)
extern const Int8Kernels kAvx2Int8Kernels;
extern const Int8Kernels kAvxVnniInt8Kernels;
extern const Int8Kernels kAvx512Int8Kernels;
extern const Int8Kernels kAvx512VnniInt8Kernels;
extern const Int8Kernels kAmxInt8Kernels;
extern const Int8Kernels kEmulatedAmxInt8Kernels;  // on any processor with AVX-512 VNNI; slow
#endif

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_KERNELS_INT8_ISA_H_
