// Reading .safetensors files, one or several shards with an index.
//
// Format (huggingface/safetensors): u64 little-endian size of the header; the header, a JSON object
// {name: {"dtype", "shape", "data_offsets": [begin, end)}, "__metadata__": {text: text}}, perhaps
// padded with spaces; the data. The index of a sharded model is {"weight_map": {tensor: file}}.
// Nothing is believed: reading fails, naming the file and the tensor, unless the tensors lie within
// the data, tile it without hole, overlap or rest, and each has just the bytes of its shape. Pure
// functions; what they return borrows the bytes.
#ifndef CODELORE_EMBED_SAFETENSORS_H_
#define CODELORE_EMBED_SAFETENSORS_H_

#include <string_view>

#include "codelore/status.h"
#include "embed/model_folder.h"
#include "embed/tensor_source.h"

namespace codelore::embed {

constexpr uint64_t kMaxSafeTensorsHeader = 16 << 20;  // bytes

Result<TensorSource> ParseSafeTensors(std::string_view file, std::string_view bytes);

// The shards that model.safetensors.index.json of the folder names.
Result<TensorSource> ReadShardedSafeTensors(const ModelFolder& folder);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_SAFETENSORS_H_
