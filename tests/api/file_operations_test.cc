#include "api/file_operations.h"

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class FileOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
    world_.Index(billing_.path(), "billing", {"user:ann"});
    world_.Index(robots_.path(), "robots", {"user:bob"});
  }
  static std::vector<std::string> Paths(const Json& reply) {
    std::vector<std::string> paths;
    for (const Json& file : reply["files"]) paths.push_back(file["source"].get<std::string>() + ":" + file["path"].get<std::string>());
    return paths;
  }
  using Strings = std::vector<std::string>;

  ScratchRepository billing_, robots_;
  World world_;
};

TEST_F(FileOperationsTest, FilesAreFoundByName) {
  Json reply = world_.Call(world_.User("ann"), "files", {{"query", "invo"}});
  EXPECT_EQ(Paths(reply), (Strings{"billing:src/invoice.py"}));
  const Json& file = reply["files"][0];
  EXPECT_EQ(file["rank"], 1);
  EXPECT_EQ(file["language"], "python");
  EXPECT_EQ(file["citation"], "billing@" + file["commit"].get<std::string>() + ":src/invoice.py");
  EXPECT_TRUE(reply["notes"].empty());
  EXPECT_EQ(Paths(world_.Call(world_.Operator(), "files", {{"query", "invoice"}})).size(), 2u);
  EXPECT_EQ(world_.Call(world_.User("eve"), "files", {{"query", "invoice"}})["files"], Json::array());
  EXPECT_TRUE(world_.Outcome(world_.User("ann"), "files", {{"query", "--"}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(world_.User("ann"), "files", {{"query", "x"}, {"colour", 1}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(world_.User("ann"), "files", {{"query", "x"}, {"sources", {"robots"}}}).starts_with("not found"));
}

TEST_F(FileOperationsTest, SimilarTakesAPathOrACitation) {
  Caller operating = world_.Operator();
  std::string citation = world_.Call(operating, "search", {{"query", "round_total"}, {"sources", {"billing"}}})["hits"][0]["citation"];
  Json by_citation = world_.Call(operating, "similar", {{"file", citation}}), by_path = world_.Call(operating, "similar", {{"file", "billing:src/invoice.py"}});
  EXPECT_EQ(by_citation["files"], by_path["files"]);
  EXPECT_EQ(Paths(by_path)[0], "robots:invoice.py");
}

TEST_F(FileOperationsTest, HiddenAndMissingFilesAreOneAnswer) {
  Caller ann = world_.User("ann");
  auto outcome = [&](const std::string& file) {
    std::string text = world_.Outcome(ann, "similar", {{"file", file}});
    size_t at = text.find("'" + file + "'");
    return at == std::string::npos ? text : text.replace(at + 1, file.size(), "X");
  };
  std::string hidden = outcome("robots:arm.cc");
  EXPECT_TRUE(hidden.starts_with("not found")) << hidden;
  EXPECT_EQ(outcome("robots:none.cc"), hidden);
  EXPECT_EQ(outcome("nowhere:arm.cc"), hidden);
  EXPECT_EQ(outcome("billing:none.py"), hidden);
  EXPECT_EQ(outcome("billing"), hidden);
  EXPECT_EQ(outcome(":"), hidden);
  EXPECT_EQ(outcome("@@::##L"), hidden);
  EXPECT_EQ(Paths(world_.Call(ann, "similar", {{"file", "billing:src/invoice.py"}})).size(), 2u);
}

class QueryOperationTest : public FileOperationsTest {};

TEST_F(QueryOperationTest, OperatorsCountWhereTheyAreUnmistakable) {
  Caller operating = world_.Operator();
  Json reply = world_.Call(operating, "search", {{"query", "invoice -robot lang:py"}});
  EXPECT_EQ(PathsIn(reply), (Strings{"billing:src/invoice.py"}));
  EXPECT_EQ(reply["read_as"], "invoice -robot lang:py");
  EXPECT_EQ(PathsIn(world_.Call(operating, "search", {{"query", "sym:round_total repo:robots"}})), (Strings{"robots:invoice.py"}));
  EXPECT_EQ(PathsIn(world_.Call(operating, "search", {{"query", "/rate of the \\w+ added/"}})), (Strings{"billing:src/tax.go"}));
  EXPECT_EQ(PathsIn(world_.Call(operating, "search", {{"query", "\"emergency stop\""}})), (Strings{"robots:safety.md"}));
  EXPECT_EQ(PathsIn(world_.Call(operating, "search", {{"query", "\"int x, int y\" OR lang:go"}, {"mode", "lexical"}})).size(), 2u);
  EXPECT_EQ(world_.Call(operating, "search", {{"query", "what does round(amount, 2) do?"}})["read_as"], "");
}

TEST_F(QueryOperationTest, SyntaxIsChosen) {
  Caller operating = world_.Operator();
  EXPECT_EQ(world_.Outcome(operating, "search", {{"query", "foo (bar"}, {"syntax", "query"}}),
            "invalid argument: query: no ) for the ( at 5\n  foo (bar\n      ^");
  EXPECT_TRUE(world_.TryCall(operating, "search", {{"query", "foo (bar"}}).ok());
  Json plain = world_.Call(operating, "search", {{"query", "invoice lang:go -invoice"}, {"syntax", "plain"}});
  EXPECT_EQ(plain["read_as"], "");
  EXPECT_FALSE(plain["hits"].empty());
  EXPECT_TRUE(world_.Outcome(operating, "search", {{"query", "x"}, {"syntax", "sql"}}).starts_with("invalid argument: field 'syntax' must be"));
}

TEST_F(QueryOperationTest, NothingIsNeverReturnedInSilence) {
  Json reply = world_.Call(world_.User("ann"), "search", {{"query", "lang:pyton invoice"}});
  EXPECT_TRUE(reply["hits"].empty());
  EXPECT_EQ(reply["notes"][0], "lang:pyton is not a known language; did you mean python?");
  EXPECT_EQ(world_.Call(world_.User("ann"), "search", {{"query", "repo:robots arm"}})["notes"],
            Json({"no source named 'robots' that you may read"}));
  EXPECT_FALSE(world_.Call(world_.User("eve"), "search", {{"query", "anything"}})["notes"].empty());
  EXPECT_TRUE(world_.Call(world_.User("ann"), "search", {{"query", "invoice"}})["notes"].empty());
}

TEST_F(QueryOperationTest, AskTakesEveryWordAsAWord) {
  Json reply = world_.Call(world_.User("ann"), "ask", {{"question", "When is a refund paid back -refund path:nowhere"}});
  EXPECT_TRUE(reply["found"].get<bool>());
}

TEST_F(FileOperationsTest, WhySaysWhatTheLedgerSays) {
  billing_.Write("blob.dat", std::string("\0\1\2", 3));
  billing_.Commit();
  world_.Index(billing_.path(), "billing");
  Json indexed = world_.Call(world_.User("ann"), "why", {{"source", "billing"}, {"path", "src/invoice.py"}});
  EXPECT_EQ(indexed["state"], "indexed");
  EXPECT_EQ(indexed["found_by_meaning"], true);
  EXPECT_EQ(indexed["commit"], billing_.Git({"rev-parse", "HEAD"}));
  EXPECT_FALSE(indexed.contains("readers"));
  Json skipped = world_.Call(world_.Operator(), "why", {{"source", "billing"}, {"path", "blob.dat"}});
  EXPECT_EQ(skipped["state"], "skipped");
  EXPECT_EQ(skipped["found_by_words"], false);
  EXPECT_NE(skipped["reason"], "");
  EXPECT_EQ(skipped["readers"], Json::array({"user:ann"}));
}

TEST_F(FileOperationsTest, WhyTellsAStrangerTheSameOfWhatIsThereAndWhatIsNot) {
  auto ask = [&](const std::string& source, const std::string& path) {
    std::string text = world_.Outcome(world_.User("bob"), "why", {{"source", source}, {"path", path}});
    for (const std::string& said : {source, path}) text.replace(text.find("'" + said + "'"), said.size() + 2, "''");
    return text;
  };
  std::string hidden = ask("billing", "src/invoice.py");
  EXPECT_EQ(hidden, ask("billing", "src/nothing.py"));
  EXPECT_EQ(hidden, ask("nothing", "src/invoice.py"));
  EXPECT_EQ(hidden, ask("robots", "src/invoice.py"));
}

}  // namespace
}  // namespace codelore::api
