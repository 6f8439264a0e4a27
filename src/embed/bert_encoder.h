// BertEncoder: a TextEncoder that runs a model of the BERT family (bert.h) in this process.
//
// Texts of one call are sorted by length and go through the network in groups of a bounded number
// of tokens, so memory is bounded by the group, not the call. One call runs on its caller's thread;
// calls from several threads run side by side, each with scratch memory of its own (about 8 kB a
// token of the group for a 384-wide model), which is kept for the next call. Vectors are the same,
// bit for bit, in any batch.
#ifndef CODELORE_EMBED_BERT_ENCODER_H_
#define CODELORE_EMBED_BERT_ENCODER_H_

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/encoder.h"
#include "codelore/status.h"
#include "embed/bert.h"
#include "embed/encode_gate.h"
#include "embed/model_config.h"
#include "embed/model_folder.h"
#include "embed/run_states.h"
#include "embed/token_heads.h"
#include "embed/tokenizer.h"

namespace codelore::embed {

// What is not set is as the model's own files say.
struct BertEncoderOptions {
  std::optional<uint32_t> max_tokens =
      {};  // special ones included; from 3 to the model's positions
  std::optional<std::string> query_prefix = {}, passage_prefix = {};
  // Where the files name no prompts: those that the authors publish for a model of the folder's
  // name.
  bool well_known_prefixes = false;
  std::optional<Precision> precision = {};  // without it: what is fastest on this processor
  // Where calls in the background give way to the others; without it they do not.
  std::shared_ptr<EncodeGate> gate = {};
  // Keeps the packed weights, to be mapped (packed_file.h); without it they are in memory.
  std::optional<std::string> packed_folder = {};
};

class BertEncoder final : public TextEncoder {
 public:
  // Fails, naming file and field, for a folder that is no BERT model or options it cannot meet.
  static Result<std::unique_ptr<BertEncoder>> Open(ModelFolder folder,
                                                   const BertEncoderOptions& options = {});

  const EncoderInfo& info() const override { return info_; }
  Precision precision() const { return precision_; }
  // Whether its vocabulary has Korean words, rather than their letters or nothing of them.
  bool ReadsKorean() const;
  const std::map<std::string, Hash256>& file_hashes() const { return file_hashes_; }
  // Dense and multi heads, and sparse where the model has it. Without a head of its own a model's
  // multi vectors are those of all its tokens; BGE-M3's leave out the first.
  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts,
                                       const EncodeOptions& options) const override;

 private:
  struct Batch;

  BertEncoder(ModelFolder folder, ModelConfig config, Precision precision,
              std::shared_ptr<EncodeGate> gate)
      : folder_(std::move(folder)),
        config_(std::move(config)),
        precision_(precision),
        gate_(std::move(gate)) {}

  void FillInfo();
  void GiveWay(const EncodeOptions& options) const;
  Batch TokenizeAll(std::span<const std::string_view> texts, const EncodeOptions& options) const;
  Status EncodeGroup(const Batch& batch, std::span<const uint32_t> members,
                     const EncodeOptions& options, std::vector<Encoding>* encodings) const;
  Status Pool(Rows vectors, std::span<const uint32_t> ids, const EncodeOptions& options,
              Encoding* encoding) const;

  const ModelFolder folder_;  // owns the bytes of the word embeddings
  const ModelConfig config_;
  const Precision precision_;
  const std::shared_ptr<EncodeGate> gate_;  // may be null
  std::unique_ptr<const Tokenizer> tokenizer_;
  BertWeights weights_;
  std::optional<LexicalHead> lexical_head_;
  std::optional<TokenVectorHead> token_vector_head_;
  EncoderInfo info_;
  std::map<std::string, Hash256> file_hashes_;
  mutable RunStates states_;
  mutable std::atomic<size_t> tokens_since_release_{0};
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_BERT_ENCODER_H_
