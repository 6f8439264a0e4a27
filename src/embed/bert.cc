#include "embed/bert.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace codelore::embed {

namespace {

// ---- loading ------------------------------------------------------------------------------------

class Loader {
 public:
  Loader(const TensorSource& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  Result<std::vector<float>> Floats(const std::string& name,
                                    std::initializer_list<uint64_t> shape) const {
    return file_.Floats(prefix_ + name, {shape.begin(), shape.size()});
  }

  Status Norm(const std::string& name, size_t size, NormWeights* norm) const {
    ASSIGN_OR_RETURN(norm->gain, Floats(name + ".weight", {size}));
    ASSIGN_OR_RETURN(norm->bias, Floats(name + ".bias", {size}));
    return OkStatus();
  }

  // Several layers on the same input become one.
  Status Stack(std::initializer_list<std::string> names, size_t inputs, size_t outputs,
               Linear* linear) const {
    std::vector<float> weights, biases;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(std::vector<float> weight, Floats(name + ".weight", {outputs, inputs}));
      ASSIGN_OR_RETURN(std::vector<float> bias, Floats(name + ".bias", {outputs}));
      weights.insert(weights.end(), weight.begin(), weight.end());
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    *linear = Linear(weights, std::move(biases));
    return OkStatus();
  }

  Status Layer(const std::string& name, const BertShape& s, LayerWeights* layer) const {
    const std::string attention = name + "attention.";
    RETURN_IF_ERROR(
        Stack({attention + "self.query", attention + "self.key", attention + "self.value"},
              s.hidden, s.hidden, &layer->query_key_value));
    RETURN_IF_ERROR(
        Stack({attention + "output.dense"}, s.hidden, s.hidden, &layer->attention_output));
    RETURN_IF_ERROR(Norm(attention + "output.LayerNorm", s.hidden, &layer->attention_norm));
    RETURN_IF_ERROR(Stack({name + "intermediate.dense"}, s.hidden, s.intermediate, &layer->up));
    RETURN_IF_ERROR(Stack({name + "output.dense"}, s.intermediate, s.hidden, &layer->down));
    return Norm(name + "output.LayerNorm", s.hidden, &layer->output_norm);
  }

 private:
  const TensorSource& file_;
  const std::string prefix_;
};

// ---- the forward pass ---------------------------------------------------------------------------

constexpr size_t kBlockRows = 112;  // token vectors that go through the feed-forward layer together
constexpr size_t kBlockQueries = 56;  // queries whose scores are held together

class Pass {
 public:
  Pass(const BertShape& shape, const BertWeights& weights, RunState* state)
      : shape_(shape), weights_(weights), state_(*state), kernels_(BestKernels()) {}

  Rows Run(std::span<const uint32_t> ids, std::span<const uint32_t> lengths) {
    Reserve(ids.size(), *std::ranges::max_element(lengths));
    Embed(ids, lengths);
    for (const LayerWeights& layer : weights_.layers) {
      layer.query_key_value.Apply(hidden_, ids.size(), query_key_value_);
      size_t first = 0;
      for (uint32_t length : lengths) {
        for (size_t head = 0; head < shape_.heads; ++head) Attend(first, length, head);
        first += length;
      }
      for (size_t row = 0; row < ids.size(); row += kBlockRows) {
        Mix(layer, row, std::min(kBlockRows, ids.size() - row));
      }
    }
    return hidden_;
  }

 private:
  void Reserve(size_t tokens, size_t longest) {
    const size_t hidden = shape_.hidden, panel = kernels_.panel;
    hidden_ = {state_.hidden.Reserve(tokens * hidden), hidden};
    query_key_value_ = {state_.query_key_value.Reserve(tokens * 3 * hidden), 3 * hidden};
    context_ = {state_.context.Reserve(tokens * hidden), hidden};
    delta_ = {state_.delta.Reserve(kBlockRows * hidden), hidden};
    feed_forward_ = {state_.feed_forward.Reserve(kBlockRows * shape_.intermediate),
                     shape_.intermediate};
    scores_ = {state_.scores.Reserve(kBlockQueries * longest), longest};
    state_.keys.Reserve(PackedSize(shape_.head_size(), longest, panel));
    state_.values.Reserve(PackedSize(longest, shape_.head_size(), panel));
  }

  // x = LayerNorm(x + residual), row by row; residual [rows, hidden].
  void Norm(Rows x, const float* residual, size_t rows, const NormWeights& norm) const {
    for (size_t i = 0; i < rows; ++i) {
      kernels_.layer_norm({.x = x.row(i),
                           .residual = residual + i * shape_.hidden,
                           .gain = norm.gain.data(),
                           .bias = norm.bias.data(),
                           .size = shape_.hidden,
                           .epsilon = shape_.epsilon});
    }
  }

  void Embed(std::span<const uint32_t> ids, std::span<const uint32_t> lengths) const {
    const size_t hidden = shape_.hidden;
    size_t first = 0;
    for (uint32_t length : lengths) {
      for (size_t i = first; i < first + length; ++i) {
        ReadFloats(weights_.words, ids[i] * hidden, {hidden_.row(i), hidden});
      }
      Norm({hidden_.row(first), hidden}, weights_.positions.data(), length,
           weights_.embedding_norm);
      first += length;
    }
  }

  // One head within one text: its keys and values are packed, its queries go by blocks.
  void Attend(size_t first, size_t length, size_t head) {
    const size_t size = shape_.head_size();
    const Rows query = {query_key_value_.row(first) + head * size, query_key_value_.stride};
    const Rows context = {context_.row(first) + head * size, context_.stride};
    const float* key = query.data + shape_.hidden;
    const float* value = key + shape_.hidden;
    Pack({.data = key,
          .depth_stride = 1,
          .column_stride = query.stride,
          .depth = size,
          .columns = length},
         kernels_.panel, state_.keys.data());
    Pack({.data = value,
          .depth_stride = query.stride,
          .column_stride = 1,
          .depth = length,
          .columns = size},
         kernels_.panel, state_.values.data());
    for (size_t row = 0; row < length; row += kBlockQueries) {
      const size_t rows = std::min(kBlockQueries, length - row);
      AttendBlock({query.row(row), query.stride}, rows, length, {context.row(row), context.stride});
    }
  }

  // softmax(Q·Kᵀ/√d)·V for a block of queries.
  void AttendBlock(Rows query, size_t rows, size_t length, Rows context) const {
    const size_t size = shape_.head_size();
    kernels_.multiply({.a = query.data,
                       .a_stride = query.stride,
                       .panels = state_.keys.data(),
                       .c = scores_.data,
                       .c_stride = scores_.stride,
                       .rows = rows,
                       .depth = size,
                       .columns = length});
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (size_t i = 0; i < rows; ++i) kernels_.softmax(scores_.row(i), length, scale);
    kernels_.multiply({.a = scores_.data,
                       .a_stride = scores_.stride,
                       .panels = state_.values.data(),
                       .c = context.data,
                       .c_stride = context.stride,
                       .rows = rows,
                       .depth = length,
                       .columns = size});
  }

  // What follows attention, for a block of tokens that stays in the cache: the output projection
  // and the feed-forward layer, each added to the vectors and normalised.
  void Mix(const LayerWeights& layer, size_t first, size_t rows) {
    const Rows x = {hidden_.row(first), hidden_.stride};
    layer.attention_output.Apply({context_.row(first), context_.stride}, rows, delta_);
    Norm(x, delta_.data, rows, layer.attention_norm);
    layer.up.Apply(x, rows, feed_forward_);
    kernels_.gelu(feed_forward_.data, rows * shape_.intermediate);
    layer.down.Apply(feed_forward_, rows, delta_);
    Norm(x, delta_.data, rows, layer.output_norm);
  }

  const BertShape& shape_;
  const BertWeights& weights_;
  RunState& state_;
  const Kernels& kernels_;
  Rows hidden_, query_key_value_, context_, delta_, feed_forward_, scores_;  // in state_
};

}  // namespace

Result<BertWeights> BertWeights::Load(const TensorSource& file, const BertShape& shape) {
  const std::string prefix = file.Has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  const Loader loader(file, prefix);
  BertWeights result;
  const uint64_t words[] = {shape.vocabulary, shape.hidden};
  ASSIGN_OR_RETURN(result.words, file.Find(prefix + "embeddings.word_embeddings.weight", words));
  ASSIGN_OR_RETURN(result.positions, loader.Floats("embeddings.position_embeddings.weight",
                                                   {shape.positions, shape.hidden}));
  ASSIGN_OR_RETURN(
      std::vector<float> types,
      loader.Floats("embeddings.token_type_embeddings.weight", {shape.token_types, shape.hidden}));
  for (size_t i = 0; i < result.positions.size(); ++i)
    result.positions[i] += types[i % shape.hidden];
  RETURN_IF_ERROR(loader.Norm("embeddings.LayerNorm", shape.hidden, &result.embedding_norm));
  for (size_t i = 0; i < shape.layers; ++i) {
    result.layers.emplace_back();
    RETURN_IF_ERROR(
        loader.Layer("encoder.layer." + std::to_string(i) + ".", shape, &result.layers.back()));
  }
  return result;
}

Rows Forward(const BertShape& shape, const BertWeights& weights, std::span<const uint32_t> ids,
             std::span<const uint32_t> lengths, RunState* state) {
  return Pass(shape, weights, state).Run(ids, lengths);
}

}  // namespace codelore::embed
