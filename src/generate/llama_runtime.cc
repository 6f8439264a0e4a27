#include "generate/llama_runtime.h"

#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <utility>

#include "generate/fill.h"
#include "generate/prompt.h"

namespace codelore::generate {
namespace {

struct FreeModel { void operator()(llama_model* model) const { llama_model_free(model); } };
struct FreeContext { void operator()(llama_context* context) const { llama_free(context); } };

// What the library says while it loads; its words may come out of the file.
thread_local std::string last_error;

void KeepError(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR && last_error.size() < 300) last_error += text;
}

void StartLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(KeepError, nullptr);
    llama_backend_init();
  });
}

Status Refused(const std::string& file, std::string_view what) {
  std::string why = VisibleText(last_error.substr(0, 300));
  std::ranges::replace(why, '\n', ' ');
  last_error.clear();
  return InvalidArgument("model file " + file + ": " + std::string(what) + (why.empty() ? "" : " (" + why + ")"));
}

// No exception leaves the library's door.
template <typename Function>
auto Guarded(const char* what, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    return Internal(std::string(what) + " failed in llama.cpp: " + VisibleText(error.what()));
  }
}

const char* NameOf(ChatRole role) {
  return role == ChatRole::kSystem ? "system" : role == ChatRole::kUser ? "user" : role == ChatRole::kTool ? "tool" : "assistant";
}

// The template with a mark where each message's text belongs. It is filled in as tokens, so no text can pretend to be
// another message. Marks have characters that no template has.
std::string Mark(size_t message) { return "\x02" + std::to_string(message) + "\x03"; }

std::string Frame(const char* chat_template, std::span<const ChatMessage> messages) {
  std::vector<std::string> marks;
  for (size_t i = 0; i < messages.size(); ++i) marks.push_back(Mark(i));
  std::vector<llama_chat_message> chat;
  for (size_t i = 0; i < messages.size(); ++i) chat.push_back({NameOf(messages[i].role), marks[i].c_str()});
  auto apply = [&](const char* name) {
    std::string frame(4096 + 1024 * messages.size(), '\0');
    int32_t size = llama_chat_apply_template(name, chat.data(), chat.size(), true, frame.data(), static_cast<int32_t>(frame.size()));
    bool fits = size >= 0 && static_cast<size_t>(size) <= frame.size();
    frame.resize(fits ? static_cast<size_t>(size) : 0);
    return frame;
  };
  std::string frame = chat_template == nullptr ? "" : apply(chat_template);
  for (const std::string& mark : marks) {
    if (frame.find(mark) == frame.npos) return apply("chatml");  // a template that is not known, or that loses a message
  }
  return frame;
}

}  // namespace

namespace {

// Held shared by who computes, exclusively by who loads, frees or forks: the library keeps its locks and lists for all of the process.
std::shared_mutex& LibraryGate() {
  static std::shared_mutex gate;
  return gate;
}

// The library keeps a list of a model's adapters, which it reads while it computes.
class LlamaAdapter final : public LoadedAdapter {
 public:
  LlamaAdapter(std::shared_ptr<llama_model> model, llama_adapter_lora* adapter, float scale)
      : scale_(scale), model_(std::move(model)), adapter_(adapter) {}
  ~LlamaAdapter() override {
    const std::unique_lock lock(LibraryGate());
    llama_adapter_lora_free(adapter_);
  }
  LlamaAdapter(const LlamaAdapter&) = delete;
  LlamaAdapter& operator=(const LlamaAdapter&) = delete;
  uint64_t id() const override { return id_; }
  llama_adapter_lora* get() const { return adapter_; }
  float scale() const { return scale_; }

 private:
  static uint64_t NextId() {
    static std::atomic<uint64_t> next = 1;
    return next.fetch_add(1);
  }
  const uint64_t id_ = NextId();
  const float scale_;
  const std::shared_ptr<llama_model> model_;  // before it
  llama_adapter_lora* const adapter_;
};

}  // namespace

pid_t ForkBesideLlama() {
  std::unique_lock lock(LibraryGate());
  const pid_t child = ::fork();
  if (child != 0) return child;
  lock.release();
  new (&LibraryGate()) std::shared_mutex();  // it was held by a thread that is not here
  return child;
}

struct LlamaRuntime::Library {
  std::shared_ptr<llama_model> model;
  std::vector<std::shared_ptr<const LlamaAdapter>> adapters;  // applied always
  std::shared_ptr<const LoadedAdapter> applied;  // beside those; the context points to it
  std::unique_ptr<llama_context, FreeContext> context;  // before the model
  const llama_vocab* vocab = nullptr;
  uint32_t vocabulary = 0;
  bool copies = false;
  const std::function<bool()>* should_abort = nullptr;
  std::vector<int32_t> outputs;  // of the last batch: where a step's logits are

  // `structured`: marks of the conversation count as such.
  std::vector<Token> Tokens(std::string_view text, bool begins, bool structured) const {
    std::vector<Token> tokens(text.size() + 8);
    auto size = static_cast<int32_t>(text.size());
    int32_t count = llama_tokenize(vocab, text.data(), size, tokens.data(), static_cast<int32_t>(tokens.size()), begins, structured);
    if (count < 0) {
      tokens.resize(static_cast<size_t>(-static_cast<int64_t>(count)));
      count = llama_tokenize(vocab, text.data(), size, tokens.data(), static_cast<int32_t>(tokens.size()), begins, structured);
    }
    tokens.resize(static_cast<size_t>(std::max(count, 0)));
    return tokens;
  }

  bool Structures(Token token) const {
    return (llama_vocab_get_attr(vocab, token) & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED)) != 0;
  }

  // Some files declare marks of the conversation as words of users: those are taken apart.
  std::vector<Token> PlainTokens(std::string_view text) const {
    std::vector<Token> plain;
    for (Token token : Tokens(text, false, false)) {
      std::string_view word = Structures(token) ? llama_vocab_get_text(vocab, token) : "";
      if (!word.starts_with('<') && !word.starts_with('[')) {
        plain.push_back(token);
        continue;
      }
      for (std::string_view part : {word.substr(0, 1), word.substr(1)}) {
        for (Token piece : Tokens(part, false, false)) plain.push_back(piece);
      }
    }
    return plain;
  }

  Status LoadModel(const LlamaRuntimeOptions& options);
  Status MakeContext(const LlamaRuntimeOptions& options);
  Status LoadAdapters(const LlamaRuntimeOptions& options);
  Result<std::shared_ptr<const LlamaAdapter>> LoadAdapter(const LoraAdapter& adapter);
  void Apply(const LoadedAdapter* chosen);
};

Status LlamaRuntime::Library::LoadModel(const LlamaRuntimeOptions& options) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  params.check_tensors = options.check_tensors;
  params.progress_callback = [](float, void*) { return true; };
  model.reset(llama_model_load_from_file(options.file.c_str(), params), FreeModel());
  if (!model) return Refused(options.file, "it cannot be loaded");
  vocab = llama_model_get_vocab(model.get());
  vocabulary = static_cast<uint32_t>(std::max(llama_vocab_n_tokens(vocab), 0));
  if (vocabulary == 0) return Refused(options.file, "it has no vocabulary");
  if (!llama_model_has_decoder(model.get()) || llama_model_has_encoder(model.get()) || llama_model_is_diffusion(model.get())) {
    return Refused(options.file, "it does not continue text; expected a decoder such as Llama or Qwen");
  }
  copies = !llama_model_is_recurrent(model.get()) && !llama_model_is_hybrid(model.get()) && llama_model_n_swa(model.get()) == 0;
  return OkStatus();
}

Status LlamaRuntime::Library::MakeContext(const LlamaRuntimeOptions& options) {
  const int32_t trained = llama_model_n_ctx_train(model.get());
  const uint32_t length = std::min(options.context_tokens, trained > 0 ? static_cast<uint32_t>(trained) : options.context_tokens);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = length * options.slots;
  params.n_batch = params.n_ubatch = kBatchTokens;
  params.n_seq_max = options.slots;
  params.n_outputs_max = options.slots;
  params.n_threads = params.n_threads_batch = static_cast<int32_t>(options.threads);
  params.no_perf = true;
  params.abort_callback = [](void* self) {
    const auto* asked = static_cast<Library*>(self)->should_abort;
    return asked != nullptr && (*asked)();
  };
  params.abort_callback_data = this;
  context.reset(llama_init_from_model(model.get(), params));
  return context ? OkStatus() : Refused(options.file, "there is no room for its state, or it does not fit together");
}

Result<std::shared_ptr<const LlamaAdapter>> LlamaRuntime::Library::LoadAdapter(const LoraAdapter& adapter) {
  last_error.clear();
  llama_adapter_lora* loaded = llama_adapter_lora_init(model.get(), adapter.file.c_str());
  if (loaded == nullptr) return Refused(adapter.file, "it is no LoRA adapter of this model");
  return std::make_shared<const LlamaAdapter>(model, loaded, adapter.scale);
}

void LlamaRuntime::Library::Apply(const LoadedAdapter* chosen) {
  std::vector<llama_adapter_lora*> all;
  std::vector<float> scales;
  auto add = [&](const LlamaAdapter& adapter) {
    all.push_back(adapter.get());
    scales.push_back(adapter.scale());
  };
  for (const auto& adapter : adapters) add(*adapter);
  if (chosen != nullptr) add(static_cast<const LlamaAdapter&>(*chosen));
  llama_set_adapters_lora(context.get(), all.data(), all.size(), scales.data());
}

Status LlamaRuntime::Library::LoadAdapters(const LlamaRuntimeOptions& options) {
  for (const LoraAdapter& adapter : options.adapters) {
    ASSIGN_OR_RETURN(auto loaded, LoadAdapter(adapter));
    adapters.push_back(std::move(loaded));
  }
  Apply(nullptr);
  return OkStatus();
}

LlamaRuntime::LlamaRuntime() : library_(std::make_unique<Library>()) {}
LlamaRuntime::~LlamaRuntime() = default;

Result<std::unique_ptr<LlamaRuntime>> LlamaRuntime::Load(const LlamaRuntimeOptions& options) {
  StartLibrary();
  last_error.clear();
  std::unique_ptr<LlamaRuntime> runtime(new LlamaRuntime());  // before the gate: what it holds of adapters passes that at its end
  const std::unique_lock lock(LibraryGate());
  RETURN_IF_ERROR(Guarded("loading a model", [&] { return runtime->library_->LoadModel(options); }));
  RETURN_IF_ERROR(Guarded("preparing a model", [&] { return runtime->library_->MakeContext(options); }));
  RETURN_IF_ERROR(Guarded("loading an adapter", [&] { return runtime->library_->LoadAdapters(options); }));
  return runtime;
}

uint32_t LlamaRuntime::context_tokens() const { return llama_n_ctx_seq(library_->context.get()); }
uint32_t LlamaRuntime::vocabulary() const { return library_->vocabulary; }
bool LlamaRuntime::EndsAnswer(Token token) const { return llama_vocab_is_eog(library_->vocab, token); }

std::string LlamaRuntime::Piece(Token token) const {
  std::string piece(64, '\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    int32_t size = llama_token_to_piece(library_->vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, false);
    piece.resize(static_cast<size_t>(std::abs(size)));
    if (size >= 0) return piece;
  }
  return "";
}

Result<std::vector<Token>> LlamaRuntime::Tokenize(std::string_view text) const {
  constexpr size_t kMaxBytes = size_t{64} << 20;
  if (text.size() > kMaxBytes) return InvalidArgument("a text of " + std::to_string(text.size()) + " bytes is too long for a model");
  return Guarded("tokenizing", [&]() -> Result<std::vector<Token>> { return library_->PlainTokens(text); });
}

Result<std::vector<Token>> LlamaRuntime::TokenizeChat(std::span<const ChatMessage> messages) const {
  return Guarded("tokenizing", [&]() -> Result<std::vector<Token>> {
    const std::string frame = Frame(llama_model_chat_template(library_->model.get(), nullptr), messages);
    if (frame.empty()) return Internal("a conversation of " + std::to_string(messages.size()) + " messages does not fit the template");
    std::vector<Token> tokens;
    std::string_view rest = frame;
    for (size_t begin; (begin = rest.find('\x02')) != rest.npos;) {
      size_t end = rest.find('\x03', begin);
      if (end == rest.npos) break;
      size_t message = std::stoul(std::string(rest.substr(begin + 1, end - begin - 1)));
      for (Token token : library_->Tokens(rest.substr(0, begin), tokens.empty(), true)) tokens.push_back(token);
      for (Token token : library_->PlainTokens(messages[message].text)) tokens.push_back(token);
      rest.remove_prefix(end + 1);
    }
    for (Token token : library_->Tokens(rest, tokens.empty(), true)) tokens.push_back(token);
    return tokens;
  });
}

bool LlamaRuntime::can_fill() const {
  const llama_vocab* vocab = library_->vocab;
  return llama_vocab_fim_pre(vocab) != LLAMA_TOKEN_NULL && llama_vocab_fim_suf(vocab) != LLAMA_TOKEN_NULL && llama_vocab_fim_mid(vocab) != LLAMA_TOKEN_NULL;
}

// As the makers of such models do: other files first where there is a mark for files (Qwen2.5-Coder), else as comments.
Result<std::vector<Token>> LlamaRuntime::TokenizeFill(const FillRequest& request, uint32_t max_tokens) const {
  if (!can_fill()) return InvalidArgument("the model has no tokens for filling in the middle");
  return Guarded("tokenizing", [&]() -> Result<std::vector<Token>> {
    const llama_vocab* vocab = library_->vocab;
    const FittedFill fill = FitFill(request, max_tokens, [&](std::string_view text) { return library_->PlainTokens(text).size(); });
    const Token file = llama_vocab_fim_sep(vocab);
    std::vector<Token> tokens = library_->Tokens("", true, true);
    auto add = [&](std::string_view text) {
      for (Token token : library_->PlainTokens(text)) tokens.push_back(token);
    };
    for (const FillRequest::Snippet& snippet : fill.snippets) {
      if (file == LLAMA_TOKEN_NULL) break;
      tokens.push_back(file);
      add(snippet.path + "\n" + snippet.text + "\n");
    }
    tokens.push_back(llama_vocab_fim_pre(vocab));
    if (file == LLAMA_TOKEN_NULL) add(CommentedSnippets(fill.snippets));
    add(fill.prefix);
    tokens.push_back(llama_vocab_fim_suf(vocab));
    add(fill.suffix);
    tokens.push_back(llama_vocab_fim_mid(vocab));
    return tokens;
  });
}

namespace {

struct FreeSampler { void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); } };

class LlamaGrammar final : public TokenGrammar {
 public:
  explicit LlamaGrammar(llama_sampler* sampler) : sampler_(sampler) {}

  bool Allows(Token token) override {
    llama_token_data one{.id = token, .logit = 0, .p = 0};
    llama_token_data_array array{.data = &one, .size = 1, .selected = -1, .sorted = false};
    auto applied = Guarded("following a grammar", [&]() -> Status {
      llama_sampler_apply(sampler_.get(), &array);
      return OkStatus();
    });
    return applied.ok() && one.logit == 0;
  }
  Status Mask(std::span<float> logits) override {
    std::vector<llama_token_data> all(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) all[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0};
    llama_token_data_array array{.data = all.data(), .size = all.size(), .selected = -1, .sorted = false};
    return Guarded("following a grammar", [&]() -> Status {
      llama_sampler_apply(sampler_.get(), &array);
      for (size_t i = 0; i < array.size; ++i) logits[static_cast<size_t>(array.data[i].id)] = array.data[i].logit;
      return OkStatus();
    });
  }
  Status Accept(Token token) override {
    const int64_t start = ThreadNanoseconds();
    RETURN_IF_ERROR(Guarded("following a grammar", [&]() -> Status {
      llama_sampler_accept(sampler_.get(), token);
      return OkStatus();
    }));
    return ThreadNanoseconds() - start < kMostNanoseconds ? OkStatus() : InvalidArgument("the schema can be read in too many ways at once; make its anyOf unambiguous");
  }

 private:
  // A place in a grammar is all the ways that led there. Usually one or two, and some microseconds; but a schema can double
  // them with every level of what it describes.
  static constexpr int64_t kMostNanoseconds = 3'000'000;
  static int64_t ThreadNanoseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  std::unique_ptr<llama_sampler, FreeSampler> sampler_;
};

}  // namespace

Result<std::unique_ptr<TokenGrammar>> LlamaRuntime::MakeGrammar(const std::string& gbnf) const {
  return Guarded("reading a grammar", [&]() -> Result<std::unique_ptr<TokenGrammar>> {
    last_error.clear();
    llama_sampler* sampler = llama_sampler_init_grammar(library_->vocab, gbnf.c_str(), "root");
    last_error.clear();
    if (sampler == nullptr) return InvalidArgument("the schema makes no grammar that can be followed; does it lead to itself, or repeat too much?");
    return std::unique_ptr<TokenGrammar>(std::make_unique<LlamaGrammar>(sampler));
  });
}

Result<std::shared_ptr<const LoadedAdapter>> LlamaRuntime::LoadAdapter(const LoraAdapter& adapter) {
  return Guarded("loading an adapter", [&]() -> Result<std::shared_ptr<const LoadedAdapter>> {
    const std::unique_lock lock(LibraryGate());
    ASSIGN_OR_RETURN(auto loaded, library_->LoadAdapter(adapter));
    return std::shared_ptr<const LoadedAdapter>(std::move(loaded));
  });
}

Result<DecodeEnd> LlamaRuntime::Decode(std::span<const DecodeStep> steps, const std::shared_ptr<const LoadedAdapter>& adapter,
                                       const std::function<bool()>& abort) {
  std::vector<Token> tokens;
  std::vector<llama_pos> positions;
  std::vector<llama_seq_id> slots;
  std::vector<int8_t> wanted;
  library_->outputs.clear();
  for (const DecodeStep& step : steps) {
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      tokens.push_back(step.tokens[i]);
      positions.push_back(static_cast<llama_pos>(step.position + i));
      slots.push_back(static_cast<llama_seq_id>(step.slot));
      wanted.push_back(step.wants_logits && i + 1 == step.tokens.size());
    }
    library_->outputs.push_back(static_cast<int32_t>(tokens.size()) - 1);
  }
  if (tokens.empty() || tokens.size() > kBatchTokens) return Internal("a batch of " + std::to_string(tokens.size()) + " tokens");
  std::vector<int32_t> counts(tokens.size(), 1);
  std::vector<llama_seq_id*> slot_lists;
  for (llama_seq_id& slot : slots) slot_lists.push_back(&slot);
  llama_batch batch{.n_tokens = static_cast<int32_t>(tokens.size()), .token = tokens.data(), .embd = nullptr, .pos = positions.data(),
                    .n_seq_id = counts.data(), .seq_id = slot_lists.data(), .logits = wanted.data()};
  std::shared_ptr<const LoadedAdapter> before;  // goes behind the gate
  return Guarded("computing", [&]() -> Result<DecodeEnd> {
    const std::shared_lock lock(LibraryGate());
    if (library_->applied != adapter) {
      library_->Apply(adapter.get());
      before = std::exchange(library_->applied, adapter);
    }
    library_->should_abort = &abort;
    const int32_t code = llama_decode(library_->context.get(), batch);
    library_->should_abort = nullptr;
    if (code == 2) return DecodeEnd::kAborted;
    if (code != 0) return Internal("llama.cpp cannot compute a batch (code " + std::to_string(code) + ")");
    return DecodeEnd::kDone;
  });
}

std::span<const float> LlamaRuntime::Logits(size_t step) const {
  const float* logits = llama_get_logits_ith(library_->context.get(), library_->outputs[step]);
  return logits == nullptr ? std::span<const float>() : std::span(logits, library_->vocabulary);
}

bool LlamaRuntime::Forget(uint32_t slot, uint32_t tokens) {
  llama_memory_t memory = llama_get_memory(library_->context.get());
  auto sequence = static_cast<llama_seq_id>(slot);
  if (llama_memory_seq_rm(memory, sequence, static_cast<llama_pos>(tokens), -1)) return true;
  llama_memory_seq_rm(memory, sequence, -1, -1);
  return false;
}

bool LlamaRuntime::Copy(uint32_t from, uint32_t to) {
  if (!library_->copies || from == to) return false;
  llama_memory_t memory = llama_get_memory(library_->context.get());
  llama_memory_seq_rm(memory, static_cast<llama_seq_id>(to), -1, -1);
  llama_memory_seq_cp(memory, static_cast<llama_seq_id>(from), static_cast<llama_seq_id>(to), -1, -1);
  return true;
}

}  // namespace codelore::generate
