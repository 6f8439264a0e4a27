// The commands about path rules and the audit log, as typed: the real binary over a temporary data folder.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/temp_folder.h"

namespace codelore::cli {
namespace {

using testing::TempFolder;

class PermissionCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("app/infra/secrets/key.md", "# Key\n\nThe walrus key.\n");
    folder_.Write("app/readme.md", "# Readme\n\nThe walrus app.\n");
    EXPECT_NE(Run("index " + folder_ / "app").find("app"), std::string::npos);
    Run("grant --source app --everyone");
  }
  // Standard output and error together, and the exit code.
  std::string Run(const std::string& arguments) {
    std::string command = std::string("NO_COLOR=1 ") + CODELORE_BINARY + " --data " + folder_ / "data" + " " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    char buffer[4096];
    for (size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, size);
    int status = pclose(pipe);
    return text + "exit " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  }
  static bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  TempFolder folder_;
};

TEST_F(PermissionCommands, RulesHideAndShowAgain) {
  std::string added = Run("rule add --source app --path 'infra/secrets/**' --team platform");
  EXPECT_TRUE(Has(added, "infra/secrets/**  readers: team:platform\nexit 0")) << added;
  EXPECT_FALSE(Has(Run("--as user:eve grep walrus"), "key.md"));
  EXPECT_TRUE(Has(Run("--as user:pia --as team:platform grep walrus"), "key.md"));
  EXPECT_TRUE(Has(Run("rule list app"), "infra/secrets/**"));
  EXPECT_TRUE(Has(Run("rule remove --source app --path 'infra/secrets/**'"), "no path rules.\nexit 0"));
  EXPECT_TRUE(Has(Run("--as user:eve grep walrus"), "key.md"));
  EXPECT_TRUE(Has(Run("rule remove --source app --path 'infra/secrets/**'"), "exit 1") ||
              Has(Run("rule remove --source app --path 'infra/secrets/**'"), "no rule"));
}

TEST_F(PermissionCommands, AuditNamesTheFirstAlteredLine) {
  std::string listed = Run("audit list");
  EXPECT_TRUE(Has(listed, "operator  grant  ok  source=app  principal=everyone  from local\n")) << listed;
  EXPECT_TRUE(Has(Run("audit list --json --since 2020-01-01"), "\"what\":\"grant\""));
  EXPECT_TRUE(Has(Run("audit list --since 2999-01-01T00:00:00Z"), "exit 0"));
  EXPECT_FALSE(Has(Run("audit list --since yesterday"), "exit 0"));
  EXPECT_TRUE(Has(Run("audit verify"), "unaltered"));
  std::string path = folder_ / "data" + "/audit/audit-000000000001.jsonl";
  std::ifstream in(path);
  std::string text(std::istreambuf_iterator<char>(in), {});
  text.replace(text.find("everyone"), 8, "somebody");
  std::ofstream(path) << text;
  std::string verdict = Run("audit verify");
  EXPECT_TRUE(Has(verdict, "Altered: audit-000000000001.jsonl line 2: ")) << verdict;
  EXPECT_TRUE(Has(verdict, "exit 1"));
}

TEST_F(PermissionCommands, InitPrintsTheFirstTokenOnce) {
  std::string first = Run("init");
  EXPECT_TRUE(Has(first, "clr_")) << first;
  EXPECT_TRUE(Has(first, "exit 0"));
  std::string again = Run("init");
  EXPECT_FALSE(Has(again, "clr_"));
  EXPECT_TRUE(Has(again, "already")) << again;
  EXPECT_TRUE(Has(Run("token list"), "user:admin  platform"));
  EXPECT_FALSE(Has(Run("token list"), first.substr(first.find("clr_"), 20)));
}

TEST_F(PermissionCommands, TeamsWithinTeamsRead) {
  Run("revoke --source app --everyone");
  EXPECT_TRUE(Has(Run("team create ops"), "exit 0"));
  EXPECT_TRUE(Has(Run("team create engineering"), "exit 0"));
  EXPECT_TRUE(Has(Run("team add ops --user ann"), "user:ann"));
  EXPECT_TRUE(Has(Run("team add engineering --team ops"), "team:ops"));
  std::string cycle = Run("team add ops --team engineering");
  EXPECT_TRUE(Has(cycle, "cannot be within itself") && Has(cycle, "exit 2")) << cycle;
  Run("grant --source app --team engineering");
  EXPECT_TRUE(Has(Run("--as user:ann grep walrus"), "readme.md"));
  EXPECT_FALSE(Has(Run("--as user:eve grep walrus"), "readme.md"));
  std::string ann = Run("user show ann");
  EXPECT_TRUE(Has(ann, "engineering") && Has(ann, "app")) << ann;
  EXPECT_TRUE(Has(Run("grants app"), "team:engineering  by hand"));
  EXPECT_TRUE(Has(Run("team drop engineering --team ops"), "exit 0"));
  EXPECT_FALSE(Has(Run("--as user:ann grep walrus"), "readme.md"));
  EXPECT_TRUE(Has(Run("team remove ops"), "exit 0"));
  EXPECT_FALSE(Has(Run("team list"), "ops"));
}

TEST_F(PermissionCommands, UsersHaveRolesAndTokensTurns) {
  EXPECT_TRUE(Has(Run("user create ann --role auditor"), "exit 0"));
  EXPECT_TRUE(Has(Run("user create ci --service"), "exit 0"));
  EXPECT_TRUE(Has(Run("user list"), "ci  member  service account"));
  EXPECT_TRUE(Has(Run("token create --user ann --role administrator"), "smaller role"));
  EXPECT_TRUE(Has(Run("user set ann --role administrator"), "exit 0"));
  EXPECT_TRUE(Has(Run("token create --user ci --protocol mcp --source app --expires-in-days 3"), "clr_"));
  std::string listed = Run("token list --json");
  EXPECT_TRUE(Has(listed, "\"protocols\":[\"mcp\"],\"sources\":[\"app\"]")) << listed;
  std::string id = listed.substr(listed.find("\"id\":") + 5);
  id = id.substr(0, id.find(','));
  EXPECT_TRUE(Has(Run("token rotate " + id), "clr_"));
  EXPECT_TRUE(Has(Run("token rotate " + id), "two tokens of this line"));
  EXPECT_TRUE(Has(Run("token revoke " + id), "exit 0"));
  EXPECT_TRUE(Has(Run("user set ci --disable"), "exit 0"));
  EXPECT_TRUE(Has(Run("user list"), "disabled"));
  EXPECT_TRUE(Has(Run("user remove ci"), "exit 0"));
  EXPECT_FALSE(Has(Run("token list"), "user:ci"));
}

TEST_F(PermissionCommands, RulesComeFromCodeowners) {
  Run("user create ann");
  Run("team create platform");
  folder_.Write("CODEOWNERS", "* @ann @ghost\n/infra/ @org/platform\n/infra/secrets/ @org/nobody\n");
  std::string imported = Run("rule import app --codeowners " + folder_ / "CODEOWNERS");
  EXPECT_TRUE(Has(imported, "nobody here: @ghost\n") && Has(imported, "nobody here: @org/nobody\n") && Has(imported, "exit 0")) << imported;
  EXPECT_TRUE(Has(Run("--as user:ann grep walrus"), "readme.md"));
  EXPECT_FALSE(Has(Run("--as user:ann grep walrus"), "key.md"));
  EXPECT_FALSE(Has(Run("--as user:eve grep walrus"), "readme.md"));
  EXPECT_FALSE(Has(Run("--as user:pia --as team:platform grep walrus"), "key.md"));  // an unknown owner is nobody
  EXPECT_FALSE(Has(Run("--as user:ghost grep walrus"), "readme.md"));
  folder_.Write("bad", "* @ann\n[Docs] @ann\n");
  std::string refused = Run("rule import app --codeowners " + folder_ / "bad");
  EXPECT_TRUE(Has(refused, "line 2") && Has(refused, "exit 2")) << refused;
  EXPECT_TRUE(Has(Run("rule list app"), "(imported)"));  // as before
  EXPECT_TRUE(Has(Run("rule import app --from-repository"), "no CODEOWNERS"));
  folder_.Write("app/docs/CODEOWNERS", "* @ann\n");
  Run("index " + folder_ / "app");
  EXPECT_TRUE(Has(Run("rule import app --from-repository"), "exit 0"));
  EXPECT_TRUE(Has(Run("--as user:ann grep walrus"), "key.md"));
  EXPECT_TRUE(Has(Run("rule import app --codeowners /dev/null"), "no path rules"));
  EXPECT_TRUE(Has(Run("--as user:eve grep walrus"), "key.md"));  // the grant to everyone
  EXPECT_FALSE(Has(Run("rule import app"), "exit 0"));
}

}  // namespace
}  // namespace codelore::cli
