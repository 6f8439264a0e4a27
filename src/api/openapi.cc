#include "api/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations.h"
#include "api/http/problem.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

Json Text(std::string_view description) { return {{"type", "string"}, {"description", description}}; }
Json Whole(int64_t min, int64_t max, int64_t otherwise) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}, {"default", otherwise}};
}
Json Flag(std::string_view description) { return {{"type", "boolean"}, {"default", false}, {"description", description}}; }
Json Texts(std::string_view description) {
  return {{"type", "array"}, {"items", {{"type", "string"}}}, {"maxItems", 64}, {"description", description}};
}
Json Body(std::vector<std::string> required, Json properties) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}
Json Ref(std::string_view name) { return {{"$ref", "#/components/schemas/" + std::string(name)}}; }
Json ListOf(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json Object(Json properties) { return {{"type", "object"}, {"properties", std::move(properties)}}; }

Json RoleSchema(std::string_view description) {
  return {{"type", "string"}, {"enum", {"member", "auditor", "administrator", "platform"}}, {"default", "member"}, {"description", description}};
}

const Json& Filters() {
  static const Json filters = {{"sources", Texts("names of sources; none: all you may read")},
                               {"paths", Texts("path globs, any of: src/**, *.md")},
                               {"languages", Texts("any of: python, cpp, markdown, ...")},
                               {"branch", Text("a branch, or tags/NAME, that is followed; default: each source's default branch")}};
  return filters;
}

// The body an operation takes; null: none.
Json RequestSchema(std::string_view name) {
  if (name == "search") {
    Json properties = {{"query", Text("words, names, or a question; with operators: \"a phrase\", /regex/, sym: repo: path: lang: branch:, -not, OR, ( )")},
                       {"syntax", {{"type", "string"}, {"enum", {"auto", "plain", "query"}}, {"default", "auto"},
                                   {"description", "auto: operators where they are unmistakable; plain: none; query: everywhere, mistakes are errors"}}},
                       {"mode", {{"type", "string"}, {"enum", {"hybrid", "lexical", "vector"}}, {"default", "hybrid"}}},
                       {"limit", Whole(1, 100, 10)},
                       {"offset", Whole(0, 1000, 0)},
                       {"per_file", Whole(0, 100, 1)},
                       {"rescore", Whole(0, 50, 0)},
                       {"explain", Flag("show why each hit stands where it stands; administrators only")}};
    properties.update(Filters());
    return Body({"query"}, properties);
  }
  if (name == "files") {
    Json properties = {{"query", Text("words, abbreviations or a part of a path: user service controller, usc, src/user; none: all files, by path")},
                       {"limit", Whole(1, 100, 10)},
                       {"offset", Whole(0, 1000, 0)}};
    properties.update(Filters());
    return Body({}, properties);
  }
  if (name == "read") {
    return Body({"source", "path"}, {{"source", Text("name of the source")}, {"path", Text("of the file, from the source's root")},
                                     {"branch", Text("a branch that is followed; default: the default branch")},
                                     {"start_line", Whole(1, 2147483647, 1)}, {"end_line", Whole(1, 2147483647, 2147483647)}});
  }
  if (name == "similar") {
    Json properties = {{"file", Text("SOURCE:PATH, or a citation")}, {"limit", Whole(1, 100, 10)}};
    properties.update(Filters());
    return Body({"file"}, properties);
  }
  if (name == "ask") {
    Json properties = {{"question", Text("a question in any language")},
                       {"stream", Flag("answer with server-sent events: citations, text..., done")},
                       {"generator", Text("which one writes: a configured one's name, or extractive; default: the first configured")},
                       {"adapter", Text("a LoRA adapter of the generator, or none; default: that of your team")},
                       {"max_tokens", Whole(1, 32768, 512)},
                       {"session", Text("go on with this conversation, and keep the question and its answer there")},
                       {"explain", Flag("show what the model is sent; administrators only")}};
    properties.update(Filters());
    return Body({"question"}, properties);
  }
  if (name == "adapter.set") {
    return Body({"name", "file"}, {{"name", Text("as requests choose it")}, {"file", Text("a GGUF file on the server: an absolute path")},
                                   {"generator", Text("default: the only one that runs in the process")},
                                   {"scale", {{"type", "number"}, {"minimum", -100}, {"maximum", 100}, {"default", 1}}},
                                   {"sha256", Text("of the file; another file is refused")}});
  }
  if (name == "session.create") {
    return Body({}, {{"title", Text("default: its first question")}, {"expires_in_days", Whole(1, 365, 30)}});
  }
  if (name == "feedback") {
    return Body({"rating"}, {{"rating", {{"type", "string"}, {"enum", {"up", "down"}}}}, {"text", Text("what there is to say")},
                             {"session", Text("the answer is a turn of this session")}, {"turn", Whole(1, 200, 1)},
                             {"question", Text("without a session: what was asked")}, {"answer", Text("and what was answered")},
                             {"citations", Texts("and what that cited")}, {"corrected", Texts("what it should have cited: SOURCE:PATH, or citations")}});
  }
  if (name == "symbols") {
    Json properties = {{"name", Text("route, Flask.route, *Controller; case counts if there is a capital in it")},
                       {"prefix", Flag("names that begin so")},
                       {"kinds", Texts("any of: function, method, class, interface, enum, type, module, variable, macro, section, re-export")},
                       {"limit", Whole(1, 500, 50)}};
    properties.update(Filters());
    return Body({"name"}, properties);
  }
  if (name == "references") {
    Json properties = {{"name", Text("as for symbols")},
                       {"kinds", Texts("any of: call, type, inherit, annotation, import, new")},
                       {"callers", Flag("calls, grouped by the definition that makes them")},
                       {"limit", Whole(1, 500, 50)}};
    properties.update(Filters());
    return Body({"name"}, properties);
  }
  if (name == "why") {
    return Body({"source", "path"}, {{"source", Text("name of the source")}, {"path", Text("of the file, from the source's root")},
                                     {"branch", Text("a branch that is followed; default: the default branch")}});
  }
  if (name == "outline") {
    return Body({"source", "path"}, {{"source", Text("name of the source")}, {"path", Text("of the file, from the source's root")},
                                     {"branch", Text("a branch that is followed; default: the default branch")}});
  }
  if (name == "grep") {
    Json properties = {{"pattern", Text("text, or with regex an RE2 regular expression; matches lie within one line")},
                       {"regex", Flag("the pattern is a regular expression")},
                       {"case", {{"type", "string"}, {"enum", {"smart", "sensitive", "insensitive"}}, {"default", "smart"},
                                 {"description", "smart: case counts if the pattern has a capital letter"}}},
                       {"context", Whole(0, 10, 0)},
                       {"limit", Whole(1, 1000, 100)},
                       {"count", Flag("files and their numbers of matches, without lines; limit is of files then")}};
    properties.update(Filters());
    return Body({"pattern"}, properties);
  }
  if (name == "index") {
    return Body({"location"}, {{"location", Text("a path on the server, or a URL that git understands")},
                               {"name", Text("the source's name; default: the last part of the location")}});
  }
  if (name == "source.add") {
    return Body({}, {{"location", Text("a path on the server, or a URL that git understands; not for documents")},
                               {"kind", {{"type", "string"}, {"enum", {"located", "documents"}}, {"default", "located"},
                                         {"description", "documents: no location; what is pushed to /v1/sources/NAME/documents"}}},
                               {"branch", Text("what searches see by default; default: the first plain name of branches, or the repository's own default")},
                               {"branches", Texts("names or patterns (release/*) of branches that are followed; up to 64 branches and tags")},
                               {"tags", Texts("likewise of tags")},
                               {"poll", Text("how often to look for news: 30s, 5m, 2h, never; default: 5m")},
                               {"token", Text("TOKEN or USER:TOKEN for an https URL; kept, never shown")},
                               {"webhook_secret", Text("of push webhooks, at least 8 bytes; the one before it stays valid beside it")},
                               {"mirror", {{"type", "object"}, {"required", {"forge"}}, {"description", "where it is said who may read; with off by grants alone"},
                                           {"properties", {{"forge", {{"type", "string"}, {"enum", {"gitea", "forgejo", "github", "gitlab", "off"}}}},
                                                           {"url", Text("http:// address; of GitHub: of its API")}, {"repository", Text("OWNER/NAME; default: as in the location")},
                                                           {"token", Text("kept, never shown")}, {"interval", Text("default: 5m")}, {"limit", Text("what was found counts for so long; default: 1h")},
                                                           {"public_is", {{"type", "string"}, {"enum", {"nobody", "tenant"}}}},
                                                           {"map", {{"type", "array"}, {"items", {{"type", "string"}}}, {"description", "octocat=ann, team:core=team:backend, bot="}}}}}}}});
  }
  if (name == "rerank") {
    return Body({"query", "documents"}, {{"query", Text("what the documents are to answer")}, {"documents", {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}, {"maxItems", 256}}},
                                         {"top_n", Whole(1, 256, 256)}, {"return_documents", Flag("repeat the texts in the answer")}, {"model", Text("ignored: there is one")}});
  }
  if (name == "source.masking") {
    return Body({"policy"}, {{"policy", {{"type", "string"}, {"enum", {"mask", "secrets", "off", "refuse"}},
                                         {"description", "mask: overwrite both; secrets: leave personal data; refuse: skip files that hold any"}}}});
  }
  if (name == "document.change") {
    return Body({"path"}, {{"path", Text("of the document, from the source's root")},
                           {"text", Text("the document, if it is text")},
                           {"base64", Text("the document's bytes: PDF, DOCX, other charsets")},
                           {"link", Text("where it lives: an http or https URL that is shown with hits")},
                           {"expires", Text("when it goes by itself: 30d, 2026-12-31, 2026-12-31T08:00:00Z")},
                           {"delete", Flag("remove it, in place of text or base64")}});
  }
  if (name == "grant") return Body({"principal"}, {{"principal", Text("user:NAME, team:NAME or everyone")}});
  if (name == "rule.add") {
    return Body({"path"}, {{"path", Text("a path from the source's root, or a glob: infra/secrets/**; stands for all below it, too")},
                           {"principals", Texts("who may read there, user:NAME, team:NAME or everyone; none: nobody")}});
  }
  if (name == "rule.remove") return Body({"path"}, {{"path", Text("as the rule was added")}});
  if (name == "audit.list") {
    return Body({}, {{"since_unix_ms", Whole(0, INT64_MAX, 0)}, {"skip", Whole(0, INT32_MAX, 0)}, {"limit", Whole(1, 1000, 100)}});
  }
  if (name == "token.create") {
    return Body({"user"}, {{"tenant", Text("default: your own")},
                           {"user", Text("whose token it is")},
                           {"teams", Texts("teams the user is in")},
                           {"role", RoleSchema("of the token; never more than its user's and than yours")},
                           {"administrator", Flag("the same as role administrator")},
                           {"protocols", Texts("what it is good for, any of rest, openai, ollama, mcp; none: all")},
                           {"sources", Texts("only these sources, of those the user may read; left out: all")},
                           {"expires_in_days", Whole(0, 3650, 0)}});
  }
  if (name == "token.rotate") return Body({}, {{"overlap_hours", Whole(0, 2160, 24)}});
  if (name == "user.create") {
    return Body({"user"}, {{"user", Text("unique in the tenant")}, {"role", RoleSchema("at most yours")},
                           {"kind", {{"type", "string"}, {"enum", {"person", "service"}}, {"default", "person"}, {"description", "service: has tokens only, and cannot sign in"}}}});
  }
  if (name == "user.set") return Body({}, {{"role", RoleSchema("at most yours")}, {"disabled", Flag("no token and no sign-in of this user holds")}});
  if (name == "team.create") return Body({"team"}, {{"team", Text("unique in the tenant")}});
  if (name == "team.add") return Body({"principal"}, {{"principal", Text("user:NAME, or team:NAME of a team that is there")}});
  if (name == "rule.import") {
    return Body({}, {{"text", Text("of a CODEOWNERS file; empty: the imported rules go")}, {"from_repository", Flag("the one that is indexed with the source")}});
  }
  if (name == "backup") return Body({"folder"}, {{"folder", Text("an absolute path on the server; it must not exist yet")},
                           {"incremental_from", Text("a backup before: what is equal there gets a second name instead of a copy")}});
  if (name == "model.use") {
    return Body({"model"}, {{"model", Text("an absolute path on the server of a folder as downloaded from Hugging Face, or built-in")},
                            {"precision", {{"type", "string"}, {"enum", {"", "f32", "int8"}}, {"description", "empty: what is fastest on the server's processor"}}}});
  }
  if (name == "tenant.create") return Body({"name"}, {{"name", Text("unique")}});
  return nullptr;
}

// The answers about symbols: a list, how much there is, and what was nearly meant.
Json SymbolsSchema(std::string_view name) {
  Json number = {{"type", "integer"}, {"minimum", 0}};
  Json properties = {{"total", number}, {"total_is_exact", Flag("false: there are more")}, {"truncated", Flag("there are more than are listed")}};
  Json entry = Object({{"path", Text("from the source's root")}, {"line", number}, {"kind", Text("function, class, call, import, ...")},
                       {"text", Text("the line, without indentation")}, {"citation", Text("source@commit:path#Lx-Ly")}});
  if (name == "outline") {
    properties["entries"] = ListOf(entry);
    return Object(properties);
  }
  properties["name"] = Text("as sent");
  properties["nearest"] = ListOf(Text("when nothing was found: a name that is nearly so"));
  properties[name == "symbols" ? "definitions" : "references"] = ListOf(entry);
  if (name == "references") {
    properties["callers"] = ListOf(entry);
    properties["matched_by"] = Text("name: types are not resolved");
  }
  return Object(properties);
}

Json SessionSchema(std::string_view name) {
  Json number = {{"type", "integer"}, {"minimum", 0}};
  Json session = Object({{"id", Text("of the session")}, {"title", Text("or its first question")}, {"turns", number}, {"created_at", Text("when it began")},
                         {"used_at", Text("when it was asked last")}, {"expires_at", Text("when it goes away, if it is not used")}});
  if (name == "session.list") return Object({{"sessions", ListOf(session)}});
  if (name == "session.show") {
    session["properties"]["turns"] = ListOf(Object({{"turn", number}, {"asked_at", Text("when")}, {"question", Text("as sent")}, {"found", Flag("something fitted")},
                                                    {"answer", Text("empty when withheld")}, {"generator", Text("what wrote it")},
                                                    {"withheld", Flag("it rests on something that you may not read now")}, {"citations", ListOf({{"type", "object"}})}}));
  }
  return session;
}

Json AnswerSchema(std::string_view name) {
  if (name == "search") return Object({{"query", Text("as sent")}, {"mode", Text("as used")}, {"read_as", Text("the query in full, if it has operators; else empty")},
                                       {"hits", ListOf(Ref("Hit"))}, {"notes", ListOf(Text("why there are no hits; what the query names that is not there"))},
                                       {"vectors_complete", Flag("every visible chunk can be found by meaning")}, {"seen", ListOf(Ref("Seen"))}});
  if (name == "files" || name == "similar") {
    return Object({{name == "files" ? "query" : "file", Text("as sent")}, {"files", ListOf(Ref("File"))}, {"notes", ListOf(Text("why there are no files"))}});
  }
  if (name == "read") {
    Json line = {{"type", "integer"}, {"minimum", 0}};
    return Object({{"source", Text("as sent")}, {"commit", Text("what the lines count in")}, {"branch", Text("the indexed branch")}, {"path", Text("as sent")},
                   {"language", Text("python, markdown, ...")}, {"start_line", line}, {"end_line", line}, {"lines", line},
                   {"complete", {{"type", "boolean"}, {"description", "false: too much for one answer; ask again from end_line + 1"}}},
                   {"text", Text("the lines as they are")}, {"citation", Text("source@commit:path#Lx-Ly")}});
  }
  if (name == "grep") return Object({{"pattern", Text("as sent")}, {"matches", Whole(0, 10'000, 0)}, {"files_with_matches", {{"type", "integer"}}},
                                     {"complete", {{"type", "boolean"}, {"description", "false: there are at least so many"}}},
                                     {"incomplete", Text("what ended the search early; empty if nothing did")},
                                     {"files", ListOf(Ref("FileMatches"))}, {"seen", ListOf(Ref("Seen"))}});
  if (name == "ask") return Object({{"question", Text("as sent")}, {"found", Flag("something fits")}, {"answer", Text("Markdown")},
                                    {"citations", ListOf(Ref("Citation"))}, {"seen", ListOf(Ref("Seen"))}, {"generator", Text("what wrote the answer")},
                                    {"route", Text("why that: asked, default, team, kind, length, split or fallback")}, {"arm", Text("the arm of an A/B split")},
                                    {"adapter", Text("the LoRA adapter it was written with")},
                                    {"session", Text("as sent")}, {"turn", {{"type", "integer"}}}, {"searched", Text("in a session: what was searched for")}});
  if (name == "session.create" || name == "session.list" || name == "session.show") return SessionSchema(name);
  if (name == "feedback") return Object({{"id", Text("of the feedback")}});
  if (name == "feedback.list") {
    return Object({{"feedback", ListOf({{"type", "object"}})}, {"queries", ListOf({{"type", "object"}, {"description", "a line of what codelore eval --queries reads"}})}});
  }
  if (name == "rerank") {
    Json result = Object({{"index", {{"type", "integer"}, {"minimum", 0}}}, {"relevance_score", {{"type", "number"}}}});
    return Object({{"model", Text("name of the reranker")}, {"results", ListOf(std::move(result))}});
  }
  if (name == "symbols" || name == "references" || name == "outline") return SymbolsSchema(name);
  if (name == "model.list" || name == "model.use") {
    Json number = {{"type", "integer"}, {"minimum", 0}};
    Json model = Object({{"name", Text("of the model")}, {"model", Text("its folder, or built-in")}, {"precision", Text("f32 or int8")},
                         {"fingerprint", Text("of files, pooling, precision and prefixes")}, {"dimension", number}, {"chunks", number},
                         {"chunks_with_vectors", number}, {"vector_bytes", number}});
    return Object({{"serving", model}, {"building", model}, {"vector_bytes_to_free", number}, {"problem", Text("why the last attempt to build ended")}});
  }
  if (name == "adapter.list" || name == "adapter.set" || name == "adapter.remove") {
    return Object({{"adapters", ListOf(Object({{"name", Text("as requests choose it")}, {"generator", Text("whose it is; platform administrators only, as the rest")},
                                               {"file", Text("on the server")}, {"scale", {{"type", "number"}}}, {"sha256", Text("that was asked for")},
                                               {"teams", ListOf(Text("it is theirs, and nobody else's"))}}))}});
  }
  if (name == "model.verify") {
    return Object({{"ok", Flag("all are unchanged")},
                   {"files", ListOf(Object({{"of", Text("serving or building")}, {"file", Text("its name")}, {"verdict", Text("unchanged, changed, missing or new")}}))}});
  }
  if (name == "why") {
    Json number = {{"type", "integer"}, {"minimum", 0}};
    return Object({{"source", Text("as sent")}, {"path", Text("as sent")}, {"branch", Text("the branch asked about")}, {"branches", ListOf(Text("a branch that holds this version"))}, {"commit", Text("what is indexed")},
                   {"state", Text("indexed, skipped or failed")}, {"reason", Text("why it is skipped or failed, or indexed in an unusual way")},
                   {"language", Text("python, markdown, ...")}, {"size_bytes", number}, {"chunks", number}, {"chunks_with_vectors", number},
                   {"found_by_words", Flag("search by words, exact text and symbols can find it")},
                   {"found_by_meaning", Flag("search by meaning can, too")}, {"pending", Flag("a newer commit is on its way")}});
  }
  if (name == "source.freshness") {
    Json number = {{"type", "integer"}, {"minimum", 0}};
    return Object({{"source", Text("name of the source")}, {"branch", Text("the indexed branch")}, {"commit", Text("what is indexed")},
                   {"updated_at", Text("since when")}, {"state", Text("current, waiting, running, failed, parked or paused")},
                   {"pending", Flag("newer pushes are known and not indexed yet")}, {"pending_since", Text("when the first of them came")},
                   {"looked_at", Text("when the source was last looked at for news")}, {"chunks", number}, {"chunks_with_vectors", number}});
  }
  return {{"type", "object"}};
}

Json HitSchema() {
  Json line = {{"type", "integer"}, {"minimum", 1}};
  return Object({{"rank", line}, {"source", Text("name of the source")}, {"commit", Text("what the lines count in")},
                 {"branch", Text("the branch searched")}, {"branches", ListOf(Text("a branch that holds the file in this version"))},
                 {"path", Text("from the source's root")}, {"link", Text("of a pushed document: where it lives; may be missing")},
                 {"language", Text("python, markdown, ...")}, {"kind", Text("function, class, section, lines, ...")},
                 {"symbol", Text("qualified name or heading; may be empty")}, {"scope", Text("enclosing names")},
                 {"start_line", line}, {"end_line", line}, {"snippet", Text("the lines, byte for byte")},
                 {"match_lines", ListOf(line)}, {"citation", Text("source@commit:path#Lx-Ly")}});
}

Json SeenSchema() {
  return Object({{"source", Text("name of a source that was searched")}, {"branch", Text("the branch that was looked at")},
                 {"commit", Text("what of it is indexed")}, {"pending", Flag("a newer push is known and not indexed yet")}});
}

Json FileMatchesSchema() {
  Json count = {{"type", "integer"}, {"minimum", 0}};
  Json range = {{"type", "array"}, {"items", count}, {"minItems", 2}, {"maxItems", 2}};
  Json line = Object({{"line", {{"type", "integer"}, {"minimum", 1}}}, {"text", Text("without its line break; of a long line a part")},
                      {"column", count}, {"cut", {{"type", "boolean"}}},
                      {"matches", {{"type", "array"}, {"items", range}, {"description", "bytes of text: [begin, end); none: context"}}}});
  return Object({{"source", Text("name of the source")}, {"commit", Text("what the lines count in")}, {"branch", Text("the indexed branch")},
                 {"path", Text("from the source's root")}, {"language", Text("python, markdown, ...")}, {"matches", count},
                 {"defines", {{"type", "boolean"}, {"description", "it defines what the pattern matches"}}}, {"lines", ListOf(line)}});
}

Json Responses(const Operation& operation) {
  Json success = {{"description", "done"}, {"content", {{"application/json", {{"schema", AnswerSchema(operation.name)}}}}}};
  if (operation.streams) success["content"]["text/event-stream"] = {{"schema", {{"type", "string"}}}};
  Json responses = {{"200", success}};
  for (int status : {400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 421, 429, 431, 500, 503}) {
    responses[std::to_string(status)] = {{"description", HttpStatusTitle(status)},
                                         {"content", {{"application/problem+json", {{"schema", Ref("Problem")}}}}}};
  }
  return responses;
}

// "/v1/sources/:source" -> "/v1/sources/{source}", with the names it found.
std::string TemplatePath(std::string_view path, Json& parameters) {
  std::string result;
  for (size_t i = 0; i < path.size();) {
    if (path[i] != ':') {
      result += path[i++];
      continue;
    }
    size_t end = std::min(path.find('/', i), path.size());
    std::string name(path.substr(i + 1, end - i - 1));
    result += "{" + name + "}";
    parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    i = end;
  }
  return result;
}

Json OperationJson(const Operation& operation, Json parameters) {
  std::string id(operation.name);
  std::ranges::replace(id, '.', '_');
  Json json = {{"operationId", id}, {"summary", operation.summary}, {"responses", Responses(operation)}};
  if (!parameters.empty()) json["parameters"] = std::move(parameters);
  if (Json schema = RequestSchema(operation.name); !schema.is_null()) {
    json["requestBody"] = {{"required", true}, {"content", {{"application/json", {{"schema", schema}}}}}};
  }
  return json;
}

Json ForeignJson(std::string_view protocol) {
  Json any = {{"application/json", {{"schema", {{"type", "object"}}}}}};
  Json responses = Json::object();
  for (int status : {200, 202, 400, 401, 404, 405, 408, 411, 413, 414, 415, 421, 429, 431, 500, 503}) {
    responses[std::to_string(status)] = {{"description", "as the protocol says"}, {"content", any}};
  }
  return {{"summary", protocol}, {"responses", std::move(responses)}};
}

Json PublicJson(std::string_view summary) {
  return {{"summary", summary}, {"security", Json::array()}, {"responses", {{"200", {{"description", "ok"}}}}}};
}

Json MetricsJson() {
  Json json = {{"summary", "How long pushes of the administrator's tenant take to be found, for Prometheus"}};
  json["responses"]["200"] = {{"description", "histograms"}, {"content", {{"text/plain", {{"schema", {{"type", "string"}}}}}}}};
  for (int status : {401, 403, 429}) {
    json["responses"][std::to_string(status)] = {{"description", HttpStatusTitle(status)},
                                                 {"content", {{"application/problem+json", {{"schema", Ref("Problem")}}}}}};
  }
  return json;
}

Json WebhookJson() {
  Json json = PublicJson("A forge tells of a push; signed with the source's webhook secret instead of a token. ?tenant=NAME for another tenant");
  Json forge = {{"type", "string"}, {"enum", {"github", "gitlab", "gitea", "forgejo", "bitbucket"}}};
  json["operationId"] = "webhook";
  json["parameters"] = Json::array({{{"name", "forge"}, {"in", "path"}, {"required", true}, {"schema", forge}},
                                    {{"name", "source"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}});
  json["responses"]["202"] = {{"description", "the job is on disk; or there is nothing to do"}};
  for (int status : {400, 401, 408, 411, 413, 431, 500, 503}) {
    json["responses"][std::to_string(status)] = {{"description", HttpStatusTitle(status)},
                                                 {"content", {{"application/problem+json", {{"schema", Ref("Problem")}}}}}};
  }
  return json;
}

// Pushed documents have bodies that are not JSON, so they are no operations.
Json DocumentJson(std::string_view summary, std::string_view body, bool one) {
  Json json = {{"summary", summary}, {"parameters", Json::array()}};
  json["parameters"].push_back({{"name", "source"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  if (one) {
    json["parameters"].push_back({{"name", "path"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}},
                                  {"description", "of the document; a slash is written %2F"}});
  }
  if (!body.empty()) {
    const char* type = one ? "application/octet-stream" : "application/x-ndjson";
    json["requestBody"] = {{"required", true}, {"description", body}, {"content", {{type, {{"schema", {{"type", "string"}}}}}}}};
  }
  json["responses"]["202"] = {{"description", "the documents and the job that indexes them are on disk"}};
  for (int status : {400, 401, 403, 404, 408, 411, 413, 415, 429, 431, 500, 503}) {
    json["responses"][std::to_string(status)] = {{"description", HttpStatusTitle(status)},
                                                 {"content", {{"application/problem+json", {{"schema", Ref("Problem")}}}}}};
  }
  return json;
}

// For browsers. All of them answer with a page, or send the browser on.
void AddPages(Json& paths) {
  auto page = [](std::string_view summary, std::vector<int> refusals, Json parameters) {
    Json json = {{"summary", summary}, {"security", Json::array()}};
    if (!parameters.empty()) json["parameters"] = std::move(parameters);
    Json html = {{"text/html", {{"schema", {{"type", "string"}}}}}};
    json["responses"]["200"] = {{"description", "a page"}, {"content", html}};
    json["responses"]["303"] = {{"description", "the browser goes on"}};
    for (int status : refusals) json["responses"][std::to_string(status)] = {{"description", HttpStatusTitle(status)}, {"content", html}};
    return json;
  };
  Json issuer = {{"name", "issuer"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
  auto form = [](std::initializer_list<const char*> names) {
    Json properties = Json::object();
    for (const char* name : names) properties[name] = {{"type", "string"}};
    Json schema = {{"type", "object"}, {"properties", properties}};
    return Json{{"required", true}, {"content", {{"application/x-www-form-urlencoded", {{"schema", schema}}}}}};
  };
  paths["/signin"]["get"] = page("Choose how to sign in", {}, Json::array());
  paths["/signin"]["post"] = page("Sign in by a token, from the page", {400, 403, 408, 411, 413, 415, 431, 500, 503}, Json::array());
  paths["/signin"]["post"]["requestBody"] = form({"token", "next"});
  paths["/signin/{issuer}"]["get"] = page("Sign in by an issuer", {404, 500, 503}, Json::array({issuer}));
  paths["/signin/{issuer}/callback"]["get"] = page("Back from the issuer", {403, 404, 500, 503}, Json::array({issuer}));
  paths["/signout"]["post"] = page("Sign out, from the page", {400, 403, 408, 411, 413, 415, 431, 500, 503}, Json::array());
  paths["/signout"]["post"]["requestBody"] = form({"csrf", "everywhere"});
  paths["/me"]["get"] = page("Who you are, and what you may read", {429, 500, 503}, Json::array());
}

}  // namespace

std::string OpenApiDocument() {
  Json paths = Json::object();
  for (const Operation& operation : Operations()) {
    Json parameters = Json::array();
    std::string path = TemplatePath(operation.path, parameters);
    std::string method(operation.method);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    paths[path][method] = OperationJson(operation, std::move(parameters));
  }
  // Other people's protocols: their own documentation describes the bodies.
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}) paths[path]["post"] = ForeignJson("OpenAI protocol");
  paths["/v1/models"]["get"] = ForeignJson("OpenAI protocol");
  for (const char* path : {"/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show"}) paths[path]["post"] = ForeignJson("Ollama protocol");
  for (const char* path : {"/api/tags", "/api/ps", "/api/version"}) paths[path]["get"] = ForeignJson("Ollama protocol");
  paths["/mcp"]["post"] = ForeignJson("Model Context Protocol, streamable HTTP");
  paths["/v1/webhooks/{forge}/{source}"]["post"] = WebhookJson();
  paths["/v1/sources/{source}/documents/{path}"]["put"] = DocumentJson("Push a document", "the document as it is", /*one=*/true);
  paths["/v1/sources/{source}/documents/{path}"]["delete"] = DocumentJson("Remove a pushed document", "", /*one=*/true);
  paths["/v1/sources/{source}/documents"]["post"] =
      DocumentJson("Push and remove many documents at once, all or none", "a line of JSON each: {\"path\", \"text\"} or {\"path\", \"delete\": true}", /*one=*/false);
  paths["/healthz"]["get"] = PublicJson("The process is alive");
  paths["/readyz"]["get"] = PublicJson("The data folder is open and requests are served");
  paths["/metrics"]["get"] = MetricsJson();
  AddPages(paths);
  paths["/openapi.json"]["get"] = PublicJson("This document");

  Json citation = HitSchema();
  citation["properties"].erase("rank");
  citation["properties"]["n"] = {{"type", "integer"}, {"minimum", 1}};
  Json file = Object({{"rank", {{"type", "integer"}, {"minimum", 1}}}, {"source", Text("name of the source")},
                      {"commit", Text("what was indexed")}, {"branch", Text("the indexed branch")}, {"path", Text("from the source's root")},
                      {"language", Text("python, markdown, ...")}, {"reasons", ListOf(Text("what speaks for the file"))},
                      {"citation", Text("source@commit:path")}});
  Json problem = Object({{"type", Text("URI of the kind of problem")}, {"title", Text("short")},
                         {"status", {{"type", "integer"}}}, {"detail", Text("what to do")}, {"request_id", Text("for the log")}});
  Json document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "Codelore"}, {"version", CODELORE_VERSION}, {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"security", Json::array({Json{{"token", Json::array()}}})},
      {"paths", paths},
      {"components",
       {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
        {"schemas", {{"Hit", HitSchema()}, {"Citation", citation}, {"File", file}, {"FileMatches", FileMatchesSchema()}, {"Seen", SeenSchema()}, {"Problem", problem}}}}}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
