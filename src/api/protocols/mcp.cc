#include "api/protocols/mcp.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/http/http_target.h"
#include "api/http/problem.h"
#include "api/json_request.h"
#include "api/protocols/mcp_tools.h"
#include "generate/answer_checker.h"
#include "generate/prompt.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 2> kVersions = {"2025-11-25", "2025-06-18"};
constexpr std::string_view kScheme = "codelore://";
constexpr size_t kPage = 100;          // resources of one answer
constexpr size_t kMaxOffset = 100'000;  // behind which clients should search instead

// JSON-RPC 2.0, 5.1; kMissing is the specification's code for a resource that is not there.
enum ErrorCode { kParse = -32700, kRequest = -32600, kMethod = -32601, kParams = -32602, kInternalError = -32603, kMissing = -32002 };

struct Failure {
  ErrorCode code;
  std::string message;
};
// A result, or what to answer instead.
struct Outcome {
  Json result;
  std::optional<Failure> failure;
};
Outcome Fail(ErrorCode code, std::string message) { return {{}, Failure{code, std::move(message)}}; }

std::string StringOf(const Json& json, const char* field) {
  return json.is_object() && json.contains(field) && json[field].is_string() ? json[field].get<std::string>() : "";
}

// What a client may read of a failure.
std::string Shown(const Status& status) {
  return HttpStatusOf(status.code()) < 500 ? status.message() : "the server cannot do this right now; try again";
}

Outcome Initialize(const Json& params) {
  std::string wanted = StringOf(params, "protocolVersion");
  std::string version(McpSpeaks(wanted) ? wanted : kVersions[0]);
  return {{{"protocolVersion", version},
           {"capabilities", {{"tools", Json::object()}, {"resources", Json::object()}, {"prompts", Json::object()},
                             {"logging", Json::object()}, {"completions", Json::object()}}},
           {"serverInfo", {{"name", "codelore"}, {"title", "Codelore"}, {"version", CODELORE_VERSION}}},
           {"instructions", "Search and read the company's code and documents. Cite what you use as source@commit:path#Lx-Ly."}}, {}};
}

Outcome CallTool(Service& service, const Caller& caller, const Json& params, std::stop_token stop) {
  std::string name = StringOf(params, "name");
  if (!IsMcpTool(name)) return Fail(kParams, "there is no tool '" + name.substr(0, 64) + "'");
  Json arguments = params.value("arguments", Json::object());
  auto text = RunMcpTool(service, caller, name, arguments.dump(-1, ' ', false, Json::error_handler_t::replace), std::move(stop));
  // A failure repeats the caller's words, which may be a page's: they are shown, and do nothing.
  Json content = {{"type", "text"}, {"text", text.ok() ? *text : generate::InertMarkdown(generate::VisibleText(Shown(text.status())))}};
  return {{{"content", Json::array({std::move(content)})}, {"isError", !text.ok()}}, {}};
}

// ---- resources: files, as codelore://SOURCE/PATH -----------------------------------------------------------

std::string UriOf(const std::string& source, const std::string& path) {
  std::string uri = std::string(kScheme) + PercentEncode(source);
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    uri += "/" + PercentEncode(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return uri;
}

Outcome ListResources(Service& service, const Caller& caller, const Json& params) {
  std::string cursor = StringOf(params, "cursor");
  if (cursor.size() > 6 || cursor.find_first_not_of("0123456789") != cursor.npos) return Fail(kParams, "the cursor is not one of ours");
  size_t offset = cursor.empty() ? 0 : std::stoul(cursor);
  auto files = service.FindFiles(caller.viewer, {.text = "", .sources = {}, .paths = {}, .languages = {}, .limit = kPage, .offset = offset});
  if (!files.ok()) return Fail(kInternalError, Shown(files.status()));
  Json list = Json::array();
  for (const NamedFile& file : files->files) {
    list.push_back({{"uri", UriOf(file.source, file.file.path)}, {"name", file.source + ":" + file.file.path}, {"mimeType", "text/plain"}});
  }
  Json result = {{"resources", std::move(list)}};
  if (files->files.size() == kPage && offset + kPage <= kMaxOffset) result["nextCursor"] = std::to_string(offset + kPage);
  return {std::move(result), {}};
}

Outcome ReadResource(Service& service, const Caller& caller, const Json& params) {
  std::string uri = StringOf(params, "uri");
  Outcome missing = Fail(kMissing, "there is no such resource that you may read");
  if (!uri.starts_with(kScheme)) return missing;
  std::string_view rest = std::string_view(uri).substr(kScheme.size());
  size_t slash = rest.find('/');
  if (slash == rest.npos) return missing;
  auto source = PercentDecode(rest.substr(0, slash), /*plus_is_space=*/false);
  auto path = PercentDecode(rest.substr(slash + 1), /*plus_is_space=*/false);
  if (!source || !path) return missing;
  auto file = service.ReadFile(caller.viewer, *source, *path);
  if (!file.ok()) return file.status().code() == StatusCode::kNotFound ? missing : Fail(kInternalError, Shown(file.status()));
  Json content = {{"uri", uri}, {"mimeType", "text/plain"}, {"text", std::string(file->text)}};
  return {{{"contents", Json::array({std::move(content)})}}, {}};
}

// Of a resource template's "source": the names that begin so.
Outcome CompleteArgument(Service& service, const Caller& caller, const Json& params) {
  Json values = Json::array();
  Json argument = params.value("argument", Json::object());
  if (StringOf(argument, "name") == "source") {
    auto visible = service.directory().VisibleSources(caller.viewer);
    if (!visible.ok()) return Fail(kInternalError, Shown(visible.status()));
    for (const acl::VisibleSource& source : *visible) {
      if (source.name.starts_with(StringOf(argument, "value")) && values.size() < 100) values.push_back(source.name);
    }
  }
  size_t total = values.size();
  return {{{"completion", {{"values", std::move(values)}, {"total", total}, {"hasMore", false}}}}, {}};
}

Outcome Dispatch(Service& service, const Caller& caller, const std::string& method, const Json& params, std::stop_token stop) {
  if (method == "initialize") return Initialize(params);
  if (method == "ping" || method == "logging/setLevel" || method == "resources/subscribe" || method == "resources/unsubscribe") return {Json::object(), {}};
  if (method == "tools/list") return {{{"tools", Json::parse(McpToolsJson())}}, {}};
  if (method == "tools/call") return CallTool(service, caller, params, std::move(stop));
  if (method == "resources/list") return ListResources(service, caller, params);
  if (method == "resources/read") return ReadResource(service, caller, params);
  if (method == "resources/templates/list") {
    return {{{"resourceTemplates", Json::array({Json{{"uriTemplate", "codelore://{source}/{+path}"}, {"name", "file"},
                                                     {"description", "a file of a source"}, {"mimeType", "text/plain"}}})}}, {}};
  }
  if (method == "prompts/list") return {{{"prompts", Json::array()}}, {}};
  if (method == "prompts/get") return Fail(kParams, "there is no such prompt");
  if (method == "completion/complete") return CompleteArgument(service, caller, params);
  return Fail(kMethod, "the method is not known");
}

std::string Reply(const Json& id, Outcome outcome) {
  Json reply = {{"jsonrpc", "2.0"}, {"id", id}};
  if (outcome.failure) reply["error"] = {{"code", static_cast<int>(outcome.failure->code)}, {"message", outcome.failure->message}};
  else reply["result"] = std::move(outcome.result);
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool McpSpeaks(std::string_view version) { return std::ranges::find(kVersions, version) != kVersions.end(); }

std::optional<std::string> AnswerMcp(Service& service, const Caller& caller, std::string_view message, std::stop_token stop) {
  // Read strictly first: depth, duplicate fields, encoding.
  auto checked = JsonRequest::Parse(message, {JsonRequest::kAnyField});
  if (!checked.ok()) return Reply(nullptr, Fail(kParse, checked.status().message()));
  Json json = Json::parse(message, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || StringOf(json, "jsonrpc") != "2.0") return Reply(nullptr, Fail(kRequest, "this is no JSON-RPC 2.0 message"));
  bool answer = json.contains("result") || json.contains("error");
  if (answer && !json.contains("method")) return std::nullopt;
  if (!json.contains("id") && json.contains("method")) return std::nullopt;  // a notification
  Json id = json.value("id", Json());
  if (!id.is_string() && !id.is_number_integer()) return Reply(nullptr, Fail(kRequest, "the id must be a string or a whole number"));
  Json params = json.value("params", Json::object());
  if (!params.is_object()) return Reply(id, Fail(kParams, "the params must be an object"));
  return Reply(id, Dispatch(service, caller, StringOf(json, "method"), params, std::move(stop)));
}

}  // namespace codelore::api
