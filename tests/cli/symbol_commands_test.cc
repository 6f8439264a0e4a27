// The commands about symbols, as typed: the real binary over a temporary data folder.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "support/temp_folder.h"

namespace codelore::cli {
namespace {

using testing::TempFolder;

struct Outcome {
  int code;
  std::string text;
};

class SymbolCommandsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder();
    folder_->Write("shop/app.py",
                   "class Shop:\n    def order(self):\n        return check()\n\n\ndef check():\n    return \"\\x1b[31mred\"\n\n\napp = Shop()\napp.order()\n");
    Outcome indexed = Run("index " + *folder_ / "shop");
    ASSERT_EQ(indexed.code, 0) << indexed.text;
  }
  static void TearDownTestSuite() { delete folder_; }

  // Standard output and error together.
  static Outcome Run(const std::string& arguments) {
    std::string command = std::string("NO_COLOR=1 ") + CODELORE_BINARY + " --data " + *folder_ / "data" + " " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    char buffer[4096];
    for (size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, size);
    int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
  }

  static TempFolder* folder_;
};
TempFolder* SymbolCommandsTest::folder_ = nullptr;

bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(SymbolCommandsTest, SymbolsShowsPlaceAndLine) {
  Outcome found = Run("symbols Shop.order");
  EXPECT_EQ(found.code, 0);
  EXPECT_TRUE(Contains(found.text, "Shop.order (method)  app.py:2")) << found.text;
  EXPECT_TRUE(Contains(found.text, "def order(self):"));
  EXPECT_TRUE(Contains(found.text, "1 definition"));
}

TEST_F(SymbolCommandsTest, NothingFoundExitsWithOneAndNamesWhatIsNear) {
  Outcome found = Run("symbols ordr");
  EXPECT_EQ(found.code, 1);
  EXPECT_TRUE(Contains(found.text, "No definition of 'ordr'.\nNames that are nearly so: order")) << found.text;
  EXPECT_EQ(Run("references nowhere_to_be_found").code, 1);
  EXPECT_EQ(Run("--json symbols ordr").code, 1);
  EXPECT_EQ(Run("outline shop:none.py").code, 1);
}

TEST_F(SymbolCommandsTest, ReferencesSayThatTheyMatchByName) {
  Outcome found = Run("references Shop.order");
  EXPECT_EQ(found.code, 0);
  EXPECT_TRUE(Contains(found.text, "11  call       qualifier  app.order()")) << found.text;
  EXPECT_TRUE(Contains(found.text, "matched by name, not by type"));
  Outcome callers = Run("references --callers check");
  EXPECT_EQ(callers.code, 0);
  EXPECT_TRUE(Contains(callers.text, "Shop.order (method)  app.py:3")) << callers.text;
}

TEST_F(SymbolCommandsTest, OutlineIndentsMembers) {
  Outcome outline = Run("outline shop:app.py");
  EXPECT_EQ(outline.code, 0);
  EXPECT_TRUE(Contains(outline.text, "      1  Shop  class\n      2    order  method\n      6  check  function\n")) << outline.text;
  EXPECT_EQ(Run("outline shop").code, 2);
}

TEST_F(SymbolCommandsTest, JsonIsTheOperationsAnswer) {
  Outcome found = Run("--json symbols 'Shop.*' --kind method");
  auto json = nlohmann::json::parse(found.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << found.text;
  EXPECT_EQ(json["definitions"][0]["symbol"], "Shop.order");
}

TEST_F(SymbolCommandsTest, HelpHasExamplesAndWrongUseExitsWithTwo) {
  for (const std::string command : {"symbols", "references", "outline"}) {
    Outcome help = Run(std::string(command) + " --help");
    EXPECT_EQ(help.code, 0);
    EXPECT_TRUE(Contains(help.text, "Examples:\n  codelore ")) << help.text;
    EXPECT_EQ(Run(command).code, 2) << command;
  }
  EXPECT_EQ(Run("symbols x --limit 501").code, 2);
  EXPECT_EQ(Run("symbols x --kind colour").code, 2);
}

}  // namespace
}  // namespace codelore::cli
