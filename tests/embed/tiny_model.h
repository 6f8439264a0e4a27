// A small random BERT of awkward sizes, as the files of a model folder, and the same network
// computed by the book in double precision: the oracle for the forward pass.
#ifndef CODELORE_TESTS_EMBED_TINY_MODEL_H_
#define CODELORE_TESTS_EMBED_TINY_MODEL_H_

#include <cmath>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "codelore/coding.h"
#include "embed/corpus.h"
#include "embed/model_config.h"

namespace codelore::embed {

// A .safetensors file of a header and data.
inline std::string SafeTensorsFile(std::string_view header, std::string_view data) {
  return ByteWriter().Fixed<uint64_t>(header.size()).Raw(header).Raw(data).Take();
}

class TinyModel {
 public:
  static constexpr size_t kHidden = 48, kLayers = 2, kHeads = 3, kMiddle = 100, kVocabulary = 120,
                          kPositions = 40, kTypes = 2;

  // `prefix` goes before every tensor's name.
  explicit TinyModel(std::string prefix = "") : prefix_(std::move(prefix)) {
    Add("embeddings.word_embeddings.weight", {kVocabulary, kHidden});
    Add("embeddings.position_embeddings.weight", {kPositions, kHidden});
    Add("embeddings.token_type_embeddings.weight", {kTypes, kHidden});
    AddNorm("embeddings.LayerNorm");
    for (size_t i = 0; i < kLayers; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* name : {"query", "key", "value"})
        AddDense(layer + "attention.self." + name, kHidden, kHidden);
      AddDense(layer + "attention.output.dense", kHidden, kHidden);
      AddNorm(layer + "attention.output.LayerNorm");
      AddDense(layer + "intermediate.dense", kHidden, kMiddle);
      AddDense(layer + "output.dense", kMiddle, kHidden);
      AddNorm(layer + "output.LayerNorm");
    }
  }

  // model.safetensors, config.json, vocab.txt, 1_Pooling/config.json.
  std::map<std::string, std::string> Files() const {
    return {{"model.safetensors", SafeTensorsFile("{" + header_ + "}", data_)},
            {"config.json", Config()},
            {"vocab.txt", VocabularyText()},
            {"1_Pooling/config.json",
             R"({"word_embedding_dimension": 48, "pooling_mode_mean_tokens": true})"}};
  }

  static std::string Config() {
    return R"({"model_type": "bert", "hidden_act": "gelu", "hidden_size": 48, "num_hidden_layers": 2,
      "num_attention_heads": 3, "intermediate_size": 100, "vocab_size": 120, "max_position_embeddings": 40,
      "type_vocab_size": 2, "layer_norm_eps": 1e-6})";
  }

  // Special tokens 0 to 4, then the words "w5" to "w119".
  static std::string VocabularyText() {
    std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (size_t i = 5; i < kVocabulary; ++i) text += "w" + std::to_string(i) + "\n";
    return text;
  }

  // The last layer's vectors [ids.size(), kHidden] of one text.
  std::vector<double> Forward(std::span<const uint32_t> ids) const;

 private:
  using Matrix = std::vector<double>;

  void Add(const std::string& name, const std::vector<size_t>& shape, float scale = 0.3f,
           float offset = 0) {
    size_t size = 1;
    std::string shape_text;
    for (size_t n : shape) {
      size *= n;
      shape_text += (shape_text.empty() ? "" : ",") + std::to_string(n);
    }
    std::vector<float> values(size);
    for (float& value : values) value = offset + scale * rng_.Float();
    header_ += (header_.empty() ? "\"" : ",\"") + prefix_ + name + R"(":{"dtype":"F32","shape":[)" +
               shape_text + R"(],"data_offsets":[)" + std::to_string(data_.size()) + "," +
               std::to_string(data_.size() + 4 * size) + "]}";
    data_.append(reinterpret_cast<const char*>(values.data()), 4 * size);
    tensors_[name] = std::move(values);
  }
  void AddNorm(const std::string& name) {
    Add(name + ".weight", {kHidden}, 0.2f, 1);
    Add(name + ".bias", {kHidden});
  }
  void AddDense(const std::string& name, size_t inputs, size_t outputs) {
    Add(name + ".weight", {outputs, inputs});
    Add(name + ".bias", {outputs});
  }

  Matrix Dense(const std::string& name, const Matrix& x, size_t inputs) const;
  void AddAndNorm(const std::string& name, Matrix* x, const Matrix& residual) const;
  static Matrix Attention(const Matrix& q, const Matrix& k, const Matrix& v);

  const std::string prefix_;
  Rng rng_{42};
  std::string header_, data_;
  std::map<std::string, std::vector<float>> tensors_;
};

inline TinyModel::Matrix TinyModel::Dense(const std::string& name, const Matrix& x,
                                          size_t inputs) const {
  const std::vector<float>&weight = tensors_.at(name + ".weight"),
        &bias = tensors_.at(name + ".bias");
  Matrix y;
  for (size_t row = 0; row < x.size(); row += inputs) {
    for (size_t j = 0; j < bias.size(); ++j) {
      y.push_back(bias[j]);
      for (size_t k = 0; k < inputs; ++k) y.back() += x[row + k] * weight[j * inputs + k];
    }
  }
  return y;
}

inline void TinyModel::AddAndNorm(const std::string& name, Matrix* x,
                                  const Matrix& residual) const {
  const std::vector<float>&gain = tensors_.at(name + ".weight"),
        &bias = tensors_.at(name + ".bias");
  for (size_t row = 0; row < x->size(); row += kHidden) {
    double mean = 0, variance = 0;
    for (size_t j = 0; j < kHidden; ++j) mean += ((*x)[row + j] += residual[row + j]) / kHidden;
    for (size_t j = 0; j < kHidden; ++j) variance += std::pow((*x)[row + j] - mean, 2) / kHidden;
    for (size_t j = 0; j < kHidden; ++j) {
      (*x)[row + j] = ((*x)[row + j] - mean) / std::sqrt(variance + 1e-6) * gain[j] + bias[j];
    }
  }
}

inline TinyModel::Matrix TinyModel::Attention(const Matrix& q, const Matrix& k, const Matrix& v) {
  constexpr size_t kSize = kHidden / kHeads;
  const size_t tokens = q.size() / kHidden;
  Matrix context(q.size(), 0);
  for (size_t head = 0; head < kHeads; ++head) {
    for (size_t i = 0; i < tokens; ++i) {
      std::vector<double> weight(tokens, 0);
      double sum = 0;
      for (size_t j = 0; j < tokens; ++j) {
        for (size_t d = head * kSize; d < (head + 1) * kSize; ++d)
          weight[j] += q[i * kHidden + d] * k[j * kHidden + d];
        sum += weight[j] = std::exp(weight[j] / std::sqrt(static_cast<double>(kSize)));
      }
      for (size_t j = 0; j < tokens; ++j) {
        for (size_t d = head * kSize; d < (head + 1) * kSize; ++d)
          context[i * kHidden + d] += weight[j] / sum * v[j * kHidden + d];
      }
    }
  }
  return context;
}

inline std::vector<double> TinyModel::Forward(std::span<const uint32_t> ids) const {
  const std::vector<float>&words = tensors_.at("embeddings.word_embeddings.weight"),
        &positions = tensors_.at("embeddings.position_embeddings.weight"),
        &types = tensors_.at("embeddings.token_type_embeddings.weight");
  Matrix x, rest;
  for (size_t i = 0; i < ids.size(); ++i) {
    for (size_t j = 0; j < kHidden; ++j) {
      x.push_back(words[ids[i] * kHidden + j]);
      rest.push_back(static_cast<double>(positions[i * kHidden + j]) + types[j]);
    }
  }
  AddAndNorm("embeddings.LayerNorm", &x, rest);
  for (size_t i = 0; i < kLayers; ++i) {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".",
                      self = layer + "attention.self.";
    const Matrix context =
        Attention(Dense(self + "query", x, kHidden), Dense(self + "key", x, kHidden),
                  Dense(self + "value", x, kHidden));
    AddAndNorm(layer + "attention.output.LayerNorm", &x,
               Dense(layer + "attention.output.dense", context, kHidden));
    Matrix middle = Dense(layer + "intermediate.dense", x, kHidden);
    for (double& m : middle) m = 0.5 * m * std::erfc(-m / std::sqrt(2.0));
    AddAndNorm(layer + "output.LayerNorm", &x, Dense(layer + "output.dense", middle, kMiddle));
  }
  return x;
}

}  // namespace codelore::embed

#endif  // CODELORE_TESTS_EMBED_TINY_MODEL_H_
