#include "index/query/file_names.h"

#include <gtest/gtest.h>

#include <ctime>

#include "query_fixture.h"

namespace codelore::index {
namespace {

using Strings = std::vector<std::string>;

class FileNamesTest : public QueryFixture {
 protected:
  void Fill() {
    source_ = AddSource("app", {"user:ann"});
    std::vector<File> files;
    for (const char* path : {"src/main/java/UserServiceController.java", "src/main/java/UserService.java", "src/UserController.java", "src/user.java",
                             "test/UserServiceControllerTest.java", "README.md", "docs/user_service.md", "src/usc.py", "music/score.py", "docs/사용자_안내.md"}) {
      files.push_back({path, "x\n"});
    }
    Commit(source_, files);
  }
  Strings Find(const Viewer& viewer, std::string text, FileNameRequest request = {}) {
    request.text = std::move(text);
    auto result = index_->FindFiles(viewer, request);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    Strings paths;
    for (const FoundFile& file : result->files) paths.push_back(file.path);
    EXPECT_EQ(paths.empty(), !result->notes.empty());
    return paths;
  }
  Strings Find(std::string text, FileNameRequest request = {}) { return Find(Operator(), std::move(text), std::move(request)); }

  acl::Source source_;
};

TEST_F(FileNamesTest, FindsFilesAsPeopleRememberThem) {
  Fill();
  EXPECT_EQ(Find("user service controller"), (Strings{"src/main/java/UserServiceController.java", "test/UserServiceControllerTest.java"}));
  EXPECT_EQ(Find("UserServiceController.java")[0], "src/main/java/UserServiceController.java");
  EXPECT_EQ(Find("usc"), (Strings{"src/usc.py", "src/main/java/UserServiceController.java", "test/UserServiceControllerTest.java", "src/UserController.java"}));
  EXPECT_EQ(Find("user"), (Strings{"src/user.java", "docs/user_service.md", "src/main/java/UserService.java", "src/UserController.java",
                                   "src/main/java/UserServiceController.java", "test/UserServiceControllerTest.java"}));
  EXPECT_EQ(Find("controller user")[0], "src/UserController.java");
  EXPECT_EQ(Find("docs/user"), (Strings{"docs/user_service.md"}));
  EXPECT_EQ(Find("readme"), (Strings{"README.md"}));
  EXPECT_EQ(Find("redame"), (Strings{"README.md"}));
  EXPECT_EQ(Find("sevrice"), (Strings{"docs/user_service.md", "src/main/java/UserService.java", "src/main/java/UserServiceController.java", "test/UserServiceControllerTest.java"}));
  EXPECT_EQ(Find("안내"), (Strings{"docs/사용자_안내.md"}));
  EXPECT_EQ(Find(".md user"), (Strings{"docs/user_service.md"}));
  EXPECT_EQ(Find("nothing like it"), Strings());
}

TEST_F(FileNamesTest, FiltersAndPages) {
  Fill();
  EXPECT_EQ(Find("user", {.filter = {.sources = {}, .paths = {"docs/**"}, .languages = {}}}), (Strings{"docs/user_service.md"}));
  EXPECT_EQ(Find("user", {.filter = {.sources = {}, .paths = {}, .languages = {"markdown"}}}), (Strings{"docs/user_service.md"}));
  Strings all = Find("user"), paged;
  for (size_t i = 0; i < all.size(); ++i) paged.push_back(Find("user", {.filter = {}, .limit = 1, .offset = i}).at(0));
  EXPECT_EQ(paged, all);
  EXPECT_EQ(Find("user", {.filter = {}, .limit = 1, .offset = 100}), Strings());
}

TEST_F(FileNamesTest, AStrangerSeesNoNames) {
  Fill();
  EXPECT_EQ(Find(User("ann"), "user").size(), 6u);
  EXPECT_EQ(Find(User("bob"), "user"), Strings());
  EXPECT_EQ(Find(User("bob"), "usr"), Strings());
}

TEST_F(FileNamesTest, DeletedFilesAreGone) {
  Fill();
  Commit(source_, {}, "main", {"README.md"});
  EXPECT_EQ(Find("readme"), Strings());
}

TEST_F(FileNamesTest, WithoutLettersIsAMistake) {
  Fill();
  auto result = index_->FindFiles(Operator(), {.text = " ./- "});
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
}

TEST_F(FileNamesTest, ManyFilesTakeLittleTime) {
  acl::Source source = AddSource("large");
  std::vector<File> files;
  for (int i = 0; i < 20000; ++i) {
    files.push_back({"src/module" + std::to_string(i % 97) + "/component" + std::to_string(i % 13) + "/UserService" + std::to_string(i) + "Handler.java", "x\n"});
  }
  Commit(source, files);
  for (const char* query : {"usx", "UserService77Handler", "handler user 7", "userservicf"}) {
    std::clock_t start = std::clock();
    (void)Find(query);
    double ms = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    RecordProperty(query, std::to_string(ms));
    EXPECT_LT(ms, 1000) << query;
  }
}

}  // namespace
}  // namespace codelore::index
