// ModelConfig: what the configuration files of a model folder say, checked and in one place.
//
//   config.json                        family and shape of the network (required)
//   modules.json                       that nothing runs after it but what follows here
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
#include <string_view>

#include "codelore/status.h"
#include "embed/model_folder.h"
#include "embed/wordpiece.h"

namespace codelore::embed {

// Three networks of one kind:
//   kBert         Devlin et al. 2018; BGE, E5, Arctic, MiniLM
//   kXlmRoberta   Conneau et al. 2019: positions counted from 2; BGE-M3, multilingual-e5
//   kNomicBert    Nussbaum et al. 2024: rotary positions, gated MLP; nomic-embed-text,
//   CodeRankEmbed
enum class Family { kBert, kXlmRoberta, kNomicBert };

// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) over all of a head.
struct Rotary {
  float base = 0;     // 0: the network has position embeddings instead
  float scaling = 0;  // 0, or the factor by which texts longer than trained stretch the base
  size_t trained_positions = 0;  // what was longest in training
};

struct BertShape {
  size_t hidden = 0;  // width of a token vector
  size_t layers = 0;
  size_t heads = 0;         // divides hidden
  size_t intermediate = 0;  // width of the feed-forward layer
  size_t vocabulary = 0;
  size_t positions = 0;  // tokens that a text may have
  size_t token_types = 0;
  float epsilon = 0;          // of layer normalisation
  size_t first_position = 0;  // the row of the position embeddings that the first token has; in
                              // XLM-RoBERTa the padding token's id plus 1
  Rotary rotary = {};
  bool gated = false;  // feed-forward: up(x)·silu(gate(x)) instead of gelu(up(x))
  bool query_key_value_bias = true, attention_output_bias = true, up_bias = true, gate_bias = true,
       down_bias = true;

  size_t head_size() const { return hidden / heads; }
};

enum class Pooling { kMean, kFirstToken };

struct ModelConfig {
  Family family = Family::kBert;
  BertShape shape;
  Pooling pooling = Pooling::kMean;
  WordPieceOptions tokenizer;
  uint32_t max_tokens = 0;   // special ones included; at least 3, at most shape.positions
  bool has_prompts = false;  // the files say what the prefixes are
  std::string query_prefix, passage_prefix;

  static Result<ModelConfig> Read(const ModelFolder& folder);
};

// The prefixes that the authors of well-known models ask for, by the model's name
// ("multilingual-e5-small"); empty ones for a model that has none or is not known.
struct Prefixes {
  std::string_view query, passage;
};
Prefixes WellKnownPrefixes(std::string_view model_name);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_MODEL_CONFIG_H_
