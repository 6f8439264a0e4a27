// The kernels for any processor, over the compiler's vectors of 4 floats (SSE2, NEON).
#include "embed/kernels_isa.h"

namespace codelore::embed {
namespace {

#include "embed/kernels_portable_inl.h"

constexpr size_t kRows = 6;

#include "embed/kernels_inl.h"

}  // namespace

const Kernels kPortableKernels = {"portable", kPanel, Multiply, LayerNorm, Gelu, Gate, Softmax};

}  // namespace codelore::embed
