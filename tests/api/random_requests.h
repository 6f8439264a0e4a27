// Requests at random over all that a reader can ask, with names of things that are there, that are hidden and that
// are nowhere.
#ifndef CODELORE_TESTS_API_RANDOM_REQUESTS_H_
#define CODELORE_TESTS_API_RANDOM_REQUESTS_H_

#include <random>
#include <string>
#include <vector>

#include "api/served_world.h"

namespace codelore::api {

struct Names {
  std::vector<std::string> words, symbols, paths, sources;
};

class RandomRequests {
 public:
  RandomRequests(uint32_t seed, Names names) : random_(seed), names_(std::move(names)) {}

  WorldRequest Next() {
    switch (Below(10)) {
      case 0: case 1: return Post("/v1/search", Search());
      case 2: return Files();
      case 3: return Exact();
      case 4: return Ask();
      case 5: return Chat();
      case 6: return Ollama();
      case 7: return Mcp();
      case 8: return Sources();
      default: return Odd();
    }
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  const std::string& Any(const std::vector<std::string>& list) { return list[Below(list.size())]; }
  static WorldRequest Post(const std::string& target, const Json& body) { return {"POST", target, body.dump(), ""}; }
  static WorldRequest Get(const std::string& target) { return {"GET", target, "", ""}; }

  std::string Words(size_t most) {
    std::string text = Any(names_.words);
    for (size_t n = Below(most); n > 0; --n) text += " " + (OneIn(5) ? Any(names_.symbols) : Any(names_.words));
    return text;
  }
  std::string Query() {
    switch (Below(12)) {
      case 0: return "\"" + Words(3) + "\"";
      case 1: return "/" + Any(names_.words).substr(0, 3) + "[a-z]+/ " + Any(names_.words);
      case 2: return "sym:" + Any(names_.symbols);
      case 3: return "path:" + Any(names_.paths) + " " + Words(2);
      case 4: return "repo:" + Any(names_.sources) + " " + Words(2);
      case 5: return "lang:python " + Words(2);
      case 6: return Any(names_.words) + " -" + Any(names_.words);
      case 7: return Any(names_.words) + " OR " + Any(names_.symbols);
      case 8: return Any(names_.words).substr(0, 4);
      default: return Words(6);
    }
  }
  void AddScope(Json& body) {
    if (OneIn(4)) body["sources"] = {Any(names_.sources)};
    if (OneIn(6)) body["paths"] = {OneIn(2) ? "**/*.py" : Any(names_.paths)};
    if (OneIn(6)) body["languages"] = {OneIn(2) ? "python" : "markdown"};
  }
  Json Search() {
    static const char* const kModes[] = {"hybrid", "lexical", "vector"};
    static const char* const kSyntaxes[] = {"auto", "plain", "query"};
    Json body = {{"query", Query()}, {"mode", kModes[Below(3)]}, {"syntax", kSyntaxes[Below(3)]}};
    AddScope(body);
    if (OneIn(2)) body["limit"] = 1 + Below(40);
    if (OneIn(4)) body["offset"] = Below(30);
    if (OneIn(4)) body["per_file"] = Below(4);
    if (OneIn(30)) body["explain"] = true;
    return body;
  }
  Json File() { return {{"source", Any(names_.sources)}, {"path", Any(names_.paths)}}; }
  WorldRequest Files() {
    Json body;
    switch (Below(6)) {
      case 0: return Post("/v1/read", File());
      case 1: return Post("/v1/outline", File());
      case 2: return Post("/v1/why", File());
      case 3:
        body = {{"file", Any(names_.sources) + ":" + Any(names_.paths)}, {"limit", 1 + Below(50)}};
        AddScope(body);
        return Post("/v1/similar", body);
      case 4: body["query"] = OneIn(2) ? Any(names_.paths) : Any(names_.words); [[fallthrough]];
      default:
        body["limit"] = 1 + Below(100);
        body["offset"] = OneIn(3) ? Below(60) : 0;
        AddScope(body);
        return Post("/v1/files", body);
    }
  }
  WorldRequest Exact() {
    Json body;
    switch (Below(3)) {
      case 0:
        body = {{"pattern", OneIn(2) ? Any(names_.words) : Any(names_.words).substr(0, 3) + "."}, {"regex", OneIn(2)}, {"count", OneIn(3)}};
        if (OneIn(2)) body["limit"] = 1 + Below(200);
        AddScope(body);
        return Post("/v1/grep", body);
      case 1:
        body = {{"name", OneIn(4) ? Any(names_.symbols).substr(0, 4) + "x" : Any(names_.symbols)}, {"prefix", OneIn(3)}};
        AddScope(body);
        return Post("/v1/symbols", body);
      default:
        body = {{"name", Any(names_.symbols)}, {"callers", OneIn(2)}};
        AddScope(body);
        return Post("/v1/references", body);
    }
  }
  WorldRequest Ask() {
    Json body = {{"question", OneIn(3) ? Any(names_.symbols) : "What does " + Words(4) + " do?"}, {"stream", OneIn(2)}};
    AddScope(body);
    if (OneIn(2)) body["generator"] = OneIn(4) ? "scripted" : "extractive";
    return Post("/v1/ask", body);
  }
  std::string Model() {
    std::string model = OneIn(8) ? "gpt" : "codelore";
    if (OneIn(3)) model += ":" + Any(names_.sources);
    return model + (OneIn(4) ? "/scripted" : "/extractive");
  }
  Json Messages() {
    Json messages = Json::array({Json{{"role", "user"}, {"content", Words(5)}}});
    if (OneIn(3)) messages.insert(messages.begin(), {Json{{"role", "user"}, {"content", Words(4)}}, Json{{"role", "assistant"}, {"content", Words(4)}}});
    return messages;
  }
  WorldRequest Chat() {
    if (OneIn(8)) return Get("/v1/models");
    if (OneIn(8)) return Get("/v1/models/codelore:" + Any(names_.sources));
    if (OneIn(8)) return Post("/v1/completions", {{"model", Model()}, {"prompt", Words(5)}, {"stream", OneIn(2)}});
    return Post("/v1/chat/completions", {{"model", Model()}, {"messages", Messages()}, {"stream", OneIn(2)}});
  }
  WorldRequest Ollama() {
    switch (Below(6)) {
      case 0: return Get("/api/tags");
      case 1: return Post("/api/show", {{"model", Model()}});
      case 2: return Post("/api/generate", {{"model", Model()}, {"prompt", Words(5)}, {"stream", OneIn(2)}});
      case 3: return Get(OneIn(2) ? "/api/ps" : "/api/version");
      default: return Post("/api/chat", {{"model", Model()}, {"messages", Messages()}, {"stream", OneIn(2)}});
    }
  }
  WorldRequest Mcp() {
    auto call = [](const std::string& method, const Json& params) {
      return Post("/mcp", {{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}});
    };
    auto tool = [&](const char* name, const Json& arguments) { return call("tools/call", {{"name", name}, {"arguments", arguments}}); };
    switch (Below(12)) {
      case 0: return call("resources/list", OneIn(2) ? Json::object() : Json{{"cursor", std::to_string(Below(60))}});
      case 1: return call("resources/read", {{"uri", "codelore://" + Any(names_.sources) + "/" + Any(names_.paths)}});
      case 2: return call("completion/complete", {{"argument", {{"name", "source"}, {"value", Any(names_.sources).substr(0, Below(4))}}}});
      case 3: return call(OneIn(2) ? "tools/list" : "resources/templates/list", Json::object());
      case 4: return tool("regex_search", {{"pattern", Any(names_.words) + "|" + Any(names_.words)}});
      case 5: return tool("find_symbol", {{"name", Any(names_.symbols)}});
      case 6: return tool("read_file", File());
      case 7: return tool("list_files", {{"query", Any(names_.paths)}, {"limit", 100}});
      case 8: return tool("similar_files", {{"file", Any(names_.sources) + ":" + Any(names_.paths)}});
      case 9: return tool("ask", {{"question", Words(5)}});
      default: return tool("search", {{"query", Query()}, {"limit", 1 + Below(50)}});
    }
  }
  WorldRequest Sources() {
    switch (Below(5)) {
      case 0: return Get("/v1/status");
      case 1: return Get("/v1/sources");
      case 2: return Get("/v1/sources/" + Any(names_.sources) + "/freshness");
      default: return Get("/v1/sources/" + Any(names_.sources));
    }
  }
  // What a reader may not do at all, and what is there for nobody.
  WorldRequest Odd() {
    std::string source = "/v1/sources/" + Any(names_.sources);
    switch (Below(14)) {
      case 0: return Post(source + "/grants", {{"principal", "user:ann"}});
      case 1: return {"DELETE", source + "/grants/everyone", "", ""};
      case 2: return {"DELETE", source, "", ""};
      case 3: return Post(source + (OneIn(2) ? "/sync" : "/pause"), Json::object());
      case 4: return {"PUT", source, Json{{"location", "https://example.org/x.git"}}.dump(), ""};
      case 5: return Get(OneIn(2) ? "/v1/tokens" : "/v1/tenants");
      case 6: return {"DELETE", "/v1/tokens/" + std::to_string(Below(60)), "", ""};
      case 7: return Post("/v1/webhooks/github/" + Any(names_.sources), {{"ref", "refs/heads/main"}});
      case 8: return Get("/openapi.json");
      case 9: return Get(OneIn(2) ? "/healthz" : "/readyz");
      case 10: return Get("/v1/" + Any(names_.words));
      case 11: return {"PATCH", source, "", ""};
      case 12: return {"HEAD", source, "", ""};
      default: return Post("/v1/search", {{"query", Words(2)}, {"nonsense", 1}});
    }
  }

  std::mt19937 random_;
  const Names names_;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_RANDOM_REQUESTS_H_
