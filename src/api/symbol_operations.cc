#include "api/symbol_operations.h"

#include <nlohmann/json.hpp>

#include "api/commits_withheld.h"
#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 500, kLimit = 50;
constexpr size_t kMaxNameBytes = 500;

// Bytes that are no UTF-8 (names from a repository can hold anything) become U+FFFD.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string Citation(const std::string& source, const SymbolPlace& place, uint32_t first, uint32_t last) {
  return CitedPath(source, place.revision, place.path) + "#L" + std::to_string(first) + "-L" + std::to_string(last);
}

Json PlaceJson(const std::string& source, const SymbolPlace& place) {
  return {{"source", source},
          {"commit", place.revision},
          {"branch", place.branch},
          {"path", place.path},
          {"language", place.language}};
}

Scope ReadScope(JsonRequest& json) { return {json.Strings("sources"), json.Strings("paths"), json.Strings("languages"),
                                             json.String("branch", {.max_bytes = kMaxBranchBytes})}; }

// The values of field "kinds" by their names; an unknown one is the caller's error.
template <typename Kind>
std::vector<Kind> ReadKinds(JsonRequest& json, std::string_view (*name_of)(Kind), Kind last) {
  std::vector<Kind> kinds;
  for (const std::string& name : json.Strings("kinds")) {
    bool known = false;
    for (int i = 0; i <= static_cast<int>(last) && !known; ++i) {
      known = name_of(static_cast<Kind>(i)) == name;
      if (known) kinds.push_back(static_cast<Kind>(i));
    }
    if (!known) json.Reject("kinds", "has a kind that is none: '" + name + "'");
  }
  return kinds;
}

size_t ReadLimit(JsonRequest& json) {
  return static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = kLimit}));
}

// How much there is, said honestly.
void AddTotals(uint64_t total, bool complete, size_t listed, Json& reply) {
  reply["total"] = total;
  reply["total_is_exact"] = complete;
  reply["truncated"] = !complete || listed < total;
}

Json DefinitionJson(const std::string& source, const FoundDefinition& found) {
  Json json = PlaceJson(source, found.place);
  json.update({{"kind", ChunkKindName(found.kind)},
               {"name", found.name},
               {"symbol", found.qualified},
               {"line", found.line},
               {"start_line", found.start_line},
               {"end_line", found.end_line},
               {"text", found.text},
               {"citation", Citation(source, found.place, found.start_line, found.end_line)}});
  if (!found.inherited_by.empty()) json["inherited_by"] = found.inherited_by;
  return json;
}

Json ReferenceJson(const std::string& source, const FoundReference& found) {
  Json json = PlaceJson(source, found.place);
  json.update({{"kind", ReferenceKindName(found.kind)},
               {"name", found.name},
               {"qualifier", found.qualifier},
               {"fit", ReferenceFitName(found.fit)},
               {"line", found.line},
               {"enclosing", found.enclosing},
               {"text", found.text},
               {"citation", Citation(source, found.place, found.line, found.line)}});
  return json;
}

Json CallerJson(const std::string& source, const FoundCaller& found) {
  Json json = PlaceJson(source, found.place);
  json.update({{"symbol", found.symbol},
               {"kind", ChunkKindName(found.kind)},
               {"fit", ReferenceFitName(found.fit)},
               {"start_line", found.start_line},
               {"line", found.lines.front()},
               {"lines", found.lines},
               {"text", found.text},
               {"citation", Citation(source, found.place, found.lines.front(), found.lines.back())}});
  return json;
}

// A list of what was found, without what belongs to a source that was removed in this moment.
template <typename Found, typename Function>
Json ListJson(const std::vector<Found>& list, const std::map<SourceId, std::string>& sources, Function json_of) {
  Json json = Json::array();
  for (const Found& found : list) {
    if (auto at = sources.find(found.place.source); at != sources.end()) json.push_back(json_of(at->second, found));
  }
  return json;
}

}  // namespace

Result<std::string> SymbolsOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"name", "prefix", "kinds", "sources", "paths", "languages", "branch", "limit"}));
  SymbolRequest request;
  request.name = json.String("name", {.required = true, .max_bytes = kMaxNameBytes});
  request.prefix = json.Boolean("prefix", false);
  request.kinds = ReadKinds(json, ChunkKindName, ChunkKind::kReexport);
  request.limit = ReadLimit(json);
  Scope scope = ReadScope(json);
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(auto answer, context.service.FindSymbols(context.caller.viewer, request, scope));
  Json reply = {{"name", request.name}, {"definitions", ListJson(answer.found.definitions, answer.sources, DefinitionJson)}};
  AddTotals(answer.found.total, answer.found.complete, answer.found.definitions.size(), reply);
  reply["nearest"] = answer.found.nearest;
  return Dump(reply);
}

Result<std::string> ReferencesOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"name", "kinds", "callers", "sources", "paths", "languages", "branch", "limit"}));
  ReferenceRequest request;
  request.name = json.String("name", {.required = true, .max_bytes = kMaxNameBytes});
  request.kinds = ReadKinds(json, ReferenceKindName, ReferenceKind::kNew);
  request.callers = json.Boolean("callers", false);
  request.limit = ReadLimit(json);
  Scope scope = ReadScope(json);
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(auto answer, context.service.FindReferences(context.caller.viewer, request, scope));
  const ReferenceResult& found = answer.found;
  Json reply = {{"name", request.name}, {"matched_by", "name"}};
  if (request.callers) {
    reply["callers"] = ListJson(found.callers, answer.sources, CallerJson);
  } else {
    reply["references"] = ListJson(found.references, answer.sources, ReferenceJson);
  }
  AddTotals(found.total, found.complete, found.references.size() + found.callers.size(), reply);
  reply["nearest"] = found.nearest;
  return Dump(reply);
}

Result<std::string> OutlineOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"source", "path", "branch"}));
  std::string source = json.String("source", {.required = true, .max_bytes = kMaxNameBytes});
  std::string path = json.String("path", {.required = true});
  std::string branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileOutline outline, context.service.OutlineOf(context.caller.viewer, source, path, branch));
  Json reply = PlaceJson(source, outline.place);
  reply["entries"] = Json::array();
  for (const OutlineEntry& entry : outline.entries) {
    reply["entries"].push_back({{"name", entry.name},
                                {"symbol", entry.qualified},
                                {"kind", ChunkKindName(entry.kind)},
                                {"depth", entry.depth},
                                {"line", entry.line},
                                {"start_line", entry.start_line},
                                {"end_line", entry.end_line},
                                {"text", entry.text}});
  }
  AddTotals(outline.total, true, outline.entries.size(), reply);
  return Dump(reply);
}

}  // namespace codelore::api
