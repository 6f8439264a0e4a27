// TensorPickle: the tensors that a pickled state dictionary of PyTorch describes, as names and
// numbers.
//
// The language is pickle protocol 2 (Python's Lib/pickletools.py), cut down to what torch.save
// writes for a dictionary of tensors; see torch_file.h for what that means. Values are indices into
// flat arrays, so no input makes them deep. Views borrow from the pickle.
#ifndef CODELORE_EMBED_PICKLE_H_
#define CODELORE_EMBED_PICKLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::embed {

// One entry of the dictionary: a view of a storage, in elements.
struct PickledTensor {
  std::string_view name;
  std::string_view storage_type;  // "torch.FloatStorage"
  std::string_view storage_key;   // "0"
  uint64_t storage_size = 0;
  uint64_t offset = 0;
  std::vector<uint64_t> shape, strides;
};

constexpr size_t kMaxPickleBytes = 1 << 20;

// Fails, naming the byte and what was there, unless `pickle` is a dictionary of tensors by name;
// entries that are no tensors are refused by name.
Result<std::vector<PickledTensor>> ReadTensorPickle(std::string_view pickle);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_PICKLE_H_
