// codelore init, grant, revoke, rule, user, team, token, tenant: who may do what.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/print.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;
using Params = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kFirstUser = "admin";

int Run(const Arguments& arguments, std::string_view operation, const Json& body = Json::object(), const Params& params = {}) {
  return Execute(arguments, operation, body.dump(), params);
}

Params SourceOf(const Arguments& arguments) { return {{"source", arguments.source}}; }
Params UserOf(const Arguments& arguments) { return {{"user", arguments.user}}; }
Params TokenOf(const Arguments& arguments) { return {{"id", std::to_string(arguments.token_id)}}; }

// Runs `operation` with the principal that the options name.
template <typename Call>
int WithPrincipal(const Arguments& arguments, Call call) {
  auto principal = PrincipalOf(arguments);
  return principal.ok() ? call(*principal) : Fail(arguments, principal.status());
}

}  // namespace

int Initialize(const Arguments& arguments) {
  if (Status status = NeedsDataFolder(arguments, "init"); !status.ok()) return Fail(arguments, status);
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto listed = (*backend)->Call("token.list", "", {}, {}, {});
  if (!listed.ok()) return Fail(arguments, listed.status());
  const Json tokens = Json::parse(*listed);
  for (const Json& token : tokens["tokens"]) {
    if (token.value("role", "") != "platform") continue;
    return Fail(arguments, InvalidArgument("this data folder has a platform administrator's token already; its text is not kept. "
                                           "For another: codelore token create --user NAME --role platform"));
  }
  auto made = (*backend)->Call("token.create", Json{{"user", kFirstUser}, {"role", "platform"}}.dump(), {}, {}, {});
  return made.ok() ? PrintResult("token.create", *made, arguments.json) : Fail(arguments, made.status());
}

// ---- grants and rules ------------------------------------------------------------------------------------

int Grant(const Arguments& arguments) {
  return WithPrincipal(arguments, [&](const std::string& who) { return Run(arguments, "grant", {{"principal", who}}, SourceOf(arguments)); });
}

int Revoke(const Arguments& arguments) {
  return WithPrincipal(arguments, [&](const std::string& who) {
    return Run(arguments, "revoke", Json::object(), {{"source", arguments.source}, {"principal", who}});
  });
}

int ListGrants(const Arguments& arguments) { return Run(arguments, "grant.list", Json::object(), SourceOf(arguments)); }

int AddRule(const Arguments& arguments) {
  return WithPrincipal(arguments, [&](const std::string& who) {
    return Run(arguments, "rule.add", {{"path", arguments.rule_path}, {"principals", {who}}}, SourceOf(arguments));
  });
}

int ListRules(const Arguments& arguments) { return Run(arguments, "rule.list", Json::object(), SourceOf(arguments)); }

int RemoveRule(const Arguments& arguments) { return Run(arguments, "rule.remove", {{"path", arguments.rule_path}}, SourceOf(arguments)); }

int ImportRules(const Arguments& arguments) {
  if (arguments.from_repository == !arguments.codeowners.empty()) {
    return Fail(arguments, InvalidArgument("give one of --codeowners FILE and --from-repository"));
  }
  if (arguments.from_repository) return Run(arguments, "rule.import", {{"from_repository", true}}, SourceOf(arguments));
  std::ifstream in(arguments.codeowners, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return Fail(arguments, InvalidArgument(arguments.codeowners + " cannot be read"));
  return Execute(arguments, "rule.import", Json{{"text", text}}.dump(-1, ' ', false, Json::error_handler_t::replace), SourceOf(arguments));
}

// ---- users and teams -------------------------------------------------------------------------------------

int ListUsers(const Arguments& arguments) { return Run(arguments, "user.list"); }

int CreateUser(const Arguments& arguments) {
  return Run(arguments, "user.create", {{"user", arguments.user}, {"kind", arguments.kind}, {"role", arguments.role}});
}

int ShowUser(const Arguments& arguments) { return Run(arguments, "user.show", Json::object(), UserOf(arguments)); }

int SetUser(const Arguments& arguments) {
  if (arguments.disable && arguments.enable) return Fail(arguments, InvalidArgument("give one of --disable and --enable"));
  Json body = Json::object();
  if (!arguments.new_role.empty()) body["role"] = arguments.new_role;
  if (arguments.disable || arguments.enable) body["disabled"] = arguments.disable;
  return Run(arguments, "user.set", body, UserOf(arguments));
}

int RemoveUser(const Arguments& arguments) { return Run(arguments, "user.remove", Json::object(), UserOf(arguments)); }
int ListTeams(const Arguments& arguments) { return Run(arguments, "team.list"); }
int CreateTeam(const Arguments& arguments) { return Run(arguments, "team.create", {{"team", arguments.team}}); }
int RemoveTeam(const Arguments& arguments) { return Run(arguments, "team.remove", Json::object(), {{"team", arguments.team}}); }

int AddMember(const Arguments& arguments) {
  return WithPrincipal(arguments, [&](const std::string& who) { return Run(arguments, "team.add", {{"principal", who}}, {{"team", arguments.team}}); });
}

int DropMember(const Arguments& arguments) {
  return WithPrincipal(arguments, [&](const std::string& who) {
    return Run(arguments, "team.drop", Json::object(), {{"team", arguments.team}, {"principal", who}});
  });
}

// ---- tokens and tenants ----------------------------------------------------------------------------------

int CreateToken(const Arguments& arguments) {
  Json body = {{"user", arguments.user}, {"teams", arguments.teams}, {"role", arguments.administrator ? "administrator" : arguments.role},
               {"expires_in_days", arguments.expires_in_days}};
  if (!arguments.backend.tenant.empty()) body["tenant"] = arguments.backend.tenant;
  if (!arguments.protocols.empty()) body["protocols"] = arguments.protocols;
  if (!arguments.sources.empty()) body["sources"] = arguments.sources;
  return Run(arguments, "token.create", body);
}

int ListTokens(const Arguments& arguments) { return Run(arguments, "token.list"); }
int RotateToken(const Arguments& arguments) { return Run(arguments, "token.rotate", {{"overlap_hours", arguments.overlap_hours}}, TokenOf(arguments)); }
int RevokeToken(const Arguments& arguments) { return Run(arguments, "token.revoke", Json::object(), TokenOf(arguments)); }
int CreateTenant(const Arguments& arguments) { return Run(arguments, "tenant.create", {{"name", arguments.name}}); }
int ListTenants(const Arguments& arguments) { return Run(arguments, "tenant.list"); }

}  // namespace codelore::cli
