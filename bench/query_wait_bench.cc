// How long a query's encoding takes while indexing keeps every processor busy: with the gate that lets queries pass, without
// it, and alone; in rounds of each, interleaved.
//
//   query_wait_bench [MODEL_FOLDER] [INDEXING_THREADS] [SECONDS_PER_ROUND]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "embed/bert_encoder.h"

namespace codelore::embed {
namespace {

using Clock = std::chrono::steady_clock;

std::string Text(size_t words, size_t seed) {
  static const char* const kWords[] = {"return", "value", "request", "header", "parse", "the", "session", "close", "error", "buffer", "of", "file"};
  std::string text;
  for (size_t i = 0; i < words; ++i) text += std::string(kWords[(i * 7 + seed * 13 + i * i) % std::size(kWords)]) + " ";
  return text;
}

struct Round {
  std::vector<double> query_ms;
  double indexed_tokens_per_second = 0;
};

Round Run(const BertEncoder& encoder, int threads, double seconds) {
  Round round;
  std::atomic<uint64_t> tokens{0};
  std::vector<std::jthread> indexing;
  for (int t = 0; t < threads; ++t) {
    indexing.emplace_back([&, t](std::stop_token stop) {
      std::vector<std::string> texts;
      for (size_t i = 0; i < 32; ++i) texts.push_back(Text(60 + 4 * i, i + static_cast<size_t>(t)));
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      while (!stop.stop_requested()) {
        for (const Encoding& one : encoder.Encode(views, {.background = true}).value()) tokens += one.tokens;
      }
    });
  }
  const auto start = Clock::now(), end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (size_t i = 0; Clock::now() < end; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    const std::string query = Text(14, i);
    const std::string_view view = query;
    const auto asked = Clock::now();
    (void)encoder.Encode({&view, 1}, {.role = TextRole::kQuery}).value();
    round.query_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
  }
  round.indexed_tokens_per_second = static_cast<double>(tokens) / std::chrono::duration<double>(Clock::now() - start).count();
  return round;
}

void Print(const char* name, std::vector<double> ms, double tokens_per_second) {
  std::ranges::sort(ms);
  auto at = [&](double share) { return ms[std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())))]; };
  std::printf("%-28s %5zu queries  p50 %7.2f  p95 %7.2f  p99 %7.2f  max %7.2f ms   indexing %8.0f tokens/s\n", name, ms.size(), at(.5), at(.95), at(.99),
              ms.back(), tokens_per_second);
}

int Main(int argc, char** argv) {
  auto open = [&](std::shared_ptr<EncodeGate> gate) {
    ModelFolder folder = argc > 1 && *argv[1] != '\0' ? ModelFolder::Open(argv[1]).value() : ModelFolder::BuiltIn();
    return BertEncoder::Open(std::move(folder), {.gate = std::move(gate)}).value();
  };
  const int threads = argc > 2 ? std::atoi(argv[2]) : static_cast<int>(std::thread::hardware_concurrency());
  const double seconds = argc > 3 ? std::atof(argv[3]) : 4;
  const auto gated = open(std::make_shared<EncodeGate>()), ungated = open(nullptr);
  std::vector<double> times[3];
  double tokens[3] = {};
  constexpr int kRounds = 3;
  for (int i = 0; i < kRounds; ++i) {
    for (int kind = 0; kind < 3; ++kind) {
      Round round = Run(kind == 1 ? *gated : *ungated, kind == 0 ? 0 : threads, seconds);
      times[kind].insert(times[kind].end(), round.query_ms.begin(), round.query_ms.end());
      tokens[kind] += round.indexed_tokens_per_second / kRounds;
    }
  }
  std::printf("%s, %d indexing threads\n", gated->info().name.c_str(), threads);
  Print("alone", times[0], tokens[0]);
  Print("beside indexing, gate", times[1], tokens[1]);
  Print("beside indexing, no gate", times[2], tokens[2]);
  return 0;
}

}  // namespace
}  // namespace codelore::embed

int main(int argc, char** argv) { return codelore::embed::Main(argc, argv); }
