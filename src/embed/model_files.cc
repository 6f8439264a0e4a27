#include "embed/model_files.h"

#include <string>
#include <string_view>

#include "embed/safetensors.h"
#include "embed/torch_file.h"
#include "embed/unigram.h"
#include "embed/wordpiece.h"

namespace codelore::embed {

namespace {

constexpr std::string_view kVocabulary = "vocab.txt", kJson = "tokenizer.json",
                           kSentencePiece = "sentencepiece.bpe.model";

template <class T>
Result<std::unique_ptr<const Tokenizer>> Own(Result<T> tokenizer) {
  if (!tokenizer.ok()) return tokenizer.status();
  return std::unique_ptr<const Tokenizer>(std::make_unique<T>(std::move(tokenizer).value()));
}

Result<std::unique_ptr<const Tokenizer>> ReadWordPiece(const ModelFolder& folder,
                                                       const WordPieceOptions& options) {
  if (folder.Has(kVocabulary) || !folder.Has(kJson)) {
    ASSIGN_OR_RETURN(std::string_view vocabulary, folder.Read(kVocabulary));
    return Own(WordPiece::Create(kVocabulary, vocabulary, options));
  }
  ASSIGN_OR_RETURN(std::string_view text, folder.Read(kJson));
  ASSIGN_OR_RETURN(WordPieceJson json, ReadWordPieceJson(kJson, text, options));
  return Own(WordPiece::Create(kJson, json.vocabulary, json.options));
}

Result<std::unique_ptr<const Tokenizer>> ReadUnigram(const ModelFolder& folder) {
  const std::string_view file =
      folder.Has(kSentencePiece) && !folder.Has(kJson) ? kSentencePiece : kJson;
  ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(file));
  ASSIGN_OR_RETURN(UnigramModel model, file == kJson ? ReadTokenizerJson(file, bytes)
                                                     : ReadSentencePieceModel(file, bytes));
  auto tokenizer = Unigram::Create(std::move(model));
  if (!tokenizer.ok()) return tokenizer.status().In(file);
  return Own(std::move(tokenizer));
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> ReadTokenizer(const ModelFolder& folder,
                                                       const ModelConfig& config) {
  ASSIGN_OR_RETURN(std::unique_ptr<const Tokenizer> tokenizer,
                   config.family == Family::kXlmRoberta ? ReadUnigram(folder)
                                                        : ReadWordPiece(folder, config.tokenizer));
  if (tokenizer->size() <= config.shape.vocabulary) return tokenizer;
  std::string_view file = kJson;
  for (std::string_view other : {kSentencePiece, kVocabulary}) {
    if (folder.Has(other) && (other == kVocabulary || !folder.Has(kJson))) file = other;
  }
  return Corruption(std::string(file) + ": expected at most the " +
                    std::to_string(config.shape.vocabulary) + " tokens of config.json, found " +
                    std::to_string(tokenizer->size()));
}

Result<TensorSource> ReadWeights(const ModelFolder& folder) {
  constexpr std::string_view kSafeTensors = "model.safetensors", kTorch = "pytorch_model.bin";
  if (!folder.Has(kSafeTensors) && folder.Has("model.safetensors.index.json"))
    return ReadShardedSafeTensors(folder);
  if (!folder.Has(kSafeTensors) && folder.Has(kTorch)) {
    ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(kTorch));
    return ParseTorchFile(kTorch, bytes);
  }
  ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(kSafeTensors));
  return ParseSafeTensors(kSafeTensors, bytes);
}

}  // namespace codelore::embed
