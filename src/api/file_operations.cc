#include "api/file_operations.h"

#include <nlohmann/json.hpp>

#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 100, kMaxOffset = 1000;

// The fields that both operations have.
FileQuestion ReadQuestion(JsonRequest& json, std::string_view text_field) {
  FileQuestion question;
  question.text = json.String(text_field, {.required = true});
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = 10}));
  return question;
}

std::string ReplyJson(std::string_view text_field, const FileQuestion& question, const FileReply& reply) {
  Json files = Json::array();
  for (const NamedFile& named : reply.files) {
    files.push_back({{"rank", question.offset + files.size() + 1},
                     {"source", named.source},
                     {"commit", named.file.revision},
                     {"branch", named.file.branch},
                     {"path", named.file.path},
                     {"language", named.file.language},
                     {"reasons", named.file.reasons},
                     {"citation", named.citation}});
  }
  Json json = {{std::string(text_field), question.text}, {"files", files}, {"notes", reply.notes}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<std::string> FilesOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"query", "sources", "paths", "languages", "limit", "offset"}));
  FileQuestion question = ReadQuestion(json, "query");
  question.offset = static_cast<size_t>(json.Integer("offset", {.min = 0, .max = kMaxOffset, .otherwise = 0}));
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileReply reply, context.service.FindFiles(context.caller.viewer, question));
  return ReplyJson("query", question, reply);
}

Result<std::string> SimilarOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"file", "sources", "paths", "languages", "limit"}));
  FileQuestion question = ReadQuestion(json, "file");
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileReply reply, context.service.FindSimilarFiles(context.caller.viewer, question));
  return ReplyJson("file", question, reply);
}

}  // namespace codelore::api
