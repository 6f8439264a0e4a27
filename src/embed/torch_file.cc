#include "embed/torch_file.h"

#include <algorithm>

#include "embed/pickle.h"
#include "embed/zip_archive.h"

namespace codelore::embed {

namespace {

constexpr std::string_view kPickle = "/data.pkl";

struct StorageType {
  std::string_view name;
  DType dtype;
  uint64_t bytes;
};
constexpr StorageType kStorageTypes[] = {
    {"torch.FloatStorage", DType::kF32, 4},     {"torch.HalfStorage", DType::kF16, 2},
    {"torch.BFloat16Storage", DType::kBF16, 2}, {"torch.DoubleStorage", DType::kOther, 8},
    {"torch.LongStorage", DType::kOther, 8},    {"torch.IntStorage", DType::kOther, 4},
    {"torch.ShortStorage", DType::kOther, 2},   {"torch.CharStorage", DType::kOther, 1},
    {"torch.ByteStorage", DType::kOther, 1},    {"torch.BoolStorage", DType::kOther, 1},
};

// Row-major without gaps; the stride of a dimension of one element may be anything.
bool IsContiguous(const PickledTensor& tensor) {
  uint64_t stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

// `where` names the tensor, for errors.
Result<Tensor> Resolve(const ZipArchive& archive, const std::string& folder,
                       const PickledTensor& pickled, const std::string& where) {
  const auto* type = std::ranges::find(kStorageTypes, pickled.storage_type, &StorageType::name);
  const std::string entry = folder + "/data/" + std::string(pickled.storage_key);
  const auto storage = archive.entries().find(entry);
  if (storage == archive.entries().end()) {
    return Corruption(where + ": expected its values in one of the entries, found none");
  }
  const uint64_t size = storage->second.size();
  if (size % type->bytes != 0 || size / type->bytes != pickled.storage_size) {
    return Corruption(where + ": expected " + std::to_string(pickled.storage_size) + " values of " +
                      std::to_string(type->bytes) + " bytes, found " + std::to_string(size) +
                      " bytes");
  }
  const auto bytes = TensorBytes(pickled.shape, type->bytes);
  if (!bytes || pickled.offset > pickled.storage_size ||
      *bytes > size - pickled.offset * type->bytes) {
    return Corruption(where + ": expected the shape " + ShapeText(pickled.shape) + " from " +
                      std::to_string(pickled.offset) + " on within its " +
                      std::to_string(pickled.storage_size) + " values, found it beyond");
  }
  if (*bytes > 0 && !IsContiguous(pickled)) {
    return Corruption(where + ": expected values row by row, found the strides " +
                      ShapeText(pickled.strides) + " for the shape " + ShapeText(pickled.shape));
  }
  return Tensor{type->dtype, pickled.shape,
                storage->second.substr(pickled.offset * type->bytes, *bytes)};
}

}  // namespace

Result<TensorSource> ParseTorchFile(std::string_view file, std::string_view bytes) {
  const std::string name(file);
  if (!ZipArchive::LooksLikeOne(bytes)) {
    return Corruption(name +
                      ": expected a zip file as PyTorch writes since 1.6, found another. An older "
                      "one is converted by: "
                      "torch.save(torch.load(\"OLD\", weights_only=True), \"NEW\")");
  }
  ASSIGN_OR_RETURN(ZipArchive archive, ZipArchive::Parse(file, bytes));
  const auto& entries = archive.entries();
  const auto pickle = std::ranges::find_if(entries, [](const auto& e) {
    return e.first.ends_with(kPickle) && e.first.find('/') == e.first.size() - kPickle.size();
  });
  if (pickle == entries.end())
    return Corruption(name + ": expected the entry data.pkl, found none");
  const std::string folder = pickle->first.substr(0, pickle->first.size() - kPickle.size());
  if (const auto order = entries.find(folder + "/byteorder");
      order != entries.end() && order->second != "little") {
    return Corruption(name + ": byteorder: expected little, found another");
  }
  auto pickled = ReadTensorPickle(pickle->second);
  if (!pickled.ok()) return pickled.status().In(name + ": data.pkl");
  TensorSource result(name);
  for (const PickledTensor& tensor : *pickled) {
    const std::string tensor_name(tensor.name);
    ASSIGN_OR_RETURN(Tensor resolved, Resolve(archive, folder, tensor, name + ": " + tensor_name));
    RETURN_IF_ERROR(result.Add(tensor_name, std::move(resolved)));
  }
  return result;
}

}  // namespace codelore::embed
