// Generators: what answers can be written by: the extractive one always, and the models an operator configured.
//
// Thread-safe. Which generators there are is known at Open; their adapters may change.
#ifndef CODELORE_API_GENERATORS_H_
#define CODELORE_API_GENERATORS_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/routing.h"
#include "api/http/tls.h"
#include "codelore/generator.h"
#include "generate/llama_model.h"

namespace codelore::api {

// A model behind an OpenAI-compatible server, or a GGUF file that runs in this process.
struct GeneratorConfig {
  std::string name;      // as requests choose it
  std::string url;       // of the server, "http://127.0.0.1:8000/v1"
  std::string model;     // as that server calls it
  std::string key_file;  // holds the server's key; not readable by everyone
  generate::LlamaModelOptions local;  // its file is empty: a server
  // Adapters, by name, that only these teams may choose, and are given when they choose none. Others are for everybody who names them.
  std::map<std::string, std::vector<std::string>> adapter_teams = {};
  uint32_t context_tokens = 0;  // these two 0: 8192 and 2400 for a server, 4096 and 800 in this process
  uint32_t passage_tokens = 0;
  bool drop_unsupported = false;
  RouteRule route;

  // "name=qwen url=http://127.0.0.1:8000/v1 model=qwen2.5-coder [key-file=F]" or "name=local gguf=/models/qwen.gguf
  // [threads=8] [slots=2] [queue=8] [sha256=HEX] [lora=F[:SCALE]]...
  // [adapter=NAME=F[:SCALE][#SHA256]]... [adapter-teams=NAME:A,B]...", both with [context=8192] [passages=2400]
  // [unsupported=mark|drop] [teams=A,B] [kinds=howto,symbol] [min-words=N] [max-words=N] [share=PERCENT]. kInvalidArgument says what is wrong and shows an example.
  static Result<GeneratorConfig> Parse(std::string_view text);
};

// 64 hexadecimal digits, in small letters afterwards.
bool ParseHash(std::string_view text, std::string* hash);

// Who asks, and which generator was named, if any.
struct AnswerChoice {
  std::string name = {};  // empty: by routing
  std::vector<std::string> teams = {};
  std::string asker = {};
  std::string adapter = {};    // of the generator; empty: the teams' one; kNoAdapter: none
  bool all_adapters = false;   // whatever team they are for
};

inline constexpr std::string_view kNoAdapter = "none";

struct OfferedAdapter {
  std::string generator;
  generate::NamedAdapter adapter;
  std::vector<std::string> teams;  // none: for everybody
};

class Generators {
 public:
  static Result<std::unique_ptr<Generators>> Open(const std::vector<GeneratorConfig>& configs,
                                                  const std::shared_ptr<const TlsContext>& trust = {});

  // The one that is named or routed to, then, as long as each is unavailable before its first word, the others in their
  // order that can do what is asked, the extractive one last. kNotFound for a name there is not; kInvalidArgument when
  // nobody can.
  Result<AnswerSummary> Answer(const AnswerChoice& choice, const AnswerRequest& request, std::stop_token stop,
                               const std::function<void(const AnswerPiece&)>& emit) const;
  Result<std::vector<ChatMessage>> PromptFor(const AnswerChoice& choice, const AnswerRequest& request) const;
  std::vector<std::string> names() const;  // in order; the first is the default

  std::vector<OfferedAdapter> Adapters() const;  // all of them, by generator and name
  // Names of those that the one who asks may choose, each once.
  std::vector<std::string> AdaptersFor(const AnswerChoice& choice) const;
  // Which one a model answers with. kNotFound, in the same words, for one that there is not and one that is for others.
  Result<std::string> AdapterOf(const ChatModel& model, const AnswerChoice& choice) const;
  // See LlamaModel. kNotFound for a generator without adapters of its own; empty: the only one that runs in this process.
  Status SetAdapter(const std::string& generator, const generate::NamedAdapter& adapter) const;
  Status DropAdapter(const std::string& adapter) const;  // of every generator that has it
  uint64_t adapter_changes() const { return adapter_changes_.load(); }  // so far

  // The model itself, for what needs no passages. kNotFound for the extractive one. Empty: the first model.
  Result<const ChatModel*> Model(std::string_view name) const;
  // The same for filling in the middle. kInvalidArgument when the one that is named, or all, cannot.
  Result<const ChatModel*> FillModel(std::string_view name) const;

 private:
  struct Entry {
    std::unique_ptr<Generator> generator;
    std::shared_ptr<const ChatModel> model;  // none: extractive
    std::shared_ptr<generate::LlamaModel> local;  // the same, in this process
    std::map<std::string, std::vector<std::string>> adapter_teams;
  };
  Result<const Entry*> LocalEntry(const std::string& generator) const;
  static Result<std::string> AdapterOf(const Entry& entry, const AnswerChoice& choice);
  Result<size_t> Find(std::string_view name) const;
  Result<ChosenRoute> FindRoute(const AnswerChoice& choice, std::string_view question) const;

  std::vector<Entry> entries_;  // the extractive one last
  std::vector<RouteRule> rules_;  // beside them, but for the last
  mutable std::atomic<uint64_t> adapter_changes_ = 0;
};

}  // namespace codelore::api

#endif  // CODELORE_API_GENERATORS_H_
