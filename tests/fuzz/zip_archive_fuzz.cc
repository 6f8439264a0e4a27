// A zip file.
#include "embed/zip_archive.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = View(data, size);
  const auto archive = codelore::embed::ZipArchive::Parse("f", bytes);
  if (!archive.ok()) return 0;
  size_t total = 0;
  for (const auto& [name, content] : archive->entries()) {
    CHECK(content.data() >= bytes.data() &&
          content.data() + content.size() <= bytes.data() + bytes.size());
    total += content.size();
  }
  CHECK(total <= size);
  return 0;
}
