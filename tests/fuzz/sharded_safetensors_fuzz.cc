// A model.safetensors.index.json beside two shards: every tensor that it leads to is there.
#include <cstring>

#include "embed/model_folder.h"
#include "embed/safetensors.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

namespace {

std::string Shard(const std::string& name) {
  const std::string header = "{\"" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + std::string(8, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string one = "model-00001-of-00002.safetensors", two = "model-00002-of-00002.safetensors";
  static const std::string first = Shard("a"), second = Shard("b");
  const auto folder = ModelFolder::FromMemory(
      "m", {{"model.safetensors.index.json", std::string(View(data, size))}, {one, first}, {two, second}});
  const auto tensors = ReadShardedSafeTensors(folder);
  if (!tensors.ok()) return 0;
  const uint64_t shape[] = {2};
  CHECK(!tensors->Has("a") || tensors->Floats("a", shape).ok());
  return 0;
}
