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

}  // namespace
}  // namespace codelore::cli
