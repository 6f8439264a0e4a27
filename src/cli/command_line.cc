#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace codelore::cli {
namespace {

std::string DefaultDataFolder() {
  if (const char* home = std::getenv("XDG_DATA_HOME"); home != nullptr && *home != '\0') return std::string(home) + "/codelore";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home != '\0' ? std::string(home) + "/.local/share/codelore" : "codelore-data";
}

template <typename Number>
CLI::Validator Between(Number low, Number high) {
  return CLI::Range(low, high).description("");  // the option's own text says it
}

class CommandLine {
 public:
  explicit CommandLine(ParsedCommand& parsed)
      : parsed_(parsed), arguments_(parsed.arguments),
        app_("Codelore answers questions about your code and documents, with citations, for exactly what the asker may see.",
             "codelore") {
    app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    AddCommonOptions();
    AddSearchCommands();
    AddSymbolCommands();
    AddFileCommands();
    AddGrep();
    AddServiceCommands();
    AddDirectoryCommands();
    AddConversationCommands();
    AddEval();
    app_.require_subcommand(0, 1);
    app_.footer("Start here:\n"
                "  codelore index ~/src/myproject\n"
                "  codelore search \"where are sessions closed\"\n"
                "  codelore ask \"how is a request retried?\"\n"
                "  codelore serve --port 8080\n"
                "Every command explains itself: codelore COMMAND --help\n"
                "Exit codes: 0 success, 1 nothing found or partial failure, 2 wrong usage, 3 refused.");
  }

  void Parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      arguments_.data_given = data_->count() > 0;
      if (parsed_.run != nullptr) return;
      std::fputs(app_.help().c_str(), stderr);
      parsed_.exit_code = kUsage;
    } catch (const CLI::ParseError& error) {
      parsed_.run = nullptr;
      parsed_.exit_code = error.get_exit_code() == 0 ? app_.exit(error) : Fail(arguments_, InvalidArgument(Explain(error)));
    }
  }

 private:
  std::string Explain(const CLI::ParseError& error) const {
    if (constexpr std::string_view kUnknown = "INI was not able to parse "; std::string_view(error.what()).starts_with(kUnknown)) {
      return app_.get_config_ptr()->as<std::string>() + ": '" + (error.what() + kUnknown.size()) + "' is not an option; they stand by their long names, those of a command " +
             "in its [section] (see codelore --help)";
    }
    std::vector<CLI::App*> given = app_.get_subcommands();
    if (given.empty() && !app_.remaining().empty() && !app_.remaining()[0].starts_with('-')) {
      return "'" + app_.remaining()[0] + "' is not a command; codelore --help lists them";
    }
    if (!given.empty() && (given[0]->get_name() == "search" || given[0]->get_name() == "ask") && !app_.remaining(true).empty() &&
        !app_.remaining(true)[0].starts_with('-')) {
      return "put the " + std::string(given[0]->get_name() == "ask" ? "question" : "query") + " in quotes: it is one argument";
    }
    std::string command = "codelore";
    for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
      app = app->get_subcommands()[0];
      command += " " + app->get_name();
    }
    return std::string(error.what()) + " (see " + command + " --help)";
  }

  void AddCommonOptions() {
    app_.fallthrough();
    arguments_.backend.data_folder = DefaultDataFolder();
    data_ = app_.add_option("--data", arguments_.backend.data_folder, "data folder; nothing else is written to")
                ->type_name("DIR")->envname("CODELORE_DATA")->capture_default_str();
    app_.set_config("--config", "", "configuration file (TOML): options by their long names, a [section] per command")
        ->type_name("FILE")->envname("CODELORE_CONFIG");
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.add_option("--model", arguments_.backend.model,
                    "folder of the encoder, as downloaded from Hugging Face: BERT, XLM-RoBERTa (BGE-M3) or NomicBERT; or built-in; or any\n"
                    "OpenAI-compatible server: \"url=http://127.0.0.1:8000/v1 model=bge-m3 dimensions=1024 [key-file=F] [batch=32]\"\n"
                    "(default: what the data folder has; another one takes its place as with 'model use')")
        ->type_name("MODEL")->envname("CODELORE_MODEL");
    app_.add_option("--reranker", arguments_.backend.reranker, "folder of a reranker (bge-reranker and its like), for POST /v1/rerank")
        ->type_name("DIR")->envname("CODELORE_RERANKER");
    app_.add_option("--precision", arguments_.backend.precision, "of both: f32 or int8 (default: what is fastest on this processor)")
        ->type_name("P")->check(CLI::IsMember({"f32", "int8"}).description(""));
    app_.add_option("--server", arguments_.backend.server, "talk to a running server: https://HOST or http://HOST:PORT")
        ->type_name("URL")->envname("CODELORE_SERVER");
    app_.add_option("--token", arguments_.backend.token, "token for --server; the variable keeps it out of process lists")
        ->type_name("TOKEN")->envname("CODELORE_TOKEN");
    app_.add_option("--ca-file", arguments_.backend.ca_file,
                    "check https servers (forges, issuers, models, --server) against these authorities (PEM), not the system's")
        ->type_name("FILE")->envname("CODELORE_CA_FILE");
    app_.add_option("--tenant", arguments_.backend.tenant, "tenant to work in, with --data (default: 'default')")->type_name("NAME");
    AddList(&app_, "--as", arguments_.backend.as, "act with the rights of user:NAME (and team:NAME, repeated), not the operator's")
        ->type_name("PRINCIPAL");
    AddList(&app_, "--allow-network", arguments_.backend.allowed_networks,
            "fetch repositories from this network too, though it is not public: 10.0.0.0/8, an address, or all; repeat for more")
        ->type_name("NETWORK")->envname("CODELORE_ALLOW_NETWORK");
    app_.add_flag("--json", arguments_.json, "print JSON");
  }

  // An option that may be repeated, and takes one value each time: the word behind it is the next argument.
  static CLI::Option* AddList(CLI::App* app, const std::string& name, std::vector<std::string>& values, const std::string& what) {
    return app->add_option(name, values, what)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples, Command run) {
    CLI::App* command = parent.add_subcommand(name, what);
    std::string footer = examples.empty() ? "" : "Examples:\n" + examples + "\n";
    command->footer(footer + "Also: --data, --config, --server, --token, --as, --json; see codelore --help");
    // A command's commands come before it.
    if (run != nullptr) command->callback([this, run] { parsed_.run = parsed_.run != nullptr ? parsed_.run : run; });
    return command;
  }

  // A command that only holds others.
  CLI::App* AddGroup(const std::string& name, const std::string& what, const std::string& examples) {
    CLI::App* group = Add(app_, name, what, examples, nullptr);
    group->require_subcommand(1);
    return group;
  }

  void AddFilterOptions(CLI::App* command) {
    AddList(command, "--source", arguments_.sources, "only this source; repeat for more")->type_name("NAME");
    AddList(command, "--path", arguments_.paths, "only paths that match: 'src/**', '*.md'; repeat for more")->type_name("GLOB");
    AddList(command, "--lang", arguments_.languages, "only this language: python, c++, markdown; repeat for more")->type_name("LANGUAGE");
    AddBranch(command);
  }

  void AddBranch(CLI::App* command) {
    command->add_option("--branch", arguments_.branch, "this branch or tag (release/2, tags/v1) in place of the default branch")->type_name("NAME");
  }

  void AddMode(CLI::App* command) {
    command->add_option("--mode", arguments_.mode, "hybrid, lexical or vector")
        ->type_name("MODE")->check(CLI::IsMember({"hybrid", "lexical", "vector"}).description(""))->capture_default_str();
  }

  void AddThreads(CLI::App* command) {
    command->add_option("--threads", arguments_.threads, "threads for indexing, 1 to 256")
        ->type_name("N")->check(Between(1, 256))->capture_default_str();
  }

  void AddSearchCommands() {
    CLI::App* search = Add(app_, "search", "search code and documents",
                           "  codelore search \"parse the request header\"\n"
                           "  codelore search getUserName --lang java --path 'src/**'\n"
                           "  codelore search \"사용자 인증\" --mode lexical --json\n"
                           "  codelore search 'retry -test path:src lang:go'\n"
                           "  codelore search retry --branch release/2\n"
                           "  codelore search 'sym:Session.close OR \"close the session\"'\n"
                           "  codelore search '/retr(y|ies)/ repo:backend*'\n"
                           "  codelore search -- '-test retry'               a query that starts with a dash\n"
                           "Operators: \"phrase\"  /regex/  sym:NAME  repo:NAME  path:PART-OR-GLOB  lang:NAME  branch:NAME  -not  OR  ( )\n"
                           "They count where they are unmistakable; --syntax query takes all of them and says what is wrong,\n"
                           "--syntax plain takes none. A word ranks; everything else must hold for the file. Quotes in a sentence only quote.",
                           Search);
    search->add_option("query", arguments_.text, "words, names, or a question")->type_name("")->required();
    AddMode(search);
    search->add_option("--syntax", arguments_.syntax, "how operators are read: auto, plain or query")
        ->type_name("SYNTAX")->check(CLI::IsMember({"auto", "plain", "query"}).description(""))->capture_default_str();
    AddFilterOptions(search);
    search->add_option("--limit", arguments_.limit, "how many hits, 1 to 100")->type_name("N")->check(Between(1, 100))->capture_default_str();
    search->add_option("--offset", arguments_.offset, "skip so many hits, up to 1000")->type_name("N")->check(Between(0, 1000));
    search->add_option("--per-file", arguments_.per_file, "how many hits in one file, 0: any number, ranked by themselves")
        ->type_name("N")->check(Between(0, 100))->capture_default_str();
    search->add_option("--rescore", arguments_.rescore, "score so many of the best hits again by their token vectors (a model with colbert_linear.pt), up to 50")
        ->type_name("N")->check(Between(0, 50));
    search->add_flag("--explain", arguments_.explain, "show why each hit stands where it stands");

    CLI::App* ask = Add(app_, "ask", "answer a question with citations",
                        "  codelore ask \"how are failed uploads retried?\"\n"
                        "  codelore ask \"what does Session.close do\" --source backend\n"
                        "  codelore ask \"and where is it tested?\" --session $(codelore session list --json | jq -r '.sessions[0].id')",
                        Ask);
    ask->add_option("--session", arguments_.session, "go on with this conversation: an id that codelore session create printed")->type_name("ID");
    AddGenerators(ask);
    ask->add_option("--use", arguments_.generator, "the generator to use: a configured one's name, or extractive")->type_name("NAME");
    ask->add_option("--adapter", arguments_.adapter, "a LoRA adapter of the generator, or none (default: that of your team)")->type_name("NAME");
    ask->add_flag("--explain", arguments_.explain, "show what the model is sent, before its answer");
    ask->add_option("question", arguments_.text, "a question in any language")->type_name("")->required();
    AddFilterOptions(ask);
  }

  void AddGenerators(CLI::App* command) {
    AddList(command, "--generator", arguments_.backend.generators,
            "a model that writes answers, \"name=qwen url=http://127.0.0.1:8000/v1 model=qwen2.5-coder [key-file=F] [context=8192]\n"
            "[passages=2400] [unsupported=mark|drop]\", any OpenAI-compatible server, or \"name=local gguf=/models/qwen.gguf [threads=8]\n"
            "[context=4096] [slots=2] [sha256=HEX] [lora=F[:SCALE]] [adapter=NAME=F[:SCALE][#SHA256]] [adapter-teams=NAME:A,B]\", in this\n"
            "process; repeat for fall-backs (default: answers quote).\n"
            "Which one answers: [teams=A,B] [kinds=symbol,howto,difference,where,why,other] [min-words=N] [max-words=N], all that are given;\n"
            "or [share=PERCENT] of the rest")
        ->type_name("SETTINGS");
  }

  void AddSymbolOptions(CLI::App* command, const std::string& kinds) {
    command->add_option("name", arguments_.text, "a name: route, Flask.route, '*Controller'; case counts if there is a capital in it")
        ->type_name("")->required();
    AddList(command, "--kind", arguments_.kinds, "only this kind: " + kinds + "; repeat for more")->type_name("KIND");
    AddFilterOptions(command);
    command->add_option("--limit", arguments_.symbol_limit, "how many are listed, 1 to 500")
        ->type_name("N")->check(Between(1, 500))->capture_default_str();
  }

  void AddSymbolCommands() {
    CLI::App* symbols = Add(app_, "symbols", "find definitions by name",
                            "  codelore symbols Flask.route\n"
                            "  codelore symbols '*Controller' --kind class --lang java\n"
                            "  codelore symbols parse --prefix --path 'src/**' --json",
                            Symbols);
    AddSymbolOptions(symbols, "function, method, class, interface, enum, type, module, variable, macro, section, re-export");
    symbols->add_flag("--prefix", arguments_.prefix, "names that begin so");

    CLI::App* references = Add(app_, "references", "find where a name is used, and who calls it",
                               "  codelore references Flask.route\n"
                               "  codelore references --callers uv_close\n"
                               "  codelore references Router --kind inherit --kind new\n"
                               "Matched by name, not by type: what fits best comes first.",
                               References);
    AddSymbolOptions(references, "call, type, inherit, annotation, import, new");
    references->add_flag("--callers", arguments_.callers, "who calls it: calls, grouped by the definition that makes them");

    CLI::App* outline = Add(app_, "outline", "list what a file defines",
                            "  codelore outline flask:src/flask/app.py\n"
                            "  codelore outline handbook:README.md --json",
                            Outline);
    outline->add_option("file", arguments_.text, "SOURCE:PATH")->type_name("")->required();
    AddBranch(outline);
  }

  void AddFileCommands() {
    CLI::App* files = Add(app_, "files", "find files by name",
                          "  codelore files \"user service controller\"    UserServiceController.java\n"
                          "  codelore files usc                          likewise\n"
                          "  codelore files src/http/serv --lang go",
                          Files);
    files->add_option("query", arguments_.text, "words, abbreviations or a part of a path")->type_name("")->required();
    AddFilterOptions(files);
    AddLimit(files);
    files->add_option("--offset", arguments_.offset, "skip so many files, up to 1000")->type_name("N")->check(Between(0, 1000));

    CLI::App* why = Add(app_, "why", "say why a file is found, or is not",
                        "  codelore why backend:src/session.py\n"
                        "  codelore why backend:src/session.py --as user:ann",
                        Why);
    why->add_option("file", arguments_.text, "SOURCE:PATH")->type_name("")->required();
    AddBranch(why);

    CLI::App* similar = Add(app_, "similar", "find files like one, by content and by name",
                            "  codelore similar backend:src/session.py\n"
                            "  codelore similar backend:src/session.py --path 'tests/**'",
                            Similar);
    similar->add_option("file", arguments_.text, "SOURCE:PATH, or a citation")->type_name("")->required();
    AddFilterOptions(similar);
    AddLimit(similar);
  }

  void AddLimit(CLI::App* command) {
    command->add_option("--limit", arguments_.limit, "how many, 1 to 100")->type_name("N")->check(Between(1, 100))->capture_default_str();
  }

  void AddGrep() {
    CLI::App* grep = Add(app_, "grep", "find text or a regular expression, line by line",
                         "  codelore grep parse_header\n"
                         "  codelore grep --regex 'fn \\w+_lock\\(' --lang rust --context 2\n"
                         "  codelore grep TODO --path 'src/**' --count\n"
                         "  codelore grep -- --verbose             a pattern that begins with a dash",
                         Grep);
    grep->add_option("pattern", arguments_.text, "text, or with --regex an RE2 regular expression; matches lie within one line")
        ->type_name("")->required();
    grep->add_flag("--regex", arguments_.regex, "the pattern is a regular expression");
    grep->add_option("--case", arguments_.fold, "smart (case counts if the pattern has a capital), sensitive or insensitive")
        ->type_name("MODE")->check(CLI::IsMember({"smart", "sensitive", "insensitive"}).description(""))->capture_default_str();
    AddFilterOptions(grep);
    grep->add_option("--context", arguments_.context, "lines before and behind each, up to 10")->type_name("N")->check(Between(0, 10));
    grep->add_option("--limit", arguments_.max_lines, "how many lines (with --count: files), 1 to 1000")
        ->type_name("N")->check(Between(1, 1000))->capture_default_str();
    grep->add_flag("--count", arguments_.count, "only how many matches each file has");
  }

  void AddServiceCommands() {
    CLI::App* index = Add(app_, "index", "index a git repository or a folder of documents",
                          "  codelore index .                       the HEAD commit of this repository\n"
                          "  codelore index https://git.example.com/team/app.git --name app\n"
                          "  codelore index /srv/handbook           a folder of documents\n"
                          "Run it again to bring the index up to date. Ctrl-C stops it; what is done is kept.",
                          Index);
    index->add_option("location", arguments_.location, "path or URL")->type_name("")->required();
    index->add_option("--name", arguments_.name, "name of the source (default: the last part of the location)")->type_name("NAME");
    AddThreads(index);

    CLI::App* serve = Add(app_, "serve", "serve the HTTP interface",
                          "  codelore serve --port 8080\n"
                          "  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n"
                          "       -d '{\"query\": \"retry\"}' http://127.0.0.1:8080/v1/search\n"
                          "  codelore serve --host 0.0.0.0 --allow-host code.example.com --tls-cert chain.pem --tls-key key.pem\n"
                          "Without --tls-cert it is plain HTTP: put a TLS proxy in front before you listen beyond this machine.",
                          Serve);
    serve->add_option("--host", arguments_.host, "address to listen on")->type_name("ADDRESS")->capture_default_str();
    serve->add_option("--port", arguments_.port, "port; 0: any free one")->type_name("PORT")->check(Between(0, 65535))->capture_default_str();
    AddList(serve, "--allow-host", arguments_.allowed_hosts, "a name the Host header may give; repeat for more (default on loopback: its own)")
        ->type_name("NAME");
    AddGenerators(serve);
    AddThreads(serve);
    auto limit = [&](const char* name, uint32_t& value, const char* what) {
      serve->add_option(name, value, what)->type_name("N")->capture_default_str();
    };
    limit("--user-requests-per-minute", arguments_.user_rate, "of one user; 0: no limit");
    limit("--tenant-requests-per-minute", arguments_.tenant_rate, "of one tenant; 0: no limit");
    limit("--user-streams", arguments_.user_streams, "of one user at once; 0: no limit");
    limit("--tenant-streams", arguments_.tenant_streams, "of one tenant at once; 0: no limit");
    auto by_day = [&](const char* name, uint64_t& value, const char* what) {
      serve->add_option(name, value, what)->type_name("N")->capture_default_str();
    };
    by_day("--user-tokens-per-day", arguments_.user_tokens, "that models generate for one user; 0: no limit");
    by_day("--tenant-tokens-per-day", arguments_.tenant_tokens, "that models generate for one tenant; 0: no limit");
    by_day("--tenant-index-bytes-per-day", arguments_.tenant_index_bytes, "that one tenant may have indexed; 0: no limit");
    AddTlsOptions(serve);
    AddIdentityOptions(serve);
    limit("--cached-answers", arguments_.cached_answers, "keep about so many answers of models, for the same question over the same sources; 0: none");

    CLI::App* mcp = Add(app_, "mcp", "speak the Model Context Protocol on standard input and output",
                        "  codelore mcp                                       for an agent on this machine, over a data folder\n"
                        "  codelore mcp --as user:ann                         with just that user's rights\n"
                        "  codelore --server http://127.0.0.1:8080 mcp        for clients that start a command; the token decides\n"
                        "A running server speaks it at /mcp, too.",
                        Mcp);
    AddGenerators(mcp);

    Add(app_, "status", "what is indexed, and how completely", "  codelore status\n  codelore status --json", ShowStatus);
    Add(app_, "doctor", "check the machine and the data folder", "  codelore doctor", Doctor);
    CLI::App* backup = Add(app_, "backup", "copy everything to a new folder, beside a running server, too",
                           "  codelore backup /backups/monday\n"
                           "  codelore backup /backups/tuesday --incremental-from /backups/monday\n"
                           "  codelore --server http://127.0.0.1:8080 --token TOKEN backup /backups/monday", Backup);
    backup->add_option("folder", arguments_.location, "a new folder, on the machine of the data")->type_name("")->required();
    backup->add_option("--incremental-from", arguments_.text, "a backup before, on the same disk: files that are equal are not stored twice");
    CLI::App* restore = Add(app_, "restore", "make a new data folder of a backup", "  codelore --data /srv/codelore-new restore /backups/monday", RestoreBackup);
    restore->add_option("folder", arguments_.location, "the backup")->type_name("")->required();
    Add(app_, "version", "print the version", "  codelore version", Version);
  }

  void AddTlsOptions(CLI::App* serve) {
    serve->add_option("--tls-cert", arguments_.tls_certificate, "speak TLS with this certificate and the chain behind it (PEM)")->type_name("FILE");
    serve->add_option("--tls-key", arguments_.tls_key, "its key (PEM), readable by its owner alone")->type_name("FILE");
    serve->add_option("--tls-client-ca", arguments_.tls_client_ca,
                      "ask clients for a certificate of these authorities (PEM); who sends one and no token is the user it names")->type_name("FILE");
    serve->add_flag("--tls-client-required", arguments_.tls_client_required, "refuse connections without one");
    serve->add_option("--tls-client-user", arguments_.tls_client_user, "what names the user: cn, of the subject, or email, an alternative name")
        ->type_name("WHICH")->check(CLI::IsMember({"cn", "email"}).description(""))->capture_default_str();
    serve->add_option("--tls-client-tenant", arguments_.tls_client_tenant, "whose users they are (default: 'default')")->type_name("NAME");
  }

  void AddIdentityOptions(CLI::App* serve) {
    AddList(serve, "--oidc", arguments_.oidc,
            "take bearer tokens of an OpenID Connect issuer: \"issuer=https://login.example.com audience=codelore\n"
            "jwks-file=F|jwks-url=https://... algorithms=RS256,ES256 [tenant=NAME] [user-claim=sub] [leeway=60]\n"
            "[groups-claim=groups team=GROUP:TEAM...]\"; groups that no team= names mean nothing; repeat for more issuers; to sign in\n"
            "with a browser also \"client-id=ID authorize-url=https://... token-url=https://... [client-secret-file=F] [scope=openid,groups]\n"
            "[name=oidc]\", and --public-url; the issuer sends people back to PUBLIC-URL/signin/NAME/callback")
        ->type_name("SETTINGS");
    serve->add_option("--public-url", arguments_.public_url, "where browsers find this server: https://code.example.com")->type_name("URL");
    AddList(serve, "--trusted-proxy", arguments_.trusted_proxies,
            "believe this peer when it says who calls: 127.0.0.1, 10.1.0.0/16; repeat for more (default: none)")->type_name("NETWORK");
    serve->add_option("--proxy-user-header", arguments_.proxy_user_header, "the header in which it says so: X-Forwarded-User; from other peers it means nothing")
        ->type_name("NAME");
    serve->add_option("--proxy-tenant", arguments_.proxy_tenant, "whose users they are (default: 'default')")->type_name("NAME");
  }

  void AddSourceAndPrincipal(CLI::App* command) {
    command->add_option("--source", arguments_.source, "name of the source")->type_name("NAME")->required();
    AddPrincipalOptions(command);
    command->add_flag("--everyone", arguments_.everyone, "every user of the tenant");
  }

  void AddPrincipalOptions(CLI::App* command) {
    command->add_option("--user", arguments_.user, "a user")->type_name("NAME");
    AddList(command, "--team", arguments_.teams, "a team")->type_name("NAME");
  }

  // One that takes the name of a source and nothing else.
  CLI::App* AddOnSource(CLI::App& source, const std::string& name, const std::string& what, Command run) {
    CLI::App* command = Add(source, name, what, "  codelore source " + name + " app", run);
    command->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    return command;
  }

  void AddMirrorOptions(CLI::App* add) {
    auto option = [&](const char* name, std::string& value, const char* what, const char* type) { add->add_option(name, value, what)->type_name(type); };
    add->add_option("--mirror-permissions", arguments_.mirror, "let this forge say who reads the source: gitea, forgejo, github, gitlab, or off")
        ->type_name("FORGE")->check(CLI::IsMember({"gitea", "forgejo", "github", "gitlab", "off"}).description(""));
    option("--forge-url", arguments_.forge_url, "its https:// address (of GitHub: of its API), or http:// in a network that --allow-network names", "URL");
    option("--forge-repository", arguments_.forge_repository, "OWNER/NAME there (default: as in the location)", "NAME");
    option("--forge-token-file", arguments_.forge_token_file, "file with a token that may list collaborators and teams", "FILE");
    option("--mirror-interval", arguments_.mirror_interval, "how often to ask (default: 5m)", "TIME");
    option("--mirror-limit", arguments_.mirror_limit, "what was found counts for so long (default: 1h)", "TIME");
    option("--public-is", arguments_.public_is, "who reads what is public there: tenant, or nobody by that (default: nobody)", "WHO");
    AddList(add, "--map", arguments_.mappings, "octocat=ann, team:core=team:backend, bot= (nobody); repeat for more")->type_name("THERE=HERE");
  }

  void AddSourceCommands() {
    CLI::App* source = AddGroup("source", "add, list, follow or remove sources",
                                "  codelore source add https://git.example.com/team/app.git --poll 5m\n"
                                "  codelore source list\n  codelore source remove app");
    CLI::App* add = Add(*source, "add", "add a source that a server follows, or change how it does",
                        "  codelore source add /srv/git/app.git\n"
                        "  codelore source add https://git.example.com/team/app.git --branch release --token-file token\n"
                        "  codelore source add https://git.example.com/team/app.git --branch main --branch 'release/*' --tag 'v*'\n"
                        "  codelore source add https://git.example.com/team/app.git --webhook-secret-file secret\n"
                        "  codelore source add https://git.example.com/team/app.git --mirror-permissions gitea \\\n"
                        "      --forge-url http://127.0.0.1:3000 --forge-token-file token --map octocat=ann\n"
                        "A second webhook secret is valid beside the one before it; a third replaces the oldest.",
                        AddSource);
    add->add_option("location", arguments_.location, "path or URL")->type_name("")->required();
    add->add_option("--name", arguments_.name, "name of the source (default: the last part of the location)")->type_name("NAME");
    AddList(add, "--branch", arguments_.branches, "a branch or a pattern; repeat for up to 64. The first name is what searches see by default\n(otherwise the repository's own default)")->type_name("NAME");
    AddList(add, "--tag", arguments_.tags, "a tag or a pattern; repeat for more; it is searched with --branch tags/NAME")->type_name("NAME");
    add->add_option("--poll", arguments_.poll, "how often to look for news: 30s, 5m, 2h, never (default: 5m)")->type_name("TIME");
    add->add_option("--token-file", arguments_.token_file, "file with TOKEN or USER:TOKEN for an https URL")->type_name("FILE");
    add->add_option("--webhook-secret-file", arguments_.webhook_secret_file, "file with the secret of push webhooks")->type_name("FILE");
    AddMirrorOptions(add);
    Add(*source, "list", "list sources and who may read them", "  codelore source list", ListSources);
    AddOnSource(*source, "show", "what is indexed of a source, and how it is followed", ShowSource);
    AddOnSource(*source, "pause", "stop following; what is indexed stays", PauseSource);
    AddOnSource(*source, "resume", "follow again; also a source that was parked", ResumeSource);
    AddThreads(AddOnSource(*source, "sync", "bring it up to date now", SyncSource));
    AddThreads(AddOnSource(*source, "reindex", "index every file again", ReindexSource));
    AddOnSource(*source, "findings", "list where secrets and personal data were found, never what", Findings);
    CLI::App* masking = Add(*source, "masking", "say what happens to secrets and personal data in a source",
                            "  codelore source masking app mask       overwrite both, the default\n"
                            "  codelore source masking app secrets    leave personal data\n"
                            "  codelore source masking app refuse     skip files that hold any\n"
                            "Every file of the source is indexed again.",
                            SetMasking);
    masking->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    masking->add_option("policy", arguments_.text, "mask, secrets, off or refuse")->type_name("")->required()
        ->check(CLI::IsMember({"mask", "secrets", "off", "refuse"}).description(""));
    AddThreads(masking);
    AddOnSource(*source, "remove", "remove a source and its index", RemoveSource);
  }

  void AddAdapterCommands() {
    CLI::App* adapter = AddGroup("adapter", "show or change LoRA adapters of a server's models",
                                 "  codelore adapter list\n  codelore adapter set legal /models/legal-2.gguf");
    Add(*adapter, "list", "which adapters there are", "  codelore adapter list", ListAdapters);
    CLI::App* set = Add(*adapter, "set", "load an adapter, or put another file in its place, while the server runs",
                        "  codelore adapter set legal /models/legal-2.gguf\n"
                        "  codelore adapter set legal /models/legal-2.gguf --scale 0.8 --sha256 $(sha256sum < legal-2.gguf | cut -c1-64)\n"
                        "Answers under way end with the old one. A server's next start goes by its --generator again.",
                        SetAdapter);
    set->add_option("name", arguments_.name, "as requests choose it: codelore+NAME")->type_name("")->required();
    set->add_option("file", arguments_.text, "a GGUF file on the server, by its absolute path")->type_name("")->required();
    set->add_option("--use", arguments_.generator, "the generator, where several run in the process")->type_name("NAME");
    set->add_option("--scale", arguments_.scale, "how strongly it acts, -100 to 100")->type_name("X")->capture_default_str();
    set->add_option("--sha256", arguments_.sha256, "refuse another file")->type_name("HEX");
    Add(*adapter, "remove", "unload an adapter", "  codelore adapter remove legal", RemoveAdapter)
        ->add_option("name", arguments_.name, "of the adapter")->type_name("")->required();
  }

  void AddModelCommands() {
    CLI::App* model = AddGroup("model", "show, change or check the encoder's model", "  codelore model list\n  codelore model use /models/bge-m3");
    Add(*model, "list", "which model's vectors are searched, and which are being built", "  codelore model list", ListModels);
    CLI::App* use = Add(*model, "use", "change the model; the old one serves until the new one has all vectors",
                        "  codelore model use /models/bge-m3\n"
                        "  codelore model use built-in --precision f32\n"
                        "  codelore --server http://127.0.0.1:8080 --token TOKEN model use /models/bge-m3    a folder on the server\n"
                        "  codelore model use \"url=http://127.0.0.1:8000/v1 model=bge-m3 dimensions=1024\"    any OpenAI-compatible server\n"
                        "Interrupted, the same command, index or serve goes on from there. To go back, use the old one.",
                        UseModel);
    use->add_option("model", arguments_.text, "a folder as downloaded from Hugging Face, a server's settings, or built-in")->type_name("")->required();
    AddThreads(use);
    AddAdapterCommands();
    Add(*model, "verify", "compare the model's files with what they were when it was taken up", "  codelore model verify", VerifyModel);
  }

  void AddDocumentCommands() {
    CLI::App* document = AddGroup("document", "push documents to a source of the kind 'documents'",
                                  "  codelore document init wiki\n"
                                  "  codelore document put wiki runbook.md --link https://wiki.example.com/runbook\n"
                                  "  codelore document list wiki\n  codelore document delete wiki runbook.md");
    CLI::App* init = Add(*document, "init", "add a source that documents are pushed to", "  codelore document init wiki", InitDocuments);
    init->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    CLI::App* put = Add(*document, "put", "push a document, or replace it",
                        "  codelore document put wiki runbook.md --path ops/runbook.md --link https://wiki.example.com/runbook\n"
                        "  codelore document put tickets T-17.pdf --expires 30d\n"
                        "  codelore document put tickets T-18.docx --expires 2026-12-31\n"
                        "Text, HTML, Markdown, notebooks; PDF where pdftotext is installed, DOCX where unzip is.",
                        PutDocument);
    put->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    put->add_option("file", arguments_.location, "the file to push, at most 2 MiB (PDF and DOCX: 16 MiB)")->type_name("")->required();
    put->add_option("--path", arguments_.document_path, "what it is called in the source (default: the file's name)")->type_name("PATH");
    put->add_option("--link", arguments_.link, "where it lives: shown with hits")->type_name("URL");
    put->add_option("--expires", arguments_.expires, "when it goes by itself: 12h, 30d, 2026-12-31")->type_name("TIME");
    CLI::App* remove = Add(*document, "delete", "remove a pushed document", "  codelore document delete wiki ops/runbook.md", DeleteDocument);
    remove->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    remove->add_option("path", arguments_.document_path, "what it is called in the source")->type_name("")->required();
    CLI::App* list = Add(*document, "list", "list the documents pushed to a source", "  codelore document list wiki --json", ListDocuments);
    list->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
  }

  void AddDirectoryCommands() {
    AddSourceCommands();
    AddDocumentCommands();
    Add(app_, "init", "make a data folder, and its first administrator's token",
        "  codelore --data /srv/codelore init\n"
        "The token is shown once. Its role is platform: it adds tenants and their administrators, and looks after the default tenant.",
        Initialize);
    AddSourceAndPrincipal(Add(app_, "grant", "let a user, a team or everyone read a source",
                              "  codelore grant --source app --team backend\n  codelore grant --source handbook --everyone", Grant));
    AddSourceAndPrincipal(Add(app_, "revoke", "take a grant back; the next request obeys", "  codelore revoke --source app --team backend", Revoke));
    CLI::App* grants = Add(app_, "grants", "list a source's grants, where they come from, and whether they count", "  codelore grants app", ListGrants);
    grants->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    AddRuleCommands();
    AddPeopleCommands();
    AddTokenCommands();

    AddModelCommands();
    CLI::App* audit = AddGroup("audit", "read or check the audit log", "  codelore audit list --since 2026-01-31 --json\n  codelore audit verify");
    CLI::App* list_audit = Add(*audit, "list", "who did what; with --json as JSON lines",
                               "  codelore audit list --since 2026-01-31\n"
                               "With --data it reads the files themselves, beside a running server, too; with --server the token's tenant.",
                               ListAudit);
    list_audit->add_option("--since", arguments_.since, "a day, or a time: 2026-01-31T12:00:00Z")->type_name("TIME");
    Add(*audit, "verify", "check the chain; names the first line that was altered", "  codelore audit verify", VerifyAudit);

    CLI::App* tenant = AddGroup("tenant", "add or list tenants", "  codelore tenant create acme\n  codelore tenant list");
    CLI::App* add = Add(*tenant, "create", "add a tenant",
                        "  codelore tenant create acme\n"
                        "  codelore token create --tenant acme --user root --administrator      its first administrator",
                        CreateTenant);
    add->add_option("name", arguments_.name, "its name")->type_name("")->required();
    Add(*tenant, "list", "list tenants", "  codelore tenant list", ListTenants);
  }

  void AddRuleCommands() {
    CLI::App* rule = AddGroup("rule", "let only some read what lies at a path of a source",
                              "  codelore rule add --source app --path 'infra/secrets/**' --team platform\n  codelore rule list app");
    CLI::App* add_rule = Add(*rule, "add", "add a rule, or change who may read there",
                             "  codelore rule add --source app --path 'infra/secrets/**' --team platform\n"
                             "The longest rule that a path matches counts, instead of the source's grants. Files move at once; until they have,\n"
                             "only who may read under both the old rules and the new reads any of the source.",
                             AddRule);
    AddSourceAndPrincipal(add_rule);
    add_rule->add_option("--path", arguments_.rule_path, "a path or glob from the source's root")->type_name("GLOB")->required();
    CLI::App* list_rules = Add(*rule, "list", "list a source's rules", "  codelore rule list app", ListRules);
    list_rules->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    CLI::App* remove_rule = Add(*rule, "remove", "take a rule back", "  codelore rule remove --source app --path 'infra/secrets/**'", RemoveRule);
    remove_rule->add_option("--source", arguments_.source, "name of the source")->type_name("NAME")->required();
    remove_rule->add_option("--path", arguments_.rule_path, "as it was added")->type_name("GLOB")->required();
    CLI::App* import = Add(*rule, "import", "make rules of a CODEOWNERS file",
                           "  codelore rule import app --codeowners CODEOWNERS\n"
                           "  codelore rule import app --from-repository\n"
                           "  codelore rule import app --codeowners /dev/null      take the imported rules out\n"
                           "Only its owners read what a line matches; the last line that matches counts, after all rules made by hand. @name is a user,\n"
                           "@group/team a team; owners who are nobody here are listed, and a line without any other owner is read by nobody.",
                           ImportRules);
    import->add_option("source", arguments_.source, "name of the source")->type_name("")->required();
    import->add_option("--codeowners", arguments_.codeowners, "the file")->type_name("FILE");
    import->add_flag("--from-repository", arguments_.from_repository, "the one that is indexed with the source");
  }

  void AddRole(CLI::App* command, std::string& role, const char* what) {
    command->add_option("--role", role, what)->type_name("ROLE")
        ->check(CLI::IsMember({"member", "auditor", "administrator", "platform"}).description(""));
  }

  // One that takes a name and nothing else.
  CLI::App* AddOnName(CLI::App& group, const std::string& name, const std::string& what, std::string& value, Command run) {
    CLI::App* command = Add(group, name, what, "  codelore " + group.get_name() + " " + name + (group.get_name() == "user" ? " ann" : " backend"), run);
    command->add_option("name", value, "its name")->type_name("")->required();
    return command;
  }

  void AddPeopleCommands() {
    CLI::App* user = AddGroup("user", "add, show, change or remove users and service accounts",
                              "  codelore user create ann --role auditor\n  codelore user show ann\n  codelore user set ann --disable");
    CLI::App* create = Add(*user, "create", "add a user",
                           "  codelore user create ann\n  codelore user create ci --service\n  codelore user create kim --role administrator\n"
                           "A token's rights end at its user's role. Roles, each with the rights of those before it: member (reads what is granted),\n"
                           "auditor (sees grants, tokens and the audit log), administrator (of one tenant), platform (adds tenants, backs up).",
                           CreateUser);
    create->add_option("name", arguments_.user, "the name")->type_name("")->required();
    AddRole(create, arguments_.role, "what the user may do (default: member)");
    create->add_flag_callback("--service", [this] { arguments_.kind = "service"; }, "a service account: has tokens, and cannot sign in otherwise");
    Add(*user, "list", "list users with a record", "  codelore user list", ListUsers);
    AddOnName(*user, "show", "which teams a user is in, and which sources they may read", arguments_.user, ShowUser);
    CLI::App* set = Add(*user, "set", "change a role, or disable a user; the next request obeys",
                        "  codelore user set ann --role administrator\n  codelore user set ann --disable", SetUser);
    set->add_option("name", arguments_.user, "the name")->type_name("")->required();
    AddRole(set, arguments_.new_role, "the new role");
    set->add_flag("--disable", arguments_.disable, "no token and no sign-in of this user holds");
    set->add_flag("--enable", arguments_.enable, "they hold again");
    AddOnName(*user, "remove", "remove a user with all tokens, memberships and grants", arguments_.user, RemoveUser);

    CLI::App* team = AddGroup("team", "add, fill, list or remove teams",
                              "  codelore team create backend\n  codelore team add backend --user ann\n  codelore team add engineering --team backend");
    AddOnName(*team, "create", "add a team", arguments_.team, CreateTeam);
    Add(*team, "list", "list teams and their members", "  codelore team list", ListTeams);
    AddOnName(*team, "remove", "remove a team with its memberships and grants", arguments_.team, RemoveTeam);
    AddPrincipalOptions(AddOnName(*team, "add", "put a user or a team into a team: --user or --team", arguments_.team, AddMember));
    AddPrincipalOptions(AddOnName(*team, "drop", "take a user or a team out of a team: --user or --team", arguments_.team, DropMember));
  }

  void AddTokenCommands() {
    CLI::App* token = AddGroup("token", "make, list, replace or revoke tokens",
                               "  codelore token create --user ann --team backend\n  codelore token list\n  codelore token revoke 7");
    CLI::App* create = Add(*token, "create", "make a token; its text is shown once",
                           "  codelore token create --user ann --team backend --expires-in-days 90\n"
                           "  codelore token create --user ci --protocol mcp --source app\n"
                           "  codelore token create --tenant acme --user root --administrator",
                           CreateToken);
    create->add_option("--user", arguments_.user, "whose token it is")->type_name("NAME")->required();
    AddList(create, "--team", arguments_.teams, "a team the user is in, besides those of team list; repeat for more")->type_name("NAME");
    AddRole(create, arguments_.role, "what it is good for besides reading (default: member)");
    create->add_flag("--administrator", arguments_.administrator, "may index, grant and make tokens: --role administrator");
    AddList(create, "--protocol", arguments_.protocols, "good for this only: rest, openai, ollama or mcp; repeat for more")
        ->type_name("NAME")->check(CLI::IsMember({"rest", "openai", "ollama", "mcp"}).description(""));
    AddList(create, "--source", arguments_.sources, "good for this source only, of those the user may read; repeat for more")->type_name("NAME");
    create->add_option("--expires-in-days", arguments_.expires_in_days, "up to 3650; 0: never")->type_name("N")->check(Between(0, 3650));
    Add(*token, "list", "list tokens, without their text", "  codelore token list", ListTokens);
    CLI::App* rotate = Add(*token, "rotate", "replace a token; the old one lives on for a while",
                           "  codelore token rotate 7 --overlap-hours 48\nAt most two of a line live at once.", RotateToken);
    rotate->add_option("id", arguments_.token_id, "its number, see token list")->type_name("")->required();
    rotate->add_option("--overlap-hours", arguments_.overlap_hours, "how long the old one lives on, up to 2160; 0: not at all")
        ->type_name("N")->check(Between(0, 2160))->capture_default_str();
    CLI::App* revoke = Add(*token, "revoke", "revoke a token; the next request is refused", "  codelore token revoke 7", RevokeToken);
    revoke->add_option("id", arguments_.token_id, "its number, see token list")->type_name("")->required();
  }

  // One that takes the id of a session and nothing else.
  void AddOnSession(CLI::App& session, const std::string& name, const std::string& what, Command run) {
    CLI::App* command = Add(session, name, what, "  codelore session " + name + " 0f3c...", run);
    command->add_option("session", arguments_.session, "its id")->type_name("")->required();
  }

  void AddConversationCommands() {
    CLI::App* session = AddGroup("session", "begin, list, show or delete conversations that are kept",
                                 "  ID=$(codelore session create)\n  codelore ask \"how is a token checked?\" --session $ID\n"
                                 "  codelore ask \"and where is it tested?\" --session $ID\n  codelore session show $ID");
    CLI::App* create = Add(*session, "create", "begin one; prints its id", "  codelore session create --title \"tokens\" --expires-in-days 7", CreateSession);
    create->add_option("--title", arguments_.name, "what it is about (default: its first question)")->type_name("TEXT");
    create->add_option("--expires-in-days", arguments_.expires_in_days, "after its last use, 1 to 365 (default: 30)")->type_name("N")->check(Between(1, 365));
    Add(*session, "list", "list yours, the last used first", "  codelore session list", ListSessions);
    AddOnSession(*session, "show", "show one, as far as you may read it now", ShowSession);
    AddOnSession(*session, "delete", "delete one", DeleteSession);

    CLI::App* feedback = AddGroup("feedback", "say whether an answer was good; read, export or delete what was said",
                                  "  codelore feedback give down --question \"how is a token checked?\" --corrected app:src/token.py\n"
                                  "  codelore feedback export > questions.jsonl\n  codelore eval --queries questions.jsonl --repos checkouts");
    CLI::App* give = Add(*feedback, "give", "rate an answer up or down",
                         "  codelore feedback give up --session 0f3c... --turn 2\n"
                         "  codelore feedback give down --question \"how is a token checked?\" --text \"wrong file\" --corrected app:src/token.py",
                         GiveFeedback);
    give->add_option("rating", arguments_.mode, "up or down")->type_name("")->required()->check(CLI::IsMember({"up", "down"}).description(""));
    give->add_option("--session", arguments_.session, "the answer is a turn of this session")->type_name("ID");
    give->add_option("--turn", arguments_.offset, "which turn, from 1")->type_name("N");
    give->add_option("--question", arguments_.text, "the question, without a session")->type_name("TEXT");
    give->add_option("--text", arguments_.name, "what you want to say")->type_name("TEXT");
    AddList(give, "--corrected", arguments_.paths, "what the answer should have cited: SOURCE:PATH or a citation; repeat for more")->type_name("CITATION");
    Add(*feedback, "list", "what was said, as JSON lines; for administrators, as far as they may read the sources", "  codelore feedback list", ListFeedback);
    Add(*feedback, "export", "questions with the files that answer them, as codelore eval reads them; likewise",
        "  codelore feedback export > questions.jsonl\n  codelore eval --queries questions.jsonl --repos checkouts", ExportFeedback);
    CLI::App* remove = Add(*feedback, "delete", "delete one", "  codelore feedback delete 0f3c...", DeleteFeedback);
    remove->add_option("id", arguments_.text, "its id, see feedback list")->type_name("")->required();
  }

  void AddEval() {
    CLI::App* eval = Add(app_, "eval", "measure search quality on judged questions",
                         "  codelore eval evaldata/cosqa --split dev\n"
                         "  codelore eval --queries questions.jsonl --repos checkouts --mode lexical --json\n"
                         "  codelore eval --spans evaldata/chroma_chunking\n"
                         "With --data the embedding cache is kept there, and a second run is quick.",
                         Evaluate);
    eval->add_option("folder", arguments_.eval.folder, "BEIR folder: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv")->type_name("");
    eval->add_option("--split", arguments_.eval.split, "which qrels")->type_name("SPLIT")->capture_default_str();
    eval->add_option("--queries", arguments_.eval.queries_file, "questions with target files (JSON lines)")->type_name("FILE");
    eval->add_option("--repos", arguments_.eval.repositories, "folder of checkouts, one per repository")->type_name("DIR");
    eval->add_option("--spans", arguments_.eval.spans_folder, "questions with the spans that answer them: questions_df.csv, corpora/*.md")
        ->type_name("DIR");
    eval->add_option("--limit-hits", arguments_.eval.hits, "with --spans: how many chunks are retrieved per question")
        ->type_name("K")->check(Between(1, 100))->capture_default_str();
    eval->add_option("--per-query", arguments_.eval.per_query_file, "write one JSON line per question")->type_name("FILE");
    eval->add_option("--candidates", arguments_.eval.candidates, "with so many candidates and their features each, up to 800, for tuning")
        ->type_name("N")->check(Between(0, 800));
    AddMode(eval);
    AddThreads(eval);
    AddEvalAnswers(*eval);
  }

  void AddEvalAnswers(CLI::App& eval) {
    CLI::App* answers = Add(eval, "answers", "measure answers: citations, facts, groundedness, refusal",
                            "  codelore eval answers questions.jsonl --repos checkouts\n"
                            "  codelore eval answers questions.jsonl --data DIR --json --per-query answers.jsonl\n"
                            "  codelore eval answers questions.jsonl --repos checkouts --generator \"name=qwen url=...\" --use qwen --judge qwen\n"
                            "A line of the file: {\"question\": \"...\", \"passages\": [\"flask:src/flask/app.py#L10-L20\"], \"facts\": [\"15\", [\"one spelling\", \"another\"]]},\n"
                            "or {\"question\": \"...\", \"source\": \"flask\", \"unanswerable\": true}; \"_id\" and \"category\" if wanted.",
                            EvaluateAnswers);
    answers->add_option("file", arguments_.answer_eval.file, "questions with what is known of their answers (JSON lines)")->type_name("")->required();
    answers->add_option("--repos", arguments_.answer_eval.repositories, "folder with one folder per source (without it: the sources in --data)")->type_name("DIR");
    AddGenerators(answers);
    answers->add_option("--use", arguments_.generator, "the generator that answers")->type_name("NAME");
    answers->add_option("--judge", arguments_.answer_eval.judge, "a model that compares the answers with those of --against, in both orders")->type_name("NAME");
    answers->add_option("--against", arguments_.answer_eval.against, "the generator to compare with")->type_name("NAME")->capture_default_str();
    answers->add_option("--per-query", arguments_.answer_eval.per_question_file, "write one JSON line per question: answer, citations, figures")->type_name("FILE");
    AddMode(answers);
    AddThreads(answers);
  }

  ParsedCommand& parsed_;
  Arguments& arguments_;
  CLI::Option* data_ = nullptr;
  CLI::App app_;
};

}  // namespace

ParsedCommand ParseCommandLine(int argc, char** argv) {
  ParsedCommand parsed;
  CommandLine(parsed).Parse(argc, argv);
  return parsed;
}

}  // namespace codelore::cli
