#include "generate/remote_model.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "generate/fill.h"

namespace codelore::generate {
namespace {

using Json = nlohmann::ordered_json;  // a schema's properties stay in their order
using Clock = std::chrono::steady_clock;

std::string_view NameOf(ChatRole role) {
  constexpr std::string_view kNames[] = {"system", "user", "assistant", "tool"};
  return kNames[static_cast<size_t>(role)];
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json::object() : json;
}

Json MessageJson(const ChatMessage& message) {
  Json json = {{"role", NameOf(message.role)}, {"content", message.text}};
  if (message.role == ChatRole::kTool) json["tool_call_id"] = message.call_id;
  for (const ToolCall& call : message.calls) {
    json["tool_calls"].push_back({{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return json;
}

Json SamplingJson(const std::string& model, const Sampling& sampling) {
  Json json = {{"model", model}, {"stream", true}, {"stream_options", {{"include_usage", true}}}, {"max_tokens", sampling.max_tokens}};
  if (sampling.temperature) json["temperature"] = *sampling.temperature;
  if (sampling.top_p) json["top_p"] = *sampling.top_p;
  if (sampling.seed) json["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) json["stop"] = sampling.stop;
  if (sampling.form == OutputForm::kJson) json["response_format"] = {{"type", "json_object"}};
  if (sampling.form == OutputForm::kJsonSchema) {
    json["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", Parsed(sampling.schema)}}}};
  }
  return json;
}

Json ChatJson(const std::string& model, std::span<const ChatMessage> messages, const Sampling& sampling) {
  Json json = SamplingJson(model, sampling);
  for (const ChatMessage& message : messages) json["messages"].push_back(MessageJson(message));
  return json;
}

void AddTools(const ToolOffer& offer, Json& json) {
  if (offer.tools.empty()) return;
  for (const ToolSpec& tool : offer.tools) {
    Json function = {{"name", tool.name}, {"description", tool.description}};
    if (!tool.parameters.empty()) function["parameters"] = Parsed(tool.parameters);
    json["tools"].push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  const bool plain = offer.choice == "auto" || offer.choice == "none" || offer.choice == "required";
  json["tool_choice"] = plain ? Json(offer.choice) : Json{{"type", "function"}, {"function", {{"name", offer.choice}}}};
}

// What is said in one event of the stream. A server may send anything.
class ChunkReader {
 public:
  // False for the end, or for what is no chunk: then `status` says so.
  bool Read(std::string_view data, const std::function<void(std::string_view)>& emit) {
    if (data == "[DONE]") return !(done_ = true);
    Json json = Json::parse(data, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return Fail("it sent an event that is no JSON object");
    if (json.contains("error")) return Fail("it reported an error in mid-answer");
    ReadUsage(json.value("usage", Json()));
    Json choices = json.value("choices", Json());
    if (!choices.is_array() || choices.empty() || !choices[0].is_object()) return true;
    const Json& choice = choices[0];
    if (choice.contains("text")) EmitText(choice["text"], emit);  // of a completion
    Json delta = choice.value("delta", Json());
    if (delta.is_object() && delta.contains("content")) EmitText(delta["content"], emit);
    if (delta.is_object() && delta.contains("tool_calls") && !ReadCalls(delta["tool_calls"])) return Fail("it wrote too much into a call of a tool");
    Json reason = choices[0].value("finish_reason", Json());
    if (reason.is_string()) {
      done_ = true;  // usage may follow
      usage.cut = reason == "length";
    }
    return true;
  }
  bool done() const { return done_; }

  ChatUsage usage;
  std::vector<ToolCall> calls;
  std::string error;

 private:
  static void EmitText(const Json& text, const std::function<void(std::string_view)>& emit) {
    if (text.is_string() && !text.get_ref<const std::string&>().empty()) emit(text.get_ref<const std::string&>());
  }
  // Pieces of calls, each with the number of its call. Calls beyond the first 32 are left out; false: one is too long.
  bool ReadCalls(const Json& list) {
    constexpr size_t kMaxCalls = 32, kMaxBytes = 1 << 20;
    for (const Json& piece : list) {
      if (!piece.is_object()) continue;
      Json index = piece.value("index", Json());
      size_t at = index.is_number_unsigned() ? index.get<size_t>() : calls.empty() ? 0 : calls.size() - 1;
      if (at >= kMaxCalls) continue;
      if (at >= calls.size()) calls.resize(at + 1);
      ToolCall& call = calls[at];
      auto add = [](const Json& from, const char* field, std::string& to) {
        if (from.is_object() && from.contains(field) && from[field].is_string()) to += from[field].get_ref<const std::string&>();
      };
      if (call.id.empty()) add(piece, "id", call.id);
      Json function = piece.value("function", Json());
      if (call.name.empty()) add(function, "name", call.name);
      add(function, "arguments", call.arguments);
      if (call.arguments.size() > kMaxBytes) return false;
    }
    return true;
  }
  void ReadUsage(const Json& json) {
    auto number = [&](const char* field) {
      return json.is_object() && json.contains(field) && json[field].is_number_unsigned() ? json[field].get<uint32_t>() : 0;
    };
    usage.prompt_tokens = std::max(usage.prompt_tokens, number("prompt_tokens"));
    usage.answer_tokens = std::max(usage.answer_tokens, number("completion_tokens"));
  }
  bool Fail(const char* what) {
    error = what;
    return false;
  }

  bool done_ = false;
};

class RemoteModel final : public ChatModel {
 public:
  RemoteModel(std::unique_ptr<RemoteServer> server, RemoteModelOptions options)
      : server_(std::move(server)), options_(std::move(options)) {}

  const std::string& name() const override { return options_.model; }
  uint32_t context_tokens() const override { return options_.context_tokens; }

  // A token of a usual vocabulary has 3 to 4 bytes of English or code, and about 2 of Korean (a syllable has 3).
  size_t CountTokens(std::string_view text) const override {
    size_t wide = static_cast<size_t>(std::ranges::count_if(text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; }));
    return (text.size() - wide + 2) / 3 + (wide + 1) / 2;
  }

  Status CheckForm(const Sampling&) const override { return OkStatus(); }  // the server says what it cannot do
  bool can_call_tools() const override { return true; }
  bool can_fill() const override { return true; }

  Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    ASSIGN_OR_RETURN(ToolTurn turn, Ask("/chat/completions", ChatJson(options_.model, messages, sampling), stop, emit));
    return turn.usage;
  }

  Result<ToolTurn> ChatWithTools(std::span<const ChatMessage> messages, const ToolOffer& offer, const Sampling& sampling,
                                 std::stop_token stop, const std::function<void(std::string_view)>& emit) const override {
    Json json = ChatJson(options_.model, messages, sampling);
    AddTools(offer, json);
    ASSIGN_OR_RETURN(ToolTurn turn, Ask("/chat/completions", json, stop, emit));
    std::erase_if(turn.calls, [](const ToolCall& call) { return call.name.empty(); });
    for (size_t i = 0; i < turn.calls.size(); ++i) {
      if (turn.calls[i].id.empty()) turn.calls[i].id = "call_" + std::to_string(i);
    }
    return turn;
  }

  Result<ChatUsage> Fill(const FillRequest& request, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    const FittedFill fill = FitFill(request, context_tokens() - std::min(context_tokens(), sampling.max_tokens),
                                    [this](std::string_view text) { return CountTokens(text); });
    Json json = SamplingJson(options_.model, sampling);
    json["prompt"] = CommentedSnippets(fill.snippets) + std::string(fill.prefix);
    json["suffix"] = fill.suffix;
    ASSIGN_OR_RETURN(ToolTurn turn, Ask("/completions", json, stop, emit));
    return turn.usage;
  }

 private:
  Result<ToolTurn> Ask(const std::string& path, const Json& json, std::stop_token stop, const std::function<void(std::string_view)>& emit) const {
    if (IsOpen()) return Unavailable("generator " + options_.model + " failed several times and is not asked for some seconds");
    const std::string body = Dump(json);
    for (int attempt = 0;; ++attempt) {
      bool begun = false;
      auto turn = Once(path, body, stop, [&](std::string_view text) {
        begun = true;
        emit(text);
      });
      if (turn.ok() || stop.stop_requested()) {
        if (turn.ok()) Count(0);
        return turn;
      }
      bool may_pass = turn.status().code() == StatusCode::kUnavailable;
      if (begun || !may_pass || attempt >= options_.retries || !Wait(std::chrono::milliseconds(200 << attempt), stop)) {
        Count(1);
        return turn;
      }
    }
  }

  Result<ToolTurn> Once(const std::string& path, const std::string& body, std::stop_token stop,
                        const std::function<void(std::string_view)>& emit) const {
    ChunkReader reader;
    RETURN_IF_ERROR(server_->Stream(path, body, stop, [&](std::string_view data) {
      return !stop.stop_requested() && reader.Read(data, emit);
    }));
    if (stop.stop_requested()) return Unavailable("the answer was stopped");
    if (!reader.done()) {
      std::string why = reader.error.empty() ? "it broke off in mid-answer" : reader.error;
      return Unavailable(server_->address() + ": " + why);
    }
    return ToolTurn{reader.usage, std::move(reader.calls)};
  }

  static bool Wait(std::chrono::milliseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    return !stopped.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
  }

  bool IsOpen() const {
    const std::lock_guard lock(mutex_);
    return Clock::now() < open_until_;
  }
  void Count(int failures) const {
    const std::lock_guard lock(mutex_);
    failures_ = failures == 0 ? 0 : failures_ + failures;
    if (failures_ >= options_.failures_to_open) open_until_ = Clock::now() + std::chrono::seconds(options_.open_seconds);
  }

  const std::unique_ptr<RemoteServer> server_;
  const RemoteModelOptions options_;
  mutable std::mutex mutex_;
  mutable int failures_ = 0;  // in a row; guarded by mutex_
  mutable Clock::time_point open_until_{};  // likewise
};

}  // namespace

std::unique_ptr<ChatModel> MakeRemoteModel(std::unique_ptr<RemoteServer> server, RemoteModelOptions options) {
  return std::make_unique<RemoteModel>(std::move(server), std::move(options));
}

}  // namespace codelore::generate
