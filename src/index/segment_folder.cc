#include "index/segment_folder.h"

#include <xxhash.h>

#include <filesystem>

namespace codelore::index {
namespace {

// To be checked, a file is read as a whole, and of a large one most is not needed soon. What an import writes would otherwise all
// be counted as memory of this process.
void LetGoOfLarge(const MappedFile& file) {
  if (file.bytes().size() >= 1 << 20) file.LetGo();
}

}  // namespace

Result<StoredFile> SegmentFolder::Write(const std::string& name, std::string_view bytes) const {
  RETURN_IF_ERROR(ReplaceFile(path_ + "/" + name, bytes, /*sync=*/true));
  return StoredFile{bytes.size(), XXH3_64bits(bytes.data(), bytes.size())};
}

Result<std::shared_ptr<const MappedFile>> SegmentFolder::OpenVerified(const std::string& name,
                                                                      const StoredFile& expected) const {
  std::string path = path_ + "/" + name;
  auto file = MappedFile::Open(path);
  if (!file.ok()) {
    return file.status().code() == StatusCode::kNotFound ? Corruption(path + ": the file is missing") : file.status();
  }
  std::string_view bytes = (*file)->bytes();
  if (bytes.size() != expected.size_bytes) {
    return Corruption(path + ": " + std::to_string(bytes.size()) + " bytes, expected " +
                      std::to_string(expected.size_bytes));
  }
  if (XXH3_64bits(bytes.data(), bytes.size()) != expected.checksum) return Corruption(path + ": checksum differs");
  return *file;
}

Result<std::shared_ptr<const SegmentReader>> SegmentFolder::OpenSegment(const SegmentEntry& entry) const {
  std::string name = SegmentFileName(entry.id);
  ASSIGN_OR_RETURN(auto file, OpenVerified(name, entry.file));
  auto reader = SegmentReader::Open(file->bytes(), file);
  if (!reader.ok()) return reader.status().In(path_ + "/" + name);
  LetGoOfLarge(*file);
  return reader;
}

Result<std::shared_ptr<const VectorIndex>> SegmentFolder::OpenVectors(SegmentId segment,
                                                                      const VectorEntry& entry) const {
  std::string name = VectorFileName(segment, entry.encoder, entry.rows);
  ASSIGN_OR_RETURN(auto file, OpenVerified(name, entry.file));
  auto vectors = VectorIndex::Open(file->bytes(), file);
  if (!vectors.ok()) return vectors.status().In(path_ + "/" + name);
  if ((*vectors)->rows() != entry.rows) return Corruption(path_ + "/" + name + ": another number of rows");
  LetGoOfLarge(*file);
  return vectors;
}

void SegmentFolder::Remove(const std::string& name) const {
  // Left behind on failure, it is removed at the next start.
  (void)RemoveFile(path_ + "/" + name).ok();
}

Status SegmentFolder::Link(const std::string& name, const std::string& folder) const {
  std::error_code error;
  std::filesystem::create_hard_link(path_ + "/" + name, folder + "/" + name, error);
  return error ? Unavailable(folder + "/" + name + ": cannot be linked: " + error.message()) : OkStatus();
}

Status SegmentFolder::RemoveOthers(const std::unordered_set<std::string>& keep) const {
  ASSIGN_OR_RETURN(auto names, ListFolder(path_));
  for (const std::string& name : names) {
    if (!keep.contains(name)) Remove(name);
  }
  return OkStatus();
}

}  // namespace codelore::index
