#include "api/protocols/mcp_tools.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "generate/answer_checker.h"
#include "generate/json_form.h"
#include "generate/markdown.h"
#include "generate/prompt.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string StringOf(const Json& json, const char* field) { return json.contains(field) && json[field].is_string() ? json[field].get<std::string>() : ""; }

Json Text(const char* description) { return {{"type", "string"}, {"description", description}}; }
Json Number(const char* description, int most) { return {{"type", "integer"}, {"minimum", 1}, {"maximum", most}, {"description", description}}; }
Json List(const char* description) { return {{"type", "array"}, {"items", {{"type", "string"}}}, {"description", description}}; }

// What a file says to a model, in a block it cannot close, without characters nobody sees.
std::string Block(const Json& entry, const char* field) {
  return generate::CodeBlock(StringOf(entry, "language"), generate::VisibleText(StringOf(entry, field)));
}

// A name, likewise.
std::string Span(const std::string& name) { return generate::CodeSpan(generate::VisibleText(name)); }

std::string Notes(const Json& reply, const char* otherwise) {
  std::string text;
  for (const Json& note : reply.value("notes", Json::array())) text += generate::InertMarkdown(generate::VisibleText(note.get<std::string>())) + "\n";
  return text.empty() ? otherwise : text;
}

std::string SearchText(const Json& reply) {
  std::string text;
  for (const Json& hit : reply["hits"]) {
    std::string symbol = StringOf(hit, "symbol");
    text += "[" + std::to_string(hit["rank"].get<size_t>()) + "] " + Span(StringOf(hit, "citation")) +
            (symbol.empty() ? "" : " " + Span(symbol)) + "\n" + Block(hit, "snippet") + "\n";
  }
  return text.empty() ? Notes(reply, "Nothing found.") : text;
}

std::string GrepText(const Json& reply) {
  std::string text = std::to_string(reply["matches"].get<uint64_t>()) + " matches in " + std::to_string(reply["files_with_matches"].get<uint64_t>()) +
                     " files" + (reply.value("complete", true) ? "" : ", at least") + "\n";
  for (const Json& file : reply["files"]) {
    std::string commit = StringOf(file, "commit");
    text += "\n" + Span(StringOf(file, "source") + (commit.empty() ? "" : "@" + commit) + ":" + StringOf(file, "path")) + "\n";
    std::string lines;
    for (const Json& line : file["lines"]) lines += std::to_string(line["line"].get<uint64_t>()) + ": " + StringOf(line, "text") + "\n";
    text += generate::CodeBlock("", generate::VisibleText(lines));
  }
  return text;
}

std::string SymbolsText(const Json& reply) {
  std::string text;
  for (const Json& entry : reply["definitions"]) {
    text += Span(StringOf(entry, "citation")) + " " + StringOf(entry, "kind") + ": " + Span(StringOf(entry, "text")) + "\n";
  }
  if (!text.empty()) return text;
  for (const Json& name : reply.value("nearest", Json::array())) text += (text.empty() ? "No such name. Nearest: " : ", ") + Span(name.get<std::string>());
  return text.empty() ? "Nothing found." : text;
}

std::string FileText(const Json& reply) {
  std::string text = StringOf(reply, "text");
  std::string visible = generate::VisibleText(text);
  std::string note = visible.size() == text.size() ? "" : "Characters that cannot be seen were left out.\n";
  if (!reply.value("complete", true)) note += "Not all of it: go on from line " + std::to_string(reply["end_line"].get<int64_t>() + 1) + ".\n";
  return Span(StringOf(reply, "citation")) + ", of " + std::to_string(reply["lines"].get<int64_t>()) + " lines\n" + note +
         generate::CodeBlock(StringOf(reply, "language"), visible);
}

std::string FilesText(const Json& reply) {
  std::string text;
  for (const Json& file : reply["files"]) text += Span(StringOf(file, "source") + ":" + StringOf(file, "path")) + "\n";
  return text.empty() ? Notes(reply, "Nothing found.") : text;
}

std::string AskText(const Json& reply) {
  std::string text = StringOf(reply, "answer") + "\n";
  for (const Json& citation : reply["citations"]) text += "[" + std::to_string(citation["n"].get<size_t>()) + "] " + Span(StringOf(citation, "citation")) + "\n";
  return text;
}

struct Tool {
  std::string_view name, operation;
  const char* title;
  const char* description;
  Json (*properties)();
  std::vector<std::string_view> required;
  Json defaults;  // fields of the operation that are not the caller's
  std::string (*text)(const Json& reply);
};

std::pair<const std::string, Json> Branch() { return {"branch", Text("a branch or tags/NAME that is followed; none: the default branch")}; }

const std::vector<Tool>& Tools() {
  static const std::vector<Tool> tools = {
      {"search", "search", "Search", "Search code and documents by meaning and by words. Operators: \"phrase\" /regex/ sym:NAME path:PART lang:NAME repo:NAME -not OR.",
       [] { return Json{{"query", Text("words, names or a question")}, {"sources", List("names of sources; none: all")}, {"paths", List("path globs")},
                        {"languages", List("python, cpp, ...")}, {"limit", Number("how many hits", 50)}, Branch()}; }, {"query"}, Json::object(), SearchText},
      {"regex_search", "grep", "Search by regular expression", "Find lines that match an RE2 regular expression.",
       [] { return Json{{"pattern", Text("RE2; matches lie within one line")}, {"sources", List("names of sources; none: all")}, {"paths", List("path globs")},
                        {"languages", List("python, cpp, ...")}, {"limit", Number("how many lines", 500)}, {"context", Number("lines around each", 10)}, Branch()}; },
       {"pattern"}, {{"regex", true}}, GrepText},
      {"find_symbol", "symbols", "Find a definition", "Find where a function, class or other name is defined.",
       [] { return Json{{"name", Text("route, Flask.route, *Controller")}, {"prefix", {{"type", "boolean"}, {"description", "names that begin so"}}},
                        {"sources", List("names of sources; none: all")}, {"limit", Number("how many", 200)}, Branch()}; }, {"name"}, Json::object(), SymbolsText},
      {"read_file", "read", "Read a file", "Read a file, or some lines of it.",
       [] { return Json{{"source", Text("name of the source")}, {"path", Text("from the source's root")}, {"start_line", Number("first line", 2147483647)},
                        {"end_line", Number("last line", 2147483647)}, Branch()}; }, {"source", "path"}, Json::object(), FileText},
      {"list_files", "files", "List files", "List files by path, or find them by name.",
       [] { return Json{{"query", Text("words, abbreviations or a part of a path; none: all")}, {"sources", List("names of sources; none: all")},
                        {"paths", List("path globs")}, {"languages", List("python, cpp, ...")}, {"limit", Number("how many", 100)},
                        {"offset", {{"type", "integer"}, {"minimum", 0}, {"maximum", 1000}}}, Branch()}; }, {}, Json::object(), FilesText},
      {"similar_files", "similar", "Find similar files", "Find files like one, by content and by name.",
       [] { return Json{{"file", Text("SOURCE:PATH")}, {"limit", Number("how many", 100)}}; }, {"file"}, Json::object(), FilesText},
      {"ask", "ask", "Ask", "Answer a question from the indexed code and documents, with citations.",
       [] { return Json{{"question", Text("in any language")}, {"sources", List("names of sources; none: all")}, {"paths", List("path globs")}}; },
       {"question"}, Json::object(), AskText},
  };
  return tools;
}

}  // namespace

namespace {

Json SchemaOf(const Tool& tool) {
  Json schema = {{"type", "object"}, {"properties", tool.properties()}, {"additionalProperties", false}};
  if (!tool.required.empty()) schema["required"] = tool.required;
  return schema;
}

// nullptr: not one of those.
const Tool* ServerToolNamed(std::string_view name) {
  constexpr std::string_view kOffered[] = {"search", "read_file", "find_symbol", "list_files"};
  if (!name.starts_with(kServerToolPrefix)) return nullptr;
  name.remove_prefix(kServerToolPrefix.size());
  bool offered = std::ranges::find(kOffered, name) != std::end(kOffered);
  return offered ? &*std::ranges::find(Tools(), name, &Tool::name) : nullptr;
}

}  // namespace

Result<ToolSpec> ServerTool(std::string_view name) {
  const Tool* tool = ServerToolNamed(name);
  if (tool == nullptr) return InvalidArgument("there is no such tool of this server; there are codelore_search, codelore_read_file, codelore_find_symbol and codelore_list_files");
  return ToolSpec{std::string(name), tool->description, SchemaOf(*tool).dump()};
}

Result<std::string> RunServerTool(Service& service, const Caller& caller, const ToolCall& call, const std::vector<std::string>& sources,
                                  std::stop_token stop) {
  const Tool* tool = ServerToolNamed(call.name);
  if (tool == nullptr) return InvalidArgument("there is no such tool");
  RETURN_IF_ERROR(caller.CheckStill());
  const Json schema = SchemaOf(*tool);
  RETURN_IF_ERROR(generate::CheckSchema(call.arguments.empty() ? "{}" : call.arguments, schema.dump()).In("the arguments"));
  Json arguments = Json::parse(call.arguments.empty() ? "{}" : call.arguments, nullptr, /*allow_exceptions=*/false);
  if (!sources.empty() && schema["properties"].contains("sources") && !arguments.contains("sources")) arguments["sources"] = sources;
  return RunMcpTool(service, caller, tool->name, arguments.dump(-1, ' ', false, Json::error_handler_t::replace), stop);
}

std::string McpToolsJson() {
  Json list = Json::array();
  for (const Tool& tool : Tools()) {
    Json schema = SchemaOf(tool);
    list.push_back({{"name", tool.name}, {"title", tool.title}, {"description", tool.description}, {"inputSchema", std::move(schema)},
                    {"annotations", {{"readOnlyHint", true}, {"openWorldHint", false}}}});
  }
  return list.dump();
}

bool IsMcpTool(std::string_view name) { return std::ranges::find(Tools(), name, &Tool::name) != Tools().end(); }

Result<std::string> RunMcpTool(Service& service, const Caller& caller, std::string_view name, const std::string& arguments,
                               std::stop_token stop) {
  const Tool& tool = *std::ranges::find(Tools(), name, &Tool::name);
  Json body = Json::parse(arguments, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return InvalidArgument("the arguments must be a JSON object");
  Json properties = tool.properties();
  for (const auto& [field, value] : body.items()) {
    if (!properties.contains(field)) return InvalidArgument("tool '" + std::string(name) + "' has no argument '" + field.substr(0, 64) + "'");
  }
  body.update(tool.defaults);
  OperationInput input{.body = body.dump(-1, ' ', false, Json::error_handler_t::replace), .params = {}};
  OperationContext context{.service = service, .caller = caller, .input = input, .stop = std::move(stop), .emit = {}};
  uint32_t seconds = OperationNamed(tool.operation).streams ? service.quotas().TokensWait(caller.tenant, caller.viewer.name()) : 0;
  if (seconds != 0) return InvalidArgument("the tokens that models may generate are used up; try again in " + std::to_string(seconds) + " seconds");
  ASSIGN_OR_RETURN(std::string reply, Run(OperationNamed(tool.operation), context));
  return tool.text(Json::parse(reply));
}

}  // namespace codelore::api
