// Files as torch.save writes them, made by hand, so that tests can make them wrong.
#ifndef CODELORE_TESTS_EMBED_TORCH_ARCHIVE_H_
#define CODELORE_TESTS_EMBED_TORCH_ARCHIVE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/coding.h"

namespace codelore::embed {

// A zip of stored entries, with the zip64 records that torch.save always writes.
inline std::string StoredZip(const std::vector<std::pair<std::string, std::string>>& entries) {
  ByteWriter file, directory;
  for (const auto& [name, bytes] : entries) {
    const auto at = static_cast<uint32_t>(file.size()), size = static_cast<uint32_t>(bytes.size());
    const auto name_size = static_cast<uint16_t>(name.size());
    file.Fixed<uint32_t>(0x04034B50).Raw(std::string(14, '\0')).Fixed(size).Fixed(size);
    file.Fixed(name_size).Fixed<uint16_t>(0);
    file.Raw(name).Raw(bytes);
    directory.Fixed<uint32_t>(0x02014B50).Raw(std::string(12, '\0')).Fixed<uint32_t>(0);
    directory.Fixed(size)
        .Fixed(size)
        .Fixed(name_size)
        .Raw(std::string(12, '\0'))
        .Fixed(at)
        .Raw(name);
  }
  const uint64_t offset = file.size(), size = directory.size(), count = entries.size();
  file.Raw(directory.view());
  const uint64_t end = file.size();
  file.Fixed<uint32_t>(0x06064B50).Fixed<uint64_t>(44).Raw(std::string(12, '\0'));
  file.Fixed(count).Fixed(count).Fixed(size).Fixed(offset);
  file.Fixed<uint32_t>(0x07064B50).Fixed<uint32_t>(0).Fixed(end).Fixed<uint32_t>(1);
  file.Fixed<uint32_t>(0x06054B50)
      .Fixed<uint32_t>(0)
      .Fixed<uint16_t>(0xFFFF)
      .Fixed<uint16_t>(0xFFFF);
  file.Fixed<uint32_t>(0xFFFFFFFF).Fixed<uint32_t>(0xFFFFFFFF).Fixed<uint16_t>(0);
  return file.Take();
}

inline std::string PickledText(std::string_view text) {
  return "X" + ByteWriter().Fixed(static_cast<uint32_t>(text.size())).Take() + std::string(text);
}
inline std::string PickledNumber(int64_t number) {
  return "\x8A\x08" + ByteWriter().Fixed(number).Take();
}
inline std::string PickledNumbers(const std::vector<int64_t>& numbers) {
  std::string tuple = "(";
  for (int64_t number : numbers) tuple += PickledNumber(number);
  return tuple + "t";
}

struct FakeTensor {
  std::string name;
  std::vector<int64_t> shape, strides;
  std::string bytes = {};
  std::string type = "FloatStorage";
  int64_t offset = 0;
  int64_t storage_size = -1;  // of bytes, in elements of 4, if negative
};

inline std::string PickledTensorValue(const FakeTensor& tensor, const std::string& key) {
  const int64_t size = tensor.storage_size >= 0 ? tensor.storage_size
                                                : static_cast<int64_t>(tensor.bytes.size() / 4);
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + PickledText("storage") + "ctorch\n" +
         tensor.type + "\n" + PickledText(key) + PickledText("cpu") + PickledNumber(size) + "tQ" +
         PickledNumber(tensor.offset) + PickledNumbers(tensor.shape) +
         PickledNumbers(tensor.strides) + "\x89" + "ccollections\nOrderedDict\n)RtR";
}

// The entries data.pkl, byteorder and data/0 ... of the tensors.
inline std::vector<std::pair<std::string, std::string>> TorchEntries(
    const std::vector<FakeTensor>& tensors) {
  std::vector<std::pair<std::string, std::string>> entries = {{"m/data.pkl", ""},
                                                              {"m/byteorder", "little"}};
  std::string pickle =
      "\x80\x02"
      "ccollections\nOrderedDict\n)R(";
  for (const FakeTensor& tensor : tensors) {
    const std::string key = std::to_string(entries.size() - 2);
    pickle += PickledText(tensor.name) + PickledTensorValue(tensor, key);
    entries.emplace_back("m/data/" + key, tensor.bytes);
  }
  entries[0].second = pickle + "u.";
  return entries;
}

}  // namespace codelore::embed

#endif  // CODELORE_TESTS_EMBED_TORCH_ARCHIVE_H_
