// Reading what torch.save wrote: pytorch_model.bin, sparse_linear.pt, colbert_linear.pt.
//
// Format: a zip whose one folder has data.pkl, a pickled dictionary of tensors, and data/0, data/1,
// ..., their values. A pickle is a program for a stack machine that may name any function of Python
// to be called. This machine knows the opcodes that a dictionary of tensors needs and the five
// names in it, calls nothing, and refuses everything else by its name. It has one explicit stack,
// no recursion, and takes time and memory linear in data.pkl, of which there may be 1 MiB. Pure
// functions; what they return borrows the bytes.
#ifndef CODELORE_EMBED_TORCH_FILE_H_
#define CODELORE_EMBED_TORCH_FILE_H_

#include <string_view>

#include "codelore/status.h"
#include "embed/tensor_source.h"

namespace codelore::embed {

// Fails, naming the file and the entry or tensor, for anything but a dictionary of contiguous
// tensors.
Result<TensorSource> ParseTorchFile(std::string_view file, std::string_view bytes);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_TORCH_FILE_H_
