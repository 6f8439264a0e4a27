// BertScorer: a TextPairScorer that runs a sequence classification model (bge-reranker and its
// like) in this process: query and passage go through the network as one text, and the first
// token's vector becomes a number.
//
//   BERT          [CLS] query [SEP] passage [SEP], the passage of the second token type;
//                 bert.pooler.dense, classifier
//   XLM-RoBERTa   <s> query </s></s> passage </s>; classifier.dense, classifier.out_proj
// A query takes at most three quarters of the tokens, the passage what is left. Memory as of
// BertEncoder.
#ifndef CODELORE_EMBED_BERT_SCORER_H_
#define CODELORE_EMBED_BERT_SCORER_H_

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "codelore/text_pair_scorer.h"
#include "embed/bert.h"
#include "embed/model_config.h"
#include "embed/model_folder.h"
#include "embed/run_states.h"
#include "embed/tokenizer.h"

namespace codelore::embed {

// What is not set is as the model's own files say.
struct BertScorerOptions {
  std::optional<uint32_t> max_tokens =
      {};  // special ones included; from 8 to the model's positions
  std::optional<Precision> precision = {};  // without it: what is fastest on this processor
  std::optional<std::string> packed_folder = {};  // as BertEncoderOptions'
};

class BertScorer final : public TextPairScorer {
 public:
  // Fails, naming file and field or tensor, for a folder that is no such model or options it cannot
  // meet.
  static Result<std::unique_ptr<BertScorer>> Open(ModelFolder folder,
                                                  const BertScorerOptions& options = {});

  const ScorerInfo& info() const override { return info_; }
  Result<std::vector<float>> Score(std::string_view query,
                                   std::span<const std::string_view> passages) const override;

 private:
  struct Pairs;
  // tanh(dense(x)), then one number.
  struct Head {
    Linear dense;               // hidden -> hidden
    std::vector<float> weight;  // [hidden]
    float bias = 0;
  };

  BertScorer(ModelFolder folder, ModelConfig config)
      : folder_(std::move(folder)), config_(std::move(config)) {}

  Status LoadHead(const TensorSource& tensors);
  Pairs Tokenize(std::string_view query, std::span<const std::string_view> passages) const;
  Status ScoreGroup(const Pairs& pairs, std::span<const uint32_t> members,
                    std::vector<float>* scores) const;
  float Judge(Rows vectors, std::vector<float>* hidden) const;

  const ModelFolder folder_;  // owns the bytes of the word embeddings
  ModelConfig config_;
  std::unique_ptr<const Tokenizer> tokenizer_;
  BertWeights weights_;
  Head head_;
  ScorerInfo info_;
  mutable RunStates states_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_BERT_SCORER_H_
