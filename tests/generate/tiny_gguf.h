// Writes small GGUF files with weights by chance, after llama.cpp's description of the format: a model that takes any
// text (its words are bytes and ASCII characters) and answers nonsense, always the same.
#ifndef CODELORE_TESTS_GENERATE_TINY_GGUF_H_
#define CODELORE_TESTS_GENERATE_TINY_GGUF_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codelore::testing {

enum class Weights : uint32_t { kF32 = 0, kQ8 = 8 };  // GGML_TYPE_F32, GGML_TYPE_Q8_0

struct TinyModel {
  uint32_t layers = 2, width = 64, heads = 4, kv_heads = 2, inner = 128;
  uint32_t context = 4096;
  uint32_t vocabulary = 384;  // at least 354
  Weights weights = Weights::kF32;
  std::string chat_template = {};  // "" for none
  uint32_t seed = 1;
  bool fill_tokens = false;  // marks for filling in the middle; a vocabulary of at least 360 then
};

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t seed) : random_(seed) {}

  void Add(std::string_view key, std::string_view text) { Pair(key, 8), String(pairs_, text); }
  void Add(std::string_view key, const char* text) { Add(key, std::string_view(text)); }  // not as a bool
  void Add(std::string_view key, uint32_t value) { Pair(key, 4), Raw(pairs_, value); }
  void Add(std::string_view key, float value) { Pair(key, 6), Raw(pairs_, value); }
  void Add(std::string_view key, bool value) { Pair(key, 7), Raw(pairs_, static_cast<uint8_t>(value)); }
  void Add(std::string_view key, const std::vector<std::string>& texts) {
    Array(key, 8, texts.size());
    for (const std::string& text : texts) String(pairs_, text);
  }
  template <typename Number>  // float or int32_t
  void Add(std::string_view key, const std::vector<Number>& numbers) {
    Array(key, std::is_same_v<Number, float> ? 6 : 5, numbers.size());
    for (Number number : numbers) Raw(pairs_, number);
  }

  // [rows, columns] by chance with variance gain² / columns.
  void AddMatrix(std::string_view name, uint32_t rows, uint32_t columns, float gain, Weights weights) {
    Tensor(name, {columns, rows}, static_cast<uint32_t>(weights));
    const size_t count = size_t{rows} * columns;
    std::string bytes;
    const float most = gain * std::sqrt(3.0f / static_cast<float>(columns));  // of an even distribution
    if (weights == Weights::kF32) {
      for (size_t i = 0; i < count; ++i) Raw(bytes, most * (static_cast<float>(random_() % 65536) / 32768.0f - 1.0f));
    } else {
      for (size_t i = 0; i < count / 32; ++i) {
        Raw(bytes, Half(most / 127));
        for (int j = 0; j < 32; ++j) Raw(bytes, static_cast<int8_t>(static_cast<int>(random_() % 255) - 127));
      }
    }
    Data(bytes);
  }
  void AddOnes(std::string_view name, uint32_t count) {
    Tensor(name, {count}, 0);
    std::string bytes;
    for (uint32_t i = 0; i < count; ++i) Raw(bytes, 1.0f);
    Data(bytes);
  }

  std::string Finish() const {
    std::string file = "GGUF";
    Raw(file, uint32_t{3}), Raw(file, tensor_count_), Raw(file, pair_count_);
    file += pairs_ + tensors_;
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

 private:
  template <typename Number>
  static void Raw(std::string& out, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
  }
  static void String(std::string& out, std::string_view text) { Raw(out, uint64_t{text.size()}), out += text; }
  static uint16_t Half(float value) {  // positive, normal, cut off
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>((((bits >> 23) - 112) << 10) | ((bits >> 13) & 0x3FF));
  }
  void Pair(std::string_view key, uint32_t type) { String(pairs_, key), Raw(pairs_, type), ++pair_count_; }
  void Array(std::string_view key, uint32_t type, size_t size) { Pair(key, 9), Raw(pairs_, type), Raw(pairs_, uint64_t{size}); }
  void Tensor(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type) {
    String(tensors_, name), Raw(tensors_, static_cast<uint32_t>(shape.size()));
    for (uint64_t size : shape) Raw(tensors_, size);
    Raw(tensors_, type), Raw(tensors_, uint64_t{data_.size()}), ++tensor_count_;
  }
  void Data(const std::string& bytes) {
    data_ += bytes;
    data_.resize((data_.size() + 31) / 32 * 32);
  }

  std::mt19937 random_;
  std::string pairs_, tensors_, data_;
  int64_t pair_count_ = 0, tensor_count_ = 0;
};

inline void AddVocabulary(GgufWriter& file, uint32_t size, bool fill_tokens = false) {
  constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kUnused = 5, kByte = 6;
  std::vector<std::string> words = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> kinds = {kUnknown, kControl, kControl};
  std::vector<float> scores(3, 0);
  auto add = [&](std::string word, int32_t kind) {
    scores.push_back(kind == kNormal ? -static_cast<float>(words.size()) : 0);
    words.push_back(std::move(word)), kinds.push_back(kind);
  };
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    add(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">", kByte);
  }
  add("\xE2\x96\x81", kNormal);  // how the vocabulary spells a blank
  for (char c = '!'; c <= '~'; ++c) add(std::string(1, c), kNormal);
  for (const char* mark : {"<|im_start|>", "<|im_end|>"}) add(mark, kControl);
  for (const char* role : {"pre", "suf", "mid", "sep"}) {
    if (!fill_tokens) break;
    file.Add("tokenizer.ggml.fim_" + std::string(role) + "_token_id", static_cast<uint32_t>(words.size()));
    add("<|hole_" + std::string(role) + "|>", kControl);
  }
  while (words.size() < size) add("<unused" + std::to_string(words.size()) + ">", kUnused);
  file.Add("tokenizer.ggml.model", "llama");
  file.Add("tokenizer.ggml.tokens", words);
  file.Add("tokenizer.ggml.scores", scores);
  file.Add("tokenizer.ggml.token_type", kinds);
  file.Add("tokenizer.ggml.bos_token_id", uint32_t{1});
  file.Add("tokenizer.ggml.eos_token_id", uint32_t{2});
  file.Add("tokenizer.ggml.add_bos_token", true);
  file.Add("tokenizer.ggml.add_space_prefix", false);
}

inline std::string MakeTinyGguf(const TinyModel& model) {
  GgufWriter file(model.seed);
  file.Add("general.architecture", "llama");
  file.Add("general.name", "tiny");
  file.Add("llama.context_length", model.context);
  file.Add("llama.embedding_length", model.width);
  file.Add("llama.block_count", model.layers);
  file.Add("llama.feed_forward_length", model.inner);
  file.Add("llama.attention.head_count", model.heads);
  file.Add("llama.attention.head_count_kv", model.kv_heads);
  file.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  file.Add("llama.rope.dimension_count", model.width / model.heads);
  file.Add("llama.vocab_size", model.vocabulary);
  AddVocabulary(file, model.vocabulary, model.fill_tokens);
  if (!model.chat_template.empty()) file.Add("tokenizer.chat_template", model.chat_template);
  const uint32_t kv = model.width / model.heads * model.kv_heads;
  file.AddMatrix("token_embd.weight", model.vocabulary, model.width, 8, model.weights);
  for (uint32_t i = 0; i < model.layers; ++i) {
    const std::string block = "blk." + std::to_string(i) + ".";
    file.AddOnes(block + "attn_norm.weight", model.width);
    file.AddMatrix(block + "attn_q.weight", model.width, model.width, 1, model.weights);
    file.AddMatrix(block + "attn_k.weight", kv, model.width, 1, model.weights);
    file.AddMatrix(block + "attn_v.weight", kv, model.width, 1, model.weights);
    file.AddMatrix(block + "attn_output.weight", model.width, model.width, 1, model.weights);
    file.AddOnes(block + "ffn_norm.weight", model.width);
    file.AddMatrix(block + "ffn_gate.weight", model.inner, model.width, 1, model.weights);
    file.AddMatrix(block + "ffn_up.weight", model.inner, model.width, 1, model.weights);
    file.AddMatrix(block + "ffn_down.weight", model.width, model.inner, 1, model.weights);
  }
  file.AddOnes("output_norm.weight", model.width);
  file.AddMatrix("output.weight", model.vocabulary, model.width, 4, model.weights);
  return file.Finish();
}

// A LoRA adapter of rank 4 for what attention puts out in every layer.
inline std::string MakeTinyLora(const TinyModel& model) {
  GgufWriter file(model.seed + 1);
  file.Add("general.type", "adapter");
  file.Add("general.architecture", "llama");
  file.Add("adapter.type", "lora");
  file.Add("adapter.lora.alpha", 8.0f);
  for (uint32_t i = 0; i < model.layers; ++i) {
    const std::string name = "blk." + std::to_string(i) + ".attn_output.weight.lora_";
    file.AddMatrix(name + "a", 4, model.width, 2, Weights::kF32);
    file.AddMatrix(name + "b", model.width, 4, 2, Weights::kF32);
  }
  return file.Finish();
}

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_GENERATE_TINY_GGUF_H_
