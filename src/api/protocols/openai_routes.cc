#include "api/protocols/openai_routes.h"

#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/authentication.h"
#include "api/http/request_watch.h"
#include "api/protocols/base64.h"
#include "api/protocols/chat.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxBodyBytes = 8 << 20;
constexpr size_t kMaxInputs = 2048;          // texts of one embeddings call, as the original allows
constexpr size_t kMaxInputBytes = 256 * 1024;  // of one of them; what is beyond the encoder's window is cut there

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// {"error": {"message", "type", "param", "code"}}, as its clients expect it.
std::string ErrorJson(const Status& status, int http_status) {
  const char* type = http_status == 401 ? "authentication_error" : http_status == 403 ? "permission_error"
                     : http_status == 429 ? "rate_limit_error" : http_status < 500 ? "invalid_request_error" : "server_error";
  Json code = http_status == 401 ? Json("invalid_api_key") : http_status == 404 ? Json("model_not_found") : Json(nullptr);
  // Messages of failures that are not the caller's are for the log.
  std::string message = http_status == 401 ? std::string(kTokenWanted) : http_status < 500 ? status.message() : ProblemOf(status).detail;
  if (message.empty()) message = "the server cannot do this right now; try again";
  return Dump({{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code}}}});
}

void Refuse(const Status& status, bool authentication, HttpResponse& response) {
  int http_status = authentication && status.code() == StatusCode::kPermissionDenied ? 401 : HttpStatusOf(status.code());
  if (http_status >= 500) return response.SetError(status);  // logged there
  response.SetStatus(http_status);
  response.SetBody(ErrorJson(status, http_status), kJsonType);
}

// ---- chat --------------------------------------------------------------------------------------------------

struct OpenAiCall {
  ChatCall chat;
  bool stream = false, include_usage = false, legacy = false;  // legacy: /v1/completions
  std::string id;
};

void ReadSampling(JsonRequest& json, Sampling& sampling) {
  if (json.Has("temperature")) sampling.temperature = json.Number("temperature", {.min = 0, .max = 2});
  if (json.Has("top_p")) sampling.top_p = json.Number("top_p", {.min = 0, .max = 1});
  if (json.Has("seed")) sampling.seed = static_cast<uint32_t>(json.Integer("seed", {.min = INT32_MIN}));
  const char* limit = json.Has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
  sampling.max_tokens = static_cast<uint32_t>(json.Integer(limit, {.min = 1, .max = 1'000'000, .otherwise = sampling.max_tokens}));
  if (json.Text("stop").starts_with('[')) sampling.stop = json.Strings("stop", {.max_items = 16, .max_bytes = 256});
  else if (json.Has("stop")) sampling.stop = {json.String("stop", {.max_bytes = 256})};
  if (json.Integer("n", {.min = 1, .max = 128, .otherwise = 1}) != 1) json.Reject("n", "must be 1");
}

void ReadFormat(std::string_view body, JsonRequest& json, Sampling& sampling) {
  if (!json.Has("response_format")) return;
  JsonRequest format = json.Object("response_format", {JsonRequest::kAnyField});
  std::string type = format.Choice("type", {"text", "json_object", "json_schema"});
  if (type == "json_object") sampling.form = OutputForm::kJson;
  if (type != "json_schema") return;
  sampling.form = OutputForm::kJsonSchema;
  sampling.schema = ReadSchema(body, "response_format", "/json_schema/schema", json);
  if (!sampling.schema.starts_with('{')) format.Reject("json_schema", "must have a schema");
}

Result<OpenAiCall> ReadCall(const HttpRequest& request, bool legacy) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {JsonRequest::kAnyField}));
  OpenAiCall call{.chat = {}, .legacy = legacy, .id = (legacy ? "cmpl-" : "chatcmpl-") + request.id};
  call.chat.model = json.String("model", {.max_bytes = 512, .otherwise = std::string(kModelName)});
  call.chat.adapter = json.String("adapter", {.max_bytes = 128});
  call.stream = json.Boolean("stream", false);
  call.include_usage = json.Object("stream_options", {JsonRequest::kAnyField}).Boolean("include_usage", false);
  ReadSampling(json, call.chat.sampling);
  if (legacy) {
    call.chat.question = json.String("prompt", {.required = true, .max_bytes = 512 * 1024});
    std::string suffix = json.String("suffix", {.max_bytes = 512 * 1024});
    if (!suffix.empty()) call.chat.suffix = std::move(suffix);
  } else {
    ReadFormat(request.body, json, call.chat.sampling);
    ReadTools(json, call.chat);
    ReadMessages(json, call.chat);
  }
  RETURN_IF_ERROR(json.status());
  return call;
}

Json UsageJson(const ChatUsage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens}, {"completion_tokens", usage.answer_tokens},
          {"total_tokens", usage.prompt_tokens + usage.answer_tokens}};
}

Json Envelope(const OpenAiCall& call, bool chunk, int64_t created, Json choices) {
  std::string_view object = call.legacy ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion";
  return {{"id", call.id}, {"object", object}, {"created", created}, {"model", call.chat.model},
          {"system_fingerprint", nullptr}, {"choices", std::move(choices)}};
}

Json Choice(const OpenAiCall& call, const char* field, Json content, Json finish_reason) {
  Json choice = {{"index", 0}};
  if (call.legacy) choice["text"] = content.value("content", std::string());
  else choice[field] = std::move(content);
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = std::move(finish_reason);
  return choice;
}

const char* FinishReason(const ChatEnd& end) { return !end.calls.empty() ? "tool_calls" : end.usage.cut ? "length" : "stop"; }

Json CallsJson(const std::vector<ToolCall>& calls, bool numbered) {
  Json list = Json::array();
  for (const ToolCall& call : calls) {
    Json each = Json::object();
    if (numbered) each["index"] = list.size();
    each.update({{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    list.push_back(std::move(each));
  }
  return list;
}

void AnswerWhole(Service& service, const Caller& caller, const HttpRequest& request, const OpenAiCall& call, HttpResponse& response) {
  RequestWatch watch(request, caller.still);
  std::string text, citations = "[]";
  ChatSink sink{.citations = [&](const std::vector<ChatCitation>& found) { citations = CitationsJson(found); },
                .text = [&](std::string_view piece) { text += piece; }};
  auto end = RunChat(service, caller, call.chat, watch.token(), sink);
  if (!end.ok()) return Refuse(end.status(), false, response);
  Json message = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
  if (!end->calls.empty()) message["tool_calls"] = CallsJson(end->calls, false);
  if (!end->calls.empty() && text.empty()) message["content"] = nullptr;
  Json json = Envelope(call, false, Now(), Json::array({Choice(call, "message", std::move(message), FinishReason(*end))}));
  json["usage"] = UsageJson(end->usage);
  json["codelore"] = Json::parse(OriginJson(*end));
  json["citations"] = Json::parse(citations);
  response.SetBody(Dump(json), kJsonType);
}

void AnswerInChunks(Service& service, const Caller& caller, const HttpRequest& request, const OpenAiCall& call, StreamWriter& writer) {
  const int64_t created = Now();
  RequestWatch watch(request, caller.still);
  auto send = [&](const std::string& data) {
    if (!writer.Write("data: " + data + "\n\n")) watch.gone().request_stop();
  };
  auto chunk = [&](Json delta, Json finish_reason) {
    return Envelope(call, true, created, Json::array({Choice(call, "delta", std::move(delta), std::move(finish_reason))}));
  };
  ChatSink sink{.citations = [&](const std::vector<ChatCitation>& found) {
                  Json first = chunk({{"role", "assistant"}, {"content", ""}}, nullptr);
                  first["citations"] = Json::parse(CitationsJson(found));
                  send(Dump(first));
                },
                .text = [&](std::string_view text) { if (!text.empty()) send(Dump(chunk({{"content", text}}, nullptr))); }};
  auto end = RunChat(service, caller, call.chat, watch.token(), sink);
  if (!end.ok()) return send(ErrorJson(end.status(), HttpStatusOf(end.status().code())));
  if (!end->calls.empty()) send(Dump(chunk({{"tool_calls", CallsJson(end->calls, true)}}, nullptr)));
  Json finish = chunk(Json::object(), FinishReason(*end));
  finish["codelore"] = Json::parse(OriginJson(*end));
  send(Dump(finish));
  if (call.include_usage) {
    Json last = Envelope(call, true, created, Json::array());
    last["usage"] = UsageJson(end->usage);
    send(Dump(last));
  }
  send("[DONE]");
}

void Complete(Service& service, const HttpRequest& request, HttpResponse& response, bool legacy) {
  auto caller = Authenticate(service, request, response, acl::Protocol::kOpenAi);
  if (!caller.ok()) return Refuse(caller.status(), true, response);
  auto call = ReadCall(request, legacy);
  if (!call.ok()) return Refuse(call.status(), false, response);
  Status model = CheckModel(service, *caller, call->chat.model);
  if (!model.ok()) return Refuse(model, false, response);
  if (Status left = CheckTokensLeft(service, *caller, response); !left.ok()) return Refuse(left, false, response);
  if (!call->stream) return AnswerWhole(service, *caller, request, *call, response);
  auto place = service.quotas().TakeStream(caller->tenant, caller->viewer.name());
  if (!place) return Refuse(TooManyStreams(), false, response);
  response.SetStream([&service, &request, place, caller = std::move(*caller), call = std::move(*call)](StreamWriter& writer) {
    AnswerInChunks(service, caller, request, call, writer);
  }, kEventStreamType);
}

// ---- embeddings, models ------------------------------------------------------------------------------------

Json VectorJson(const std::vector<float>& vector, bool base64) {
  if (!base64) return vector;
  std::string bytes(vector.size() * sizeof(float), '\0');  // little-endian, as this machine is
  std::memcpy(bytes.data(), vector.data(), bytes.size());
  return Base64(bytes);
}

Result<std::string> Embed(Service& service, const HttpRequest& request) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {JsonRequest::kAnyField}));
  std::vector<std::string> texts;
  std::string input = json.Text("input");
  bool tokens = input.starts_with("[[") || (input.size() > 1 && input[0] == '[' && std::isdigit(static_cast<unsigned char>(input[1])));
  if (tokens) json.Reject("input", "must be texts: token numbers of another model's vocabulary mean nothing here");
  else if (input.starts_with('[')) texts = json.Strings("input", {.required = true, .max_items = kMaxInputs, .max_bytes = kMaxInputBytes});
  else texts = {json.String("input", {.required = true, .max_bytes = kMaxInputBytes})};
  bool base64 = json.Choice("encoding_format", {"float", "base64"}) == "base64";
  bool query = json.Choice("input_type", {"passage", "query"}) == "query";
  const std::shared_ptr<const TextEncoder> encoder = service.encoder();
  const EncoderInfo& info = encoder->info();
  if (json.Integer("dimensions", {.min = 1, .max = 65536, .otherwise = info.dimension}) != info.dimension) {
    json.Reject("dimensions", "must be the encoder's own, " + std::to_string(info.dimension));
  }
  RETURN_IF_ERROR(json.status());
  std::vector<std::string_view> views(texts.begin(), texts.end());
  ASSIGN_OR_RETURN(auto encodings, encoder->Encode(views, {.role = query ? TextRole::kQuery : TextRole::kPassage}));
  Json data = Json::array();
  uint64_t count = 0;
  for (const Encoding& encoding : encodings) {
    count += encoding.tokens;
    data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", VectorJson(encoding.dense, base64)}});
  }
  return Dump({{"object", "list"}, {"data", std::move(data)}, {"model", info.name}, {"usage", {{"prompt_tokens", count}, {"total_tokens", count}}}});
}

Json ModelJson(const std::string& name) { return {{"id", name}, {"object", "model"}, {"created", 1735689600}, {"owned_by", "codelore"}}; }

void ListModels(Service& service, const HttpRequest& request, HttpResponse& response) {
  auto caller = Authenticate(service, request, response, acl::Protocol::kOpenAi);
  if (!caller.ok()) return Refuse(caller.status(), true, response);
  auto names = ModelNames(service, *caller);
  if (!names.ok()) return Refuse(names.status(), false, response);
  Json data = Json::array();
  for (const std::string& name : *names) data.push_back(ModelJson(name));
  data.push_back(ModelJson(service.encoder()->info().name));
  response.SetBody(Dump({{"object", "list"}, {"data", std::move(data)}}), kJsonType);
}

void ShowModel(Service& service, const HttpRequest& request, HttpResponse& response) {
  auto caller = Authenticate(service, request, response, acl::Protocol::kOpenAi);
  if (!caller.ok()) return Refuse(caller.status(), true, response);
  std::string name(request.Param("model"));
  if (auto part = request.Param("part"); !part.empty()) name += "/" + std::string(part);
  Status known = name == service.encoder()->info().name ? OkStatus() : CheckModel(service, *caller, name);
  if (!known.ok()) return Refuse(known, false, response);
  response.SetBody(Dump(ModelJson(name)), kJsonType);
}

}  // namespace

void AddOpenAiRoutes(HttpServer& server, Service& service) {
  auto handle = [&](const char* method, const char* path, auto handler) {
    server.Handle(method, path, [&service, handler](const HttpRequest& request, HttpResponse& response) { handler(service, request, response); },
                  {.max_body_bytes = kMaxBodyBytes});
  };
  handle("POST", "/v1/chat/completions", [](Service& s, const HttpRequest& request, HttpResponse& response) { Complete(s, request, response, false); });
  handle("POST", "/v1/completions", [](Service& s, const HttpRequest& request, HttpResponse& response) { Complete(s, request, response, true); });
  handle("POST", "/v1/embeddings", [](Service& s, const HttpRequest& request, HttpResponse& response) {
    auto caller = Authenticate(s, request, response, acl::Protocol::kOpenAi);
    if (!caller.ok()) return Refuse(caller.status(), true, response);
    auto embedded = Embed(s, request);
    if (!embedded.ok()) return Refuse(embedded.status(), false, response);
    response.SetBody(std::move(*embedded), kJsonType);
  });
  handle("GET", "/v1/models", ListModels);
  handle("GET", "/v1/models/:model", ShowModel);
  handle("GET", "/v1/models/:model/:part", ShowModel);
}

}  // namespace codelore::api
