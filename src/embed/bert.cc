#include "embed/bert.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "codelore/coding.h"

namespace codelore::embed {

namespace {

// ---- loading ------------------------------------------------------------------------------------

class Loader {
 public:
  Loader(const TensorSource& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  // Takes matrices from there instead, in the order in which they were written.
  void ReadFrom(std::string_view matrices) { packed_ = matrices; }
  // Writes matrices there instead of keeping them.
  void WriteTo(PackedFileWriter* writer) { writer_ = writer; }

  Result<std::vector<float>> Floats(const std::string& name,
                                    std::initializer_list<uint64_t> shape) const {
    return file_.Floats(prefix_ + name, {shape.begin(), shape.size()});
  }

  Status Norm(const std::string& name, size_t size, NormWeights* norm) const {
    ASSIGN_OR_RETURN(norm->gain, Floats(name + ".weight", {size}));
    ASSIGN_OR_RETURN(norm->bias, Floats(name + ".bias", {size}));
    return OkStatus();
  }

  // What depends on a token's place and type.
  Status Positions(const BertShape& s, BertWeights* weights) const {
    ASSIGN_OR_RETURN(std::vector<float> types,
                     Floats("embeddings.token_type_embeddings.weight", {s.token_types, s.hidden}));
    weights->positions.assign(s.hidden, 0.0f);
    if (s.rotary.base == 0) {
      const uint64_t rows = s.first_position + s.positions;
      ASSIGN_OR_RETURN(weights->positions,
                       Floats("embeddings.position_embeddings.weight", {rows, s.hidden}));
    }
    for (size_t i = 0; i < weights->positions.size(); ++i)
      weights->positions[i] += types[i % s.hidden];
    for (size_t i = 0; i < s.hidden && s.token_types > 1; ++i) {
      weights->second_type.push_back(types[s.hidden + i] - types[i]);
    }
    return OkStatus();
  }

  // Several layers on the same input become one.
  Status Stack(std::initializer_list<std::string> names, size_t inputs, size_t outputs,
               bool has_bias, auto* linear) {
    using LinearType = std::remove_pointer_t<decltype(linear)>;
    if (packed_) {
      const size_t size = LinearType::PackedSize(inputs, names.size() * outputs);
      if (size > packed_->size()) return Corruption("a matrix is missing");
      *linear = LinearType(inputs, names.size() * outputs, packed_->substr(0, size));
      packed_->remove_prefix(size);
      return OkStatus();
    }
    std::vector<float> weights, biases;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(std::vector<float> weight, Floats(name + ".weight", {outputs, inputs}));
      std::vector<float> bias(outputs, 0.0f);
      if (has_bias) {
        ASSIGN_OR_RETURN(bias, Floats(name + ".bias", {outputs}));
      }
      weights.insert(weights.end(), weight.begin(), weight.end());
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    LinearType made(weights, biases);
    if (writer_ != nullptr) return writer_->Append(made.packed());
    *linear = std::move(made);
    return OkStatus();
  }

  template <class LinearType>
  Status NomicLayer(const std::string& name, const BertShape& s,
                    LayerWeights<LinearType>* layer) {
    RETURN_IF_ERROR(Stack({name + "attn.Wqkv"}, s.hidden, 3 * s.hidden, s.query_key_value_bias,
                          &layer->query_key_value));
    RETURN_IF_ERROR(Stack({name + "attn.out_proj"}, s.hidden, s.hidden, s.attention_output_bias,
                          &layer->attention_output));
    RETURN_IF_ERROR(Norm(name + "norm1", s.hidden, &layer->attention_norm));
    RETURN_IF_ERROR(Stack({name + "mlp.fc11", name + "mlp.fc12"}, s.hidden, s.intermediate,
                          s.up_bias, &layer->up));
    RETURN_IF_ERROR(Stack({name + "mlp.fc2"}, s.intermediate, s.hidden, s.down_bias, &layer->down));
    return Norm(name + "norm2", s.hidden, &layer->output_norm);
  }

  template <class LinearType>
  Status Layer(const std::string& name, const BertShape& s, LayerWeights<LinearType>* layer) {
    const std::string attention = name + "attention.";
    RETURN_IF_ERROR(
        Stack({attention + "self.query", attention + "self.key", attention + "self.value"},
              s.hidden, s.hidden, true, &layer->query_key_value));
    RETURN_IF_ERROR(
        Stack({attention + "output.dense"}, s.hidden, s.hidden, true, &layer->attention_output));
    RETURN_IF_ERROR(Norm(attention + "output.LayerNorm", s.hidden, &layer->attention_norm));
    RETURN_IF_ERROR(
        Stack({name + "intermediate.dense"}, s.hidden, s.intermediate, true, &layer->up));
    RETURN_IF_ERROR(Stack({name + "output.dense"}, s.intermediate, s.hidden, true, &layer->down));
    return Norm(name + "output.LayerNorm", s.hidden, &layer->output_norm);
  }

  template <class LinearType>
  Status Layers(Family family, const BertShape& shape,
                const std::function<void()>& loaded,
                std::vector<LayerWeights<LinearType>>* layers) {
    layers->clear();
    for (size_t i = 0; i < shape.layers; ++i) {
      const std::string number = std::to_string(i) + ".";
      LayerWeights<LinearType>* layer = &layers->emplace_back();
      RETURN_IF_ERROR(family == Family::kNomicBert
                          ? NomicLayer("encoder.layers." + number, shape, layer)
                          : Layer("encoder.layer." + number, shape, layer));
      if (loaded) loaded();
    }
    return OkStatus();
  }

 private:
  const TensorSource& file_;
  const std::string prefix_;
  std::optional<std::string_view> packed_;
  PackedFileWriter* writer_ = nullptr;
};

// As LoadOptions::packed says. Fails where that does not work, for whatever reason.
template <class LinearType>
Status LoadPacked(Loader loader, Family family, const BertShape& shape, const LoadOptions& options,
                  BertWeights* weights, std::vector<LayerWeights<LinearType>>* layers) {
  if (!options.packed) return NotFound("no place for packed weights");
  auto file = PackedFile::Open(*options.packed);
  if (!file.ok()) {
    ASSIGN_OR_RETURN(auto writer, PackedFileWriter::Create(*options.packed));
    Loader writing = loader;
    writing.WriteTo(writer.get());
    RETURN_IF_ERROR(writing.Layers(family, shape, options.loaded, layers));
    RETURN_IF_ERROR(writer->Finish());
    file = PackedFile::Open(*options.packed);
    if (!file.ok()) return file.status();
  }
  loader.ReadFrom(file->matrices());
  RETURN_IF_ERROR(loader.Layers(family, shape, options.loaded, layers));
  weights->packed = file->owner();
  return OkStatus();
}

template <class LinearType>
Status LoadLayers(Loader loader, Family family, const BertShape& shape, const LoadOptions& options,
                  BertWeights* weights, std::vector<LayerWeights<LinearType>>* layers) {
  if (LoadPacked(loader, family, shape, options, weights, layers).ok()) return OkStatus();
  return loader.Layers(family, shape, options.loaded, layers);
}

// ---- the forward pass ---------------------------------------------------------------------------

constexpr size_t kBlockRows = 112;  // token vectors that go through the feed-forward layer together
// A product is at most so many multiplications, by blocks of fewer rows: in float32 five milliseconds where they are slowest, in
// int8 two with a busy neighbour on the processor.
constexpr size_t kMostProduct = size_t{1} << 28;

// What both precisions share: the embedding, and the order of things.
class Pass {
 public:
  Pass(const BertShape& shape, const BertWeights& weights, RunState* state)
      : shape_(shape), weights_(weights), state_(*state) {
    state_.attention.gate = state_.gate;
  }

 protected:
  void Reserve(size_t tokens) {
    const size_t hidden = shape_.hidden;
    hidden_ = {state_.hidden.Reserve(tokens * hidden), hidden};
    context_ = {state_.context.Reserve(tokens * hidden), hidden};
    delta_ = {state_.delta.Reserve(kBlockRows * hidden), hidden};
    const size_t wide = shape_.gated ? 2 * shape_.intermediate : shape_.intermediate;
    feed_forward_ = {state_.feed_forward.Reserve(kBlockRows * wide), wide};
  }

  void GiveWay() const {
    if (state_.gate != nullptr) state_.gate->GiveWay();
  }

  size_t block_rows() const {
    const size_t wide = shape_.hidden * shape_.intermediate * (shape_.gated ? 2 : 1);
    constexpr size_t kTile = 14;  // rows of most kernels' tiles
    return std::clamp(kMostProduct / wide, kTile, kBlockRows) / kTile * kTile;
  }
  AttentionShape attention_shape() const { return {shape_.heads, shape_.head_size()}; }

  LayerNormRow NormRow(float* x, const float* residual, const NormWeights& norm) const {
    return {.x = x,
            .residual = residual,
            .gain = norm.gain.data(),
            .bias = norm.bias.data(),
            .size = shape_.hidden,
            .epsilon = shape_.epsilon};
  }

  // hidden = the tokens' vectors; calls norm(row, its position's vector) for each.
  void Embed(std::span<const uint32_t> ids, std::span<const uint32_t> lengths,
             std::span<const uint8_t> second, const auto& norm) const {
    const size_t hidden = shape_.hidden;
    size_t row = 0;
    for (uint32_t length : lengths) {
      size_t next = shape_.first_position;
      for (size_t i = 0; i < length; ++i, ++row) {
        if (row % kBlockRows == 0) GiveWay();  // words may have to be read from the file
        // A token named <pad> in an XLM-RoBERTa's text has the place before the first, and takes
        // none.
        const size_t position = ids[row] + size_t{1} == shape_.first_position ? ids[row] : next++;
        ReadFloats(weights_.words, ids[row] * hidden, {hidden_.row(row), hidden});
        if (!second.empty() && second[row] != 0) Add(weights_.second_type, hidden_.row(row));
        norm(row, weights_.positions.data() + (shape_.rotary.base > 0 ? 0 : position * hidden));
      }
    }
  }

  static void Add(const std::vector<float>& from, float* to) {
    for (float x : from) *to++ += x;
  }

  // Rows of up and gate, side by side, become their product where up was.
  void Gate(size_t rows) const {
    for (size_t i = 0; i < rows; ++i) {
      float* up = feed_forward_.row(i);
      BestKernels().gate(up, up + shape_.intermediate, shape_.intermediate);
    }
  }

  const BertShape& shape_;
  const BertWeights& weights_;
  RunState& state_;
  Rows hidden_, context_, delta_, feed_forward_;  // in state_
};

class FloatPass : private Pass {
 public:
  using Pass::Pass;

  Rows Run(std::span<const uint32_t> ids, std::span<const uint32_t> lengths,
           std::span<const uint8_t> second) {
    Reserve(ids.size());
    const Rows query_key_value = {state_.query_key_value.Reserve(ids.size() * 3 * shape_.hidden),
                                  3 * shape_.hidden};
    Embed(ids, lengths, second, [&](size_t row, const float* position) {
      BestKernels().layer_norm(NormRow(hidden_.row(row), position, weights_.embedding_norm));
    });
    const size_t block = block_rows();
    for (const LayerWeights<Linear>& layer : weights_.layers) {
      for (size_t row = 0; row < ids.size(); row += block) {
        GiveWay();
        layer.query_key_value.Apply({hidden_.row(row), hidden_.stride},
                                    std::min(block, ids.size() - row),
                                    {query_key_value.row(row), query_key_value.stride});
      }
      if (shape_.rotary.base > 0)
        state_.rotary.Apply(shape_.rotary, attention_shape(), lengths, query_key_value);
      Attend(attention_shape(), query_key_value, lengths, context_, &state_.attention);
      for (size_t row = 0; row < ids.size(); row += block) {
        Mix(layer, row, std::min(block, ids.size() - row));
      }
    }
    return hidden_;
  }

 private:
  // x = LayerNorm(x + delta), row by row.
  void Norm(Rows x, size_t rows, const NormWeights& norm) const {
    for (size_t i = 0; i < rows; ++i) {
      BestKernels().layer_norm(NormRow(x.row(i), delta_.row(i), norm));
    }
  }

  // What follows attention, for a block of tokens that stays in the cache: the output projection
  // and the feed-forward layer, each added to the vectors and normalised.
  void Mix(const LayerWeights<Linear>& layer, size_t first, size_t rows) {
    const Rows x = {hidden_.row(first), hidden_.stride};
    GiveWay();
    layer.attention_output.Apply({context_.row(first), context_.stride}, rows, delta_);
    Norm(x, rows, layer.attention_norm);
    GiveWay();
    layer.up.Apply(x, rows, feed_forward_);
    if (shape_.gated) {
      Gate(rows);
    } else {
      BestKernels().gelu(feed_forward_.data, rows * shape_.intermediate);
    }
    GiveWay();
    layer.down.Apply(feed_forward_, rows, delta_);
    Norm(x, rows, layer.output_norm);
  }
};

constexpr size_t RoundUp(size_t size) { return (size + 63) / 64 * 64; }

class Int8Pass : private Pass {
 public:
  using Pass::Pass;

  Rows Run(std::span<const uint32_t> ids, std::span<const uint32_t> lengths,
           std::span<const uint8_t> second) {
    Reserve(ids.size());
    ReserveBytes(ids.size());
    Embed(ids, lengths, second, [&](size_t row, const float* position) {
      NormRow(row, position, weights_.embedding_norm);
    });
    for (const LayerWeights<Int8Linear>& layer : weights_.int8_layers) {
      Attention(layer, ids.size(), lengths);
      for (size_t row = 0; row < ids.size(); row += rows_) {
        Mix(layer, row, std::min(rows_, ids.size() - row));
      }
    }
    return hidden_;
  }

 private:
  void ReserveBytes(size_t tokens) {
    const size_t narrow = RoundUp(shape_.hidden),
                 wide = RoundUp(std::max(shape_.hidden, shape_.intermediate));
    bytes_ = {state_.hidden_bytes.Reserve(tokens * narrow), narrow,
              state_.hidden_scales.Reserve(tokens)};
    block_ = {state_.block_bytes.Reserve(kBlockRows * wide), wide,
              state_.block_scales.Reserve(kBlockRows)};
    state_.rotated.Reserve(shape_.hidden);
    if (bfloat16_) {
      state_.query_key_value_bf16.Reserve(tokens * 3 * shape_.hidden);
    } else {
      state_.query_key_value.Reserve(tokens * 3 * shape_.hidden);
    }
  }

  void Attention(const LayerWeights<Int8Linear>& layer, size_t tokens,
                 std::span<const uint32_t> lengths) {
    const size_t stride = 3 * shape_.hidden;
    if (bfloat16_) {
      uint16_t* packed = state_.query_key_value_bf16.data();
      for (size_t row = 0; row < tokens; row += rows_) {
        GiveWay();
        layer.query_key_value.ApplyBfloat16(bytes_.from(row), std::min(rows_, tokens - row),
                                            packed + row * stride, stride);
      }
      if (shape_.rotary.base > 0)
        state_.rotary.ApplyBfloat16(shape_.rotary, attention_shape(), lengths, packed);
      AttendBfloat16(attention_shape(), packed, lengths, context_, &state_.attention);
    } else {
      const Rows packed = {state_.query_key_value.data(), stride};
      for (size_t row = 0; row < tokens; row += rows_) {
        GiveWay();
        layer.query_key_value.Apply(bytes_.from(row), std::min(rows_, tokens - row),
                                    {packed.row(row), stride});
      }
      if (shape_.rotary.base > 0)
        state_.rotary.Apply(shape_.rotary, attention_shape(), lengths, packed);
      Attend(attention_shape(), packed, lengths, context_, &state_.attention);
    }
  }

  // What x becomes is not needed again.
  void Quantise(Rows x, size_t rows, size_t size) const {
    for (size_t i = 0; i < rows; ++i) {
      block_.scales[i] = kernels_.quantise(x.row(i), size, x.row(i), block_.row(i));
    }
  }

  // x = LayerNorm(x + residual) and its bytes.
  void NormRow(size_t row, const float* residual, const NormWeights& norm) const {
    float* x = hidden_.row(row);
    BestKernels().layer_norm(Pass::NormRow(x, residual, norm));
    bytes_.scales[row] =
        kernels_.quantise(x, shape_.hidden, state_.rotated.data(), bytes_.row(row));
  }

  // x = LayerNorm(x + delta) and its bytes, row by row.
  void Norm(size_t first, size_t rows, const NormWeights& norm) const {
    for (size_t i = 0; i < rows; ++i) NormRow(first + i, delta_.row(i), norm);
  }

  // As in float32.
  void Mix(const LayerWeights<Int8Linear>& layer, size_t first, size_t rows) {
    GiveWay();
    Quantise({context_.row(first), context_.stride}, rows, shape_.hidden);
    layer.attention_output.Apply(block_, rows, delta_);
    Norm(first, rows, layer.attention_norm);
    GiveWay();
    if (shape_.gated) {
      layer.up.Apply(bytes_.from(first), rows, feed_forward_);
      Gate(rows);
    } else {
      layer.up.ApplyGelu(bytes_.from(first), rows, feed_forward_);
    }
    GiveWay();
    Quantise(feed_forward_, rows, shape_.intermediate);
    layer.down.Apply(block_, rows, delta_);
    Norm(first, rows, layer.output_norm);
  }

  const Int8Kernels& kernels_ = BestInt8Kernels();
  const size_t rows_ = block_rows();
  const bool bfloat16_ =
      kernels_.multiply_bfloat16 != nullptr && CanAttendBfloat16(attention_shape());
  ByteRows bytes_, block_;  // in state_: of hidden, of what a block of rows multiplies next
};

}  // namespace

Precision FastestPrecision() {
  return BestInt8Kernels().fast ? Precision::kInt8 : Precision::kFloat32;
}

namespace {

ByteWriter PackedKeyOf(const Hash256& files, Precision precision, std::string_view kernels, size_t panel) {
  ByteWriter key;
  key.String("packed 1").Raw(files.view()).String(ArithmeticName(precision)).String(kernels).Varint(panel);
  return key;
}

}  // namespace

Hash256 PackedKey(const Hash256& files, const Int8Kernels& kernels) {
  ByteWriter key = PackedKeyOf(files, Precision::kInt8, kernels.name, kernels.panel);
  key.Varint(kernels.levels).Varint(kernels.together);  // which say how long the weights' steps are
  return Sha256(key.view());
}

Hash256 PackedKey(const Hash256& files, Precision precision) {
  if (precision == Precision::kInt8) return PackedKey(files, BestInt8Kernels());
  return Sha256(PackedKeyOf(files, precision, BestKernels().name, BestKernels().panel).view());
}

Result<BertWeights> BertWeights::Load(const TensorSource& file, Family family,
                                      const BertShape& shape, const LoadOptions& options) {
  std::string prefix;
  for (const char* front : {"bert.", "roberta."}) {
    if (file.Has(std::string(front) + "embeddings.word_embeddings.weight")) prefix = front;
  }
  const Loader loader(file, prefix);
  BertWeights result;
  const uint64_t words[] = {shape.vocabulary, shape.hidden};
  ASSIGN_OR_RETURN(result.words, file.Find(prefix + "embeddings.word_embeddings.weight", words));
  RETURN_IF_ERROR(loader.Positions(shape, &result));
  RETURN_IF_ERROR(loader.Norm(family == Family::kNomicBert ? "emb_ln" : "embeddings.LayerNorm",
                              shape.hidden, &result.embedding_norm));
  if (options.precision == Precision::kInt8) {
    if (std::max(shape.hidden, shape.intermediate) > kMaxInt8Depth) {
      return InvalidArgument("config.json: intermediate_size: expected at most " +
                             std::to_string(kMaxInt8Depth) + " for int8");
    }
    RETURN_IF_ERROR(LoadLayers(loader, family, shape, options, &result, &result.int8_layers));
  } else {
    RETURN_IF_ERROR(LoadLayers(loader, family, shape, options, &result, &result.layers));
  }
  return result;
}

Rows Forward(const BertShape& shape, const BertWeights& weights, std::span<const uint32_t> ids,
             std::span<const uint32_t> lengths, RunState* state, std::span<const uint8_t> second) {
  return weights.int8_layers.empty() ? FloatPass(shape, weights, state).Run(ids, lengths, second)
                                     : Int8Pass(shape, weights, state).Run(ids, lengths, second);
}

}  // namespace codelore::embed
