// How long a query's encoding waits while indexing keeps every processor busy: with the gate that lets queries pass, without
// it, and alone; in rounds of each, interleaved.
//
//   query_wait_bench [MODEL_FOLDER] [INDEXING_THREADS] [SECONDS_PER_ROUND] [LONGEST_TEXT_IN_WORDS]
//
// Two figures do not depend on what else the machine does: the processor time that indexing works between two looks at the
// gate (its hold: what a query waits at most for a processor to become free), and a query's own processor time. What it waits
// is the time from its arrival to its vector, less its own processor time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <ctime>
#include <thread>
#include <vector>

#include "embed/bert_encoder.h"

namespace codelore::embed {
namespace {

constexpr size_t kTexts = 32, kTextsPerCall = 4;

using Clock = std::chrono::steady_clock;

std::string Text(size_t words, size_t seed) {
  static const char* const kWords[] = {"return", "value", "request", "header", "parse", "the", "session", "close", "error", "buffer", "of", "file"};
  std::string text;
  for (size_t i = 0; i < words; ++i) text += std::string(kWords[(i * 7 + seed * 13 + i * i) % std::size(kWords)]) + " ";
  return text;
}

double ThreadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

// Notes how long each thread worked since it looked before.
class TimedGate final : public EncodeGate {
 public:
  void GiveWay() override {
    thread_local double before = ThreadCpuMs();
    Note(ThreadCpuMs() - before);
    EncodeGate::GiveWay();
    before = ThreadCpuMs();
  }
  void Note(double ms) {
    const std::lock_guard lock(mutex_);
    holds_.push_back(ms);
  }
  std::vector<double> holds() const { return holds_; }

 private:
  std::mutex mutex_;
  std::vector<double> holds_;
};

struct Round {
  std::vector<double> query_ms, cpu_ms, wait_ms;
  double indexed_tokens_per_second = 0;
};

Round Run(const BertEncoder& encoder, int threads, double seconds, size_t longest) {
  Round round;
  std::atomic<uint64_t> tokens{0};
  std::vector<std::jthread> indexing;
  for (int t = 0; t < threads; ++t) {
    indexing.emplace_back([&, t](std::stop_token stop) {
      std::vector<std::string> texts;
      for (size_t i = 0; i < kTexts; ++i) {  // short and long ones in every call, the longest in the first
        const size_t size = kTexts - 1 - (i % kTextsPerCall * (kTexts / kTextsPerCall) + i / kTextsPerCall);
        texts.push_back(Text(size == kTexts - 1 ? longest : 60 + 4 * size, size + static_cast<size_t>(t)));
      }
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      for (size_t at = 0; !stop.stop_requested(); at = (at + kTextsPerCall) % views.size()) {
        for (const Encoding& one : encoder.Encode(std::span(views).subspan(at, kTextsPerCall), {.background = true}).value()) tokens += one.tokens;
      }
    });
  }
  const auto start = Clock::now(), end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (size_t i = 0; Clock::now() < end; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    const std::string query = Text(14, i);
    const std::string_view view = query;
    const auto asked = Clock::now();
    const double cpu = ThreadCpuMs();
    (void)encoder.Encode({&view, 1}, {.role = TextRole::kQuery}).value();
    round.cpu_ms.push_back(ThreadCpuMs() - cpu);
    round.query_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
    round.wait_ms.push_back(round.query_ms.back() - round.cpu_ms.back());
  }
  round.indexed_tokens_per_second = static_cast<double>(tokens) / std::chrono::duration<double>(Clock::now() - start).count();
  return round;
}

void Print(const char* name, std::vector<double> ms) {
  if (ms.empty()) return;
  std::ranges::sort(ms);
  auto at = [&](double share) { return ms[std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())))]; };
  std::printf("  %-34s %7zu times  p50 %7.3f  p95 %7.3f  p99 %7.3f  max %7.3f ms\n", name, ms.size(), at(.5), at(.95), at(.99), ms.back());
}

void Print(const char* name, const Round& all, double tokens_per_second) {
  std::printf("%s: indexing %.0f tokens/s\n", name, tokens_per_second);
  Print("a query, from arrival to vector", all.query_ms);
  Print("its own processor time", all.cpu_ms);
  Print("the rest: what it waited", all.wait_ms);
}

int Main(int argc, char** argv) {
  auto open = [&](std::shared_ptr<EncodeGate> gate) {
    ModelFolder folder = argc > 1 && *argv[1] != '\0' ? ModelFolder::Open(argv[1]).value() : ModelFolder::BuiltIn();
    return BertEncoder::Open(std::move(folder), {.gate = std::move(gate)}).value();
  };
  const int threads = argc > 2 ? std::atoi(argv[2]) : static_cast<int>(std::thread::hardware_concurrency());
  const double seconds = argc > 3 ? std::atof(argv[3]) : 4;
  const size_t longest = argc > 4 ? static_cast<size_t>(std::atoi(argv[4])) : 180;
  const auto gate = std::make_shared<TimedGate>();
  const auto gated = open(gate), ungated = open(nullptr);
  Round all[3];
  double tokens[3] = {};
  constexpr int kRounds = 3;
  for (int i = 0; i < kRounds; ++i) {
    for (int kind = 0; kind < 3; ++kind) {
      Round round = Run(kind == 1 ? *gated : *ungated, kind == 0 ? 0 : threads, seconds, longest);
      auto add = [](std::vector<double>& to, const std::vector<double>& from) { to.insert(to.end(), from.begin(), from.end()); };
      add(all[kind].query_ms, round.query_ms);
      add(all[kind].cpu_ms, round.cpu_ms);
      add(all[kind].wait_ms, round.wait_ms);
      tokens[kind] += round.indexed_tokens_per_second / kRounds;
    }
  }
  std::printf("%s, %d indexing threads\n", gated->info().name.c_str(), threads);
  Print("alone", all[0], tokens[0]);
  Print("beside indexing, gate", all[1], tokens[1]);
  Print("beside indexing, no gate", all[2], tokens[2]);
  std::printf("indexing\n");
  Print("processor time between two looks", gate->holds());
  return 0;
}

}  // namespace
}  // namespace codelore::embed

int main(int argc, char** argv) { return codelore::embed::Main(argc, argv); }
