// A sentencepiece.bpe.model: as it is, and as a map of characters alone.
#include "embed/unigram.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = View(data, size);
  constexpr std::string_view kText = "a <mask> ab\xFF\xC3 x  y\u00A0z \uFF41\u0301 \uAC00";
  if (const auto map = CharsMap::Parse(bytes); map.ok()) {
    for (size_t i = 0; i < kText.size(); ++i) {
      const auto shortest = map->Shortest(kText.substr(i)), longest = map->Longest(kText.substr(i));
      CHECK(shortest.length <= longest.length && longest.length <= kText.size() - i);
    }
  }
  auto model = ReadSentencePieceModel("f", bytes);
  if (!model.ok()) {
    CHECK(model.status().message().starts_with("f: "));
    return 0;
  }
  const auto tokenizer = Unigram::Create(std::move(model).value());
  if (!tokenizer.ok()) return 0;
  std::vector<uint32_t> ids;
  tokenizer->Tokenize(kText, 100, &ids);
  for (uint32_t id : ids) CHECK(id < tokenizer->size());
  return 0;
}
