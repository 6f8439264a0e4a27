// A file of torch.save: as it is, and as the data.pkl of a file that is otherwise sound.
#include "embed/pickle.h"
#include "embed/torch_archive.h"
#include "embed/torch_file.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

namespace {

void Try(std::string_view file) {
  const auto tensors = ParseTorchFile("f", file);
  if (!tensors.ok()) {
    CHECK(tensors.status().message().starts_with("f: "));
    return;
  }
  const uint64_t matrix[] = {3, 4}, vector[] = {4};
  for (const char* name : {"a", "f32", "slice", "weight"}) {
    (void)tensors->Floats(name, matrix).ok();
    (void)tensors->Floats(name, vector).ok();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = View(data, size);
  if (bytes.starts_with("PK")) {
    Try(bytes);
  } else {
    Try(StoredZip({{"m/data.pkl", std::string(bytes)},
                   {"m/data/0", std::string(48, '\1')},
                   {"m/data/1", "12345678"}}));
  }
  return 0;
}
