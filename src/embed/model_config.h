// ModelConfig: what the configuration files of a BERT model folder say, checked and in one place.
//
//   config.json                        shape of the network (required)
//   1_Pooling/config.json              how token vectors become one (without it: their mean)
//   tokenizer_config.json              case, accents, special tokens (without it: BERT uncased)
//   sentence_bert_config.json          longest input (without it: as many as there are positions)
//   config_sentence_transformers.json  prompts put before queries and passages (without it: none)
// A plain value. Read fails, naming file and field, for what is missing, mistyped, out of range or
// beyond this encoder.
#ifndef CODELORE_EMBED_MODEL_CONFIG_H_
#define CODELORE_EMBED_MODEL_CONFIG_H_

#include <cstdint>
#include <string>

#include "codelore/status.h"
#include "embed/model_folder.h"
#include "embed/wordpiece.h"

namespace codelore::embed {

struct BertShape {
  size_t hidden = 0;  // width of a token vector
  size_t layers = 0;
  size_t heads = 0;         // divides hidden
  size_t intermediate = 0;  // width of the feed-forward layer
  size_t vocabulary = 0;
  size_t positions = 0;
  size_t token_types = 0;
  float epsilon = 0;  // of layer normalisation

  size_t head_size() const { return hidden / heads; }
};

enum class Pooling { kMean, kFirstToken };

struct ModelConfig {
  BertShape shape;
  Pooling pooling = Pooling::kMean;
  WordPieceOptions tokenizer;
  uint32_t max_tokens = 0;  // special ones included; at least 3, at most shape.positions
  std::string query_prefix, passage_prefix;

  static Result<ModelConfig> Read(const ModelFolder& folder);
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_MODEL_CONFIG_H_
