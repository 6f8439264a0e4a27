// GitTree: the files of one commit, listed by `git ls-tree` and read by one `git cat-file` that stays.
#ifndef CODELORE_INGEST_GIT_TREE_H_
#define CODELORE_INGEST_GIT_TREE_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "codelore/status.h"
#include "ingest/git.h"
#include "ingest/process.h"
#include "ingest/tree.h"

namespace codelore::ingest {

class GitTree : public SourceTree {
 public:
  struct Options {
    TreeLimits limits;
    std::stop_token stop;
  };
  GitTree(const GitRepository& repository, GitHead head, Options options)
      : git_folder_(repository.git_folder()), head_(std::move(head)), options_(std::move(options)) {}

  const std::string& revision() const override { return head_.commit; }
  const std::string& branch() const override { return head_.branch; }
  // An entry's version is its object id. kCorruption if the repository lacks a part of the tree.
  Status List(const std::function<Status(TreeEntry)>& visit) override;
  Result<std::string> Read(const TreeEntry& entry, uint64_t max_bytes) override;

  // Subtrees with the same id on both sides are not looked into.
  Status ListChanges(std::string_view old_commit, const std::function<Status(TreeChange)>& visit) override;
  Result<std::vector<TreeEntry>> Find(const std::vector<std::string>& raw_paths) override;

 private:
  struct Object {
    std::string type;
    uint64_t size_bytes = 0;
  };
  Status ReadListing(std::vector<std::string> arguments, const std::function<Status(TreeEntry)>& visit);
  Result<std::unique_ptr<Process>> Start(std::vector<std::string> arguments);
  Result<Object> Ask(std::string_view request, const std::string& id);
  Result<std::string> ReadBlob(const TreeEntry& entry, uint64_t max_bytes);

  const std::string git_folder_;
  const GitHead head_;
  const Options options_;
  std::unique_ptr<Process> objects_;  // git cat-file, once started
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_GIT_TREE_H_
