// FolderTree: a plain folder of documents as a source.
//
// Walked with openat from one descriptor of the folder, following no symbolic link on the way to any file, so that
// nothing outside of it can be reached, not even by who changes it meanwhile. Hidden folders (".git", ".ssh", ...)
// are named and not entered, apart from those that forges read. A file's version is its size and its times of
// modification and change: a file that was only touched counts as changed, one that changed never as unchanged.
#ifndef CODELORE_INGEST_FOLDER_H_
#define CODELORE_INGEST_FOLDER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "codelore/status.h"
#include "ingest/descriptor.h"
#include "ingest/tree.h"

namespace codelore::ingest {

class FolderTree : public SourceTree {
 public:
  struct Options {
    TreeLimits limits;
    std::stop_token stop;
  };
  // kNotFound if `path` is not a folder that can be read.
  static Result<std::unique_ptr<FolderTree>> Open(const std::string& path, Options options);
  static Result<std::unique_ptr<FolderTree>> Open(const std::string& path) { return Open(path, Options()); }

  const std::string& revision() const override { return revision_; }  // "2024-05-06T07:08:09Z", when it was opened
  const std::string& branch() const override { return branch_; }      // empty
  Status List(const std::function<Status(TreeEntry)>& visit) override;
  Result<std::string> Read(const TreeEntry& entry, uint64_t max_bytes) override;

 private:
  struct Found;
  FolderTree(std::string path, Descriptor root, Options options);

  // Opens "a/b/c" component by component; errno says why it failed.
  Descriptor OpenBeneath(const std::string& raw_path, int flags) const;
  // The children of a folder in order; none if it cannot be read.
  Result<std::vector<Found>> Children(const std::string& raw_path) const;
  TreeEntry EntryOf(Found found) const;

  const std::string path_;
  const Descriptor root_;
  const Options options_;
  std::string revision_;
  const std::string branch_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_FOLDER_H_
