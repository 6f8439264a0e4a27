// BERT (Devlin et al. 2018, arXiv:1810.04805) and its relatives XLM-RoBERTa and NomicBERT: weights,
// scratch memory, one forward pass.
//
// They differ in where positions come from (embeddings, or rotation of queries and keys), in the
// feed-forward layer (GELU, or a product with a gate), in biases, and in the names of their
// tensors. In float32, or with the products in int8: then weights are rounded to 8 bits by output,
// and the vectors that meet them to 8 bits by token; what is between products (residuals,
// LayerNorm, softmax's sums) stays in float32. The tokens of several texts are packed into one
// matrix without padding; attention stays within a text. A text's vectors are the same, bit for
// bit, whatever it is packed with.
#ifndef CODELORE_EMBED_BERT_H_
#define CODELORE_EMBED_BERT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codelore/status.h"
#include "embed/attention.h"
#include "embed/encode_gate.h"
#include "embed/linear.h"
#include "embed/model_config.h"
#include "embed/packed_file.h"
#include "embed/precision.h"
#include "embed/rotary.h"
#include "embed/tensor_source.h"

namespace codelore::embed {

struct NormWeights {
  std::vector<float> gain, bias;  // [hidden]
};

template <class LinearType>
struct LayerWeights {
  LinearType query_key_value;   // hidden -> 3·hidden: all queries, all keys, all values
  LinearType attention_output;  // hidden -> hidden
  NormWeights attention_norm;
  LinearType up;    // hidden -> intermediate; gated: twice that, the gate behind
  LinearType down;  // intermediate -> hidden
  NormWeights output_norm;
};

struct LoadOptions {
  Precision precision = Precision::kFloat32;
  // Called after each layer: what was read of the file for it is not needed again.
  std::function<void()> loaded = {};
  // Where the matrices are mapped from, packed and written first if need be. Without it, or where nothing can be written, they
  // are in memory.
  std::optional<PackedPlace> packed = {};
};

// What the matrices of a model with these files are, packed: it goes into a PackedPlace.
Hash256 PackedKey(const Hash256& files, Precision precision);
Hash256 PackedKey(const Hash256& files, const Int8Kernels& kernels);  // for these, of this processor or another

// Immutable after Load, hence thread-safe. Borrows the bytes of the word embeddings from the file;
// all else is packed for this processor's kernels.
struct BertWeights {
  Tensor words;  // [vocabulary, hidden]
  // [first_position + positions, hidden], the first token type's embedding added; rotary: [hidden],
  // that alone.
  std::vector<float> positions;
  std::vector<float> second_type;  // [hidden], less the first token type's; empty if there is one
  NormWeights embedding_norm;
  // One of the two is empty.
  std::vector<LayerWeights<Linear>> layers;
  std::vector<LayerWeights<Int8Linear>> int8_layers;

  std::shared_ptr<const void> packed;  // of the layers' bytes; null if they are their own

  // Names as published models have them, perhaps with "bert." or "roberta." in front. Fails, naming
  // file and tensor, for one that is missing, misshapen or not finite.
  static Result<BertWeights> Load(const TensorSource& file, Family family, const BertShape& shape,
                                  const LoadOptions& options);
};

// The memory of one forward pass, reused from pass to pass; one thread at a time.
struct RunState {
  EncodeGate* gate = nullptr;   // what the pass gives way at; none: at nothing
  FloatBuffer hidden;           // [tokens, hidden]: the token vectors, layer after layer
  FloatBuffer query_key_value;  // [tokens, 3·hidden]
  FloatBuffer context;          // [tokens, hidden]: attention's output
  FloatBuffer delta;            // [rows of a block, hidden]
  FloatBuffer feed_forward;     // [rows of a block, intermediate, or twice that]
  AttentionState attention;
  RotaryTable rotary;
  // Int8 only:
  Buffer<uint16_t> query_key_value_bf16;  // instead of query_key_value, where it can be
  Buffer<uint8_t> hidden_bytes;           // [tokens, hidden]
  Buffer<uint8_t> block_bytes;            // [rows of a block, max(hidden, intermediate)]
  Buffer<ByteScale> hidden_scales, block_scales;
  FloatBuffer rotated;  // [hidden]
};

// Token ids of texts laid end to end, and the number of each text's: each from 1 to
// shape.positions; each id below shape.vocabulary. `second`, if not empty, says of each token
// whether it is of the second type. Returns the last layer's vectors [ids.size(), hidden], which
// live in `state`.
Rows Forward(const BertShape& shape, const BertWeights& weights, std::span<const uint32_t> ids,
             std::span<const uint32_t> lengths, RunState* state,
             std::span<const uint8_t> second = {});

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_BERT_H_
