// llama.cpp as an encoder of texts, for encoder_rivals.py: texts in, vectors out, tokenisation included.
//
//   llama_embed MODEL.gguf TEXTS THREADS
//
// TEXTS are pieces with a byte 0 between them. Lines of standard input: "go" encodes all texts, "query" twenty times one of about
// 16 tokens, "save FILE" writes the vectors. Texts are sorted by length and packed into batches of whole sequences; of several
// batch sizes the fastest is taken. Built against the pinned llama.cpp, with its ggml compiled for the very host:
//
//   g++ -O2 -std=c++20 -I INCLUDE bench/rivals/llama_embed.cc -L LIB -lllama -lggml -lggml-cpu -lggml-base -fopenmp -lpthread -ldl
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

namespace {

constexpr int kLongest = 512, kMostTexts = 64;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Encoder {
 public:
  Encoder(llama_model* model, int batch_tokens, int threads) : model_(model), batch_tokens_(batch_tokens) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(std::max(batch_tokens, kLongest));
    params.n_batch = params.n_ubatch = params.n_ctx;
    params.n_seq_max = kMostTexts;
    params.kv_unified = true;
    params.n_threads = params.n_threads_batch = threads;
    params.embeddings = true;
    params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
    context_ = llama_init_from_model(model, params);
    batch_ = llama_batch_init(static_cast<int>(params.n_ctx), 0, 1);
  }

  std::vector<std::vector<float>> Encode(const std::vector<std::string>& texts) {
    std::vector<std::vector<llama_token>> tokens;
    for (const std::string& text : texts) tokens.push_back(Tokenize(text));
    std::vector<size_t> order(texts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return tokens[a].size() < tokens[b].size(); });
    std::vector<std::vector<float>> vectors(texts.size());
    std::vector<size_t> members;
    for (size_t i : order) {
      const bool full = batch_.n_tokens + static_cast<int>(tokens[i].size()) > batch_tokens_ || members.size() == kMostTexts;
      if (!members.empty() && full) Run(members, &vectors);
      Add(tokens[i], static_cast<int>(members.size()));
      members.push_back(i);
    }
    if (!members.empty()) Run(members, &vectors);
    return vectors;
  }

 private:
  std::vector<llama_token> Tokenize(const std::string& text) const {
    std::vector<llama_token> tokens(text.size() + 8);
    const int count = llama_tokenize(llama_model_get_vocab(model_), text.data(), static_cast<int>(text.size()), tokens.data(),
                                     static_cast<int>(tokens.size()), /*add_special=*/true, /*parse_special=*/false);
    tokens.resize(static_cast<size_t>(std::max(count, 0)));
    if (tokens.size() > kLongest) {
      tokens[kLongest - 1] = tokens.back();
      tokens.resize(kLongest);
    }
    return tokens;
  }

  void Add(const std::vector<llama_token>& tokens, int sequence) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      const int at = batch_.n_tokens++;
      batch_.token[at] = tokens[i];
      batch_.pos[at] = static_cast<llama_pos>(i);
      batch_.n_seq_id[at] = 1;
      batch_.seq_id[at][0] = sequence;
      batch_.logits[at] = 1;
    }
  }

  void Run(std::vector<size_t>& members, std::vector<std::vector<float>>* vectors) {
    if (llama_encode(context_, batch_) != 0) std::abort();
    for (size_t i = 0; i < members.size(); ++i) {
      const float* from = llama_get_embeddings_seq(context_, static_cast<llama_seq_id>(i));
      std::vector<float> vector(from, from + llama_model_n_embd(model_));
      float squares = 0;
      for (float x : vector) squares += x * x;
      for (float& x : vector) x /= std::sqrt(squares);
      (*vectors)[members[i]] = std::move(vector);
    }
    members.clear();
    batch_.n_tokens = 0;
  }

  llama_model* model_;
  const int batch_tokens_;
  llama_context* context_;
  llama_batch batch_;
};

std::vector<std::string> ReadTexts(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> texts;
  for (size_t begin = 0; begin <= bytes.size();) {
    const size_t end = std::min(bytes.find('\0', begin), bytes.size());
    texts.push_back(bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) return 1;
  const std::vector<std::string> texts = ReadTexts(argv[2]);
  const std::vector<std::string> some(texts.begin(), texts.begin() + static_cast<ptrdiff_t>(std::min<size_t>(64, texts.size())));
  Encoder* encoder = nullptr;
  double best = 1e9;
  for (int batch_tokens : {1, 128, 512, 2048}) {  // 1: each text by itself
    auto* each = new Encoder(model, batch_tokens, std::atoi(argv[3]));
    each->Encode(some);
    const double start = CpuSeconds();
    each->Encode(some);
    const double seconds = CpuSeconds() - start;
    std::fprintf(stderr, "batches of %d tokens: %.3f s\n", batch_tokens, seconds);
    if (seconds < best) encoder = each;
    best = std::min(best, seconds);
  }
  const std::string query = std::min_element(texts.begin(), texts.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); })->substr(0, 48);
  std::puts("ready");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu = CpuSeconds();
    if (line.starts_with("save")) {
      std::ofstream out(line.substr(5), std::ios::binary);
      for (const auto& vector : encoder->Encode(texts)) out.write(reinterpret_cast<const char*>(vector.data()), static_cast<std::streamsize>(4 * vector.size()));
    } else if (line.starts_with("query")) {
      for (int i = 0; i < 20; ++i) encoder->Encode({query});
    } else {
      encoder->Encode(texts);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("{\"seconds\": %.6f, \"cpu\": %.6f}\n", seconds.count(), CpuSeconds() - cpu);
    std::fflush(stdout);
  }
}
