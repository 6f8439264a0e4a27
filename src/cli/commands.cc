#include "cli/commands.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "api/protocols/base64.h"
#include "api/backup.h"
#include "api/doctor.h"
#include "api/server.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;
using Params = std::vector<std::pair<std::string, std::string>>;
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int Execute(const Arguments& arguments, std::string_view operation, const Json& body, const Params& params = {}) {
  return cli::Execute(arguments, operation, body.dump(), params);
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

void AddFilters(const Arguments& arguments, Json& body) {
  if (!arguments.sources.empty()) body["sources"] = arguments.sources;
  if (!arguments.paths.empty()) body["paths"] = arguments.paths;
  if (!arguments.languages.empty()) body["languages"] = arguments.languages;
  if (!arguments.branch.empty()) body["branch"] = arguments.branch;
}

// Nothing found may just mean that nothing is there.
void HintAtEmptyIndex(Backend& backend, const Arguments& arguments) {
  if (arguments.json) return;
  auto sources = backend.Call("source.list", "", {}, {}, {});
  if (!sources.ok() || !Json::parse(*sources)["sources"].empty()) return;
  std::fflush(stdout);  // "nothing found" comes first
  bool operates = !backend.remote() && arguments.backend.as.empty();
  std::fprintf(stderr, operates ? "Nothing is indexed yet. Try: codelore index PATH-OR-URL\n" : "There is no source that you may read.\n");
}

// Definitions or references of a name.
int FindByName(const Arguments& arguments, std::string_view operation, Json body) {
  if (IsBlank(arguments.text)) return Fail(arguments, InvalidArgument("the name is empty"));
  AddFilters(arguments, body);
  if (!arguments.kinds.empty()) body["kinds"] = arguments.kinds;
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call(operation, body.dump(), {}, {}, {});
  if (!result.ok()) return Fail(arguments, result.status());
  int code = PrintResult(operation, *result, arguments.json);
  if (code == kNothingOrPartial) HintAtEmptyIndex(**backend, arguments);
  return code;
}

// ---- indexing --------------------------------------------------------------------------------------------

// A server works on its own: look at its status until the job is over.
int FollowRemoteIndexing(const Arguments& arguments, Backend& backend, const std::string& source, std::stop_token stop) {
  ProgressLine line;
  auto start = Clock::now();
  while (!stop.stop_requested()) {
    auto status = backend.Call("status", "", {}, {}, {});
    if (!status.ok()) return Fail(arguments, status.status());
    Json report = Json::parse(*status);
    for (const Json& entry : report["sources"]) {
      if (entry["source"] != source || !entry.contains("indexing")) continue;
      const Json& job = entry["indexing"];
      std::string state = job.value("state", "");
      if (state == "done" || state == "failed" || state == "parked") line.End();
      if (state == "done") return kSuccess;
      if (state == "failed" || state == "parked") return Fail(arguments, Unavailable(job.value("error", "")));
      line.Show(state == "waiting" ? "waiting for another source" : ProgressText(job["progress"].dump(), SecondsSince(start)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  line.End();
  std::fprintf(stderr, "The server goes on indexing; codelore status shows how far it is.\n");
  return kNothingOrPartial;
}

// What a server is told about a path must not depend on where it was started.
std::string LocationFor(const Backend& backend, const std::string& location) {
  std::error_code error;
  if (!backend.remote() || !std::filesystem::exists(location, error)) return location;
  auto absolute = std::filesystem::canonical(location, error);
  return error ? location : absolute.string();
}

// Runs an operation that indexes, and shows how far it is.
int IndexWith(const Arguments& arguments, std::string_view operation, const Json& body, const Params& params) {
  Interrupt interrupt;
  BackendOptions options = arguments.backend;
  options.threads = arguments.threads;
  auto opened = OpenBackend(options);
  if (!opened.ok()) return Fail(arguments, opened.status());
  Backend& backend = **opened;
  Json sent = body;
  if (sent.contains("location")) sent["location"] = LocationFor(backend, sent["location"].get<std::string>());
  ProgressLine line;
  std::string stage;
  auto stage_start = Clock::now();
  auto result = backend.Call(operation, sent.dump(), params, interrupt.token(), [&](std::string_view, const std::string& json) {
    std::string now = Json::parse(json).value("stage", "");
    if (now != stage) stage_start = Clock::now();
    stage = now;
    line.Show(interrupt.token().stop_requested() ? "stopping" : ProgressText(json, SecondsSince(stage_start)));
  });
  line.End();
  if (result.ok()) {
    int code = PrintResult("index", *result, arguments.json);
    if (!backend.remote()) return code;
    return FollowRemoteIndexing(arguments, backend, Json::parse(*result).value("source", ""), interrupt.token());
  }
  if (!interrupt.token().stop_requested()) return Fail(arguments, result.status());
  return Fail(arguments, Unavailable("interrupted; what was committed is searchable, and the same command goes on from there"));
}

// The text of a small file, without white space around it; empty for no file.
Result<std::string> SecretIn(const std::string& file) {
  if (file.empty()) return std::string();
  std::error_code error;
  auto status = std::filesystem::status(file, error);
  bool open = std::filesystem::is_regular_file(status) && (status.permissions() & std::filesystem::perms::others_read) != std::filesystem::perms::none;
  if (open) return InvalidArgument(file + " is readable by everyone, and holds a secret; chmod 600 it");
  std::ifstream in(file, std::ios::binary);
  std::string text(4097, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || text.size() > 4096) return InvalidArgument(file + ": cannot be read, is empty, or is longer than 4096 bytes");
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

int Execute(const Arguments& arguments, std::string_view operation, const std::string& body, const Params& params) {
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call(operation, body, params, {}, {});
  return result.ok() ? PrintResult(operation, *result, arguments.json) : Fail(arguments, result.status());
}

Status NeedsDataFolder(const Arguments& arguments, const char* command) {
  if (arguments.backend.server.empty()) return OkStatus();
  return InvalidArgument(std::string(command) + " works on a data folder: give --data, not --server");
}

Result<std::string> PrincipalOf(const Arguments& arguments) {
  size_t given = (arguments.user.empty() ? 0u : 1u) + arguments.teams.size() + (arguments.everyone ? 1u : 0u);
  if (given != 1) return InvalidArgument("give exactly one of --user U, --team T, --everyone");
  if (arguments.everyone) return std::string("everyone");
  return arguments.user.empty() ? "team:" + arguments.teams[0] : "user:" + arguments.user;
}

int Fail(const Arguments& arguments, const Status& status) {
  std::fprintf(stderr, "error: %s\n", Printable(status.message()).c_str());
  if (arguments.json) {
    Json error = {{"error", {{"code", StatusCodeName(status.code())}, {"message", status.message()}}}};
    std::printf("%s\n", PrintableJson(error.dump(-1, ' ', false, Json::error_handler_t::replace)).c_str());
  }
  switch (status.code()) {
    case StatusCode::kInvalidArgument: return kUsage;
    case StatusCode::kPermissionDenied: return kRefused;
    default: return kNothingOrPartial;
  }
}

int Search(const Arguments& arguments) {
  if (IsBlank(arguments.text)) return Fail(arguments, InvalidArgument("the query is empty"));
  Json body = {{"query", arguments.text}, {"mode", arguments.mode}, {"syntax", arguments.syntax}, {"limit", arguments.limit}, {"offset", arguments.offset}};
  AddFilters(arguments, body);
  if (arguments.per_file != 1) body["per_file"] = arguments.per_file;
  if (arguments.rescore > 0) body["rescore"] = arguments.rescore;
  if (arguments.explain) body["explain"] = true;
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call("search", body.dump(), {}, {}, {});
  if (!result.ok()) return Fail(arguments, result.status());
  int code = PrintResult("search", *result, arguments.json);
  if (code == kNothingOrPartial) HintAtEmptyIndex(**backend, arguments);
  return code;
}

int Files(const Arguments& arguments) {
  if (IsBlank(arguments.text)) return Fail(arguments, InvalidArgument("the name is empty"));
  Json body = {{"query", arguments.text}, {"limit", arguments.limit}, {"offset", arguments.offset}};
  AddFilters(arguments, body);
  return Execute(arguments, "files", body);
}

int Similar(const Arguments& arguments) {
  if (IsBlank(arguments.text)) return Fail(arguments, InvalidArgument("name a file, as SOURCE:PATH"));
  Json body = {{"file", arguments.text}, {"limit", arguments.limit}};
  AddFilters(arguments, body);
  return Execute(arguments, "similar", body);
}

int Ask(const Arguments& arguments) {
  if (IsBlank(arguments.text)) return Fail(arguments, InvalidArgument("the question is empty"));
  Interrupt interrupt;
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  Json body = {{"question", arguments.text}};
  if (!arguments.generator.empty()) body["generator"] = arguments.generator;
  if (!arguments.adapter.empty()) body["adapter"] = arguments.adapter;
  if (arguments.explain) body["explain"] = true;
  if (!arguments.session.empty()) body["session"] = arguments.session;
  AddFilters(arguments, body);
  if (arguments.json) {
    auto result = (*backend)->Call("ask", body.dump(), {}, interrupt.token(), {});
    return result.ok() ? PrintResult("ask", *result, true) : Fail(arguments, result.status());
  }
  body["stream"] = true;
  bool found = false;
  auto result = (*backend)->Call("ask", body.dump(), {}, interrupt.token(), [&](std::string_view event, const std::string& json) {
    if (event == "done") found = Json::parse(json, nullptr, false).value("found", false);
    PrintAskEvent(event, json);
  });
  if (!result.ok()) return Fail(arguments, result.status());
  if (!found) HintAtEmptyIndex(**backend, arguments);
  return found ? kSuccess : kNothingOrPartial;
}

int Symbols(const Arguments& arguments) {
  Json body = {{"name", arguments.text}, {"limit", arguments.symbol_limit}};
  if (arguments.prefix) body["prefix"] = true;
  return FindByName(arguments, "symbols", std::move(body));
}

int References(const Arguments& arguments) {
  Json body = {{"name", arguments.text}, {"limit", arguments.symbol_limit}};
  if (arguments.callers) body["callers"] = true;
  return FindByName(arguments, "references", std::move(body));
}

// The text is SOURCE:PATH.
static int ExecuteOnFile(const Arguments& arguments, std::string_view operation, size_t colon) {
  Json body = {{"source", arguments.text.substr(0, colon)}, {"path", arguments.text.substr(colon + 1)}};
  if (!arguments.branch.empty()) body["branch"] = arguments.branch;
  return Execute(arguments, operation, body);
}

int Outline(const Arguments& arguments) {
  size_t colon = arguments.text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == arguments.text.size()) {
    return Fail(arguments, InvalidArgument("give the file as SOURCE:PATH, for example flask:src/flask/app.py"));
  }
  return ExecuteOnFile(arguments, "outline", colon);
}

int Why(const Arguments& arguments) {
  size_t colon = arguments.text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == arguments.text.size()) {
    return Fail(arguments, InvalidArgument("give the file as SOURCE:PATH, for example flask:src/flask/app.py"));
  }
  return ExecuteOnFile(arguments, "why", colon);
}

int Index(const Arguments& arguments) {
  Json body = {{"location", arguments.location}};
  if (!arguments.name.empty()) body["name"] = arguments.name;
  return IndexWith(arguments, "index", body, {});
}

int Serve(const Arguments& arguments) {
  if (Status status = NeedsDataFolder(arguments, "serve"); !status.ok()) return Fail(arguments, status);
  Interrupt interrupt;
  api::ServerOptions options;
  auto service = ServiceOptionsOf(arguments.backend);
  if (!service.ok()) return Fail(arguments, service.status());
  options.service = std::move(*service);
  options.service.threads = arguments.threads;
  options.service.cached_answers = arguments.cached_answers;
  options.service.quotas = {.user_requests_per_minute = arguments.user_rate, .tenant_requests_per_minute = arguments.tenant_rate,
                            .user_streams = arguments.user_streams, .tenant_streams = arguments.tenant_streams,
                            .user_tokens_per_day = arguments.user_tokens, .tenant_tokens_per_day = arguments.tenant_tokens,
                            .tenant_index_bytes_per_day = arguments.tenant_index_bytes};
  for (const std::string& text : arguments.oidc) {
    auto issuer = api::OidcConfig::Parse(text);
    if (!issuer.ok()) return Fail(arguments, issuer.status());
    options.service.identity.oidc.push_back(std::move(*issuer));
  }
  options.service.identity.trusted_proxies = arguments.trusted_proxies;
  options.service.identity.proxy_user_header = arguments.proxy_user_header;
  options.service.identity.proxy_tenant = arguments.proxy_tenant;
  options.http.tls = {.certificate = arguments.tls_certificate, .key = arguments.tls_key, .client_ca = arguments.tls_client_ca,
                      .client_required = arguments.tls_client_required};
  if (!arguments.tls_client_ca.empty()) options.service.identity.certificate_user = arguments.tls_client_user;
  options.service.identity.public_url = arguments.public_url;
  if (!arguments.public_url.empty()) options.http.allowed_origins.push_back(arguments.public_url.substr(0, arguments.public_url.find_last_not_of('/') + 1));
  options.service.identity.certificate_tenant = arguments.tls_client_tenant;
  options.http.host = arguments.host;
  options.http.port = arguments.port;
  options.http.allowed_hosts = arguments.allowed_hosts;
  options.http.log = [](std::string_view request_id, std::string_view text) {
    std::fprintf(stderr, "%.*s %s\n", static_cast<int>(request_id.size()), request_id.data(), OneLine(text).c_str());
  };
  auto server = api::Server::Start(std::move(options));
  if (!server.ok()) return Fail(arguments, server.status());
  std::printf("Serving on %s://%s:%d (Ctrl-C stops)\n", arguments.tls_certificate.empty() ? "http" : "https", arguments.host.c_str(), (*server)->port());
  std::fflush(stdout);
  interrupt.Wait();
  std::fprintf(stderr, "Stopping.\n");
  return kSuccess;
}

int ShowStatus(const Arguments& arguments) { return Execute(arguments, "status", Json::object()); }

int Doctor(const Arguments& arguments) {
  if (Status status = NeedsDataFolder(arguments, "doctor"); !status.ok()) return Fail(arguments, status);
  auto findings = api::Examine({.data_folder = arguments.backend.data_folder});
  bool all = true;
  Json list = Json::array();
  for (const api::Finding& finding : findings) {
    all = all && finding.ok;
    list.push_back({{"what", finding.what}, {"ok", finding.ok}, {"detail", finding.detail}});
  }
  std::string json = Json{{"ok", all}, {"findings", list}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  return PrintResult("doctor", json, arguments.json);
}

int Backup(const Arguments& arguments) {
  std::error_code error;
  Json input = {{"folder", std::filesystem::absolute(arguments.location, error).string()}};
  if (!arguments.text.empty()) input["incremental_from"] = std::filesystem::absolute(arguments.text, error).string();
  return Execute(arguments, "backup", input);
}

int RestoreBackup(const Arguments& arguments) {
  if (Status status = NeedsDataFolder(arguments, "restore"); !status.ok()) return Fail(arguments, status);
  auto report = api::Restore(arguments.location, arguments.backend.data_folder);
  if (!report.ok()) return Fail(arguments, report.status());
  Json json = {{"data", arguments.backend.data_folder}, {"files", report->files}, {"bytes", report->bytes}};
  return PrintResult("restore", json.dump(-1, ' ', false, Json::error_handler_t::replace), arguments.json);
}

int Version(const Arguments& arguments) {
  Json json = {{"name", "codelore"}, {"version", CODELORE_VERSION}, {"compiler", __VERSION__}};
  return PrintResult("version", json.dump(), arguments.json);
}

int ListSources(const Arguments& arguments) { return Execute(arguments, "source.list", Json::object()); }

namespace {

// What the options say of where permissions come from; null: nothing.
Result<Json> MirrorOf(const Arguments& arguments) {
  ASSIGN_OR_RETURN(std::string token, SecretIn(arguments.forge_token_file));
  const std::pair<const char*, const std::string*> fields[] = {{"url", &arguments.forge_url}, {"repository", &arguments.forge_repository}, {"token", &token},
                                                               {"interval", &arguments.mirror_interval}, {"limit", &arguments.mirror_limit}, {"public_is", &arguments.public_is}};
  Json mirror = Json::object();
  for (const auto& [name, value] : fields) {
    if (!value->empty()) mirror[name] = *value;
  }
  if (!arguments.mappings.empty()) mirror["map"] = arguments.mappings;
  if (arguments.mirror.empty() && !mirror.empty()) return InvalidArgument("say which forge with --mirror-permissions gitea, forgejo, github or gitlab");
  if (arguments.mirror.empty()) return Json();
  mirror["forge"] = arguments.mirror;
  return mirror;
}

}  // namespace

int AddSource(const Arguments& arguments) {
  auto token = SecretIn(arguments.token_file);
  if (!token.ok()) return Fail(arguments, token.status());
  auto secret = SecretIn(arguments.webhook_secret_file);
  if (!secret.ok()) return Fail(arguments, secret.status());
  auto mirror = MirrorOf(arguments);
  if (!mirror.ok()) return Fail(arguments, mirror.status());
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  std::error_code error;
  auto path = std::filesystem::canonical(arguments.location, error);  // "." has a name, too
  std::string name = arguments.name.empty() ? api::DefaultSourceName(error ? arguments.location : path.string()) : arguments.name;
  Json body = {{"location", LocationFor(**backend, arguments.location)}, {"poll", arguments.poll}, {"token", *token}, {"webhook_secret", *secret}};
  if (!arguments.branches.empty()) body["branches"] = arguments.branches;
  if (!arguments.tags.empty()) body["tags"] = arguments.tags;
  if (!mirror->is_null()) body["mirror"] = *mirror;
  auto result = (*backend)->Call("source.add", body.dump(), {{"source", name}}, {}, {});
  return result.ok() ? PrintResult("source.add", *result, arguments.json) : Fail(arguments, result.status());
}

int InitDocuments(const Arguments& arguments) { return Execute(arguments, "source.add", {{"kind", "documents"}}, {{"source", arguments.source}}); }

int PutDocument(const Arguments& arguments) {
  constexpr size_t kMaxBytes = 16 << 20;
  std::ifstream in(arguments.location, std::ios::binary);
  std::string bytes(kMaxBytes + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(in.gcount()));
  if (in.bad() || (!in.eof() && in.fail()) || bytes.empty() || bytes.size() > kMaxBytes) {
    return Fail(arguments, InvalidArgument(arguments.location + ": cannot be read, is empty, or is larger than 16 MiB"));
  }
  std::string path = arguments.document_path.empty() ? std::filesystem::path(arguments.location).filename().string() : arguments.document_path;
  Json body = {{"path", path}, {"base64", api::Base64(bytes)}, {"link", arguments.link}, {"expires", arguments.expires}};
  return Execute(arguments, "document.change", body, {{"source", arguments.source}});
}

int DeleteDocument(const Arguments& arguments) {
  return Execute(arguments, "document.change", {{"path", arguments.document_path}, {"delete", true}}, {{"source", arguments.source}});
}

int ListDocuments(const Arguments& arguments) { return Execute(arguments, "document.list", Json::object(), {{"source", arguments.source}}); }

int ShowSource(const Arguments& arguments) { return Execute(arguments, "source.show", Json::object(), {{"source", arguments.source}}); }
int PauseSource(const Arguments& arguments) { return Execute(arguments, "source.pause", Json::object(), {{"source", arguments.source}}); }
int ResumeSource(const Arguments& arguments) { return Execute(arguments, "source.resume", Json::object(), {{"source", arguments.source}}); }
int SyncSource(const Arguments& arguments) { return IndexWith(arguments, "source.sync", Json::object(), {{"source", arguments.source}}); }
int SetMasking(const Arguments& arguments) { return IndexWith(arguments, "source.masking", {{"policy", arguments.text}}, {{"source", arguments.source}}); }

int Findings(const Arguments& arguments) { return Execute(arguments, "source.findings", Json::object(), {{"source", arguments.source}}); }

int ReindexSource(const Arguments& arguments) { return IndexWith(arguments, "source.reindex", Json::object(), {{"source", arguments.source}}); }

int RemoveSource(const Arguments& arguments) {
  return Execute(arguments, "source.remove", Json::object(), {{"source", arguments.source}});
}

}  // namespace codelore::cli
