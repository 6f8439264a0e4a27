// Any text, through the tokenizers of the test models: the limit only cuts, and ids are of the
// vocabulary.
#include <fstream>
#include <iterator>

#include "embed/model_folder.h"
#include "embed/unigram.h"
#include "embed/wordpiece.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

const Tokenizer* const* Tokenizers() {
  static const ModelFolder folder = ModelFolder::BuiltIn();
  static const WordPiece wordpiece =
      WordPiece::Create("vocab.txt", folder.Read("vocab.txt").value(), {}).value();
  static const Unigram json =
      Unigram::Create(
          ReadTokenizerJson("f", ReadFile(TESTDATA "/embed/unigram/tokenizer.json")).value())
          .value();
  static const Unigram model =
      Unigram::Create(
          ReadSentencePieceModel("f", ReadFile(TESTDATA "/embed/unigram/sentencepiece.bpe.model"))
              .value())
          .value();
  static const Tokenizer* const all[] = {&wordpiece, &json, &model, nullptr};
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = View(data, size);
  for (const Tokenizer* const* tokenizer = Tokenizers(); *tokenizer != nullptr; ++tokenizer) {
    std::vector<uint32_t> all, some;
    (*tokenizer)->Tokenize(text, SIZE_MAX / 2, &all);
    (*tokenizer)->Tokenize(text, 5, &some);
    CHECK(some.size() <= 5 && some.size() <= all.size());
    CHECK(std::equal(some.begin(), some.end(), all.begin()));
    for (uint32_t id : all) CHECK(id < (*tokenizer)->size());
  }
  return 0;
}
