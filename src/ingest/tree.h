// SourceTree: the files of one source at one revision, whether it is a git commit or a folder.
//
// The listing is a stream, so that it can be cut off; what it costs to keep is up to the caller. Implementations
// are for one thread at a time: another thread opens a tree of its own.
#ifndef CODELORE_INGEST_TREE_H_
#define CODELORE_INGEST_TREE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore::ingest {

struct TreeEntry {
  std::string path;      // valid UTF-8: bytes of raw_path that are not part of a character stand as "\xHH"
  std::string raw_path;  // as the source spells it; what Read goes by
  uint64_t size_bytes = 0;
  std::string version;   // the source's name for these bytes: equal means unchanged
  // Why it is not to be read, in the ledger's words: "symlink", "submodule", "path too long", ... Empty: read it.
  std::string_view skip;
  // What was overwritten in it before it was stored here ("masked: ..."); empty: nothing.
  std::string masked = {};
};

struct TreeLimits {
  uint64_t max_entries = 5'000'000;  // more: the listing fails with kResourceExhausted
  size_t max_path_bytes = 4096;      // longer: "path too long"
};

struct TreeChange {
  TreeEntry entry;
  bool removed = false;  // then only the path counts
};

class SourceTree {
 public:
  virtual ~SourceTree() = default;

  virtual const std::string& revision() const = 0;  // commit id, or the time of the scan
  virtual const std::string& branch() const = 0;    // empty where there is no such thing

  // Calls `visit` for every file, by ascending raw_path, until it fails; then gives that failure.
  virtual Status List(const std::function<Status(TreeEntry)>& visit) = 0;

  // What differs from an older revision, as List would give it; a renamed file is one removed and one added. Fails,
  // perhaps after some visits, when that revision is not there any more, and always where there is no history.
  virtual Status ListChanges(std::string_view, const std::function<Status(TreeChange)>&) { return Internal("this tree has no history"); }
  // The entries at these raw paths, as far as there are any, in any order.
  virtual Result<std::vector<TreeEntry>> Find(const std::vector<std::string>&) { return Internal("this tree has no history"); }

  // The bytes of an entry that was listed. kResourceExhausted, without reading them, if they are more than
  // max_bytes; kNotFound if a folder has lost the file since.
  virtual Result<std::string> Read(const TreeEntry& entry, uint64_t max_bytes) = 0;
};

Hash256 Sha256Of(std::string_view bytes);

// An entry with its path spelled and judged: one that is too long is shortened, with a hash of the whole, to
// stay unique; one that no honest tree holds ("..", ".git" in any case, empty components) is an "unsafe path".
TreeEntry EntryAt(std::string raw_path, const TreeLimits& limits);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_TREE_H_
