#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/binary.h"
#include "support/temp_folder.h"

namespace codelore::cli {
namespace {

using testing::RunBinary;
using testing::TempFolder;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

TEST(CommandLine, HelpOfEveryCommandHasAnExample) {
  const std::vector<Words> commands = {
      {}, {"index"}, {"search"}, {"ask"}, {"serve"}, {"status"}, {"eval"}, {"eval", "answers"}, {"doctor"}, {"grant"}, {"revoke"},
      {"source"}, {"source", "list"}, {"source", "remove"}, {"token"}, {"token", "create"}, {"token", "list"},
      {"token", "revoke"}, {"tenant"}, {"tenant", "create"}, {"tenant", "list"}, {"version"}, {"session"}, {"session", "create"}, {"session", "list"}, {"session", "show"}, {"session", "delete"},
      {"feedback"}, {"feedback", "give"}, {"feedback", "list"}, {"feedback", "export"}, {"feedback", "delete"}};
  for (Words words : commands) {
    std::string example = "  codelore";
    for (const std::string& word : words) example += " " + word;
    words.push_back("--help");
    auto help = RunBinary(words);
    EXPECT_EQ(help.exit_code, 0) << example;
    EXPECT_EQ(help.errors, "") << example;
    EXPECT_NE(help.output.find(example), std::string::npos) << help.output;
  }
}

TEST(CommandLine, SaysWhatIsWrongAndExitsWithTwo) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"frob"}, "error: 'frob' is not a command; codelore --help lists them\n"},
      {{"search"}, "error: query is required (see codelore search --help)\n"},
      {{"search", "two", "words"}, "error: put the query in quotes: it is one argument\n"},
      {{"search", " "}, "error: the query is empty\n"},
      {{"search", "x", "--limit", "0"}, "error: --limit: Value 0 not in range 1 to 100 (see codelore search --help)\n"},
      {{"grant", "--source", "s"}, "error: give exactly one of --user U, --team T, --everyone\n"},
      {{"search", "\xff"}, "error: argument 2 is not valid UTF-8\n"},
      {{"eval", "answers", "q.jsonl"}, "error: give --repos DIR, a folder with one folder per source, or --data DIR with the sources indexed in it\n"},
      {{"eval"}, "error: give one of a BEIR folder, --queries FILE with --repos ROOT, or --spans DIR\n"},
  };
  for (const auto& [words, message] : cases) {
    auto result = RunBinary(words);
    EXPECT_EQ(result.exit_code, 2) << words[0];
    EXPECT_EQ(result.errors, message);
    EXPECT_EQ(result.output, "");
  }
  auto nothing = RunBinary({});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_NE(nothing.errors.find("Usage: codelore"), std::string::npos);
}

TEST(CommandLine, PrintsUsageErrorsAsJsonToo) {
  auto result = RunBinary({"--json", "frob"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(Json::parse(result.output)["error"]["code"], "invalid argument");
}

TEST(CommandLine, ReadsOptionsFromTheConfigurationFileAndTheEnvironment) {
  TempFolder folder;
  folder.Write("codelore.toml", "data = \"" + (folder / "data") + "\"\njson = true\n");
  auto from_file = RunBinary({"--config", folder / "codelore.toml", "source", "list"});
  EXPECT_EQ(from_file.exit_code, 0) << from_file.errors;
  EXPECT_EQ(Json::parse(from_file.output)["sources"].size(), 0u);
  auto from_variable = RunBinary({"source", "list"}, {"CODELORE_DATA=" + (folder / "data")});
  EXPECT_EQ(from_variable.output, "No sources.\n");
  folder.Write("wrong.toml", "datta = \"x\"\n");
  EXPECT_EQ(RunBinary({"--config", folder / "wrong.toml", "source", "list"}).exit_code, 2);
}

}  // namespace
}  // namespace codelore::cli
