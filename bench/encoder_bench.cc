// What the built-in encoder does per second, beside what this processor could do at most.
//
//   encoder_bench [FILE...]     FILEs: text for the tokenizer (without: a piece of code, repeated)
//   encoder_bench --texts FILE --precision int8|f32 --threads N
//       for bench/rivals/encoder_rivals.py: on every line of stdin encodes the texts of FILE, which
//       NULs separate ("go"), or one short text 20 times ("query"), and prints the seconds; or
//       writes the vectors ("save FILE")
//
// The ceiling is the time of the network's matrix products alone, same shapes, weights fetched in
// the same order: by cblas_sgemm and by our kernel, whichever is faster. Rounds of all measurements
// are interleaved, each figure is the median over rounds: other work on the machine meets all
// alike.
#include <cblas.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "embed/bert_encoder.h"
#include "embed/kernels.h"
#include "embed/linear.h"
#include "embed/wordpiece.h"

extern "C" char* openblas_get_corename(void);

namespace codelore::embed {
namespace {

constexpr int kRounds = 5;
constexpr size_t kBatchTokens = 8192;  // encoded in one call

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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

double RunLines(std::vector<Line>& lines) {
  for (int round = 0; round < kRounds; ++round) {
    for (Line& line : lines) line.figures.push_back(line.measure());
  }
  double best = 0;
  for (const Line& line : lines) {
    const auto [low, high] = std::minmax_element(line.figures.begin(), line.figures.end());
    std::printf("%-44s %10.1f %-9s (%.1f to %.1f)\n", line.name.c_str(), Median(line.figures),
                line.unit.c_str(), *low, *high);
    best = std::max(best, Median(line.figures));
  }
  return best;
}

void PrintHost() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line, model, flags;
  while (std::getline(cpuinfo, line) && flags.empty()) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags")) flags = line + " ";
  }
  std::printf("host: %s:", model.c_str());
  for (const char* flag :
       {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8"}) {
    if (flags.find(std::string(" ") + flag + " ") != std::string::npos) std::printf(" %s", flag);
  }
  std::printf("\nkernels: %s; OpenBLAS core: %s\n", std::string(BestKernels().name).c_str(),
              openblas_get_corename());
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

// Only the products of the network with its weights, for a group of tokens, layer by layer.
class Products {
 public:
  Products() {
    const size_t shapes[][2] = {{384, 1152}, {384, 384}, {384, 1536}, {1536, 384}};
    for (int layer = 0; layer < 6; ++layer) {
      for (const auto& [inputs, outputs] : shapes) {
        weights_.emplace_back(inputs * outputs, 0.01f);
        linears_.emplace_back(weights_.back(), std::vector<float>(outputs, 0.1f));
        flops_ += 2.0 * static_cast<double>(inputs * outputs);
      }
    }
  }

  double flops_per_token() const { return flops_; }

  // Tokens per second in groups of `tokens`.
  double ByBlas(size_t tokens) { return Speed(tokens, true); }
  double ByKernel(size_t tokens) { return Speed(tokens, false); }

 private:
  double Speed(size_t tokens, bool blas) {
    x_.assign(tokens * 1536, 0.5f);
    y_.resize(tokens * 1536);
    const size_t groups = std::max<size_t>(1, 4096 / tokens);
    const double seconds = Seconds([&] {
      for (size_t i = 0; i < groups; ++i) {
        for (size_t j = 0; j < linears_.size(); ++j) Multiply(j, tokens, blas);
      }
    });
    return static_cast<double>(groups * tokens) / seconds;
  }

  void Multiply(size_t j, size_t tokens, bool blas) {
    const size_t outputs = linears_[j].outputs(), inputs = weights_[j].size() / outputs;
    if (blas) {
      const auto m = static_cast<int>(tokens), n = static_cast<int>(outputs),
                 k = static_cast<int>(inputs);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x_.data(), k,
                  weights_[j].data(), k, 0, y_.data(), n);
    } else {
      linears_[j].Apply({x_.data(), inputs}, tokens, {y_.data(), outputs});
    }
  }

  std::vector<std::vector<float>> weights_;
  std::vector<Linear> linears_;
  std::vector<float> x_, y_;
  double flops_ = 0;
};

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
  Products products;

  std::printf("\nceiling, one thread (%.1f MFLOP a token)\n", products.flops_per_token() / 1e6);
  std::vector<Line> ceiling = {
      {"products by cblas_sgemm, 1024 tokens", "tokens/s", [&] { return products.ByBlas(1024); }},
      {"products by our kernel, 1024 tokens", "tokens/s", [&] { return products.ByKernel(1024); }}};
  const double most = RunLines(ceiling);
  std::printf("%-44s %10.1f GFLOP/s\n", "the faster of the two",
              most * products.flops_per_token() / 1e9);

  std::printf("\nencoder\n");
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
  for (const Line& line : lines) {
    if (line.name.ends_with("1 thread(s)")) {
      std::printf("%-44s %10.0f %%\n", ("share of the ceiling, " + line.name).c_str(),
                  100 * Median(line.figures) / most);
    }
  }

  std::printf("\none query of 15 tokens, and the tokenizer\n");
  std::vector<Line> rest = {
      {"query", "ms (p50)", [&] { return QueryMilliseconds(*encoder); }},
      {"its products by cblas_sgemm", "ms", [&] { return 15e3 / products.ByBlas(15); }},
      {"its products by our kernel", "ms", [&] { return 15e3 / products.ByKernel(15); }},
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
  constexpr size_t kPart = 64;
  std::vector<Encoding> encodings(texts.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t begin; (begin = next.fetch_add(kPart)) < texts.size();) {
      const size_t size = std::min(kPart, texts.size() - begin);
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

void Serve(const std::string& file, const std::string& precision, size_t threads) {
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
                         .precision = precision == "f32" ? Precision::kFloat32 : Precision::kInt8})
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
  openblas_set_num_threads(1);
  if (argc == 7 && std::string_view(argv[1]) == "--texts") {
    codelore::embed::Serve(argv[2], argv[4], std::stoul(argv[6]));
    return 0;
  }
  codelore::embed::RunAll(argc, argv);
}
