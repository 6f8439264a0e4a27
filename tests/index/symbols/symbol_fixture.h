// An index over toy sources, whose every line says itself what it is:
//
//   class Shop(Base):        a class, with a base; it ends where the next line is indented no more than it
//   def Shop.order           a method "order" in "Shop"; without a dot, a function
//   var app = Shop           a variable, made from a class
//   call app.order           a call, with a qualifier or without
//   import Shop              an import
//   pass Shop                a name that the file passes on
#ifndef CODELORE_TESTS_INDEX_SYMBOLS_SYMBOL_FIXTURE_H_
#define CODELORE_TESTS_INDEX_SYMBOLS_SYMBOL_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "codelore/symbols.h"
#include "index/embedded_index.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"

namespace codelore::index {

class ToyParser {
 public:
  static NewFile Parse(std::string path, std::string text) {
    ToyParser parser(std::move(path), std::move(text));
    for (uint32_t begin = 0; begin < parser.file_.text.size();) {
      auto end = static_cast<uint32_t>(parser.file_.text.find('\n', begin));
      parser.Line(begin, end);
      begin = end + 1;
    }
    return std::move(parser.file_);
  }

 private:
  ToyParser(std::string path, std::string text) : file_{std::move(path), std::move(text), {}} {
    file_.chunked.language = file_.path.ends_with(".json") ? "json" : "python";
  }

  void Line(uint32_t begin, uint32_t end) {
    Chunk chunk;
    chunk.bytes = {begin, end + 1};
    chunk.start_line = chunk.end_line = ++line_;
    file_.chunked.chunks.push_back(chunk);
    std::string line = file_.text.substr(begin, end - begin);
    size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) return;
    while (!open_.empty() && open_.back().first >= indent) open_.pop_back();
    for (auto [ignored, definition] : open_) file_.chunked.definitions[definition].extent.end = end;
    std::string word = line.substr(indent, line.find(' ', indent) - indent);
    auto at = static_cast<uint32_t>(indent + word.size() + 1);
    std::string rest = line.substr(at);
    if (word == "class") Class(begin, end, indent, at, rest);
    if (word == "def") Define(begin, end, indent, at, rest, ChunkKind::kFunction);
    if (word == "var") Variable(begin, end, indent, at, rest);
    if (word == "call") Refer(begin + at, rest, ReferenceKind::kCall);
    if (word == "pass") Define(begin, end, indent, at, rest, ChunkKind::kReexport);
    if (word == "import") Refer(begin + at, rest, ReferenceKind::kImport);
  }

  void Class(uint32_t begin, uint32_t end, size_t indent, uint32_t at, const std::string& rest) {
    size_t open = rest.find('(');
    Define(begin, end, indent, at, rest.substr(0, std::min(open, rest.find(':'))), ChunkKind::kClass);
    if (open != std::string::npos) {
      Refer(begin + at + static_cast<uint32_t>(open) + 1, rest.substr(open + 1, rest.find(')') - open - 1), ReferenceKind::kInherit);
    }
  }

  void Variable(uint32_t begin, uint32_t end, size_t indent, uint32_t at, const std::string& rest) {
    size_t equals = rest.find(" = ");
    Define(begin, end, indent, at, rest.substr(0, equals), ChunkKind::kVariable);
    if (equals != std::string::npos) Refer(begin + at + static_cast<uint32_t>(equals) + 3, rest.substr(equals + 3), ReferenceKind::kCall);
  }

  void Define(uint32_t begin, uint32_t end, size_t indent, uint32_t at, const std::string& qualified, ChunkKind kind) {
    size_t dot = qualified.rfind('.');
    if (dot != std::string::npos) kind = ChunkKind::kMethod;
    uint32_t name = begin + at + (dot == std::string::npos ? 0 : static_cast<uint32_t>(dot) + 1);
    open_.emplace_back(indent, file_.chunked.definitions.size());
    file_.chunked.definitions.push_back({.name = dot == std::string::npos ? qualified : qualified.substr(dot + 1),
                                         .qualified = qualified,
                                         .kind = kind,
                                         .extent = {begin, end},
                                         .name_begin = name});
  }

  void Refer(uint32_t begin, const std::string& path, ReferenceKind kind) {
    size_t dot = path.rfind('.');
    bool plain = dot == std::string::npos;
    file_.chunked.references.push_back({.name = plain ? path : path.substr(dot + 1),
                                        .qualifier = plain ? "" : path.substr(0, dot),
                                        .kind = kind,
                                        .begin = begin + (plain ? 0 : static_cast<uint32_t>(dot) + 1)});
  }

  NewFile file_;
  uint32_t line_ = 0;
  std::vector<std::pair<size_t, size_t>> open_;  // indentation, definition
};

class SymbolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = acl::Directory::Open(store_).value();
    index_ = OpenEmbeddedIndex(folder_ / "segments", store_).value();
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
  }

  acl::Source AddSource(std::string name, std::vector<std::string> readers = {}) {
    return directory_->AddSource({.tenant = tenant_, .name = std::move(name), .location = "/nowhere", .readers = std::move(readers)}).value();
  }
  using Files = std::vector<std::pair<std::string, std::string>>;
  void Commit(const acl::Source& source, const Files& files, std::vector<std::string> remove = {}) {
    PartitionId partition = directory_->PartitionFor(source.id, "").value();
    IndexCommit commit{.tenant = tenant_, .source = source.id, .revision = "r1", .partitions = {}, .ledger = {}, .ledger_gone = remove,
                       .state = {.branch = "main", .revision = "r1"}};
    PartitionChange change{partition, {}, std::move(remove)};
    for (const auto& [path, text] : files) change.add.push_back(ToyParser::Parse(path, text));
    commit.partitions.push_back(std::move(change));
    ASSERT_TRUE(index_->Commit(commit).ok());
  }

  Viewer Operator() { return directory_->OperatorViewer(tenant_).value(); }
  Viewer User(const std::string& name) { return directory_->ViewerForUser(tenant_, name, {}).value(); }

  SymbolResult Symbols(const Viewer& viewer, SymbolRequest request) { return index_->FindSymbols(viewer, request).value(); }
  // "Shop.order a.py:2", in order.
  std::vector<std::string> Definitions(const std::string& name, SymbolRequest request = {}) {
    request.name = name;
    std::vector<std::string> list;
    for (const FoundDefinition& found : Symbols(Operator(), request).definitions) {
      list.push_back(found.qualified + " " + found.place.path + ":" + std::to_string(found.line));
    }
    return list;
  }
  // "a.py:3 member", in order.
  std::vector<std::string> References(const std::string& name, ReferenceRequest request = {}) {
    request.name = name;
    std::vector<std::string> list;
    for (const FoundReference& found : index_->FindReferences(Operator(), request).value().references) {
      list.push_back(found.place.path + ":" + std::to_string(found.line) + " " + std::string(ReferenceFitName(found.fit)));
    }
    return list;
  }

  testing::TempFolder folder_;
  testing::MemoryStore store_;
  std::unique_ptr<acl::Directory> directory_;
  std::unique_ptr<Index> index_;
  TenantId tenant_;
};

using Lines = std::vector<std::string>;

}  // namespace codelore::index

#endif  // CODELORE_TESTS_INDEX_SYMBOLS_SYMBOL_FIXTURE_H_
