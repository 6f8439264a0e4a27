#include "cli/print.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSuccess = 0, kNothingOrPartial = 1;
constexpr size_t kSnippetLines = 8;

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string Text(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? Printable(at->get<std::string>()) : "";
}
uint64_t Number(const Json& json, const char* field) { return json.value(field, uint64_t{0}); }

std::string ShortCommit(const Json& hit) {
  std::string commit = Text(hit, "commit");
  bool hash = commit.size() == 40 && commit.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hash ? commit.substr(0, 12) : commit;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The lines around the first that match, numbered.
void PrintSnippet(const Json& hit) {
  std::vector<std::string> lines = Lines(Text(hit, "snippet"));
  uint64_t start = Number(hit, "start_line");
  uint64_t wanted = hit.contains("match_lines") && !hit["match_lines"].empty() ? hit["match_lines"][0].get<uint64_t>() : start;
  size_t first = wanted > start + 2 ? wanted - start - 2 : 0;
  if (first + kSnippetLines > lines.size()) first = lines.size() > kSnippetLines ? lines.size() - kSnippetLines : 0;
  for (size_t i = first; i < lines.size() && i < first + kSnippetLines; ++i) {
    char number[24];
    std::snprintf(number, sizeof number, "%7llu  ", static_cast<unsigned long long>(start + i));
    Print(number + lines[i] + "\n");
  }
}

void PrintWhy(const Json& why) {
  char line[160];
  std::snprintf(line, sizeof line, "         score %.3f = ", why.value("score", 0.0));
  Print(line);
  bool first = true;
  for (const auto& [name, amount] : why["signals"].items()) {
    std::snprintf(line, sizeof line, "%s%s %.3f", first ? "" : " + ", name.c_str(), amount.get<double>());
    Print(line);
    first = false;
  }
  std::snprintf(line, sizeof line, "\n         lexical #%d %.2f, vector #%d %.3f, covers %.2f of the query\n",
                why["lexical"].value("rank", 0), why["lexical"].value("score", 0.0), why["vector"].value("rank", 0),
                why["vector"].value("score", 0.0), why.value("coverage", 0.0));
  Print(line);
}

int PrintSearch(const Json& json) {
  if (json["hits"].empty()) {
    Print("Nothing found.\n");
    return kNothingOrPartial;
  }
  for (const Json& hit : json["hits"]) {
    Print(std::to_string(Number(hit, "rank")) + ". " + Text(hit, "path") + ":" + std::to_string(Number(hit, "start_line")) +
          "-" + std::to_string(Number(hit, "end_line")));
    if (std::string symbol = Text(hit, "symbol"); !symbol.empty()) Print("  " + symbol + " (" + Text(hit, "kind") + ")");
    Print("  [" + Text(hit, "source") + "@" + ShortCommit(hit) + "]\n");
    if (hit.contains("why")) PrintWhy(hit["why"]);
    PrintSnippet(hit);
    Print("\n");
  }
  if (!json.value("vectors_complete", true)) {
    std::fprintf(stderr, "note: not every chunk has its vector yet; search by meaning is incomplete\n");
  }
  return kSuccess;
}

std::string CountsText(const Json& counts) {
  std::string text;
  for (const auto& [name, count] : counts.items()) {
    text += (text.empty() ? "" : ", ") + Printable(name) + " " + WithThousands(count.get<uint64_t>());
  }
  return text;
}

void PrintJobState(const Json& job) {
  if (job.value("running", false)) Print("  indexing now: " + ProgressText(job["progress"].dump(), 0) + "\n");
  if (std::string error = Text(job, "error"); !error.empty()) Print("  last run failed: " + error + "\n");
}

int PrintStatus(const Json& json) {
  int code = kSuccess;
  if (json["sources"].empty()) Print("No sources yet. Try: codelore index PATH-OR-URL\n");
  for (const Json& source : json["sources"]) {
    const Json& files = source["files"];
    std::string commit = ShortCommit(source);
    Print(Text(source, "source") + (commit.empty() ? "  (not indexed completely yet)" : "@" + commit) + "  " +
          Text(source, "branch") + "  " + Text(source, "updated_at") + "\n");
    Print("  files seen " + WithThousands(Number(files, "seen")) + ", indexed " + WithThousands(Number(files, "indexed")) +
          ", skipped " + WithThousands(Number(files, "skipped")) + ", failed " + WithThousands(Number(files, "failed")) + "\n");
    if (!source["skipped_by_reason"].empty()) Print("  skipped: " + CountsText(source["skipped_by_reason"]) + "\n");
    if (!source["languages"].empty()) Print("  languages: " + CountsText(source["languages"]) + "\n");
    Print("  chunks " + WithThousands(Number(source, "chunks")) + ", with vectors " +
          WithThousands(Number(source, "chunks_with_vectors")) + "; text " + Bytes(Number(source, "text_bytes")) +
          ", index " + Bytes(Number(source, "index_bytes")) + " in " + std::to_string(Number(source, "segments")) + " segments\n");
    for (const Json& failed : source["failed"]) Print("  failed: " + Text(failed, "path") + ": " + Text(failed, "reason") + "\n");
    if (source.contains("indexing")) PrintJobState(source["indexing"]);
    if (Number(files, "failed") > 0) code = kNothingOrPartial;
  }
  return code;
}

int PrintIndex(const Json& json) {
  if (json.value("accepted", false)) {
    Print("Accepted: the server indexes '" + Text(json, "source") + "' now; codelore status shows how far it is.\n");
    return kSuccess;
  }
  const Json& files = json["files"];
  const Json& vectors = json["vectors"];
  char seconds[96];
  std::snprintf(seconds, sizeof seconds, " in %.1f s (text %.1f s, vectors %.1f s)\n", json["seconds"].value("total", 0.0),
                json["seconds"].value("total", 0.0) - json["seconds"].value("vectors", 0.0), json["seconds"].value("vectors", 0.0));
  Print("Indexed " + Text(json, "source") + "@" + ShortCommit(json) + ": " + WithThousands(Number(files, "seen")) + " files seen, " +
        WithThousands(Number(files, "changed")) + " read (" + WithThousands(Number(files, "indexed")) + " indexed, " +
        WithThousands(Number(files, "skipped")) + " skipped, " + WithThousands(Number(files, "failed")) + " failed), " +
        WithThousands(Number(files, "removed")) + " removed, " + WithThousands(Number(vectors, "chunks_encoded")) +
        " chunks encoded" + seconds);
  return Number(files, "failed") > 0 ? kNothingOrPartial : kSuccess;
}

int PrintSources(const Json& json) {
  for (const Json& source : json["sources"]) {
    Print(Text(source, "name") + "  " + Text(source, "location"));
    if (source.contains("readers")) {
      std::string readers;
      for (const Json& reader : source["readers"]) readers += (readers.empty() ? "" : ", ") + Printable(reader.get<std::string>());
      Print("  readers: " + (readers.empty() ? "nobody but the operator" : readers));
    }
    Print("\n");
  }
  return kSuccess;
}

int PrintTokens(const Json& json) {
  for (const Json& token : json["tokens"]) {
    std::string teams;
    for (const Json& team : token["teams"]) teams += " team:" + Printable(team.get<std::string>());
    std::string expires = Text(token, "expires_at");
    Print(std::to_string(Number(token, "id")) + "  user:" + Text(token, "user") + teams + (token.value("administrator", false) ? "  administrator" : "") +
          "  made " + Text(token, "created_at") + (expires.empty() ? "" : ", ends " + expires) + "\n");
  }
  return kSuccess;
}

int PrintToken(const Json& json) {
  Print(Text(json, "token") + "\n");
  std::fprintf(stderr, "This is the only time the token is shown. Its number is %llu.\n",
               static_cast<unsigned long long>(Number(json, "id")));
  return kSuccess;
}

int PrintAnswer(const Json& json) {
  Print(Text(json, "answer"));
  return json.value("found", false) ? kSuccess : kNothingOrPartial;
}

int PrintText(std::string_view operation, const Json& json) {
  if (operation == "search") return PrintSearch(json);
  if (operation == "ask") return PrintAnswer(json);
  if (operation == "status") return PrintStatus(json);
  if (operation == "index") return PrintIndex(json);
  if (operation == "source.list") return PrintSources(json);
  if (operation == "token.list") return PrintTokens(json);
  if (operation == "token.create") return PrintToken(json);
  if (operation == "tenant.list") {
    for (const Json& tenant : json["tenants"]) Print(Text(tenant, "name") + "\n");
    return kSuccess;
  }
  for (const auto& [name, value] : json.items()) Print(Printable(name) + ": " + Printable(value.is_string() ? value.get<std::string>() : value.dump()) + "\n");
  return kSuccess;
}

// What the exit code says does not depend on the form of the output.
int ExitCode(std::string_view operation, const Json& json) {
  if (operation == "search") return json["hits"].empty() ? kNothingOrPartial : kSuccess;
  if (operation == "ask") return json.value("found", false) ? kSuccess : kNothingOrPartial;
  if (operation == "index" && json.contains("files")) return Number(json["files"], "failed") > 0 ? kNothingOrPartial : kSuccess;
  return kSuccess;
}

}  // namespace

int PrintResult(std::string_view operation, const std::string& text, bool as_json) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    std::fprintf(stderr, "error: the answer is not JSON; is this a Codelore server?\n");
    return kNothingOrPartial;
  }
  if (!as_json) return PrintText(operation, json);
  Print(text + "\n");
  return ExitCode(operation, json);
}

void PrintAskEvent(std::string_view event, const std::string& text) {
  if (event != "text") return;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) Print(Text(json, "text"));
  std::fflush(stdout);
}

std::string ProgressText(const std::string& text, double seconds) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return "";
  std::string stage = Text(json, "stage");
  if (stage != "text" && stage != "vectors") return stage;
  bool files = stage == "text";
  uint64_t done = files ? Number(json, "files_done") : Number(json["vectors"], "chunks_done");
  uint64_t total = files ? Number(json, "files_total") : Number(json["vectors"], "chunks_total");
  std::string line = stage + ": " + WithThousands(done) + " of " + WithThousands(total) + (files ? " files" : " chunks");
  if (seconds > 0.5 && done > 0) {
    double rate = static_cast<double>(files ? Number(json, "bytes_done") : Number(json["vectors"], "chunks_encoded")) / seconds;
    line += files ? ", " + Bytes(static_cast<uint64_t>(rate)) + "/s" : ", " + WithThousands(static_cast<uint64_t>(rate)) + " chunks/s";
    double per_item = files ? static_cast<double>(done) / seconds : rate;
    if (per_item > 0) line += ", " + Duration(static_cast<double>(total - std::min(done, total)) / per_item) + " left";
  }
  return line;
}

int PrintEvaluation(const std::string& text, bool as_json) {
  Json json = Json::parse(text, nullptr, false);
  if (as_json || !json.is_object()) {
    Print(text + "\n");
    return kSuccess;
  }
  Print(Text(json, "set") + "  mode " + Text(json, "mode") + ", encoder " + Text(json, "encoder") + ", " +
        WithThousands(Number(json, "queries")) + " queries, " + WithThousands(Number(json, "chunks")) + " chunks\n");
  auto row = [](const std::string& name, const Json& figures) {
    char line[200];
    std::snprintf(line, sizeof line, "%-22.22s", name.c_str());
    Print(line);
    for (const char* figure : {"ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10", "recall@20"}) {
      std::snprintf(line, sizeof line, "%10.4f", figures.value(figure, 0.0));
      Print(line);
    }
    Print(figures.contains("queries") ? "  (" + std::to_string(Number(figures, "queries")) + " queries)\n" : "\n");
  };
  Print("                         ndcg@10    mrr@10  recall@1  recall@5 recall@10 recall@20\n");
  for (const char* group : {"repositories", "categories"}) {
    if (!json.contains(group)) continue;
    for (const auto& [name, figures] : json[group].items()) row(Printable(name), figures);
  }
  row("mean", json["mean"]);
  char latency[80];
  std::snprintf(latency, sizeof latency, "query latency: p50 %.1f ms, p99 %.1f ms\n", json["latency_ms"].value("p50", 0.0),
                json["latency_ms"].value("p99", 0.0));
  Print(latency);
  return kSuccess;
}

}  // namespace codelore::cli
