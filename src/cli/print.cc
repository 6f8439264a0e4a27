#include "cli/print.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/commands.h"
#include "cli/print_symbols.h"
#include "cli/terminal.h"
#include "codelore/utf8.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kSnippetLines = 8;
constexpr size_t kMaxLineBytes = 240;  // of a line shown

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string Text(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? Printable(at->get<std::string>()) : "";
}
// Of a name: a path can hold a line break.
std::string Name(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? OneLine(at->get<std::string>()) : "";
}
uint64_t Number(const Json& json, const char* field) { return json.value(field, uint64_t{0}); }

std::string ShortCommit(const Json& hit) {
  std::string commit = Name(hit, "commit");
  bool hash = commit.size() == 40 && commit.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hash ? commit.substr(0, 12) : commit;
}

// "1 file", "2 files".
std::string Counted(uint64_t number, const std::string& what) { return WithThousands(number) + " " + what + (number == 1 ? "" : "s"); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string Shortened(const std::string& line) {
  return line.size() <= kMaxLineBytes ? line : std::string(Utf8Prefix(line, kMaxLineBytes)) + "…";
}

// Where a window of kSnippetLines shows most of the lines that match; the earliest such place, with two lines of what
// stands before.
size_t BestWindow(const std::vector<size_t>& matches, size_t lines) {
  if (lines <= kSnippetLines || matches.empty()) return 0;
  size_t best = 0, most = 0;
  for (size_t match : matches) {
    size_t first = std::min(match > 2 ? match - 2 : 0, lines - kSnippetLines);
    auto shown = static_cast<size_t>(std::ranges::count_if(matches, [&](size_t m) { return m >= first && m < first + kSnippetLines; }));
    if (shown > most) {
      most = shown;
      best = first;
    }
  }
  return best;
}

void PrintSnippet(const Json& hit) {
  std::vector<std::string> lines = Lines(Text(hit, "snippet"));
  uint64_t start = Number(hit, "start_line");
  std::vector<size_t> matches;
  for (const Json& line : hit.value("match_lines", Json::array())) matches.push_back(line.get<uint64_t>() - start);
  size_t first = BestWindow(matches, lines.size());
  while (first + 1 < lines.size() && lines[first].empty()) ++first;
  size_t end = std::min(lines.size(), first + kSnippetLines);
  while (end > first + 1 && lines[end - 1].empty()) --end;
  for (size_t i = first; i < end; ++i) {
    char number[24];
    std::snprintf(number, sizeof number, "%7llu", static_cast<unsigned long long>(start + i));
    bool matches_here = std::ranges::find(matches, i) != matches.end();
    Print((matches_here ? Bold(number) : Dim(number)) + "  " + Shortened(lines[i]) + "\n");
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
  if (why.contains("token_weights")) {
    std::snprintf(line, sizeof line, "         lexical weights #%d %.3f\n", why["token_weights"].value("rank", 0), why["token_weights"].value("score", 0.0));
    Print(line);
  }
  if (why.contains("token_vectors")) {
    std::snprintf(line, sizeof line, "         token vectors %.3f\n", why["token_vectors"].value("score", 0.0));
    Print(line);
  }
}

void PrintNotes(const Json& json) {
  for (const Json& note : json.value("notes", Json::array())) {
    std::fprintf(stderr, "note: %s\n", note.is_string() ? OneLine(note.get<std::string>()).c_str() : "");
  }
}

// News that the answer does not show yet.
void PrintPending(const Json& json) {
  for (const Json& seen : json.value("seen", Json::array())) {
    if (!seen.value("pending", false)) continue;
    std::fflush(stdout);
    std::fprintf(stderr, "note: %s has newer pushes that are not indexed yet\n", Name(seen, "source").c_str());
  }
}

int SearchCodeOf(const Json& json) { return json["hits"].empty() ? kNothingOrPartial : kSuccess; }

int PrintSearch(const Json& json) {
  if (json["hits"].empty()) Print("Nothing found.\n");
  PrintNotes(json);
  for (const Json& hit : json["hits"]) {
    Print(std::to_string(Number(hit, "rank")) + ". " + Bold(Name(hit, "path")) + ":" + std::to_string(Number(hit, "start_line")) +
          "-" + std::to_string(Number(hit, "end_line")));
    if (std::string symbol = Name(hit, "symbol"); !symbol.empty()) Print("  " + symbol + " (" + Name(hit, "kind") + ")");
    Print("  " + Dim("[" + Name(hit, "source") + "@" + ShortCommit(hit) + "]") + "\n");
    if (std::string link = Name(hit, "link"); !link.empty()) Print("         " + Dim(link) + "\n");
    if (hit.contains("why")) PrintWhy(hit["why"]);
    PrintSnippet(hit);
    if (&hit != &json["hits"].back()) Print("\n");
  }
  PrintPending(json);
  if (!json.value("vectors_complete", true)) {
    std::fflush(stdout);  // the note stands below the hits
    std::fprintf(stderr, "note: not every chunk has its vector yet; search by meaning is incomplete\n");
  }
  return SearchCodeOf(json);
}

int FilesCodeOf(const Json& json) { return json["files"].empty() ? kNothingOrPartial : kSuccess; }

int PrintFiles(const Json& json) {
  if (json["files"].empty()) Print("Nothing found.\n");
  PrintNotes(json);
  for (const Json& file : json["files"]) {
    std::string reasons;
    for (const Json& reason : file.value("reasons", Json::array())) reasons += (reasons.empty() ? "" : ", ") + OneLine(reason.get<std::string>());
    Print(std::to_string(Number(file, "rank")) + ". " + Bold(Name(file, "path")) + "  " +
          Dim("[" + Name(file, "source") + "@" + ShortCommit(file) + "]" + (reasons.empty() ? "" : "  " + reasons)) + "\n");
  }
  return FilesCodeOf(json);
}

// ---- status ----------------------------------------------------------------------------------------------

std::string CountsText(const Json& counts) {
  std::string text;
  for (const auto& [name, count] : counts.items()) {
    text += (text.empty() ? "" : ", ") + OneLine(name) + " " + WithThousands(count.get<uint64_t>());
  }
  return text;
}

void PrintJobState(const Json& job) {
  std::string state = Name(job, "state");
  if (state == "waiting") Print("  indexing: waiting for another source\n");
  if (state == "running") Print("  indexing now: " + ProgressText(job["progress"].dump(), 0) + "\n");
  std::string retry = Name(job, "retry_at");
  if (state == "failed") Print("  last run failed: " + Name(job, "error") + (retry.empty() ? "" : "; next try " + retry) + "\n");
  if (state == "parked") Print("  parked: " + Name(job, "error") + "\n");
}

int StatusCodeOf(const Json& json) {
  for (const Json& source : json["sources"]) {
    if (Number(source["files"], "failed") > 0) return kNothingOrPartial;
  }
  return kSuccess;
}

void PrintFileDetails(const Json& source) {
  if (!source["skipped_by_reason"].empty()) Print("  skipped: " + CountsText(source["skipped_by_reason"]) + "\n");
  for (const Json& failed : source["failed"]) Print("  failed: " + Name(failed, "path") + ": " + Name(failed, "reason") + "\n");
  if (!source["languages"].empty()) Print("  languages: " + CountsText(source["languages"]) + "\n");
}

void PrintSourceStatus(const Json& source) {
  const Json& files = source["files"];
  std::string commit = ShortCommit(source), branch = Name(source, "branch"), updated = Name(source, "updated_at");
  Print(Bold(Name(source, "source")) + (commit.empty() ? "  not indexed completely yet" : "@" + commit) +
        (branch.empty() ? "" : "  branch " + branch) + (updated.empty() ? "" : "  indexed " + updated) + "\n");
  if (source.contains("location")) Print("  from " + Name(source, "location") + "\n");
  std::string counts;
  for (const auto& [what, count] : files.items()) counts += (counts.empty() ? "" : ", ") + WithThousands(count.get<uint64_t>()) + " " + what;
  Print("  files: " + counts + "\n");
  if (source.contains("languages")) PrintFileDetails(source);
  uint64_t chunks = Number(source, "chunks"), vectors = Number(source, "chunks_with_vectors");
  Print("  chunks: " + WithThousands(chunks) +
        (vectors == chunks ? ", all with vectors" : ", " + WithThousands(vectors) + " with vectors: search by meaning is incomplete, index it again") +
        (source.contains("text_bytes") ? "; text " + Bytes(Number(source, "text_bytes")) : "") + "; index " + Bytes(Number(source, "index_bytes")) + " in " +
        Counted(Number(source, "segments"), "segment") + "\n");
  if (source.contains("indexing")) PrintJobState(source["indexing"]);
}

int PrintStatus(const Json& json) {
  if (json["sources"].empty()) Print("No sources that you may see. An operator adds one with: codelore index PATH-OR-URL\n");
  for (const Json& source : json["sources"]) PrintSourceStatus(source);
  return StatusCodeOf(json);
}

// ---- indexing --------------------------------------------------------------------------------------------

int IndexCodeOf(const Json& json) {
  return json.contains("files") && Number(json["files"], "failed") > 0 ? kNothingOrPartial : kSuccess;
}

int PrintIndex(const Json& json) {
  if (json.value("accepted", false)) {
    Print("The server indexes '" + Name(json, "source") + "'.\n");
    return kSuccess;
  }
  const Json& files = json["files"];
  const Json& seconds = json["seconds"];
  uint64_t changed = Number(files, "changed"), removed = Number(files, "removed"), encoded = Number(json["vectors"], "chunks_encoded");
  std::string what = Name(json, "source") + "@" + ShortCommit(json);
  char time[96];
  std::snprintf(time, sizeof time, "%.1f s", seconds.value("total", 0.0));
  if (changed == 0 && removed == 0 && encoded == 0) {
    Print(what + " is up to date: " + Counted(Number(files, "seen"), "file") + ", nothing to do (" + time + ")\n");
    return kSuccess;
  }
  Print("Indexed " + what + " in " + time + "\n");
  Print("  files: " + WithThousands(Number(files, "seen")) + " seen, " + WithThousands(Number(files, "unchanged")) + " unchanged, " +
        WithThousands(Number(files, "indexed")) + " indexed, " + WithThousands(Number(files, "skipped")) + " skipped, " +
        WithThousands(removed) + " removed, " + WithThousands(Number(files, "failed")) + " failed\n");
  std::snprintf(time, sizeof time, " (text %.1f s, vectors %.1f s)\n", seconds.value("total", 0.0) - seconds.value("vectors", 0.0),
                seconds.value("vectors", 0.0));
  Print("  chunks: " + WithThousands(Number(json["vectors"], "chunks_total")) + ", of which " + WithThousands(encoded) + " newly encoded" + time);
  return IndexCodeOf(json);
}

// ---- sources, grants, tokens, tenants ---------------------------------------------------------------------

std::string ReadersText(const Json& json) {
  std::string readers;
  for (const Json& reader : json.value("readers", Json::array())) readers += (readers.empty() ? "" : ", ") + OneLine(reader.get<std::string>());
  return readers.empty() ? "nobody but the operator" : readers;
}

int PrintSources(const Json& json) {
  if (json["sources"].empty()) Print("No sources.\n");
  for (const Json& source : json["sources"]) {
    Print(Bold(Name(source, "name")));
    if (source.contains("location")) Print("  " + Name(source, "location"));
    if (source.contains("readers")) Print("  readers: " + ReadersText(source));
    Print("\n");
  }
  return kSuccess;
}

std::string FollowingText(const Json& following) {
  uint64_t poll = Number(following, "poll_seconds"), secrets = Number(following, "webhook_secrets");
  std::string text = poll == 0 ? "not looked at by itself" : "looked at every " + Duration(static_cast<double>(poll));
  if (secrets > 0) text += ", webhooks with " + Counted(secrets, "secret");
  return text + (following.value("paused", false) ? ", paused" : "");
}

void PrintBranches(const Json& json) {
  const Json branches = json.value("branches", Json::array()), left_out = json.value("branches_left_out", Json::array());
  if (branches.size() > 1) {
    Print("  branches:\n");
    for (const Json& branch : branches) {
      std::string commit = ShortCommit(branch);
      Print("    " + Name(branch, "name") + "  " + (commit.empty() ? "not indexed completely yet" : commit) + "\n");
    }
  }
  if (left_out.empty()) return;
  std::string names;
  for (const Json& name : left_out) names += (names.empty() ? "" : ", ") + OneLine(name.get<std::string>());
  Print("  left out, because a source has at most 64 branches and tags: " + names + "\n");
}

int PrintDocuments(const Json& json) {
  for (const Json& document : json["documents"]) {
    std::string link = Name(document, "link"), expires = Name(document, "expires_at");
    Print(Name(document, "path") + "  " + Bytes(Number(document, "size_bytes")) + (expires.empty() ? "" : "  until " + expires) + (link.empty() ? "" : "  " + link) + "\n");
  }
  if (json["documents"].empty()) Print("No documents.\n");
  return kSuccess;
}

void PrintMirror(const Json& mirror) {
  Print("  readers as " + Name(mirror, "forge") + " says, of " + Name(mirror, "repository") + " at " + Name(mirror, "url"));
  std::string verified = Name(mirror, "last_verified");
  Print(verified.empty() ? "\n" : ", last verified " + verified + "\n");
  std::string error = mirror.contains("last_look") ? Name(mirror["last_look"], "error") : Name(mirror, "error");
  if (!error.empty()) Print("  the forge was not understood or not reached: " + error + "\n");
}

int PrintSource(const Json& json) {
  PrintSourceStatus(json);
  PrintBranches(json);
  if (json.contains("following")) Print("  followed: " + FollowingText(json["following"]) + "\n");
  if (json.contains("mirror")) PrintMirror(json["mirror"]);
  if (json.contains("last_look") && !Name(json["last_look"], "at").empty()) {
    std::string error = Name(json["last_look"], "error");
    Print("  last looked at " + Name(json["last_look"], "at") + (error.empty() ? "" : ": " + error) + "\n");
  }
  return kSuccess;
}

int PrintFollowing(const Json& json) {
  std::string name = Name(json, "source");
  Print("Source '" + name + "' is " + FollowingText(json["following"]) + ".\n");
  if (json.contains("mirror") && json["mirror"].contains("url")) PrintMirror(json["mirror"]);
  if (json.contains("accepted") && !json.value("accepted", false)) {
    std::fprintf(stderr, "It is indexed as soon as codelore serve runs; codelore source sync %s does it now.\n", name.c_str());
  }
  return kSuccess;
}

int PrintReaders(const Json& json) {
  Print("Source '" + Name(json, "source") + "' may now be read by: " + ReadersText(json) + "\n");
  return kSuccess;
}

int PrintRules(const Json& json) {
  if (json["rules"].empty()) Print("Source '" + Name(json, "source") + "' has no path rules.\n");
  for (const Json& rule : json["rules"]) {
    Print(Bold(Name(rule, "path")) + "  readers: " + ReadersText(rule) + (Name(rule, "origin") == "imported" ? "  (imported)" : "") + "\n");
  }
  for (const Json& owner : json.value("unknown_owners", Json::array())) Print("nobody here: " + OneLine(owner.get<std::string>()) + "\n");
  if (!json.value("sorted", true)) {
    std::fprintf(stderr, "Its files have not moved yet: until they have, both the old rules and the new must allow a reader. codelore status shows why.\n");
  }
  return kSuccess;
}

int PrintTokens(const Json& json) {
  if (json["tokens"].empty()) Print("No tokens.\n");
  for (const Json& token : json["tokens"]) {
    std::string teams;
    for (const Json& team : token["teams"]) teams += " team:" + OneLine(team.get<std::string>());
    std::string expires = Name(token, "expires_at");
    std::string role = Name(token, "role"), used = Name(token, "last_used_at");
    std::string scope;
    for (const Json& protocol : token.value("protocols", Json::array())) scope += " " + OneLine(protocol.get<std::string>());
    for (const Json& source : token.value("sources", Json::array())) scope += " " + (source.is_string() ? "source:" + OneLine(source.get<std::string>()) : "source removed");
    Print(std::to_string(Number(token, "id")) + "  user:" + Name(token, "user") + teams + (role == "member" ? "" : "  " + role) +
          (scope.empty() ? "" : "  only" + scope) + "  made " + Name(token, "created_at") + (used.empty() ? "" : ", used " + used) +
          (expires.empty() ? "" : ", ends " + expires) + "\n");
  }
  return kSuccess;
}

int PrintToken(const Json& json) {
  Print(Name(json, "token") + "\n");
  std::fprintf(stderr, "This is the only time the token is shown. Its number is %llu.\n",
               static_cast<unsigned long long>(Number(json, "id")));
  return kSuccess;
}

int PrintUsers(const Json& json) {
  if (json["users"].empty()) Print("No users with a record.\n");
  for (const Json& user : json["users"]) {
    Print(Name(user, "user") + "  " + Name(user, "role") + (Name(user, "kind") == "service" ? "  service account" : "") +
          (user.value("disabled", false) ? "  disabled" : "") + "\n");
  }
  return kSuccess;
}

int PrintTeams(const Json& json) {
  if (json["teams"].empty()) Print("No teams.\n");
  for (const Json& team : json["teams"]) {
    Print(Bold(Name(team, "team")) + " ");
    for (const Json& member : team["members"]) Print(" " + OneLine(member.get<std::string>()));
    Print("\n");
  }
  return kSuccess;
}

int PrintTeam(const Json& json) { return PrintTeams({{"teams", Json::array({json})}}); }

int PrintGrants(const Json& json) {
  if (json["grants"].empty()) Print("Nobody but the operator reads source '" + Name(json, "source") + "'.\n");
  for (const Json& grant : json["grants"]) {
    std::string verified = Name(grant, "last_verified_at");
    Print(Bold(Name(grant, "principal")) + "  " + Name(grant, "origin") +
          (verified.empty() ? "" : ", verified " + verified + ", counts until " + Name(grant, "counts_until")) +
          (grant.value("counts", false) ? "" : "  does not count") + "\n");
  }
  return kSuccess;
}

int PrintTenants(const Json& json) {
  for (const Json& tenant : json["tenants"]) Print(Name(tenant, "name") + "\n");
  return kSuccess;
}

// ---- the rest --------------------------------------------------------------------------------------------

int AskCodeOf(const Json& json) { return json.value("found", false) ? kSuccess : kNothingOrPartial; }

int PrintAnswer(const Json& json) {
  Print(Text(json, "answer"));
  return AskCodeOf(json);
}

int DoctorCodeOf(const Json& json) { return json.value("ok", false) ? kSuccess : kNothingOrPartial; }

void PrintModel(const char* state, const Json& model) {
  uint64_t chunks = Number(model, "chunks"), done = Number(model, "chunks_with_vectors");
  Print(std::string(state) + ": " + Bold(Name(model, "name")) + " (" + Name(model, "model") + ", " + Name(model, "precision") + ", " +
        std::to_string(Number(model, "dimension")) + " numbers)\n  fingerprint " + Name(model, "fingerprint").substr(0, 16) + ", " + WithThousands(done) + " of " +
        WithThousands(chunks) + " chunks, " + Bytes(Number(model, "vector_bytes")) + "\n");
}

int PrintModels(const Json& json) {
  PrintModel("serving", json["serving"]);
  if (json.contains("building")) PrintModel("being built", json["building"]);
  if (uint64_t bytes = Number(json, "vector_bytes_to_free"); bytes > 0) Print("vectors of former models, to be freed: " + Bytes(bytes) + "\n");
  if (std::string problem = Name(json, "problem"); !problem.empty()) Print("problem: " + problem + "\n");
  return kSuccess;
}

int PrintAdapters(const Json& json) {
  if (json["adapters"].empty()) Print("no adapters\n");
  for (const Json& adapter : json["adapters"]) {
    std::string teams;
    for (const Json& team : adapter.value("teams", Json::array())) teams += (teams.empty() ? ", for " : " and ") + OneLine(team.get<std::string>());
    const std::string file = Name(adapter, "file");
    Print(Name(adapter, "name") + (file.empty() ? "" : "  of " + Name(adapter, "generator") + ": " + file + ", scale " + adapter["scale"].dump()) + teams + "\n");
  }
  return kSuccess;
}

int PrintVerdicts(const Json& json) {
  for (const Json& file : json["files"]) Print(Name(file, "verdict") + "  " + Name(file, "file") + " (" + Name(file, "of") + ")\n");
  return DoctorCodeOf(json);
}

int PrintFindings(const Json& json) {
  for (const Json& finding : json["findings"]) {
    char line[64];
    std::snprintf(line, sizeof line, "%-4s ", finding.value("ok", false) ? "ok" : "BAD");
    Print(line + Name(finding, "what") + ": " + Name(finding, "detail") + "\n");
  }
  return DoctorCodeOf(json);
}

int PrintVersion(const Json& json) {
  Print("codelore " + Name(json, "version") + " (compiler " + Name(json, "compiler") + ")\n");
  return kSuccess;
}

int AlwaysSuccess(const Json&) { return kSuccess; }

// How the result of an operation is shown to people, and which exit code it stands for, which does not depend on the
// form of the output.
struct Shape {
  std::string_view operation;
  int (*print)(const Json&);
  int (*code)(const Json&);
};
constexpr Shape kShapes[] = {
    {"search", PrintSearch, SearchCodeOf},     {"ask", PrintAnswer, AskCodeOf},
    {"files", PrintFiles, FilesCodeOf},        {"similar", PrintFiles, FilesCodeOf},
    {"status", PrintStatus, StatusCodeOf},     {"index", PrintIndex, IndexCodeOf},
    {"source.add", PrintFollowing, AlwaysSuccess}, {"source.show", PrintSource, AlwaysSuccess},
    {"source.pause", PrintFollowing, AlwaysSuccess}, {"source.resume", PrintFollowing, AlwaysSuccess},
    {"source.list", PrintSources, AlwaysSuccess}, {"grant", PrintReaders, AlwaysSuccess},
    {"revoke", PrintReaders, AlwaysSuccess},   {"token.list", PrintTokens, AlwaysSuccess},
    {"token.create", PrintToken, AlwaysSuccess}, {"tenant.list", PrintTenants, AlwaysSuccess},
    {"rule.add", PrintRules, AlwaysSuccess},   {"rule.list", PrintRules, AlwaysSuccess},
    {"rule.remove", PrintRules, AlwaysSuccess}, {"rule.import", PrintRules, AlwaysSuccess},
    {"user.list", PrintUsers, AlwaysSuccess},  {"team.list", PrintTeams, AlwaysSuccess},
    {"team.create", PrintTeam, AlwaysSuccess}, {"team.add", PrintTeam, AlwaysSuccess},
    {"team.drop", PrintTeam, AlwaysSuccess},   {"grant.list", PrintGrants, AlwaysSuccess},
    {"token.rotate", PrintToken, AlwaysSuccess},
    {"model.list", PrintModels, AlwaysSuccess}, {"model.use", PrintModels, AlwaysSuccess},
    {"model.verify", PrintVerdicts, DoctorCodeOf},
    {"adapter.list", PrintAdapters, AlwaysSuccess}, {"adapter.set", PrintAdapters, AlwaysSuccess}, {"adapter.remove", PrintAdapters, AlwaysSuccess},
    {"document.list", PrintDocuments, AlwaysSuccess},
    {"doctor", PrintFindings, DoctorCodeOf},   {"version", PrintVersion, AlwaysSuccess},
};

int PrintFields(const Json& json) {
  for (const auto& [name, value] : json.items()) {
    Print(OneLine(name) + ": " + OneLine(value.is_string() ? value.get<std::string>() : value.dump()) + "\n");
  }
  return kSuccess;
}

}  // namespace

int PrintResult(std::string_view operation, const std::string& text, bool as_json) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    std::fprintf(stderr, "error: the answer is not JSON; is this a Codelore server?\n");
    return kNothingOrPartial;
  }
  auto shape = std::ranges::find(kShapes, operation, &Shape::operation);
  bool known = shape != std::end(kShapes);
  if (IsAboutSymbols(operation) && !as_json) return PrintSymbols(operation, text);
  if (!as_json) return known ? shape->print(json) : PrintFields(json);
  Print(PrintableJson(text) + "\n");
  if (IsAboutSymbols(operation)) return CodeOfSymbols(operation, text);
  return known ? shape->code(json) : kSuccess;
}

void PrintAskEvent(std::string_view event, const std::string& text) {
  if (event != "text" && event != "prompt") return;
  Json json = Json::parse(text, nullptr, false);
  if (event == "prompt" && json.is_object()) {
    for (const Json& message : json["prompt"]) Print("--- " + Text(message, "role") + "\n" + Text(message, "content") + "\n");
    Print("--- answer\n");
    return;
  }
  if (json.is_object()) Print(Text(json, "text"));
  std::fflush(stdout);
}

std::string ProgressText(const std::string& text, double seconds) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return "";
  std::string stage = Name(json, "stage");
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

}  // namespace codelore::cli
