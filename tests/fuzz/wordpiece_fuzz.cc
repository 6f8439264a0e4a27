// A vocab.txt, and texts that it is then used on.
#include "embed/wordpiece.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto tokenizer = WordPiece::Create("f", View(data, size), {});
  if (!tokenizer.ok()) {
    CHECK(tokenizer.status().message().starts_with("f"));
    return 0;
  }
  for (std::string_view text : {"the file ab\xFF\xC3 was[SEP] not", "\uAC00\uAC01 words"}) {
    std::vector<uint32_t> ids;
    tokenizer->Tokenize(text, 50, &ids);
    CHECK(ids.size() <= 50);
    for (uint32_t id : ids) CHECK(id < tokenizer->size());
  }
  return 0;
}
