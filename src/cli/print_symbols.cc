#include "cli/print_symbols.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxTextBytes = 160;  // of a line of code
constexpr size_t kMaxCallLines = 12;   // of a caller

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string Name(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? OneLine(at->get<std::string>()) : "";
}
uint64_t Number(const Json& json, const char* field) { return json.value(field, uint64_t{0}); }

std::string Code(const Json& json) {
  std::string text = Name(json, "text");
  if (text.size() <= kMaxTextBytes) return text;
  size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string SourceOf(const Json& json) {
  std::string commit = Name(json, "commit");
  bool hash = commit.size() == 40 && commit.find_first_not_of("0123456789abcdef") == std::string::npos;
  return Dim("[" + Name(json, "source") + "@" + (hash ? commit.substr(0, 12) : commit) + "]");
}

const Json& ListOf(const Json& json) {
  static const Json none = Json::array();
  for (const char* field : {"definitions", "callers", "references", "entries"}) {
    if (auto at = json.find(field); at != json.end() && at->is_array()) return *at;
  }
  return none;
}

void PrintNothing(const Json& json, const std::string& what) {
  Print("No " + what + " of '" + Name(json, "name") + "'.\n");
  std::string nearest;
  for (const Json& name : json.value("nearest", Json::array())) nearest += (nearest.empty() ? "" : ", ") + OneLine(name.get<std::string>());
  if (!nearest.empty()) Print("Names that are nearly so: " + nearest + "\n");
}

// "12 definitions", and how many of them are shown if not all.
void PrintTotal(const Json& json, const std::string& what, const std::string& note) {
  uint64_t total = Number(json, "total");
  std::string text = (json.value("total_is_exact", true) ? "" : "more than ") + WithThousands(total) + " " + what + (total == 1 ? "" : "s");
  if (json.value("truncated", false)) text += ", the first " + WithThousands(ListOf(json).size()) + " shown (--limit)";
  Print("\n" + Dim(text + note) + "\n");
}

void PrintDefinitions(const Json& json) {
  if (ListOf(json).empty()) return PrintNothing(json, "definition");
  for (const Json& found : ListOf(json)) {
    std::string inherited = Name(found, "inherited_by");
    Print(Bold(Name(found, "symbol")) + " (" + Name(found, "kind") + (inherited.empty() ? "" : ", inherited by " + inherited) + ")  " +
          Name(found, "path") + ":" + std::to_string(Number(found, "line")) + "  " + SourceOf(found) + "\n    " + Code(found) + "\n");
  }
  PrintTotal(json, "definition", "");
}

void PrintReferences(const Json& json) {
  if (ListOf(json).empty()) return PrintNothing(json, "reference");
  std::string file, fit;
  for (const Json& found : ListOf(json)) {
    std::string now = Name(found, "path") + "  " + SourceOf(found);
    if (now != file) Print(Bold(Name(found, "path")) + "  " + SourceOf(found) + "\n");
    file = now;
    std::string enclosing = Name(found, "enclosing");
    char line[64];
    std::snprintf(line, sizeof line, "%7llu  %-10s %-9s  ", static_cast<unsigned long long>(Number(found, "line")),
                  Name(found, "kind").c_str(), Name(found, "fit").c_str());
    Print(line + Code(found) + (enclosing.empty() ? "" : Dim("  in " + enclosing)) + "\n");
  }
  PrintTotal(json, "reference", "; matched by name, not by type, best fit first");
}

void PrintCallers(const Json& json) {
  if (ListOf(json).empty()) return PrintNothing(json, "caller");
  for (const Json& found : ListOf(json)) {
    std::string symbol = Name(found, "symbol"), lines;
    size_t count = 0;
    for (const Json& line : found["lines"]) {
      if (++count <= kMaxCallLines) lines += (lines.empty() ? "" : ", ") + std::to_string(line.get<uint64_t>());
    }
    if (count > kMaxCallLines) lines += ", …";
    Print(Bold(symbol.empty() ? "(file level)" : symbol) + " (" + Name(found, "kind") + ")  " + Name(found, "path") + ":" + lines + "  " +
          SourceOf(found) + "\n    " + Code(found) + "\n");
  }
  PrintTotal(json, "caller", "; matched by name, not by type, best fit first");
}

void PrintOutline(const Json& json) {
  Print(Bold(Name(json, "path")) + "  " + SourceOf(json) + "\n");
  if (ListOf(json).empty()) Print("It defines no symbols.\n");
  for (const Json& entry : ListOf(json)) {
    char line[32];
    std::snprintf(line, sizeof line, "%7llu  ", static_cast<unsigned long long>(Number(entry, "line")));
    std::string indent(2 * std::min<uint64_t>(Number(entry, "depth"), 20), ' ');
    Print(line + indent + Name(entry, "name") + Dim("  " + Name(entry, "kind")) + "\n");
  }
  if (json.value("truncated", false)) PrintTotal(json, "symbol", "");
}

}  // namespace

bool IsAboutSymbols(std::string_view operation) {
  return operation == "symbols" || operation == "references" || operation == "outline";
}

int CodeOfSymbols(std::string_view, const std::string& text) {
  return ListOf(Json::parse(text, nullptr, /*allow_exceptions=*/false)).empty() ? kNothingOrPartial : kSuccess;
}

int PrintSymbols(std::string_view operation, const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (operation == "symbols") PrintDefinitions(json);
  if (operation == "outline") PrintOutline(json);
  if (operation == "references") json.contains("callers") ? PrintCallers(json) : PrintReferences(json);
  return CodeOfSymbols(operation, text);
}

}  // namespace codelore::cli
