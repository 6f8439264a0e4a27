// ZipArchive: the entries of a .zip whose entries are stored, not compressed, as PyTorch writes
// them.
//
// Format (PKWARE APPNOTE 6.3.10): entries, each behind a local header; the central directory; for
// big archives the zip64 records; the end record. Nothing is believed: reading fails, naming the
// file and the entry, unless the directory fills the place the end record gives it, and each
// entry's header and bytes lie before the directory, agree with it and overlap no other's. A
// ZipArchive borrows the bytes. Immutable, hence thread-safe.
#ifndef CODELORE_EMBED_ZIP_ARCHIVE_H_
#define CODELORE_EMBED_ZIP_ARCHIVE_H_

#include <map>
#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore::embed {

class ZipArchive {
 public:
  static bool LooksLikeOne(std::string_view bytes) { return bytes.starts_with("PK\3\4"); }
  static Result<ZipArchive> Parse(std::string_view file, std::string_view bytes);

  // Name to bytes.
  const std::map<std::string, std::string_view, std::less<>>& entries() const { return entries_; }

 private:
  std::map<std::string, std::string_view, std::less<>> entries_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_ZIP_ARCHIVE_H_
