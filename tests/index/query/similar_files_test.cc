#include "index/query/similar_files.h"

#include <gtest/gtest.h>

#include "query_fixture.h"

namespace codelore::index {
namespace {

using Strings = std::vector<std::string>;

class SimilarFilesTest : public QueryFixture {
 protected:
  void Fill() {
    app_ = AddSource("app", {"user:ann"});
    Commit(app_, {{"src/session.py", "class Session:\n  def close(self): release connection pool\n  def open(self): acquire connection pool\n"},
                  {"tests/session_test.py", "def test_it(): check\n"},
                  {"src/pool.py", "class Pool:\n  def acquire(self): connection\n  def release(self): connection pool\n"},
                  {"src/color.py", "red = 1\ngreen = 2\n"},
                  {"docs/colors.md", "The colors are red and green.\n"}});
    ops_ = AddSource("ops", {"user:bob"});
    Commit(ops_, {{"session.py", "class Session:\n  def close(self): release connection pool\n"}});
    Embed(app_);
    Embed(ops_);
  }
  Result<FileResult> Find(const Viewer& viewer, const acl::Source& source, std::string path, SearchFilter filter = {}) {
    return index_->FindSimilarFiles(viewer, {.source = source.id, .path = std::move(path), .filter = std::move(filter)}, encoder_.info().fingerprint);
  }
  static Strings PathsOf(const Result<FileResult>& result) {
    Strings paths;
    if (!result.ok()) return {result.status().ToString()};
    for (const FoundFile& file : result->files) paths.push_back(file.path);
    return paths;
  }

  acl::Source app_, ops_;
};

TEST_F(SimilarFilesTest, FindsByContentAndByName) {
  Fill();
  auto result = Find(User("ann"), app_, "src/session.py");
  ASSERT_TRUE(result.ok());
  Strings paths = PathsOf(result);
  ASSERT_GE(paths.size(), 2u);
  EXPECT_NE(std::ranges::find(paths.begin(), paths.begin() + 2, "src/pool.py"), paths.begin() + 2);
  EXPECT_NE(std::ranges::find(paths.begin(), paths.begin() + 2, "tests/session_test.py"), paths.begin() + 2);
  EXPECT_EQ(std::ranges::count(paths, "src/session.py"), 0);
  EXPECT_EQ(PathsOf(Find(User("ann"), app_, "src/color.py"))[0], "docs/colors.md");
}

TEST_F(SimilarFilesTest, FiltersWhatItShowsNotWhatItStartsFrom) {
  Fill();
  EXPECT_EQ(PathsOf(Find(User("ann"), app_, "src/session.py", {.sources = {}, .paths = {"tests/**"}, .languages = {}})), (Strings{"tests/session_test.py"}));
}

TEST_F(SimilarFilesTest, WorksWithoutVectors) {
  app_ = AddSource("app");
  Commit(app_, {{"a.py", "alpha beta gamma\n"}, {"b.py", "alpha beta gamma delta\n"}, {"c.py", "unlike\n"}, {"a_test.py", "zeta\n"}});
  EXPECT_EQ(PathsOf(Find(Operator(), app_, "a.py")), (Strings{"a_test.py", "b.py"}));
}

// What is not there and what may not be read are one answer.
TEST_F(SimilarFilesTest, AStrangerCannotTellAHiddenFileFromNone) {
  Fill();
  auto hidden = Find(User("ann"), ops_, "session.py"), none = Find(User("ann"), ops_, "nothing.py"), unknown = Find(User("ann"), {.id = {999}}, "session.py");
  EXPECT_EQ(hidden.status().ToString(), none.status().ToString());
  EXPECT_EQ(hidden.status().ToString(), unknown.status().ToString());
  EXPECT_EQ(hidden.status().code(), StatusCode::kNotFound);
}

TEST_F(SimilarFilesTest, HiddenFilesChangeNothing) {
  Fill();
  Viewer ann = User("ann");
  Strings before = PathsOf(Find(ann, app_, "src/session.py"));
  acl::Source secret = AddSource("secret", {"user:eve"});
  Commit(secret, {{"session.py", "release connection pool acquire\n"}, {"pool_test.py", "connection\n"}});
  Embed(secret);
  EXPECT_EQ(PathsOf(Find(ann, app_, "src/session.py")), before);
}

}  // namespace
}  // namespace codelore::index
