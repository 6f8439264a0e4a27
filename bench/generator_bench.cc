// The generator in this process, with a model of weights by chance: speed does not depend on what they mean.
//
//   generator_bench make FILE          a model of 125 million parameters, Q8_0
//   generator_bench run FILE THREADS   JSON lines: tokens/s against a plain loop of llama_decode as llama-bench has it, time
//                                      to first token cold and with a kept beginning, how soon a stop frees the slot
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "generate/llama_model.h"
#include "generate/tiny_gguf.h"

namespace {

using namespace codelore;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kAnswerTokens = 96;
constexpr int kRounds = 7;

double Seconds(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int Make(const std::string& file) {
  testing::TinyModel model{.layers = 12, .width = 768, .heads = 12, .kv_heads = 4, .inner = 2048, .vocabulary = 32000,
                           .weights = testing::Weights::kQ8};
  std::ofstream(file, std::ios::binary) << testing::MakeTinyGguf(model);
  return 0;
}

std::vector<ChatMessage> Question(const std::string& passages, const std::string& question) {
  return {{ChatRole::kSystem, "You answer questions from numbered passages. Put the number of the passage after each statement.\n"},
          {ChatRole::kUser, "Passages:\n" + passages + "\nQuestion: " + question}};
}

// Seconds for an answer of so many tokens.
double Ask(const generate::LlamaModel& model, const std::vector<ChatMessage>& messages, uint32_t tokens) {
  auto begin = Clock::now();
  auto usage = model.Chat(messages, {.max_tokens = tokens}, {}, [](std::string_view) {});
  if (!usage.ok() || usage->answer_tokens != tokens) std::cerr << "an answer of another length\n";
  return Seconds(begin);
}

// As llama-bench generates: a token at a time, chosen by chance, nothing shown.
class PlainLoop {
 public:
  PlainLoop(const std::string& file, uint32_t context, int threads) {
    model_ = llama_model_load_from_file(file.c_str(), llama_model_default_params());
    llama_context_params params = llama_context_default_params();
    params.n_ctx = context;
    params.n_threads = params.n_threads_batch = threads;
    context_ = llama_init_from_model(model_, params);
  }
  ~PlainLoop() {
    llama_free(context_);
    llama_model_free(model_);
  }
  PlainLoop(const PlainLoop&) = delete;
  PlainLoop& operator=(const PlainLoop&) = delete;

  double TokensPerSecond(uint32_t prompt_tokens) {
    llama_memory_clear(llama_get_memory(context_), true);
    std::vector<llama_token> prompt(prompt_tokens, 100);
    (void)llama_decode(context_, llama_batch_get_one(prompt.data(), static_cast<int32_t>(prompt.size())));
    llama_synchronize(context_);
    auto begin = Clock::now();
    llama_token token = 7;
    for (uint32_t i = 0; i < kAnswerTokens; ++i) {
      (void)llama_decode(context_, llama_batch_get_one(&token, 1));
      llama_synchronize(context_);
      token = (token * 31 + 11) % 32000;
    }
    return kAnswerTokens / Seconds(begin);
  }

 private:
  llama_model* model_;
  llama_context* context_;
};

void CompareSpeed(const generate::LlamaModel& model, PlainLoop& plain) {
  std::vector<double> ours, theirs, ratios;
  const auto messages = Question("p", "How is a slow client cut off?");
  Ask(model, messages, 1);
  uint32_t prompt_tokens = model.Chat(messages, {.max_tokens = 1}, {}, [](std::string_view) {})->prompt_tokens;
  for (int round = 0; round < kRounds; ++round) {  // side by side: the machine has other work
    theirs.push_back(plain.TokensPerSecond(prompt_tokens));
    const double one = Ask(model, messages, 1), all = Ask(model, messages, kAnswerTokens + 1);
    ours.push_back(kAnswerTokens / (all - one));
    ratios.push_back(ours.back() / theirs.back());
  }
  std::printf("{\"tokens_per_s\": {\"ours\": %.1f, \"plain\": %.1f, \"median_ratio\": %.3f, \"best_ours\": %.1f, \"best_plain\": %.1f}}\n",
              Median(ours), Median(theirs), Median(ratios), *std::ranges::max_element(ours), *std::ranges::max_element(theirs));
}

void CompareFirstToken(const generate::LlamaModel& model) {
  std::vector<double> cold, system_kept, passages_kept;
  for (int round = 0; round < kRounds; ++round) {
    const std::string passages = std::string(3, static_cast<char>('a' + round)) + std::string(800, 'p');
    // Another beginning in every slot; then the same system part, then the same passages.
    for (const char* other : {"x", "y"}) {
      (void)model.Chat(std::vector<ChatMessage>{{ChatRole::kUser, std::string(40, *other)}}, {.max_tokens = 1}, {}, [](std::string_view) {});
    }
    cold.push_back(Ask(model, Question(passages, "How is a slow client cut off?"), 1));
    passages_kept.push_back(Ask(model, Question(passages, "And a fast one?"), 1));
    system_kept.push_back(Ask(model, Question("q" + passages, "And a fast one?"), 1));
  }
  std::printf("{\"first_token_ms\": {\"cold\": %.1f, \"same_system_part\": %.1f, \"same_passages\": %.1f, \"speedup_same_passages\": %.1f}}\n",
              1e3 * Median(cold), 1e3 * Median(system_kept), 1e3 * Median(passages_kept), Median(cold) / Median(passages_kept));
}

// From the stop to the next question's admission, with one slot and no queue. `in_prompt`: before the first token.
double FreeAfterStop(const generate::LlamaModel& model, int round, bool in_prompt) {
  std::stop_source stop;
  const std::string passages = std::to_string(round) + std::string(in_prompt ? 3000 : 10, 'p');
  const uint64_t before = model.decoded_tokens();
  std::jthread busy([&] {
    (void)model.Chat(Question(passages, "?"), {.max_tokens = 500}, stop.get_token(), [](std::string_view) {});
  });
  if (in_prompt) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  else while (model.decoded_tokens() < before + 100) std::this_thread::yield();
  auto begin = Clock::now();
  stop.request_stop();
  std::stop_source at_once;
  at_once.request_stop();
  for (;;) {  // admitted, then stopped itself: what counts is that it was not turned away
    auto usage = model.Chat(std::vector<ChatMessage>{{ChatRole::kUser, "x"}}, {.max_tokens = 1}, at_once.get_token(), [](std::string_view) {});
    if (usage.status().message().find("busy") == std::string::npos) return Seconds(begin);
    std::this_thread::yield();
  }
}

int Run(const std::string& file, uint32_t threads) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  auto model = generate::LlamaModel::Open({.name = "bench", .file = file, .threads = threads, .slots = 2});
  auto single = generate::LlamaModel::Open({.name = "bench", .file = file, .threads = threads, .slots = 1, .queue = 0});
  if (!model.ok() || !single.ok()) return std::cerr << model.status().ToString() << '\n', 1;
  {
    PlainLoop plain(file, 4096, static_cast<int>(threads));
    CompareSpeed(**model, plain);
  }
  CompareFirstToken(**model);
  for (bool in_prompt : {false, true}) {
    std::vector<double> times;
    for (int round = 0; round < 9; ++round) times.push_back(FreeAfterStop(**single, round, in_prompt));
    std::printf("{\"stop_to_free_slot_ms\": {\"in\": \"%s\", \"median\": %.2f, \"worst\": %.2f}}\n", in_prompt ? "prompt" : "answer",
                1e3 * Median(times), 1e3 * *std::ranges::max_element(times));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "make") return Make(argv[2]);
  if (argc == 4 && std::string_view(argv[1]) == "run") return Run(argv[2], static_cast<uint32_t>(std::stoul(argv[3])));
  std::cerr << "usage: generator_bench make FILE | run FILE THREADS\n";
  return 2;
}
