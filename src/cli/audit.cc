// codelore audit: reads the files themselves, so that it works beside a running server.
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/audit_log.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kPage = 1000;

// Milliseconds of "2026-01-31" or "2026-01-31T12:00:00Z"; 0 for nothing.
Result<int64_t> TimeOf(const std::string& text) {
  if (text.empty()) return int64_t{0};
  std::tm time{};
  const char* end = ::strptime(text.c_str(), text.find('T') == std::string::npos ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0') return InvalidArgument("--since takes a day or a time: 2026-01-31, 2026-01-31T12:00:00Z");
  return int64_t{::timegm(&time)} * 1000;
}

std::string FieldOf(const Json& record, const char* name) {
  return record.contains(name) && record[name].is_string() ? OneLine(record[name].get<std::string>()) : "";
}

void PrintRecord(const std::string& line, bool as_json) {
  if (as_json) {
    std::printf("%s\n", line.c_str());
    return;
  }
  Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  std::string text = FieldOf(record, "at") + "  " + FieldOf(record, "who") + "  " + FieldOf(record, "what") + "  " + FieldOf(record, "result");
  const Json about = record.is_object() ? record.value("about", Json::object()) : Json::object();
  for (const auto& [name, value] : about.items()) {
    text += "  " + OneLine(name) + "=" + OneLine(value.is_string() ? value.get<std::string>() : value.dump());
  }
  std::printf("%s  from %s\n", text.c_str(), FieldOf(record, "from").c_str());
}

// One page; how many records it had.
Result<size_t> PrintPage(const Arguments& arguments, Backend* backend, int64_t since, size_t skip) {
  if (backend == nullptr) {
    ASSIGN_OR_RETURN(auto lines, api::AuditLog::ListIn(arguments.backend.data_folder + "/audit", {.since_unix_ms = since, .skip = skip, .limit = kPage}));
    for (const std::string& line : lines) PrintRecord(line, arguments.json);
    return lines.size();
  }
  ASSIGN_OR_RETURN(std::string reply, backend->Call("audit.list", Json{{"since_unix_ms", since}, {"skip", skip}, {"limit", kPage}}.dump(), {}, {}, {}));
  Json records = Json::parse(reply)["records"];
  for (const Json& record : records) PrintRecord(record.dump(), arguments.json);
  return records.size();
}

}  // namespace

int ListAudit(const Arguments& arguments) {
  auto since = TimeOf(arguments.since);
  if (!since.ok()) return Fail(arguments, since.status());
  std::unique_ptr<Backend> backend;
  if (!arguments.backend.server.empty()) {
    auto opened = OpenBackend(arguments.backend);
    if (!opened.ok()) return Fail(arguments, opened.status());
    backend = std::move(*opened);
  }
  for (size_t skip = 0;;) {
    auto printed = PrintPage(arguments, backend.get(), *since, skip);
    if (!printed.ok()) return Fail(arguments, printed.status());
    if (*printed < kPage) return kSuccess;
    skip += *printed;
  }
}

int VerifyAudit(const Arguments& arguments) {
  if (!arguments.backend.server.empty()) return Fail(arguments, InvalidArgument("audit verify works on a data folder: give --data, not --server"));
  auto verdict = api::AuditLog::Verify(arguments.backend.data_folder + "/audit");
  if (!verdict.ok()) return Fail(arguments, verdict.status());
  bool good = verdict->altered.empty();
  Json json = {{"ok", good}, {"records", verdict->records}, {"first", verdict->first}, {"last_hash", verdict->last_hash}, {"altered", verdict->altered}};
  if (arguments.json) {
    std::printf("%s\n", json.dump().c_str());
  } else if (good) {
    std::printf("%llu records, unaltered; the newest has hash %s\n", static_cast<unsigned long long>(verdict->records), verdict->last_hash.c_str());
  } else {
    std::printf("Altered: %s\n", verdict->altered.c_str());
  }
  return good ? kSuccess : kNothingOrPartial;
}

}  // namespace codelore::cli
