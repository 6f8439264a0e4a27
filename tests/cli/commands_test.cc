#include "cli/commands.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/binary.h"
#include "ingest/scratch_repository.h"
#include "support/temp_folder.h"

namespace codelore::cli {
namespace {

using testing::InterruptBinary;
using testing::RunBinary;
using testing::ScratchRepository;
using testing::TempFolder;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

// A data folder with one indexed repository.
class Commands : public ::testing::Test {
 protected:
  ingest::ProcessOutput Codelore(Words words) {
    words.insert(words.begin(), {"--data", data_.path()});
    return RunBinary(std::move(words));
  }
  ingest::ProcessOutput Index() { return Codelore({"index", repository_.path(), "--name", "app"}); }
  void Fill() {
    repository_.Write("src/retry.py", "def retry_upload(file):\n    \"\"\"Retries a failed upload three times.\"\"\"\n    return 3\n");
    commit_ = repository_.Commit();
    ASSERT_EQ(Index().exit_code, 0);
  }

  TempFolder data_;
  ScratchRepository repository_;
  std::string commit_;
};

TEST_F(Commands, FindsAndCitesWhatWasIndexed) {
  Fill();
  auto search = Codelore({"--json", "search", "retry upload"});
  EXPECT_EQ(search.exit_code, 0) << search.errors;
  Json hit = Json::parse(search.output)["hits"][0];
  for (const char* field : {"rank", "source", "commit", "branch", "path", "language", "kind", "symbol", "start_line",
                            "end_line", "snippet", "citation"}) {
    EXPECT_TRUE(hit.contains(field)) << field;
  }
  EXPECT_EQ(hit["citation"], "app@" + commit_ + ":src/retry.py#L1-L3");
  auto ask = Codelore({"ask", "how is a failed upload retried?"});
  EXPECT_EQ(ask.exit_code, 0);
  EXPECT_NE(ask.output.find("[1] `app@" + commit_ + ":src/retry.py#L1-L3`"), std::string::npos) << ask.output;
}

TEST_F(Commands, ExitsWithOneWhenNothingIsFound) {
  EXPECT_EQ(Codelore({"search", "anything"}).exit_code, 1);
  Fill();
  auto ask = Codelore({"ask", "what is the capital of France?"});
  EXPECT_EQ(ask.exit_code, 1);
  EXPECT_NE(ask.output.find("Nothing found"), std::string::npos);
  EXPECT_EQ(Codelore({"--json", "search", "retry", "--lang", "java"}).exit_code, 1);
  EXPECT_EQ(Codelore({"index", data_ / "nowhere"}).exit_code, 1);
}

TEST_F(Commands, ShowsAStrangerNothingAndAGranteeEverything) {
  Fill();
  auto stranger = Codelore({"--as", "user:ann", "--json", "search", "retry upload"});
  EXPECT_EQ(stranger.exit_code, 1);
  EXPECT_EQ(Json::parse(stranger.output)["hits"].size(), 0u);
  EXPECT_EQ(Codelore({"grant", "--source", "app", "--user", "ann"}).exit_code, 0);
  EXPECT_EQ(Codelore({"--as", "user:ann", "search", "retry upload"}).exit_code, 0);
  EXPECT_EQ(Codelore({"revoke", "--source", "app", "--user", "ann"}).exit_code, 0);
  EXPECT_EQ(Codelore({"--as", "user:ann", "search", "retry upload"}).exit_code, 1);
}

TEST_F(Commands, ExitsWithThreeWhenRefused) {
  Fill();
  EXPECT_EQ(Codelore({"--as", "user:ann", "grant", "--source", "app", "--user", "ann"}).exit_code, 3);
}

TEST_F(Commands, ShowsFileNamesAndContentWithoutTerminalEscapes) {
  repository_.Write("evil\x1b]0;owned\x07\nname.md", "# Upload \x1b[31mretry\x1b[0m\n\nupload retry \xE2\x80\xAEtxt\n");
  repository_.Commit();
  for (const Words& words : std::vector<Words>{{"index", repository_.path()}, {"search", "upload retry"}, {"ask", "upload retry"},
                                               {"status"}, {"--json", "search", "upload retry"}, {"--json", "status"}}) {
    auto result = Codelore(words);
    EXPECT_EQ(result.exit_code, 0) << words[0] << result.errors;
    for (std::string_view bad : {"\x1b", "\x07", "\xE2\x80\xAE"}) {
      EXPECT_EQ((result.output + result.errors).find(bad), std::string::npos) << words[0] << ": " << result.output;
    }
  }
  EXPECT_NE(Codelore({"search", "upload retry"}).output.find("name.md"), std::string::npos);
}

// A terminal's Ctrl-C goes to the whole process, whose libraries have threads of their own.
TEST_F(Commands, StopsIndexingAtCtrlCAndGoesOnFromThere) {
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (int line = 0; line < 10; ++line) text += "Line " + std::to_string(line) + " of page " + std::to_string(i) + ".\n";
    repository_.Write("page" + std::to_string(i) + ".txt", text);
  }
  repository_.Commit();
  auto stopped = InterruptBinary({"--data", data_.path(), "index", repository_.path(), "--name", "app", "--threads", "1"});
  EXPECT_EQ(stopped.exit_code, 1) << stopped.errors;
  EXPECT_NE(stopped.errors.find("interrupted; what was committed is searchable"), std::string::npos) << stopped.errors;
  EXPECT_EQ(Index().exit_code, 0);
  Json source = Json::parse(Codelore({"--json", "status"}).output)["sources"][0];
  EXPECT_EQ(source["files"]["indexed"], 40u);
  EXPECT_EQ(source["chunks"], source["chunks_with_vectors"]);
}

}  // namespace
}  // namespace codelore::cli
