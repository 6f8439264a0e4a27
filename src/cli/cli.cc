#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "api/doctor.h"
#include "api/eval.h"
#include "api/server.h"
#include "cli/backend.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSuccess = 0, kPartial = 1, kUsage = 2, kRefused = 3;

// What the command line says, as it was typed; each command takes what it needs.
struct Arguments {
  BackendOptions backend;
  bool json = false;
  std::string text, location, name, source;
  std::vector<std::string> sources, paths, languages;
  std::string mode = "hybrid";
  uint32_t limit = 10, offset = 0;
  bool explain = false;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> allowed_hosts;
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::string user;
  std::vector<std::string> teams;
  bool everyone = false, administrator = false;
  uint32_t expires_in_days = 0, token_id = 0;
  api::EvalOptions eval;
};

int Fail(const Status& status) {
  std::fprintf(stderr, "error: %s\n", Printable(status.message()).c_str());
  switch (status.code()) {
    case StatusCode::kInvalidArgument: return kUsage;
    case StatusCode::kPermissionDenied: return kRefused;
    default: return kPartial;
  }
}

std::string DefaultDataFolder() {
  if (const char* home = std::getenv("XDG_DATA_HOME"); home != nullptr && *home != '\0') return std::string(home) + "/codelore";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home != '\0' ? std::string(home) + "/.local/share/codelore" : "codelore-data";
}

using Params = std::vector<std::pair<std::string, std::string>>;

int Execute(const Arguments& arguments, std::string_view operation, const Json& body, const Params& params = {}) {
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(backend.status());
  auto result = (*backend)->Call(operation, body.dump(), params, {}, {});
  return result.ok() ? PrintResult(operation, *result, arguments.json) : Fail(result.status());
}

void AddFilters(const Arguments& arguments, Json& body) {
  if (!arguments.sources.empty()) body["sources"] = arguments.sources;
  if (!arguments.paths.empty()) body["paths"] = arguments.paths;
  if (!arguments.languages.empty()) body["languages"] = arguments.languages;
}

int Search(const Arguments& arguments) {
  Json body = {{"query", arguments.text}, {"mode", arguments.mode}, {"limit", arguments.limit}, {"offset", arguments.offset}};
  AddFilters(arguments, body);
  if (arguments.explain) body["explain"] = true;
  return Execute(arguments, "search", body);
}

int Ask(const Arguments& arguments) {
  Interrupt interrupt;
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(backend.status());
  Json body = {{"question", arguments.text}};
  AddFilters(arguments, body);
  if (arguments.json) {
    auto result = (*backend)->Call("ask", body.dump(), {}, interrupt.token(), {});
    return result.ok() ? PrintResult("ask", *result, true) : Fail(result.status());
  }
  body["stream"] = true;
  bool found = false;
  auto result = (*backend)->Call("ask", body.dump(), {}, interrupt.token(), [&](std::string_view event, const std::string& json) {
    if (event == "done") found = Json::parse(json, nullptr, false).value("found", false);
    PrintAskEvent(event, json);
  });
  if (!result.ok()) return Fail(result.status());
  return found ? kSuccess : kPartial;
}

// A server works on its own: look at its status until the job is over.
int FollowRemoteIndexing(Backend& backend, const std::string& source, std::stop_token stop) {
  ProgressLine line;
  auto start = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    auto status = backend.Call("status", "", {}, {}, {});
    if (!status.ok()) return Fail(status.status());
    for (const Json& entry : Json::parse(*status)["sources"]) {
      if (entry["source"] != source || !entry.contains("indexing")) continue;
      const Json& job = entry["indexing"];
      if (std::string error = job.value("error", ""); !error.empty()) return Fail(Unavailable(error));
      if (!job.value("running", false)) {
        line.End();
        return kSuccess;
      }
      std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      line.Show(ProgressText(job["progress"].dump(), seconds.count()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  std::fprintf(stderr, "The server goes on indexing.\n");
  return kPartial;
}

int Index(const Arguments& arguments) {
  Interrupt interrupt;
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(backend.status());
  Json body = {{"location", arguments.location}};
  if (!arguments.name.empty()) body["name"] = arguments.name;
  ProgressLine line;
  std::string stage;
  auto stage_start = std::chrono::steady_clock::now();
  auto result = (*backend)->Call("index", body.dump(), {}, interrupt.token(), [&](std::string_view, const std::string& json) {
    std::string now = Json::parse(json).value("stage", "");
    if (now != stage) {
      stage = now;
      stage_start = std::chrono::steady_clock::now();
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - stage_start;
    line.Show(ProgressText(json, seconds.count()));
  });
  line.End();
  if (!result.ok()) {
    if (interrupt.token().stop_requested()) {
      std::fprintf(stderr, "Interrupted. What was committed is searchable; the same command goes on from there.\n");
      return kPartial;
    }
    return Fail(result.status());
  }
  int code = PrintResult("index", *result, arguments.json);
  if (!(*backend)->remote()) return code;
  return FollowRemoteIndexing(**backend, Json::parse(*result).value("source", ""), interrupt.token());
}

int Serve(const Arguments& arguments) {
  if (!arguments.backend.server.empty()) return Fail(InvalidArgument("serve takes --data, not --server"));
  Interrupt interrupt;
  api::ServerOptions options;
  options.service = {.data_folder = arguments.backend.data_folder, .threads = arguments.threads};
  options.http.host = arguments.host;
  options.http.port = arguments.port;
  options.http.allowed_hosts = arguments.allowed_hosts;
  options.http.log = [](std::string_view request_id, std::string_view text) {
    std::fprintf(stderr, "%.*s %s\n", static_cast<int>(request_id.size()), request_id.data(), Printable(text).c_str());
  };
  auto server = api::Server::Start(std::move(options));
  if (!server.ok()) return Fail(server.status());
  std::printf("Serving on http://%s:%d (Ctrl-C stops)\n", arguments.host.c_str(), (*server)->port());
  std::fflush(stdout);
  interrupt.Wait();
  std::fprintf(stderr, "Stopping.\n");
  return kSuccess;
}

// A folder that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "codelore-eval-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int Evaluate(const Arguments& arguments, bool data_given) {
  Interrupt interrupt;
  std::optional<ScratchFolder> scratch;
  if (!data_given) scratch.emplace();
  auto service = api::Service::Open({.data_folder = scratch ? scratch->path() : arguments.backend.data_folder, .threads = arguments.threads});
  if (!service.ok()) return Fail(service.status());
  api::EvalOptions options = arguments.eval;
  options.mode = arguments.mode == "lexical" ? SearchMode::kLexical : arguments.mode == "vector" ? SearchMode::kVector : SearchMode::kHybrid;
  if (options.folder.empty() == options.queries_file.empty() || options.queries_file.empty() != options.repositories.empty()) {
    return Fail(InvalidArgument("give either a BEIR folder, or --queries FILE with --repos ROOT"));
  }
  ProgressLine line;
  auto result = api::Evaluate(**service, options, {interrupt.token(), [&](const std::string& what) { line.Show(what); }});
  line.End();
  return result.ok() ? PrintEvaluation(*result, arguments.json) : Fail(result.status());
}

int Doctor(const Arguments& arguments) {
  auto findings = api::Examine({.data_folder = arguments.backend.data_folder});
  bool all = true;
  Json list = Json::array();
  for (const api::Finding& finding : findings) {
    all = all && finding.ok;
    list.push_back({{"what", Printable(finding.what)}, {"ok", finding.ok}, {"detail", Printable(finding.detail)}});
    if (!arguments.json) std::printf("%-4s %-24s %s\n", finding.ok ? "ok" : "BAD", Printable(finding.what).c_str(), Printable(finding.detail).c_str());
  }
  if (arguments.json) std::printf("%s\n", Json{{"ok", all}, {"findings", list}}.dump().c_str());
  return all ? kSuccess : kPartial;
}

int Version(const Arguments& arguments) {
  if (arguments.json) {
    std::printf("%s\n", Json{{"name", "codelore"}, {"version", CODELORE_VERSION}, {"compiler", __VERSION__}}.dump().c_str());
  } else {
    std::printf("codelore %s (compiler %s)\n", CODELORE_VERSION, __VERSION__);
  }
  return kSuccess;
}

// "user:U", "team:T" or "everyone" from the options; exactly one must be given.
Result<std::string> PrincipalOf(const Arguments& arguments) {
  size_t given = (arguments.user.empty() ? 0u : 1u) + arguments.teams.size() + (arguments.everyone ? 1u : 0u);
  if (given != 1) return InvalidArgument("give exactly one of --user U, --team T, --everyone");
  if (arguments.everyone) return std::string("everyone");
  return arguments.user.empty() ? "team:" + arguments.teams[0] : "user:" + arguments.user;
}

int Grant(const Arguments& arguments, bool grant) {
  auto principal = PrincipalOf(arguments);
  if (!principal.ok()) return Fail(principal.status());
  if (grant) return Execute(arguments, "grant", {{"principal", *principal}}, {{"source", arguments.source}});
  return Execute(arguments, "revoke", Json::object(), {{"source", arguments.source}, {"principal", *principal}});
}

int CreateToken(const Arguments& arguments) {
  Json body = {{"user", arguments.user}, {"teams", arguments.teams}, {"administrator", arguments.administrator},
               {"expires_in_days", arguments.expires_in_days}};
  if (!arguments.backend.tenant.empty()) body["tenant"] = arguments.backend.tenant;
  return Execute(arguments, "token.create", body);
}

// ---- the shape of the command line -----------------------------------------------------------------------

// `chosen` is set to what the parsed command does.
class CommandLine {
 public:
  CommandLine() : app_("Codelore answers questions about your code and documents, with citations, for exactly what the asker may see.", "codelore") {
    AddCommonOptions();
    AddSearchCommands();
    AddServiceCommands();
    AddDirectoryCommands();
    AddEval();
    app_.require_subcommand(1);
    app_.footer("Start here:\n"
                "  codelore index ~/src/myproject\n"
                "  codelore search \"where are sessions closed\"\n"
                "  codelore ask \"how is a request retried?\"\n"
                "  codelore serve --port 8080\n"
                "Exit codes: 0 success, 1 nothing found or partial failure, 2 wrong usage, 3 refused.");
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kSuccess : kUsage;
    }
    return chosen_();
  }

 private:
  void AddCommonOptions() {
    app_.fallthrough();
    arguments_.backend.data_folder = DefaultDataFolder();
    data_ = app_.add_option("--data", arguments_.backend.data_folder, "data folder")->envname("CODELORE_DATA")->capture_default_str();
    app_.set_config("--config", "", "configuration file (TOML): options by their long names, a [section] per command")->envname("CODELORE_CONFIG");
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.add_option("--server", arguments_.backend.server, "talk to a running server: http://HOST:PORT")->envname("CODELORE_SERVER");
    app_.add_option("--token", arguments_.backend.token, "token for --server")->envname("CODELORE_TOKEN");
    app_.add_option("--tenant", arguments_.backend.tenant, "tenant to work in, with --data (default: 'default')");
    app_.add_option("--as", arguments_.backend.as, "act with the rights of user:NAME (and team:NAME ...) instead of the operator's");
    app_.add_flag("--json", arguments_.json, "print JSON");
  }

  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples, std::function<int()> run) {
    CLI::App* command = parent.add_subcommand(name, what);
    if (!examples.empty()) command->footer("Examples:\n" + examples);
    if (run) command->callback([this, run = std::move(run)] { chosen_ = run; });
    return command;
  }

  void AddFilterOptions(CLI::App* command) {
    command->add_option("--source", arguments_.sources, "only these sources");
    command->add_option("--path", arguments_.paths, "only paths that match a glob: 'src/**', '*.md'");
    command->add_option("--lang", arguments_.languages, "only these languages: python, c++, markdown, ...");
  }

  void AddMode(CLI::App* command) {
    command->add_option("--mode", arguments_.mode, "hybrid, lexical or vector")->check(CLI::IsMember({"hybrid", "lexical", "vector"}))->capture_default_str();
  }

  void AddSearchCommands() {
    CLI::App* search = Add(app_, "search", "search code and documents",
                           "  codelore search \"parse the request header\"\n"
                           "  codelore search getUserName --lang java --path 'src/**'\n"
                           "  codelore search \"사용자 인증\" --mode lexical --json",
                           [this] { return Search(arguments_); });
    search->add_option("query", arguments_.text, "words, names, or a question")->required();
    AddMode(search);
    AddFilterOptions(search);
    search->add_option("--limit", arguments_.limit, "how many hits")->check(CLI::Range(1, 100))->capture_default_str();
    search->add_option("--offset", arguments_.offset, "skip so many hits")->check(CLI::Range(0, 1000));
    search->add_flag("--explain", arguments_.explain, "show why each hit stands where it stands");

    CLI::App* ask = Add(app_, "ask", "answer a question with citations",
                        "  codelore ask \"how are failed uploads retried?\"\n"
                        "  codelore ask \"what does Session.close do\" --source backend",
                        [this] { return Ask(arguments_); });
    ask->add_option("question", arguments_.text, "a question in any language")->required();
    AddFilterOptions(ask);
  }

  void AddServiceCommands() {
    CLI::App* index = Add(app_, "index", "index a git repository or a folder of documents",
                          "  codelore index .                       the HEAD commit of this repository\n"
                          "  codelore index https://git.example.com/team/app.git --name app\n"
                          "  codelore index /srv/handbook           a folder of documents\n"
                          "Run it again to bring the index up to date.",
                          [this] { return Index(arguments_); });
    index->add_option("location", arguments_.location, "path or URL")->required();
    index->add_option("--name", arguments_.name, "name of the source (default: the last part of the location)");

    CLI::App* serve = Add(app_, "serve", "serve the HTTP interface",
                          "  codelore serve --port 8080\n"
                          "  curl -H \"Authorization: Bearer $TOKEN\" -d '{\"query\":\"retry\"}' -H 'Content-Type: application/json' http://127.0.0.1:8080/v1/search",
                          [this] { return Serve(arguments_); });
    serve->add_option("--host", arguments_.host, "address to listen on")->capture_default_str();
    serve->add_option("--port", arguments_.port, "port; 0: any free one")->check(CLI::Range(0, 65535))->capture_default_str();
    serve->add_option("--allow-host", arguments_.allowed_hosts, "names a Host header may give (default on loopback: its own names)");
    serve->add_option("--threads", arguments_.threads, "threads for indexing")->check(CLI::Range(1, 256))->capture_default_str();

    Add(app_, "status", "what is indexed, and how completely", "  codelore status\n  codelore status --json", [this] {
      return Execute(arguments_, "status", Json::object());
    });
    Add(app_, "doctor", "check the machine and the data folder", "  codelore doctor", [this] { return Doctor(arguments_); });
    Add(app_, "version", "print the version", "", [this] { return Version(arguments_); });
  }

  void AddPrincipalOptions(CLI::App* command) {
    command->add_option("--source", arguments_.source, "name of the source")->required();
    command->add_option("--user", arguments_.user, "a user");
    command->add_option("--team", arguments_.teams, "a team");
    command->add_flag("--everyone", arguments_.everyone, "every user of the tenant");
  }

  void AddDirectoryCommands() {
    CLI::App* source = Add(app_, "source", "list or remove sources", "  codelore source list\n  codelore source remove app", {});
    source->require_subcommand(1);
    Add(*source, "list", "list sources", "", [this] { return Execute(arguments_, "source.list", Json::object()); });
    CLI::App* remove = Add(*source, "remove", "remove a source and its index", "", [this] {
      return Execute(arguments_, "source.remove", Json::object(), {{"source", arguments_.source}});
    });
    remove->add_option("source", arguments_.source, "name of the source")->required();

    AddPrincipalOptions(Add(app_, "grant", "let a user, a team or everyone read a source",
                            "  codelore grant --source app --team backend\n  codelore grant --source handbook --everyone",
                            [this] { return Grant(arguments_, true); }));
    AddPrincipalOptions(Add(app_, "revoke", "take a grant back", "  codelore revoke --source app --team backend",
                            [this] { return Grant(arguments_, false); }));

    CLI::App* token = Add(app_, "token", "make, list or revoke tokens",
                          "  codelore token create --user ann --team backend\n  codelore token list\n  codelore token revoke 7", {});
    token->require_subcommand(1);
    CLI::App* create = Add(*token, "create", "make a token; its text is shown once",
                           "  codelore token create --tenant default --user ann --team backend --expires-in-days 90",
                           [this] { return CreateToken(arguments_); });
    create->add_option("--user", arguments_.user, "whose token it is")->required();
    create->add_option("--team", arguments_.teams, "teams the user is in");
    create->add_flag("--administrator", arguments_.administrator, "may index, grant and make tokens");
    create->add_option("--expires-in-days", arguments_.expires_in_days, "0: never")->check(CLI::Range(0, 3650));
    Add(*token, "list", "list tokens, without their text", "", [this] { return Execute(arguments_, "token.list", Json::object()); });
    CLI::App* revoke = Add(*token, "revoke", "revoke a token", "", [this] {
      return Execute(arguments_, "token.revoke", Json::object(), {{"id", std::to_string(arguments_.token_id)}});
    });
    revoke->add_option("id", arguments_.token_id, "its number, see token list")->required();

    CLI::App* tenant = Add(app_, "tenant", "add or list tenants", "  codelore tenant create acme\n  codelore tenant list", {});
    tenant->require_subcommand(1);
    CLI::App* add = Add(*tenant, "create", "add a tenant", "", [this] { return Execute(arguments_, "tenant.create", {{"name", arguments_.name}}); });
    add->add_option("name", arguments_.name, "its name")->required();
    Add(*tenant, "list", "list tenants", "", [this] { return Execute(arguments_, "tenant.list", Json::object()); });
  }

  void AddEval() {
    CLI::App* eval = Add(app_, "eval", "measure search quality on judged questions",
                         "  codelore eval evaldata/cosqa --split dev\n"
                         "  codelore eval --queries questions.jsonl --repos checkouts --mode lexical --json\n"
                         "With --data the embedding cache is kept there, and a second run is quick.",
                         [this] { return Evaluate(arguments_, data_->count() > 0); });
    eval->add_option("folder", arguments_.eval.folder, "BEIR folder: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv");
    eval->add_option("--split", arguments_.eval.split, "which qrels")->capture_default_str();
    eval->add_option("--queries", arguments_.eval.queries_file, "questions with target files (JSON lines)");
    eval->add_option("--repos", arguments_.eval.repositories, "folder of checkouts, one per repository");
    eval->add_option("--per-query", arguments_.eval.per_query_file, "write one JSON line per question");
    eval->add_option("--candidates", arguments_.eval.candidates, "with so many candidates and their features, for tuning")->check(CLI::Range(0, 800));
    AddMode(eval);
    eval->add_option("--threads", arguments_.threads, "threads for indexing")->check(CLI::Range(1, 256))->capture_default_str();
  }

  Arguments arguments_;
  CLI::Option* data_ = nullptr;
  std::function<int()> chosen_;
  CLI::App app_;
};

}  // namespace

int Main(int argc, char** argv) {
  try {
    return CommandLine().Run(argc, argv);
  } catch (const std::exception& error) {  // of the JSON library, on an answer of another shape than ours
    std::fprintf(stderr, "error: unexpected answer: %s\n", Printable(error.what()).c_str());
    return kPartial;
  }
}

}  // namespace codelore::cli
