#include "api/file_operations.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "api/commits_withheld.h"
#include "api/json_request.h"
#include "codelore/utf8.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 100, kMaxOffset = 1000;
constexpr size_t kMaxNameBytes = 512, kMaxReadBytes = 256 * 1024;

// The fields that both operations have.
FileQuestion ReadQuestion(JsonRequest& json, std::string_view text_field, bool required) {
  FileQuestion question;
  question.text = json.String(text_field, {.required = required});
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  question.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = 10}));
  return question;
}

struct LinesRead {
  std::string_view text;
  int64_t last = 0;       // line of it, 0 for none
  int64_t all = 0;        // lines of the file
  bool complete = true;   // false: it was cut before the line asked for
};

// Lines [first, last] of `text`, as many as may be read at once.
LinesRead ReadLines(std::string_view text, int64_t first, int64_t last) {
  LinesRead read;
  size_t begin = text.size(), end = text.size();
  for (size_t at = 0; at < text.size();) {
    size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    ++read.all;
    if (read.all == first) begin = end = at;
    if (read.all >= first && read.all <= last && read.complete) {
      read.complete = next - begin <= kMaxReadBytes;
      if (read.complete) {
        end = next;
        read.last = read.all;
      }
    }
    at = next;
  }
  read.text = text.substr(begin, end - begin);
  if (!read.complete && end == begin) {  // a single line that is too much: its beginning
    read.text = Utf8Prefix(text.substr(begin), kMaxReadBytes);
    read.last = first;
  }
  return read;
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
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"query", "sources", "paths", "languages", "branch", "limit", "offset"}));
  FileQuestion question = ReadQuestion(json, "query", /*required=*/false);
  question.offset = static_cast<size_t>(json.Integer("offset", {.min = 0, .max = kMaxOffset, .otherwise = 0}));
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileReply reply, context.service.FindFiles(context.caller.viewer, question));
  return ReplyJson("query", question, reply);
}

Result<std::string> SimilarOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"file", "sources", "paths", "languages", "branch", "limit"}));
  FileQuestion question = ReadQuestion(json, "file", /*required=*/true);
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileReply reply, context.service.FindSimilarFiles(context.caller.viewer, question));
  return ReplyJson("file", question, reply);
}

Result<std::string> ReadOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"source", "path", "branch", "start_line", "end_line"}));
  std::string source = json.String("source", {.required = true, .max_bytes = kMaxNameBytes});
  std::string path = json.String("path", {.required = true});
  std::string branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  int64_t first = json.Integer("start_line", {.min = 1, .otherwise = 1});
  int64_t last = json.Integer("end_line", {.min = 1, .otherwise = std::numeric_limits<int32_t>::max()});
  if (last < first) json.Reject("end_line", "lies before start_line");
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileText file, context.service.ReadFile(context.caller.viewer, source, path, branch));
  LinesRead read = ReadLines(file.text, first, last);
  std::string citation = CitedPath(source, file.revision, path);
  if (read.last >= first) citation += "#L" + std::to_string(first) + "-L" + std::to_string(read.last);
  Json reply = {{"source", source}, {"commit", file.revision}, {"branch", file.branch}, {"path", path}, {"language", file.language},
                {"start_line", first}, {"end_line", read.last}, {"lines", read.all}, {"complete", read.complete}, {"text", read.text},
                {"citation", citation}};
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

namespace {

// Where something was masked is for those who look after the source: it says where to look for it in the repository.
std::string ReasonFor(const Caller& caller, const std::string& reason) {
  if (caller.role != Role::kReader) return reason;
  if (reason == "secrets or personal data") return "left out by the source's policy";
  size_t masked = reason.find("masked: ");
  if (masked == std::string::npos) return reason;
  return reason.substr(0, masked >= 2 ? masked - 2 : 0);  // "; " before it
}

}  // namespace

Result<std::string> WhyOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"source", "path", "branch"}));
  std::string source = json.String("source", {.required = true, .max_bytes = 128});
  std::string path = json.String("path", {.required = true, .max_bytes = 4096});
  std::string branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(FileInsight insight, context.service.ExplainFile(context.caller.viewer, source, path, branch));
  const FileRecord& record = insight.record;
  bool pending = false;
  if (context.queue != nullptr) {
    ASSIGN_OR_RETURN(acl::Source full, context.service.directory().FindSource(context.caller.tenant, source));
    auto job = context.queue->StateOf(full.id);
    pending = job && job->pending();
  }
  static constexpr std::string_view kStates[] = {"indexed", "skipped", "failed"};
  bool indexed = record.state == FileState::kIndexed;
  Json answer = {{"source", source},
                 {"path", path},
                 {"branch", insight.branch},
                 {"branches", insight.branches},
                 {"commit", insight.revision},
                 {"state", kStates[static_cast<size_t>(record.state)]},
                 {"reason", ReasonFor(context.caller, record.reason)},
                 {"language", record.language},
                 {"size_bytes", record.size_bytes},
                 {"chunks", record.chunks},
                 {"chunks_with_vectors", insight.chunks_with_vectors},
                 {"found_by_words", indexed},
                 {"found_by_meaning", indexed && insight.chunks_with_vectors == record.chunks},
                 {"pending", pending}};
  if (context.caller.role >= Role::kAdministrator) {
    ASSIGN_OR_RETURN(acl::Source full, context.service.directory().FindSource(context.caller.tenant, source));
    ASSIGN_OR_RETURN(auto readers, context.service.directory().PrincipalsOf(full.id));
    answer["readers"] = readers;
  }
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
