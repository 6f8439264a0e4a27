#include "api/session_operations.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/conversation.h"
#include "api/json_request.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kDayMs = 24ll * 60 * 60 * 1000, kDefaultDays = 30;
constexpr size_t kMaxAnswerBytes = 64 * 1024;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string TextOf(const StoredCitation& citation) {
  std::string text = citation.source_name + (citation.commit.empty() ? "" : "@" + citation.commit) + ":" + citation.path;
  return citation.end_line == 0 ? text : text + "#L" + std::to_string(citation.start_line) + "-L" + std::to_string(citation.end_line);
}

Json CitationJson(const StoredCitation& citation) {
  return {{"source", citation.source_name}, {"commit", citation.commit}, {"path", citation.path}, {"symbol", citation.symbol},
          {"start_line", citation.start_line}, {"end_line", citation.end_line}, {"citation", TextOf(citation)}};
}

// ---- sessions --------------------------------------------------------------------------------------------

Json InfoJson(const SessionInfo& info) {
  return {{"id", info.id}, {"title", info.title}, {"turns", info.turns}, {"created_at", TimeText(info.created_unix_ms)},
          {"used_at", TimeText(info.used_unix_ms)}, {"expires_at", TimeText(info.expires_unix_ms())}};
}

Json TurnJson(const SeenTurn& seen, size_t number) {
  Json citations = Json::array();
  for (size_t i = 0; i < seen.turn.citations.size(); ++i) {
    Json numbered = {{"n", seen.numbers[i]}};
    numbered.update(CitationJson(seen.turn.citations[i]));
    citations.push_back(std::move(numbered));
  }
  return {{"turn", number}, {"asked_at", TimeText(seen.turn.asked_unix_ms)}, {"question", seen.turn.question}, {"found", seen.turn.found},
          {"answer", seen.turn.answer}, {"withheld", seen.withheld}, {"generator", seen.turn.generator}, {"citations", citations}};
}

// ---- feedback --------------------------------------------------------------------------------------------

Result<std::vector<StoredCitation>> ReadCited(OperationContext& context, const std::vector<std::string>& texts) {
  std::vector<StoredCitation> citations;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(CitedFile file, context.service.FindCited(context.caller.viewer, text));
    StoredCitation citation{.source = file.id, .source_name = file.source, .path = file.path, .start_line = 0, .end_line = 0};
    unsigned first = 0, last = 0;
    size_t lines = text.rfind("#L");
    if (lines != text.npos && std::sscanf(text.c_str() + lines, "#L%9u-L%9u", &first, &last) == 2 && file.path.size() < lines) {
      citation.start_line = first;
      citation.end_line = last;
    }
    citations.push_back(std::move(citation));
  }
  return citations;
}

// What the answers rest on that a turn was made with, and those that they were made with.
std::vector<StoredCitation> CitedBehind(const SeenSession& session, size_t index) {
  std::vector<bool> wanted(index + 1);
  wanted[index] = true;
  std::map<std::pair<SourceId, std::string>, StoredCitation> cited;
  for (size_t i = index + 1; i-- > 0;) {
    if (!wanted[i]) continue;
    for (uint32_t number : session.turns[i].turn.built_on) wanted[number - 1] = true;  // earlier ones: else it were withheld
    if (i == index) continue;
    for (const StoredCitation& citation : session.turns[i].turn.citations) cited.try_emplace({citation.source, citation.path}, citation);
  }
  std::vector<StoredCitation> list;
  for (auto& [file, citation] : cited) list.push_back(std::move(citation));
  return list;
}

// What a turn of one's own session says.
Status FillFromTurn(OperationContext& context, const std::string& session, int64_t number, Feedback& feedback) {
  ASSIGN_OR_RETURN(SeenSession seen, OpenSession(context.service, context.caller, session));
  if (number < 1 || static_cast<size_t>(number) > seen.turns.size()) {
    return NotFound("the session has " + std::to_string(seen.turns.size()) + " turns; there is no turn " + std::to_string(number));
  }
  const SeenTurn& turn = seen.turns[static_cast<size_t>(number) - 1];
  if (turn.withheld) return NotFound("this turn's answer rests on something that you may not read any more");
  feedback.question = turn.turn.question;
  feedback.answer = turn.turn.answer;
  feedback.cited = turn.turn.citations;
  feedback.behind = CitedBehind(seen, static_cast<size_t>(number) - 1);
  return OkStatus();
}

bool MayReadAll(CitationReader& reader, const Feedback& feedback) {
  auto may = [&](const StoredCitation& citation) { return reader.MayOpen(citation); };
  return std::ranges::all_of(feedback.cited, may) && std::ranges::all_of(feedback.corrected, may) && std::ranges::all_of(feedback.behind, may);
}

// What keeps it from being read is gone for everybody: files, or sources. Nobody would be rid of it otherwise.
bool IsLeftOver(OperationContext& context, CitationReader& reader, const Feedback& feedback) {
  acl::Directory& directory = context.service.directory();
  auto gone = [&](const StoredCitation& citation) {
    return reader.MayOpen(citation) || !directory.FindSource(citation.source).ok() || directory.ReadsWhole(context.caller.viewer, citation.source);
  };
  return std::ranges::all_of(feedback.cited, gone) && std::ranges::all_of(feedback.corrected, gone) && std::ranges::all_of(feedback.behind, gone);
}

Json FeedbackJson(const Feedback& feedback) {
  auto list = [](const std::vector<StoredCitation>& citations) {
    Json texts = Json::array();
    for (const StoredCitation& citation : citations) texts.push_back(TextOf(citation));
    return texts;
  };
  return {{"id", feedback.id}, {"at", TimeText(feedback.at_unix_ms)}, {"user", feedback.user}, {"rating", feedback.up ? "up" : "down"},
          {"question", feedback.question}, {"answer", feedback.answer}, {"text", feedback.text}, {"citations", list(feedback.cited)},
          {"corrected", list(feedback.corrected)}};
}

// Lines of the format that `codelore eval --queries` reads, one for each source: what was corrected, or what was praised.
void AddQueries(const Feedback& feedback, Json& queries) {
  const auto& targets = feedback.corrected.empty() ? feedback.cited : feedback.corrected;
  if (feedback.question.empty() || (feedback.corrected.empty() && !feedback.up)) return;
  std::map<std::string, Json> by_source;
  for (const StoredCitation& target : targets) {
    Json& relevant = by_source[target.source_name];
    Json entry = {{"path", target.path}};
    if (std::ranges::find(relevant, entry) == relevant.end()) relevant.push_back(std::move(entry));
  }
  for (auto& [source, relevant] : by_source) {
    queries.push_back({{"_id", feedback.id + (by_source.size() > 1 ? "-" + source : "")}, {"repo", source}, {"text", feedback.question},
                       {"category", feedback.corrected.empty() ? "praised" : "corrected"}, {"relevant", std::move(relevant)}});
  }
}

}  // namespace

Result<std::string> CreateSession(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"title", "expires_in_days"}));
  std::string title = json.String("title", {.max_bytes = 200});
  int64_t days = json.Integer("expires_in_days", {.min = 1, .max = 365, .otherwise = kDefaultDays});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(SessionInfo info, context.service.sessions().Create(OwnerOf(context.caller.viewer), title, days * kDayMs));
  return Dump(InfoJson(info));
}

Result<std::string> ListSessions(OperationContext& context) {
  ASSIGN_OR_RETURN(auto infos, context.service.sessions().List(OwnerOf(context.caller.viewer)));
  Json list = Json::array();
  for (const SessionInfo& info : infos) {
    ASSIGN_OR_RETURN(bool within, IsSessionOfCaller(context.service, context.caller, info.id));
    if (within) list.push_back(InfoJson(info));
  }
  return Dump({{"sessions", list}});
}

Result<std::string> ShowSession(OperationContext& context) {
  ASSIGN_OR_RETURN(SeenSession session, OpenSession(context.service, context.caller, context.Param("session")));
  Json reply = InfoJson(session.info), turns = Json::array();
  for (const SeenTurn& seen : session.turns) turns.push_back(TurnJson(seen, turns.size() + 1));
  reply["turns"] = std::move(turns);
  return Dump(reply);
}

Result<std::string> RemoveSession(OperationContext& context) {
  std::string id = context.Param("session");
  ASSIGN_OR_RETURN(bool within, IsSessionOfCaller(context.service, context.caller, id));
  if (!within) id.clear();  // none of this token's
  RETURN_IF_ERROR(context.service.sessions().Remove(OwnerOf(context.caller.viewer), id));
  return Dump({{"deleted", id}});
}

Result<std::string> GiveFeedback(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"rating", "text", "question", "answer", "session", "turn", "citations", "corrected"}));
  Feedback feedback;
  feedback.up = json.Choice("rating", {"", "up", "down"}) == "up";
  if (!json.Has("rating")) json.Reject("rating", "must be up or down");
  feedback.text = json.String("text");
  std::string session = json.String("session", {.max_bytes = 64});
  int64_t turn = json.Integer("turn", {.min = 1, .otherwise = 0});
  feedback.question = json.String("question");
  feedback.answer = json.String("answer", {.max_bytes = kMaxAnswerBytes});
  std::vector<std::string> cited = json.Strings("citations", {.max_bytes = 4096}), corrected = json.Strings("corrected", {.max_bytes = 4096});
  if (session.empty() && feedback.question.empty()) json.Reject("question", "is needed, or a session and a turn");
  if (!session.empty() && (json.Has("question") || json.Has("answer") || json.Has("citations"))) json.Reject("session", "has question, answer and citations: leave these out");
  RETURN_IF_ERROR(json.status());
  if (!session.empty()) RETURN_IF_ERROR(FillFromTurn(context, session, turn, feedback));
  if (session.empty()) {
    ASSIGN_OR_RETURN(feedback.cited, ReadCited(context, cited));
  }
  ASSIGN_OR_RETURN(feedback.corrected, ReadCited(context, corrected));
  ASSIGN_OR_RETURN(Feedback stored, context.service.feedback().Add(OwnerOf(context.caller.viewer), std::move(feedback)));
  return Dump({{"id", stored.id}});
}

// What rests on something that the administrator may not read is left out, with whatever it says.
Result<std::string> ListFeedback(OperationContext& context) {
  CitationReader reader(context.service, context.caller.viewer);
  Json list = Json::array(), queries = Json::array(), left_over = Json::array();
  std::vector<std::string> damaged;
  auto add = [&](const Feedback& feedback) {
    if (MayReadAll(reader, feedback)) {
      list.push_back(FeedbackJson(feedback));
      AddQueries(feedback, queries);
    } else if (IsLeftOver(context, reader, feedback)) {
      left_over.push_back(feedback.id);
    }
    return true;
  };
  RETURN_IF_ERROR(context.service.feedback().Scan(context.caller.tenant, add, &damaged));
  return Dump({{"feedback", list}, {"queries", queries}, {"left_over", left_over}, {"damaged", damaged}});
}

Result<std::string> RemoveFeedback(OperationContext& context) {
  std::string id = context.Param("feedback");
  CitationReader reader(context.service, context.caller.viewer);
  bool may = false;
  std::vector<std::string> damaged;
  auto look = [&](const Feedback& feedback) {
    if (feedback.id == id) may = IsLeftOver(context, reader, feedback);
    return feedback.id != id;
  };
  RETURN_IF_ERROR(context.service.feedback().Scan(context.caller.tenant, look, &damaged));
  may = may || std::ranges::find(damaged, id) != damaged.end();
  RETURN_IF_ERROR(context.service.feedback().Remove(context.caller.tenant, may ? id : ""));
  return Dump({{"deleted", id}});
}

}  // namespace codelore::api
