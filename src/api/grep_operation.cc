#include "api/grep_operation.h"

#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/source_json.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 1000, kMaxContext = 10;

Json LinesJson(const std::vector<ExactLine>& lines) {
  Json list = Json::array();
  for (const ExactLine& line : lines) {
    Json matches = Json::array();
    for (ByteSpan match : line.matches) matches.push_back({match.begin, match.end});
    list.push_back({{"line", line.number}, {"text", line.text}, {"column", line.column}, {"cut", line.cut}, {"matches", matches}});
  }
  return list;
}

Json FileJson(const ExactFile& file, const std::string& source) {
  return {{"source", source},       {"commit", file.revision},     {"branch", file.branch},   {"path", file.path},
          {"language", file.language}, {"matches", file.matches}, {"defines", file.defines}, {"lines", LinesJson(file.lines)}};
}

CaseMode CaseModeOf(const std::string& name) {
  return name == "sensitive" ? CaseMode::kSensitive : name == "insensitive" ? CaseMode::kInsensitive : CaseMode::kSmart;
}

}  // namespace

Result<std::string> GrepOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"pattern", "regex", "case", "sources", "paths", "languages", "branch",
                                                                      "limit", "context", "count"}));
  GrepQuestion question;
  question.pattern = json.String("pattern", {.required = true});
  question.regex = json.Boolean("regex", false);
  question.fold = CaseModeOf(json.Choice("case", {"smart", "sensitive", "insensitive"}));
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  question.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = 100}));
  question.context = static_cast<size_t>(json.Integer("context", {.min = 0, .max = kMaxContext, .otherwise = 0}));
  question.count_only = json.Boolean("count", false);
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(GrepReply reply, context.service.Grep(context.caller.viewer, question));
  Json files = Json::array();
  for (size_t i = 0; i < reply.result.files.size(); ++i) files.push_back(FileJson(reply.result.files[i], reply.sources[i]));
  Json answer = {{"pattern", question.pattern},
                 {"matches", reply.result.matches},
                 {"files_with_matches", reply.result.files_with_matches},
                 {"complete", reply.result.complete},
                 {"incomplete", reply.result.incomplete},
                 {"files", files},
                 {"seen", Json::parse(SeenJson(context, reply.seen))}};
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);  // names from a repository can hold anything
}

}  // namespace codelore::api
