// What the built-in encoder does per second, beside what this processor could do at most.
//
//   encoder_bench [FILE...]     FILEs: text for the tokenizer (without: a piece of code, repeated)
//   encoder_bench --texts FILE --precision int8|f32 --threads N [PACKED_FOLDER]
//       for bench/rivals/encoder_rivals.py: on every line of stdin encodes the texts of FILE, which
//       NULs separate ("go"), or one short text 20 times ("query"), and prints the seconds; or
//       writes the vectors ("save FILE"); PACKED_FOLDER keeps the packed weights, to be mapped
//
// The ceiling is the network's products with its weights alone, same shapes, weights fetched in the
// same order, by our kernels; bench/rivals/onednn_products.cc gives oneDNN's figures for the same.
// What is by the clock is interleaved, the median of rounds: other work meets all alike.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "embed/attention.h"
#include "embed/bert.h"
#include "embed/bert_encoder.h"
#include "embed/kernels.h"
#include "embed/linear.h"
#include "embed/wordpiece.h"

namespace codelore::embed {
namespace {

constexpr int kRounds = 5;
constexpr size_t kBatchTokens = 8192;  // encoded in one call

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double ThreadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// One thing measured, and its figure in every round.
struct Line {
  std::string name, unit;
  std::function<double()> measure;
  std::vector<double> figures = {};
};

void RunLines(std::vector<Line>& lines) {
  for (int round = 0; round < kRounds; ++round) {
    for (Line& line : lines) line.figures.push_back(line.measure());
  }
  for (const Line& line : lines) {
    const auto [low, high] = std::minmax_element(line.figures.begin(), line.figures.end());
    std::printf("%-44s %10.1f %-9s (%.1f to %.1f)\n", line.name.c_str(), Median(line.figures),
                line.unit.c_str(), *low, *high);
  }
}

void PrintHost() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line, model, flags;
  while (std::getline(cpuinfo, line) && flags.empty()) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags")) flags = line + " ";
  }
  std::printf("host: %s:", model.c_str());
  for (const char* flag : {"avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
                           "avx512_fp16", "amx_tile", "amx_int8"}) {
    if (flags.find(std::string(" ") + flag + " ") != std::string::npos) std::printf(" %s", flag);
  }
  std::printf("\nkernels: %s, int8 %s%s\n", std::string(BestKernels().name).c_str(),
              std::string(BestInt8Kernels().name).c_str(),
              CanAttendBfloat16({1, 32}) ? ", bfloat16 attention" : "");
}

// ---- tokenizer ----------------------------------------------------------------------------------

std::string TokenizerText(int argc, char** argv) {
  std::string text;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::stringstream contents;
    contents << file.rdbuf();
    text += contents.str();
  }
  while (text.size() < 4 << 20) {
    text += argc > 1 ? text + "\n"
                     : "  // Returns the user's name, or none if the session has expired.\n"
                       "  std::optional<std::string> GetUserName(const Session& session) const {\n"
                       "    auto it = names_by_id_.find(session.user_id());\n"
                       "    return it == names_by_id_.end() ? std::nullopt : "
                       "std::optional(it->second);\n  }\n\n";
    if (text.empty()) break;
  }
  return text;
}

double TokenizerSpeed(const WordPiece& tokenizer, const std::string& text) {
  std::vector<uint32_t> ids;
  const double seconds = Seconds([&] {
    for (size_t at = 0; at < text.size(); at += 1500) {  // chunks, as they are indexed
      ids.clear();
      tokenizer.Tokenize(std::string_view(text).substr(at, 1500), SIZE_MAX / 2, &ids);
    }
  });
  return static_cast<double>(text.size()) / seconds / 1e6;
}

// ---- the ceiling --------------------------------------------------------------------------------

struct Network {
  const char* name;
  size_t layers, hidden, heads, intermediate;

  BertShape shape() const { return {hidden, layers, heads, intermediate, 1000, 512, 1, 1e-12f}; }
  double ops_per_token() const {
    return 2.0 * static_cast<double>(layers * hidden * (4 * hidden + 2 * intermediate));
  }
};
constexpr Network kSmall = {"6L-384", 6, 384, 12, 1536};
constexpr Network kLarge = {"24L-1024, 4 of the layers", 4, 1024, 16, 4096};

std::vector<float> Random(size_t size, float scale) {
  static std::mt19937 random(1);
  std::uniform_real_distribution<float> within(-scale, scale);
  std::vector<float> values(size);
  for (float& value : values) value = within(random);
  return values;
}

// The network with random weights: its whole forward pass, or only its products with its weights,
// layer by layer, for a group of tokens. Speeds are tokens per second of this thread's time.
class RandomModel {
 public:
  RandomModel(const Network& network, Precision precision) : network_(network) {
    const size_t hidden = network.hidden;
    words_ = Random(1000 * hidden, 1);
    const std::string_view bytes = {reinterpret_cast<const char*>(words_.data()),
                                    4 * words_.size()};
    weights_.words = {.dtype = DType::kF32, .shape = {1000, hidden}, .bytes = bytes};
    weights_.positions = Random(512 * hidden, 1);
    weights_.embedding_norm = Norm();
    for (size_t i = 0; i < network.layers; ++i) {
      if (precision == Precision::kInt8) {
        Fill(&weights_.int8_layers.emplace_back());
      } else {
        Fill(&weights_.layers.emplace_back());
      }
    }
  }

  // In texts of `length`, 512 tokens or one text at a time.
  double Speed(size_t length) {
    const std::vector<uint32_t> lengths(std::max<size_t>(1, 512 / length),
                                        static_cast<uint32_t>(length));
    std::vector<uint32_t> ids(lengths.size() * length);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<uint32_t>(i * 37 % 1000);
    return BestSpeed(ids.size(),
                     [&] { Forward(network_.shape(), weights_, ids, lengths, &state_); });
  }

  double ProductSpeed(size_t tokens) {
    x_.Reserve(tokens * network_.intermediate);
    y_.Reserve(tokens * network_.intermediate);
    std::fill_n(x_.data(), tokens * network_.intermediate, 0.5f);
    bytes_.assign(tokens * network_.intermediate, 100);
    scales_.assign(tokens, {0.01f, -1});
    return BestSpeed(tokens, [&] {
      for (const auto& layer : weights_.layers) Products(layer, tokens);
      for (const auto& layer : weights_.int8_layers) Products(layer, tokens);
    });
  }

 private:
  static double BestSpeed(size_t tokens, const std::function<void()>& work) {
    work();
    double best = 1e9;
    for (int i = 0; i < 10; ++i) {
      const double start = ThreadSeconds();
      work();
      best = std::min(best, ThreadSeconds() - start);
    }
    return static_cast<double>(tokens) / best;
  }

  NormWeights Norm() const {
    return {std::vector<float>(network_.hidden, 1), std::vector<float>(network_.hidden, 0)};
  }

  template <class LinearType>
  static LinearType Make(size_t inputs, size_t outputs) {
    return LinearType(Random(inputs * outputs, 0.05f), Random(outputs, 0.1f));
  }

  template <class LinearType>
  void Fill(LayerWeights<LinearType>* layer) const {
    const size_t hidden = network_.hidden, intermediate = network_.intermediate;
    layer->query_key_value = Make<LinearType>(hidden, 3 * hidden);
    layer->attention_output = Make<LinearType>(hidden, hidden);
    layer->up = Make<LinearType>(hidden, intermediate);
    layer->down = Make<LinearType>(intermediate, hidden);
    layer->attention_norm = layer->output_norm = Norm();
  }

  template <class LinearType>
  void Products(const LayerWeights<LinearType>& layer, size_t tokens) {
    const auto apply = [&](const LinearType& linear, size_t inputs) {
      const Rows y = {y_.data(), linear.outputs()};
      if constexpr (std::is_same_v<LinearType, Int8Linear>) {
        linear.Apply({bytes_.data(), inputs, scales_.data()}, tokens, y);
      } else {
        linear.Apply({x_.data(), inputs}, tokens, y);
      }
    };
    apply(layer.query_key_value, network_.hidden);
    apply(layer.attention_output, network_.hidden);
    apply(layer.up, network_.hidden);
    apply(layer.down, network_.intermediate);
  }

  const Network network_;
  std::vector<float> words_;
  BertWeights weights_;
  RunState state_;
  FloatBuffer x_, y_;
  std::vector<uint8_t> bytes_;
  std::vector<ByteScale> scales_;
};

void RunNetwork(const Network& network) {
  for (Precision precision : {Precision::kInt8, Precision::kFloat32}) {
    RandomModel model(network, precision);
    std::printf("\n%s, %s, one thread, processor time\n", network.name,
                precision == Precision::kInt8 ? "int8" : "float32");
    double most = 0;
    for (size_t tokens : {16, 512}) {
      most = model.ProductSpeed(tokens);
      std::printf("products alone, %3zu tokens   %8.0f tokens/s  %6.0f GOPS\n", tokens, most,
                  most * network.ops_per_token() / 1e9);
    }
    for (size_t length : {16, 64, 128, 256, 512}) {
      const double speed = model.Speed(length);
      std::printf("forward, texts of %3zu        %8.0f tokens/s  %6.0f %% of the products alone\n",
                  length, speed, 100 * speed / most);
    }
  }
}

// ---- the encoder --------------------------------------------------------------------------------

// Texts of just `tokens` tokens, special ones included, adding up to one batch.
std::vector<std::string> Texts(size_t tokens) {
  std::string text;
  for (size_t i = 2; i < tokens; ++i) text += i % 3 == 0 ? "return " : i % 3 == 1 ? "value " : "( ";
  return std::vector<std::string>(kBatchTokens / tokens, text);
}

// Tokens per second, tokenisation included.
double EncoderSpeed(const BertEncoder& encoder, const std::vector<std::string>& texts,
                    size_t threads) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  size_t tokens = 0;
  const auto encodings = encoder.Encode(views, {});
  for (const Encoding& encoding : *encodings) tokens += encoding.tokens;
  const double seconds = Seconds([&] {
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&] { (void)encoder.Encode(views, {}).value(); });
    }
  });
  return static_cast<double>(threads * tokens) / seconds;
}

double QueryMilliseconds(const BertEncoder& encoder) {
  const std::string_view query =
      "where is the user name read from the configuration file of the server";
  std::vector<double> times;
  for (int i = 0; i < 50; ++i)
    times.push_back(Seconds([&] { (void)encoder.Encode({&query, 1}, {}).value(); }));
  return 1e3 * Median(times);
}

void RunAll(int argc, char** argv) {
  PrintHost();
  const auto encoder = BertEncoder::Open(ModelFolder::BuiltIn(), {.max_tokens = 512}).value();
  const auto tokenizer =
      WordPiece::Create("vocab.txt", ModelFolder::BuiltIn().Read("vocab.txt").value(), {}).value();
  const std::string text = TokenizerText(argc, argv);

  for (const Network& network : {kSmall, kLarge}) RunNetwork(network);

  std::printf("\nencoder, by the clock\n");
  std::vector<Line> lines;
  for (size_t tokens : {16, 64, 128, 256, 512}) {
    for (size_t threads : {1, 2}) {
      const std::string name =
          std::to_string(tokens) + "-token texts, " + std::to_string(threads) + " thread(s)";
      lines.push_back({name, "tokens/s", [&encoder, texts = Texts(tokens), threads] {
                         return EncoderSpeed(*encoder, texts, threads);
                       }});
    }
  }
  RunLines(lines);

  std::printf("\none query of 15 tokens, and the tokenizer\n");
  std::vector<Line> rest = {
      {"query", "ms (p50)", [&] { return QueryMilliseconds(*encoder); }},
      {"tokenizer, 1,500-byte chunks", "MB/s", [&] { return TokenizerSpeed(tokenizer, text); }}};
  RunLines(rest);
  double open_ms = 1e3 * Seconds([] { (void)BertEncoder::Open(ModelFolder::BuiltIn()).value(); });
  std::printf("%-44s %10.1f ms\n", "opening the built-in model", open_ms);
}

// ---- beside rivals ------------------------------------------------------------------------------

double ProcessSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<Encoding> EncodeInParts(const BertEncoder& encoder,
                                    const std::vector<std::string_view>& texts, size_t threads) {
  // Small enough that all threads end at about the same time.
  const size_t part_size = std::clamp<size_t>(texts.size() / (4 * threads), 1, 64);
  std::vector<Encoding> encodings(texts.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t begin; (begin = next.fetch_add(part_size)) < texts.size();) {
      const size_t size = std::min(part_size, texts.size() - begin);
      auto part = encoder.Encode(std::span(texts).subspan(begin, size), {}).value();
      std::move(part.begin(), part.end(), encodings.begin() + static_cast<ptrdiff_t>(begin));
    }
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();
  return encodings;
}

void Serve(const std::string& file, const std::string& precision, size_t threads,
           std::optional<std::string> packed_folder) {
  std::stringstream contents;
  contents << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string bytes = contents.str();
  std::vector<std::string_view> texts;
  for (size_t at = 0, end; at <= bytes.size(); at = end + 1) {
    end = std::min(bytes.find('\0', at), bytes.size());
    texts.push_back(std::string_view(bytes).substr(at, end - at));
  }
  const std::string_view query = std::ranges::min(texts, {}, &std::string_view::size).substr(0, 48);
  const auto encoder =
      BertEncoder::Open(ModelFolder::BuiltIn(),
                        {.max_tokens = 512,
                         .precision = precision == "f32" ? Precision::kFloat32 : Precision::kInt8,
                         .packed_folder = std::move(packed_folder)})
          .value();
  EncodeInParts(*encoder, texts, threads);
  std::puts("ready");
  for (std::string line; std::fflush(stdout) == 0 && std::getline(std::cin, line);) {
    const double cpu = ProcessSeconds();
    const double seconds = Seconds([&] {
      if (line == "query") {
        for (int i = 0; i < 20; ++i) (void)encoder->Encode({&query, 1}, {}).value();
      } else {
        const auto encodings = EncodeInParts(*encoder, texts, threads);
        if (!line.starts_with("save ")) return;
        std::ofstream out(line.substr(5), std::ios::binary);
        for (const Encoding& e : encodings)
          out.write(reinterpret_cast<const char*>(e.dense.data()), 4 * std::ssize(e.dense));
      }
    });
    std::printf("{\"seconds\": %.6f, \"cpu\": %.6f}\n", seconds, ProcessSeconds() - cpu);
  }
}

}  // namespace
}  // namespace codelore::embed

int main(int argc, char** argv) {
  if (argc >= 7 && std::string_view(argv[1]) == "--texts") {
    codelore::embed::Serve(argv[2], argv[4], std::stoul(argv[6]),
                           argc > 7 ? std::optional<std::string>(argv[7]) : std::nullopt);
    return 0;
  }
  codelore::embed::RunAll(argc, argv);
}
