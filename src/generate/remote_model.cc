#include "generate/remote_model.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace codelore::generate {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

std::string_view NameOf(ChatRole role) {
  return role == ChatRole::kSystem ? "system" : role == ChatRole::kUser ? "user" : "assistant";
}

std::string BodyOf(const std::string& model, std::span<const ChatMessage> messages, const Sampling& sampling) {
  Json json = {{"model", model}, {"stream", true}, {"stream_options", {{"include_usage", true}}}, {"max_tokens", sampling.max_tokens}};
  for (const ChatMessage& message : messages) json["messages"].push_back({{"role", NameOf(message.role)}, {"content", message.text}});
  if (sampling.temperature) json["temperature"] = *sampling.temperature;
  if (sampling.top_p) json["top_p"] = *sampling.top_p;
  if (sampling.seed) json["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) json["stop"] = sampling.stop;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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
    Json delta = choices[0].value("delta", Json());
    if (delta.is_object() && delta.contains("content") && delta["content"].is_string()) {
      const auto& text = delta["content"].get_ref<const std::string&>();
      if (!text.empty()) emit(text);
    }
    Json reason = choices[0].value("finish_reason", Json());
    if (reason.is_string()) {
      done_ = true;  // usage may follow
      usage.cut = reason == "length";
    }
    return true;
  }
  bool done() const { return done_; }

  ChatUsage usage;
  std::string error;

 private:
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

  Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    if (IsOpen()) return Unavailable("generator " + options_.model + " failed several times and is not asked for some seconds");
    const std::string body = BodyOf(options_.model, messages, sampling);
    for (int attempt = 0;; ++attempt) {
      bool begun = false;
      auto usage = Once(body, stop, [&](std::string_view text) {
        begun = true;
        emit(text);
      });
      if (usage.ok() || stop.stop_requested()) {
        if (usage.ok()) Count(0);
        return usage;
      }
      bool may_pass = usage.status().code() == StatusCode::kUnavailable;
      if (begun || !may_pass || attempt >= options_.retries || !Wait(std::chrono::milliseconds(200 << attempt), stop)) {
        Count(1);
        return usage;
      }
    }
  }

 private:
  Result<ChatUsage> Once(const std::string& body, std::stop_token stop, const std::function<void(std::string_view)>& emit) const {
    ChunkReader reader;
    RETURN_IF_ERROR(server_->Stream("/chat/completions", body, stop, [&](std::string_view data) {
      return !stop.stop_requested() && reader.Read(data, emit);
    }));
    if (stop.stop_requested()) return Unavailable("the answer was stopped");
    if (!reader.done()) {
      std::string why = reader.error.empty() ? "it broke off in mid-answer" : reader.error;
      return Unavailable(server_->address() + ": " + why);
    }
    return reader.usage;
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
