// A .safetensors file.
#include "embed/safetensors.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tensors = ParseSafeTensors("f", View(data, size));
  if (!tensors.ok()) {
    CHECK(tensors.status().message().starts_with("f: "));
    return 0;
  }
  const uint64_t shape[] = {2, 2};
  (void)tensors->Floats("a", shape).ok();
  return 0;
}
