// codelore session and codelore feedback.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;
using Params = std::vector<std::pair<std::string, std::string>>;

std::string Field(const Json& json, const char* name) {
  return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
}

// Calls an operation; prints its answer as JSON, or by `print`.
int Show(const Arguments& arguments, std::string_view operation, const Json& body, const Params& params, void (*print)(const Json&)) {
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call(operation, body.is_null() ? "" : body.dump(), params, {}, {});
  if (!result.ok()) return Fail(arguments, result.status());
  if (arguments.json) return PrintResult(operation, *result, true);
  print(Json::parse(*result, nullptr, /*allow_exceptions=*/false));
  return kSuccess;
}

void PrintSessionLine(const Json& session) {
  std::printf("%s  %lld turns  used %s  until %s  %s\n", OneLine(Field(session, "id")).c_str(), static_cast<long long>(session.value("turns", 0)),
              OneLine(Field(session, "used_at")).c_str(), OneLine(Field(session, "expires_at")).c_str(), OneLine(Field(session, "title")).c_str());
}

void PrintTurn(const Json& turn) {
  std::printf("%s\n", Bold("[" + std::to_string(turn.value("turn", 0)) + "] " + OneLine(Field(turn, "question"))).c_str());
  if (turn.value("withheld", false)) std::printf("(withheld: it rests on something that you may not read now)\n");
  std::printf("%s\n", Printable(Field(turn, "answer")).c_str());
}

void PrintFeedbackLine(const Json& line) {
  std::printf("%s\n", PrintableJson(line.dump(-1, ' ', false, Json::error_handler_t::replace)).c_str());
}

}  // namespace

int CreateSession(const Arguments& arguments) {
  Json body = Json::object();
  if (!arguments.name.empty()) body["title"] = arguments.name;
  if (arguments.expires_in_days > 0) body["expires_in_days"] = arguments.expires_in_days;
  return Show(arguments, "session.create", body, {}, [](const Json& session) { std::printf("%s\n", OneLine(Field(session, "id")).c_str()); });
}

int ListSessions(const Arguments& arguments) {
  return Show(arguments, "session.list", nullptr, {}, [](const Json& reply) {
    for (const Json& session : reply["sessions"]) PrintSessionLine(session);
    if (reply["sessions"].empty()) std::printf("No sessions.\n");
  });
}

int ShowSession(const Arguments& arguments) {
  return Show(arguments, "session.show", nullptr, {{"session", arguments.session}}, [](const Json& reply) {
    PrintSessionLine([&] {
      Json head = reply;
      head["turns"] = reply["turns"].size();
      return head;
    }());
    for (const Json& turn : reply["turns"]) PrintTurn(turn);
  });
}

int DeleteSession(const Arguments& arguments) {
  return Show(arguments, "session.delete", nullptr, {{"session", arguments.session}}, [](const Json&) { std::printf("Deleted.\n"); });
}

int GiveFeedback(const Arguments& arguments) {
  Json body = {{"rating", arguments.mode}};
  if (!arguments.session.empty()) body.update({{"session", arguments.session}, {"turn", arguments.offset}});
  if (!arguments.text.empty()) body["question"] = arguments.text;
  if (!arguments.name.empty()) body["text"] = arguments.name;
  if (!arguments.paths.empty()) body["corrected"] = arguments.paths;
  return Show(arguments, "feedback", body, {}, [](const Json& reply) { std::printf("Thank you: %s\n", OneLine(Field(reply, "id")).c_str()); });
}

int ListFeedback(const Arguments& arguments) {
  return Show(arguments, "feedback.list", nullptr, {}, [](const Json& reply) {
    for (const Json& line : reply["feedback"]) PrintFeedbackLine(line);
  });
}

// Always JSON lines: what `codelore eval --queries` reads.
int ExportFeedback(const Arguments& arguments) {
  Arguments plain = arguments;
  plain.json = false;
  return Show(plain, "feedback.list", nullptr, {}, [](const Json& reply) {
    for (const Json& line : reply["queries"]) PrintFeedbackLine(line);
  });
}

int DeleteFeedback(const Arguments& arguments) {
  return Show(arguments, "feedback.delete", nullptr, {{"feedback", arguments.text}}, [](const Json&) { std::printf("Deleted.\n"); });
}

}  // namespace codelore::cli
