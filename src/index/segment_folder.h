// SegmentFolder: the immutable files beside the store. Writes them durably, opens them verified, and removes them
// once no record names them and no reader holds them.
#ifndef CODELORE_INDEX_SEGMENT_FOLDER_H_
#define CODELORE_INDEX_SEGMENT_FOLDER_H_

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "index/manifest.h"
#include "index/snapshot.h"

namespace codelore::index {

// Thread-safe.
class SegmentFolder {
 public:
  explicit SegmentFolder(std::string path) : path_(std::move(path)) {}

  Status Create() const { return MakeFolder(path_); }
  Result<StoredFile> Write(const std::string& name, std::string_view bytes) const;

  // Both check size and checksum: kCorruption names the file and what differs.
  Result<std::shared_ptr<const SegmentReader>> OpenSegment(const SegmentEntry& entry) const;
  Result<std::shared_ptr<const VectorIndex>> OpenVectors(SegmentId segment, const VectorEntry& entry) const;

  // Removes a file. Mapped readers keep their bytes: an unlinked file lives until its last mapping ends.
  void Remove(const std::string& name) const;
  // Gives a file another name as well, in `folder`.
  Status Link(const std::string& name, const std::string& folder) const;
  // Removes every file whose name is not in `keep`.
  Status RemoveOthers(const std::unordered_set<std::string>& keep) const;

 private:
  Result<std::shared_ptr<const MappedFile>> OpenVerified(const std::string& name, const StoredFile& expected) const;

  std::string path_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SEGMENT_FOLDER_H_
