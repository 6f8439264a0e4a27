#include "embed/safetensors.h"

#include <algorithm>
#include <map>

#include "codelore/coding.h"
#include "embed/json_document.h"

namespace codelore::embed {

namespace {

constexpr std::string_view kMetadata = "__metadata__";

struct DTypeInfo {
  std::string_view name;
  DType dtype;
  uint64_t bytes;
};
constexpr DTypeInfo kDTypes[] = {
    {"F32", DType::kF32, 4},    {"F16", DType::kF16, 2},   {"BF16", DType::kBF16, 2},
    {"F64", DType::kOther, 8},  {"I64", DType::kOther, 8}, {"U64", DType::kOther, 8},
    {"I32", DType::kOther, 4},  {"U32", DType::kOther, 4}, {"I16", DType::kOther, 2},
    {"U16", DType::kOther, 2},  {"I8", DType::kOther, 1},  {"U8", DType::kOther, 1},
    {"BOOL", DType::kOther, 1},
};

// A tensor of the header; its bytes are [begin, end) of the data.
struct Entry {
  std::string name;
  Tensor tensor;
  uint64_t begin = 0, end = 0;
};

Result<std::vector<uint64_t>> ReadShape(const JsonValue& value) {
  ASSIGN_OR_RETURN(std::vector<JsonValue> extents, value.Elements());
  if (extents.size() > TensorSource::kMaxDimensions) return value.Mismatch("at most 8 dimensions");
  std::vector<uint64_t> shape;
  for (const JsonValue& extent : extents) {
    ASSIGN_OR_RETURN(uint64_t n, extent.Uint(0, INT64_MAX));
    shape.push_back(n);
  }
  return shape;
}

Result<Entry> ReadEntry(const std::string& name, const JsonValue& value, uint64_t data_bytes) {
  Entry entry;
  entry.name = name;
  ASSIGN_OR_RETURN(JsonValue dtype, value.At("dtype"));
  ASSIGN_OR_RETURN(std::string dtype_name, dtype.Text());
  const auto* info = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                  [&](const DTypeInfo& d) { return d.name == dtype_name; });
  if (info == std::end(kDTypes)) return dtype.Mismatch("a known element type");
  entry.tensor.dtype = info->dtype;
  ASSIGN_OR_RETURN(JsonValue shape, value.At("shape"));
  ASSIGN_OR_RETURN(entry.tensor.shape, ReadShape(shape));
  ASSIGN_OR_RETURN(JsonValue offsets, value.At("data_offsets"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> ends, offsets.Elements());
  if (ends.size() != 2) return offsets.Mismatch("two offsets");
  ASSIGN_OR_RETURN(entry.begin, ends[0].Uint(0, data_bytes));
  ASSIGN_OR_RETURN(entry.end, ends[1].Uint(entry.begin, data_bytes));
  if (TensorBytes(entry.tensor.shape, info->bytes) != entry.end - entry.begin) {
    return offsets.Mismatch("the bytes of the shape " + ShapeText(entry.tensor.shape));
  }
  return entry;
}

Result<std::vector<Entry>> ReadHeader(std::string_view file, std::string_view header,
                                      uint64_t data_bytes) {
  ASSIGN_OR_RETURN(JsonValue root, JsonValue::ParseObject(std::string(file) + ": header", header));
  ASSIGN_OR_RETURN(auto members, root.Members());
  std::vector<Entry> entries;
  for (const auto& [name, value] : members) {
    if (name == kMetadata) continue;
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value, data_bytes));
    entries.push_back(std::move(entry));
  }
  return entries;
}

// The entries, by offset, lie end to end over all of the data.
Status CheckTiling(std::string_view file, std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      return Corruption(std::string(file) + ": header: " + entry.name +
                        ": data_offsets: expected to start at " + std::to_string(end) +
                        ", where the tensor before ends, found " + std::to_string(entry.begin));
    }
    end = entry.end;
  }
  if (end == data_bytes) return OkStatus();
  return Corruption(std::string(file) + ": expected " + std::to_string(end) +
                    " bytes of data, found " + std::to_string(data_bytes));
}

}  // namespace

Result<TensorSource> ParseSafeTensors(std::string_view file, std::string_view bytes) {
  ByteReader reader(bytes);
  const auto header_bytes = reader.Fixed<uint64_t>();
  const uint64_t most =
      bytes.size() < 8 ? 0 : std::min<uint64_t>(bytes.size() - 8, kMaxSafeTensorsHeader);
  if (!reader.ok() || header_bytes > most) {
    return Corruption(std::string(file) + ": header size: expected at most " +
                      std::to_string(most) + " bytes, found " + std::to_string(header_bytes));
  }
  const std::string_view header = bytes.substr(8, header_bytes),
                         data = bytes.substr(8 + header_bytes);
  ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadHeader(file, header, data.size()));
  RETURN_IF_ERROR(CheckTiling(file, entries, data.size()));
  TensorSource result{std::string(file)};
  for (Entry& entry : entries) {
    entry.tensor.bytes = data.substr(entry.begin, entry.end - entry.begin);
    RETURN_IF_ERROR(result.Add(std::move(entry.name), std::move(entry.tensor)));
  }
  return result;
}

Result<TensorSource> ReadShardedSafeTensors(const ModelFolder& folder) {
  constexpr std::string_view kIndex = "model.safetensors.index.json";
  ASSIGN_OR_RETURN(std::string_view text, folder.Read(kIndex));
  if (text.size() > kMaxSafeTensorsHeader)
    return Corruption(std::string(kIndex) + ": expected at most 16 MiB, found " + std::to_string(text.size()) + " bytes");
  ASSIGN_OR_RETURN(JsonValue index, JsonValue::ParseObject(kIndex, text));
  ASSIGN_OR_RETURN(JsonValue map, index.At("weight_map"));
  ASSIGN_OR_RETURN(auto members, map.Members());
  std::map<std::string, TensorSource, std::less<>> shards;
  for (const auto& [name, value] : members) {
    ASSIGN_OR_RETURN(std::string file, value.Text());
    auto shard = shards.find(file);
    if (shard == shards.end()) {
      if (!folder.Has(file)) return value.Mismatch("a shard that is in the folder");
      ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(file));
      ASSIGN_OR_RETURN(TensorSource tensors, ParseSafeTensors(file, bytes));
      shard = shards.emplace(file, std::move(tensors)).first;
    }
    if (!shard->second.Has(name)) return value.Mismatch("a shard with this tensor");
  }
  TensorSource result{std::string(kIndex)};
  for (const auto& [file, shard] : shards) RETURN_IF_ERROR(result.Merge(shard));
  return result;
}

}  // namespace codelore::embed
