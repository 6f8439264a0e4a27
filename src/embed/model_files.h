// From a model folder's files to what runs: the tokenizer and the weights, in whichever of their
// formats they are there. Pure functions.
#ifndef CODELORE_EMBED_MODEL_FILES_H_
#define CODELORE_EMBED_MODEL_FILES_H_

#include <memory>

#include "codelore/status.h"
#include "embed/model_config.h"
#include "embed/model_folder.h"
#include "embed/tensor_source.h"
#include "embed/tokenizer.h"

namespace codelore::embed {

// vocab.txt, or tokenizer.json, or for an XLM-RoBERTa sentencepiece.bpe.model. Fails, naming the
// file, if there is none, or if it has more tokens than the network.
Result<std::unique_ptr<const Tokenizer>> ReadTokenizer(const ModelFolder& folder,
                                                       const ModelConfig& config);

// model.safetensors, or model.safetensors.index.json with its shards, or pytorch_model.bin. Borrows
// the folder's bytes.
Result<TensorSource> ReadWeights(const ModelFolder& folder);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_MODEL_FILES_H_
