#include "api/protocols/ollama_routes.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/authentication.h"
#include "api/http/request_watch.h"
#include "api/protocols/chat.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBodyBytes = 8 << 20;
constexpr size_t kMaxTextBytes = 512 * 1024;
constexpr size_t kMaxInputs = 2048;
constexpr std::string_view kSpokenVersion = "0.6.0";  // of Ollama's API; clients compare it
// Clients want a size and a date of each model; ours have neither.
constexpr std::string_view kModelDate = "2025-01-01T00:00:00Z";

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string NowText() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return TimeText(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

int64_t NanosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

std::string ErrorJson(const Status& status, int http_status) {
  std::string message = http_status == 401 ? std::string(kTokenWanted) : http_status < 500 && http_status != 429 ? status.message() : "the server cannot do this right now; try again";
  return Dump({{"error", message}});
}

void Refuse(const Status& status, bool authentication, HttpResponse& response) {
  int http_status = authentication && status.code() == StatusCode::kPermissionDenied ? 401 : HttpStatusOf(status.code());
  if (http_status >= 500) return response.SetError(status);  // logged there
  response.SetStatus(http_status);
  response.SetBody(ErrorJson(status, http_status), kJsonType);
}

// ---- chat and generate -------------------------------------------------------------------------------------

struct OllamaCall {
  ChatCall chat;
  bool stream = true;
  bool generate = false;  // /api/generate: "response" instead of "message"
};

void ReadOptions(JsonRequest options, Sampling& sampling) {
  if (options.Has("temperature")) sampling.temperature = options.Number("temperature", {.min = 0, .max = 2});
  if (options.Has("top_p")) sampling.top_p = options.Number("top_p", {.min = 0, .max = 1});
  if (options.Has("seed")) sampling.seed = static_cast<uint32_t>(options.Integer("seed", {.min = INT32_MIN}));
  int64_t predicted = options.Integer("num_predict", {.min = -2, .max = 1'000'000, .otherwise = 0});
  if (predicted > 0) sampling.max_tokens = static_cast<uint32_t>(predicted);  // -1, -2: no limit but the model's
  if (options.Has("stop")) sampling.stop = options.Strings("stop", {.max_items = 16, .max_bytes = 256});
}

// "json", or a schema.
void ReadFormat(std::string_view body, JsonRequest& json, Sampling& sampling) {
  std::string format = json.Text("format");
  if (format.empty() || format == "\"\"" || format == "null") return;
  if (format == "\"json\"") sampling.form = OutputForm::kJson;
  else if (!format.starts_with('{')) return json.Reject("format", "must be \"json\" or a JSON schema");
  if (sampling.form == OutputForm::kJson) return;
  sampling.form = OutputForm::kJsonSchema;
  sampling.schema = ReadSchema(body, "format", "", json);
}

Result<OllamaCall> ReadCall(const HttpRequest& request, bool generate) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {JsonRequest::kAnyField}));
  OllamaCall call{.chat = {}, .stream = json.Boolean("stream", true), .generate = generate};
  call.chat.model = json.String("model", {.max_bytes = 512, .otherwise = std::string(kModelName)});
  call.chat.adapter = json.String("adapter", {.max_bytes = 128});
  ReadOptions(json.Object("options", {JsonRequest::kAnyField}), call.chat.sampling);
  ReadFormat(request.body, json, call.chat.sampling);
  if (generate) {
    std::string system = json.String("system", {.max_bytes = kMaxTextBytes});
    if (!system.empty()) call.chat.history.push_back({ChatRole::kSystem, std::move(system)});
    call.chat.question = json.String("prompt", {.max_bytes = kMaxTextBytes});
    std::string suffix = json.String("suffix", {.max_bytes = kMaxTextBytes});
    if (!suffix.empty()) call.chat.suffix = std::move(suffix);
  } else if (json.Text("messages") != "[]" && json.Has("messages")) {
    ReadTools(json, call.chat);
    ReadMessages(json, call.chat, /*with_call_ids=*/false);
  }
  RETURN_IF_ERROR(json.status());
  return call;
}

Json Line(const OllamaCall& call, std::string_view text, bool done) {
  Json line = {{"model", call.chat.model}, {"created_at", NowText()}};
  if (call.generate) line["response"] = text;
  else line["message"] = {{"role", "assistant"}, {"content", text}};
  line["done"] = done;
  return line;
}

// Arguments are an object here; what a model wrote that is none is an empty one.
void AddCalls(const std::vector<ToolCall>& calls, Json& line) {
  for (const ToolCall& call : calls) {
    Json arguments = Json::parse(call.arguments, nullptr, /*allow_exceptions=*/false);
    if (!arguments.is_object()) arguments = Json::object();
    line["message"]["tool_calls"].push_back({{"function", {{"name", call.name}, {"arguments", std::move(arguments)}}}});
  }
}

void AddTotals(const ChatUsage& usage, Clock::time_point start, Json& line) {
  int64_t total = NanosecondsSince(start);
  line["done_reason"] = usage.cut ? "length" : "stop";
  line.update({{"total_duration", total}, {"load_duration", 0}, {"prompt_eval_count", usage.prompt_tokens}, {"prompt_eval_duration", 0},
               {"eval_count", usage.answer_tokens}, {"eval_duration", total}});
}

void AnswerWhole(Service& service, const Caller& caller, const HttpRequest& request, const OllamaCall& call, HttpResponse& response) {
  RequestWatch watch(request, caller.still);
  auto start = Clock::now();
  std::string text, citations = "[]";
  ChatSink sink{.citations = [&](const std::vector<ChatCitation>& found) { citations = CitationsJson(found); },
                .text = [&](std::string_view piece) { text += piece; }};
  auto end = RunChat(service, caller, call.chat, watch.token(), sink);
  if (!end.ok()) return Refuse(end.status(), false, response);
  Json line = Line(call, text, true);
  AddCalls(end->calls, line);
  AddTotals(end->usage, start, line);
  line["codelore"] = Json::parse(OriginJson(*end));
  line["citations"] = Json::parse(citations);
  response.SetBody(Dump(line), kJsonType);
}

void AnswerInLines(Service& service, const Caller& caller, const HttpRequest& request, const OllamaCall& call, StreamWriter& writer) {
  auto start = Clock::now();
  RequestWatch watch(request, caller.still);
  auto send = [&](const std::string& line) {
    if (!writer.Write(line + "\n")) watch.gone().request_stop();
  };
  ChatSink sink{.citations = [&](const std::vector<ChatCitation>& found) {
                  Json first = Line(call, "", false);
                  first["citations"] = Json::parse(CitationsJson(found));
                  send(Dump(first));
                },
                .text = [&](std::string_view text) { if (!text.empty()) send(Dump(Line(call, text, false))); }};
  auto end = RunChat(service, caller, call.chat, watch.token(), sink);
  if (!end.ok()) return send(ErrorJson(end.status(), HttpStatusOf(end.status().code())));
  if (!end->calls.empty()) {
    Json calls = Line(call, "", false);
    AddCalls(end->calls, calls);
    send(Dump(calls));
  }
  Json last = Line(call, "", true);
  AddTotals(end->usage, start, last);
  last["codelore"] = Json::parse(OriginJson(*end));
  send(Dump(last));
}

void Answer(Service& service, const HttpRequest& request, HttpResponse& response, bool generate) {
  auto caller = Authenticate(service, request, response, acl::Protocol::kOllama);
  if (!caller.ok()) return Refuse(caller.status(), true, response);
  auto call = ReadCall(request, generate);
  if (!call.ok()) return Refuse(call.status(), false, response);
  Status model = CheckModel(service, *caller, call->chat.model);
  if (!model.ok()) return Refuse(model, false, response);
  if (call->chat.question.empty()) {  // "load the model": nothing to do
    Json line = Line(*call, "", true);
    line["done_reason"] = "load";
    return response.SetBody(Dump(line), kJsonType);
  }
  if (Status left = CheckTokensLeft(service, *caller, response); !left.ok()) return Refuse(left, false, response);
  if (!call->stream) return AnswerWhole(service, *caller, request, *call, response);
  auto place = service.quotas().TakeStream(caller->tenant, caller->viewer.name());
  if (!place) return Refuse(TooManyStreams(), false, response);
  response.SetStream([&service, &request, place, caller = std::move(*caller), call = std::move(*call)](StreamWriter& writer) {
    AnswerInLines(service, caller, request, call, writer);
  }, kNdjsonType);
}

// ---- embeddings, models ------------------------------------------------------------------------------------

Result<std::string> Embed(Service& service, const HttpRequest& request, bool single) {
  auto start = Clock::now();
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {JsonRequest::kAnyField}));
  const char* field = single ? "prompt" : "input";
  std::vector<std::string> texts;
  if (json.Text(field).starts_with('[')) texts = json.Strings(field, {.max_items = kMaxInputs, .max_bytes = kMaxTextBytes});
  else texts = {json.String(field, {.required = true, .max_bytes = kMaxTextBytes})};
  RETURN_IF_ERROR(json.status());
  std::vector<std::string_view> views(texts.begin(), texts.end());
  ASSIGN_OR_RETURN(auto encodings, service.encoder()->Encode(views, {}));
  if (single) return Dump({{"embedding", encodings[0].dense}});
  Json vectors = Json::array();
  uint64_t tokens = 0;
  for (const Encoding& encoding : encodings) {
    vectors.push_back(encoding.dense);
    tokens += encoding.tokens;
  }
  return Dump({{"model", service.encoder()->info().name}, {"embeddings", std::move(vectors)}, {"total_duration", NanosecondsSince(start)},
               {"load_duration", 0}, {"prompt_eval_count", tokens}});
}

Json Details(bool encoder) {
  std::string family = encoder ? "bert" : "codelore";
  return {{"parent_model", ""}, {"format", "codelore"}, {"family", family}, {"families", {family}}, {"parameter_size", ""}, {"quantization_level", ""}};
}

Json ModelJson(const std::string& name, bool encoder) {
  return {{"name", name}, {"model", name}, {"modified_at", kModelDate}, {"size", 0}, {"digest", std::string(64, '0')}, {"details", Details(encoder)}};
}

Result<std::string> Tags(Service& service, const Caller& caller) {
  ASSIGN_OR_RETURN(auto names, ModelNames(service, caller));
  Json models = Json::array();
  for (const std::string& name : names) models.push_back(ModelJson(name, false));
  models.push_back(ModelJson(service.encoder()->info().name, true));
  return Dump({{"models", std::move(models)}});
}

Result<std::string> Show(Service& service, const Caller& caller, const HttpRequest& request) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {JsonRequest::kAnyField}));
  std::string name = json.String("model", {.max_bytes = 512});
  if (name.empty()) name = json.String("name", {.required = true, .max_bytes = 512});
  RETURN_IF_ERROR(json.status());
  bool encoder = name == service.encoder()->info().name;
  if (!encoder) RETURN_IF_ERROR(CheckModel(service, caller, name));
  Json capabilities = Json::array({encoder ? "embedding" : "completion"});
  Json info = {{"general.architecture", encoder ? "bert" : "codelore"}, {"codelore.context_length", 8192}};
  if (encoder) info["bert.embedding_length"] = service.encoder()->info().dimension;
  return Dump({{"modelfile", ""}, {"parameters", ""}, {"template", "{{ .Prompt }}"}, {"modified_at", kModelDate},
               {"details", Details(encoder)}, {"model_info", info}, {"capabilities", capabilities}});
}

}  // namespace

void AddOllamaRoutes(HttpServer& server, Service& service) {
  // Its clients post without a Content-Type now and then.
  const RouteOptions options{.max_body_bytes = kMaxBodyBytes, .json_only = false};
  auto handle = [&](const char* method, const char* path, auto run) {
    server.Handle(method, path, [&service, run](const HttpRequest& request, HttpResponse& response) {
      auto caller = Authenticate(service, request, response, acl::Protocol::kOllama);
      if (!caller.ok()) return Refuse(caller.status(), true, response);
      Result<std::string> body = run(service, *caller, request);
      if (!body.ok()) return Refuse(body.status(), false, response);
      response.SetBody(std::move(*body), kJsonType);
    }, options);
  };
  for (bool generate : {false, true}) {
    server.Handle("POST", generate ? "/api/generate" : "/api/chat", [&service, generate](const HttpRequest& request, HttpResponse& response) {
      Answer(service, request, response, generate);
    }, options);
  }
  handle("POST", "/api/embed", [](Service& s, const Caller&, const HttpRequest& request) { return Embed(s, request, false); });
  handle("POST", "/api/embeddings", [](Service& s, const Caller&, const HttpRequest& request) { return Embed(s, request, true); });
  handle("GET", "/api/tags", [](Service& s, const Caller& caller, const HttpRequest&) { return Tags(s, caller); });
  handle("POST", "/api/show", [](Service& s, const Caller& caller, const HttpRequest& request) { return Show(s, caller, request); });
  handle("GET", "/api/ps", [](Service&, const Caller&, const HttpRequest&) -> Result<std::string> { return Dump({{"models", Json::array()}}); });
  handle("GET", "/api/version", [](Service&, const Caller&, const HttpRequest&) -> Result<std::string> { return Dump({{"version", kSpokenVersion}}); });
}

}  // namespace codelore::api
