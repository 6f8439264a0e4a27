// A tokenizer.json, for either kind of model, and a text that it is then used on.
#include "embed/unigram.h"
#include "embed/wordpiece.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

namespace {

void Use(const Tokenizer& tokenizer) {
  for (std::string_view text :
       {"a <mask> ab\xFF\xC3 x  y\u00A0z \uFF41\u0301", "[CLS] word ##s \uAC00\uAC01"}) {
    std::vector<uint32_t> ids;
    tokenizer.Tokenize(text, 100, &ids);
    for (uint32_t id : ids) CHECK(id < tokenizer.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = View(data, size);
  auto unigram = ReadTokenizerJson("f", text);
  if (unigram.ok()) {
    const auto tokenizer = Unigram::Create(std::move(unigram).value());
    if (tokenizer.ok()) Use(*tokenizer);
  } else {
    CHECK(unigram.status().message().starts_with("f: "));
    if (unigram.status().message().starts_with("f: expected JSON")) return 0;  // the other says the same
  }
  const auto wordpiece = ReadWordPieceJson("f", text, {});
  if (!wordpiece.ok()) return 0;
  const auto tokenizer = WordPiece::Create("f", wordpiece->vocabulary, wordpiece->options);
  if (tokenizer.ok()) Use(*tokenizer);
  return 0;
}
