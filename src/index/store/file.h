// The file system as the index uses it: whole files in, whole files out, and files mapped for reading. The only
// door to it, so that faults can be injected in one place.
#ifndef CODELORE_INDEX_STORE_FILE_H_
#define CODELORE_INDEX_STORE_FILE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::index {

// Creates the folder and its parents, readable by the owner only. Ok if it is there.
Status MakeFolder(const std::string& path);

Result<std::string> ReadWholeFile(const std::string& path);  // kNotFound if there is none

// Writes a file aside, flushes it, and renames it to `path`: after a crash the old or the new content is there,
// whole. With `sync`, the new one is on disk when this returns (folder entry included).
Status ReplaceFile(const std::string& path, std::string_view content, bool sync);

Status RemoveFile(const std::string& path);  // ok if there is none
Result<std::vector<std::string>> ListFolder(const std::string& path);  // names, unordered

// A file mapped for reading. The mapping ends with the object; the file may be unlinked before.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }
  // Pages that were read stay in the kernel's cache, and are no longer this process's until it reads them again.
  void LetGo() const;

 private:
  MappedFile(void* address, size_t size) : address_(address), size_(size) {}
  void* address_;  // page-aligned; null for an empty file
  size_t size_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_STORE_FILE_H_
