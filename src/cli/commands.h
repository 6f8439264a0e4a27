// The commands: from arguments to an exit code, with everything printed.
#ifndef CODELORE_CLI_COMMANDS_H_
#define CODELORE_CLI_COMMANDS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "codelore/status.h"

namespace codelore::cli {

inline constexpr int kSuccess = 0, kNothingOrPartial = 1, kUsage = 2, kRefused = 3;

using Command = int (*)(const Arguments&);

int Search(const Arguments& arguments);
int Files(const Arguments& arguments);
int Similar(const Arguments& arguments);
int Ask(const Arguments& arguments);
int Symbols(const Arguments& arguments);
int References(const Arguments& arguments);
int Outline(const Arguments& arguments);
int Why(const Arguments& arguments);
int Grep(const Arguments& arguments);
int Index(const Arguments& arguments);
int Serve(const Arguments& arguments);
int Mcp(const Arguments& arguments);
int ShowStatus(const Arguments& arguments);
int Evaluate(const Arguments& arguments);
int EvaluateAnswers(const Arguments& arguments);
int Doctor(const Arguments& arguments);
int Backup(const Arguments& arguments);
int RestoreBackup(const Arguments& arguments);
int Version(const Arguments& arguments);
int ListSources(const Arguments& arguments);
int AddSource(const Arguments& arguments);
int InitDocuments(const Arguments& arguments);
int PutDocument(const Arguments& arguments);
int DeleteDocument(const Arguments& arguments);
int ListDocuments(const Arguments& arguments);
int ShowSource(const Arguments& arguments);
int PauseSource(const Arguments& arguments);
int ResumeSource(const Arguments& arguments);
int SyncSource(const Arguments& arguments);
int ReindexSource(const Arguments& arguments);
int SetMasking(const Arguments& arguments);
int Findings(const Arguments& arguments);
int RemoveSource(const Arguments& arguments);
int Grant(const Arguments& arguments);
int Revoke(const Arguments& arguments);
int Initialize(const Arguments& arguments);
int ListGrants(const Arguments& arguments);
int ImportRules(const Arguments& arguments);
int ListUsers(const Arguments& arguments);
int CreateUser(const Arguments& arguments);
int ShowUser(const Arguments& arguments);
int SetUser(const Arguments& arguments);
int RemoveUser(const Arguments& arguments);
int ListTeams(const Arguments& arguments);
int CreateTeam(const Arguments& arguments);
int RemoveTeam(const Arguments& arguments);
int AddMember(const Arguments& arguments);
int DropMember(const Arguments& arguments);
int RotateToken(const Arguments& arguments);
int CreateToken(const Arguments& arguments);
int ListTokens(const Arguments& arguments);
int RevokeToken(const Arguments& arguments);
int CreateTenant(const Arguments& arguments);
int ListTenants(const Arguments& arguments);
int AddRule(const Arguments& arguments);
int ListRules(const Arguments& arguments);
int RemoveRule(const Arguments& arguments);
int CreateSession(const Arguments& arguments);
int ListSessions(const Arguments& arguments);
int ShowSession(const Arguments& arguments);
int DeleteSession(const Arguments& arguments);
int GiveFeedback(const Arguments& arguments);
int ListFeedback(const Arguments& arguments);
int ExportFeedback(const Arguments& arguments);
int DeleteFeedback(const Arguments& arguments);
int ListModels(const Arguments& arguments);
int UseModel(const Arguments& arguments);
int VerifyModel(const Arguments& arguments);
int ListAdapters(const Arguments& arguments);
int SetAdapter(const Arguments& arguments);
int RemoveAdapter(const Arguments& arguments);
int ListAudit(const Arguments& arguments);
int VerifyAudit(const Arguments& arguments);

// Opens the backend, calls one operation of api/operations.h, prints its result. `body` is JSON.
int Execute(const Arguments& arguments, std::string_view operation, const std::string& body, const std::vector<std::pair<std::string, std::string>>& params = {});
// kInvalidArgument with --server: `command` needs the data folder itself.
Status NeedsDataFolder(const Arguments& arguments, const char* command);
// "user:U", "team:T" or "everyone" from the options; exactly one must be given.
Result<std::string> PrincipalOf(const Arguments& arguments);

// Says what failed, on standard error, and with --json as an object on standard output too.
int Fail(const Arguments& arguments, const Status& status);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_COMMANDS_H_
