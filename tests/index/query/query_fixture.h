// An index in a temporary folder, filled from lists of files whose lines are their chunks: "def f" and "class C"
// lines define names, indented lines lie within the class above.
#ifndef CODELORE_TESTS_INDEX_QUERY_QUERY_FIXTURE_H_
#define CODELORE_TESTS_INDEX_QUERY_QUERY_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "acl/directory.h"
#include "codelore/index.h"
#include "index/embedded_index.h"
#include "support/fake_encoder.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"

namespace codelore::index {

inline std::string LanguageOf(std::string_view path) {
  return path.ends_with(".md") || path.ends_with(".MD") ? "markdown" : path.ends_with(".go") ? "go" : path.ends_with(".java") ? "java" : "python";
}

inline NewFile MakeFile(std::string path, std::string text) {
  NewFile file{std::move(path), std::move(text), {}};
  file.chunked.language = LanguageOf(file.path);
  std::string enclosing;
  uint32_t line = 1;
  for (uint32_t begin = 0; begin < file.text.size(); ++line) {
    auto end = static_cast<uint32_t>(std::min(file.text.find('\n', begin), file.text.size() - 1)) + 1;
    std::string_view text_line = std::string_view(file.text).substr(begin, end - begin);
    bool indented = text_line.starts_with(' ');
    if (!indented) enclosing.clear();
    Chunk chunk{.bytes = {begin, end}, .start_line = line, .end_line = line, .scope = enclosing};
    std::string_view code = text_line.substr(text_line.find_first_not_of(' ') == std::string_view::npos ? 0 : text_line.find_first_not_of(' '));
    bool type = code.starts_with("class ");
    if (type || code.starts_with("def ")) {
      std::string name(code.substr(type ? 6 : 4));
      name = name.substr(0, name.find_first_of(" (:\n"));
      chunk.kind = type ? ChunkKind::kClass : enclosing.empty() ? ChunkKind::kFunction : ChunkKind::kMethod;
      chunk.symbol = enclosing.empty() ? name : enclosing + "." + name;
      chunk.definitions = {static_cast<uint32_t>(file.chunked.definitions.size())};
      file.chunked.definitions.push_back({.name = name, .qualified = chunk.symbol, .kind = chunk.kind, .extent = chunk.bytes, .name_begin = begin});
      if (type) enclosing = name;
    }
    file.chunked.chunks.push_back(std::move(chunk));
    begin = end;
  }
  return file;
}

class QueryFixture : public ::testing::Test {
 protected:
  struct File {
    std::string path, text;
  };

  void SetUp() override {
    directory_ = acl::Directory::Open(store_).value();
    auto index = OpenEmbeddedIndex(folder_ / "segments", store_);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    index_ = std::move(*index);
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
  }

  acl::Source AddSource(std::string name, std::vector<std::string> readers = {}) {
    return directory_->AddSource({.tenant = tenant_, .name = std::move(name), .location = "/nowhere", .readers = std::move(readers)}).value();
  }

  void Commit(const acl::Source& source, const std::vector<File>& files, const std::string& branch = "main",
              std::vector<std::string> remove = {}) {
    PartitionId partition = directory_->PartitionFor(source.id, "").value();
    IndexCommit commit{.tenant = tenant_, .source = source.id, .revision = "r", .ledger_gone = remove,
                       .state = {.branch = branch, .revision = "r"}};
    std::vector<NewFile> add;
    for (const File& file : files) add.push_back(MakeFile(file.path, file.text));
    for (const NewFile& file : add) {
      commit.ledger.push_back({.path = file.path, .language = file.chunked.language, .version = "v", .partition = partition,
                               .size_bytes = file.text.size(), .chunks = static_cast<uint32_t>(file.chunked.chunks.size())});
    }
    commit.partitions.push_back({partition, std::move(add), std::move(remove)});
    Status status = index_->Commit(commit);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  void Embed(const acl::Source& source) {
    auto partitions = directory_->PartitionsOf(source.id).value();
    ASSERT_TRUE(index_->Embed(tenant_, partitions, encoder_, 1, {}, [](const EmbedProgress&) {}).ok());
  }

  Viewer Operator() { return directory_->OperatorViewer(tenant_).value(); }
  Viewer User(std::string name) { return directory_->ViewerForUser(tenant_, name, {}).value(); }

  SearchRequest Request(const Viewer& viewer, std::string text, QuerySyntax syntax = QuerySyntax::kQuery) {
    SearchRequest request{.text = std::move(text), .syntax = syntax, .mode = SearchMode::kLexical, .limit = 1000};
    request.canonical_language = [](std::string_view name) {
      return std::string(name == "py" ? "python" : name == "pyton" || name == "xx" ? "" : name);
    };
    for (const acl::VisibleSource& source : directory_->VisibleSources(viewer).value()) {
      request.source_names.emplace_back(source.id, source.name);
    }
    return request;
  }
  SearchResult Search(const Viewer& viewer, std::string text, QuerySyntax syntax = QuerySyntax::kQuery) {
    auto result = index_->Search(viewer, Request(viewer, std::move(text), syntax), {}, {});
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? std::move(*result) : SearchResult();
  }
  static std::vector<std::string> Paths(const SearchResult& result) {
    std::vector<std::string> paths;
    for (const Hit& hit : result.hits) paths.push_back(hit.path);
    return paths;
  }
  static std::vector<std::string> SortedPaths(const SearchResult& result) {
    auto paths = Paths(result);
    std::ranges::sort(paths);
    return paths;
  }

  testing::TempFolder folder_;
  testing::MemoryStore store_;
  std::unique_ptr<acl::Directory> directory_;
  std::unique_ptr<Index> index_;
  TenantId tenant_;
  testing::FakeEncoder encoder_;
};

}  // namespace codelore::index

#endif  // CODELORE_TESTS_INDEX_QUERY_QUERY_FIXTURE_H_
