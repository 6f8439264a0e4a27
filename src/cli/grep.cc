// The command "grep", and its results as text: a path, then its lines.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/backend.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string TextOf(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

// The line, with its matches standing out. What stands between is made harmless piece by piece.
std::string MarkedLine(const Json& line) {
  std::string text = TextOf(line, "text"), marked = line.value("column", 0) > 0 ? "…" : "";
  size_t at = 0;
  for (const Json& match : line.value("matches", Json::array())) {
    size_t begin = std::min(match.at(0).get<size_t>(), text.size()), end = std::min(match.at(1).get<size_t>(), text.size());
    if (begin < at || end < begin) continue;
    marked += Printable(text.substr(at, begin - at)) + Highlight(Printable(text.substr(begin, end - begin)));
    at = end;
  }
  marked += Printable(text.substr(at));
  bool cut_behind = line.value("cut", false) && line.value("column", 0) == 0;
  return marked + (cut_behind ? "…" : "");
}

void PrintFile(const Json& file) {
  Print(Bold(OneLine(TextOf(file, "path"))) + "  " + Dim("[" + OneLine(TextOf(file, "source")) + "]") + "\n");
  uint64_t before = 0;  // the line printed last
  bool context = false;
  for (const Json& line : file.value("lines", Json::array())) context |= line.value("matches", Json::array()).empty();
  for (const Json& line : file.value("lines", Json::array())) {
    uint64_t number = line.value("line", uint64_t{0});
    bool matches = !line.value("matches", Json::array()).empty();
    if (context && before != 0 && number > before + 1) Print(Dim("--") + "\n");
    Print(Dim(std::to_string(number) + (matches ? ":" : "-")) + MarkedLine(line) + "\n");
    before = number;
  }
}

void PrintCounts(const Json& file) {
  Print(Bold(OneLine(TextOf(file, "path"))) + ":" + std::to_string(file.value("matches", uint64_t{0})) + "  " +
        Dim("[" + OneLine(TextOf(file, "source")) + "]") + "\n");
}

std::string Counted(uint64_t number, const std::string& one, const std::string& more) {
  return WithThousands(number) + " " + (number == 1 ? one : more);
}

void PrintSummary(const Json& reply) {
  bool complete = reply.value("complete", true);
  std::fflush(stdout);
  std::fprintf(stderr, "%s%s in %s%s%s\n", complete ? "" : "at least ",
               Counted(reply.value("matches", uint64_t{0}), "match", "matches").c_str(),
               Counted(reply.value("files_with_matches", uint64_t{0}), "file", "files").c_str(), complete ? "" : ": ",
               Printable(TextOf(reply, "incomplete")).c_str());
}

}  // namespace

int Grep(const Arguments& arguments) {
  Json body = {{"pattern", arguments.text}, {"regex", arguments.regex}, {"case", arguments.fold}, {"limit", arguments.max_lines},
               {"context", arguments.context}, {"count", arguments.count}};
  if (!arguments.sources.empty()) body["sources"] = arguments.sources;
  if (!arguments.paths.empty()) body["paths"] = arguments.paths;
  if (!arguments.languages.empty()) body["languages"] = arguments.languages;
  if (!arguments.branch.empty()) body["branch"] = arguments.branch;
  if (arguments.text.empty()) return Fail(arguments, InvalidArgument("the pattern is empty"));
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call("grep", body.dump(), {}, {}, {});
  if (!result.ok()) return Fail(arguments, result.status());
  Json reply = Json::parse(*result, nullptr, /*allow_exceptions=*/false);
  if (!reply.is_object()) return Fail(arguments, Unavailable("the answer is not JSON; is this a Codelore server?"));
  if (arguments.json) {
    Print(PrintableJson(*result) + "\n");
  } else {
    const Json files = reply.value("files", Json::array());
    for (const Json& file : files) {
      if (&file != &files.front() && !arguments.count) Print("\n");
      arguments.count ? PrintCounts(file) : PrintFile(file);
    }
    PrintSummary(reply);
  }
  return reply.value("matches", uint64_t{0}) > 0 ? kSuccess : kNothingOrPartial;
}

}  // namespace codelore::cli
