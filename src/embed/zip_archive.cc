#include "embed/zip_archive.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "codelore/coding.h"
#include "codelore/utf8.h"

namespace codelore::embed {

namespace {

constexpr uint32_t kLocalHeader = 0x04034B50, kDirectoryEntry = 0x02014B50,
                   kEnd64 = 0x06064B50, kLocator64 = 0x07064B50;
constexpr size_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kDirectoryEntryBytes = 46,
                 kLocalHeaderBytes = 30;
constexpr std::string_view kEndSignature = "PK\5\6";
constexpr uint16_t kEncrypted = 1, kExtra64 = 1;
constexpr uint32_t kIn64 = UINT32_MAX;  // the value is in the zip64 field instead

struct Directory {
  uint64_t entries = 0, size = 0, offset = 0;
};

struct Entry {
  std::string name;
  uint16_t flags = 0, method = 0;
  uint64_t stored = 0, size = 0, header = 0;  // bytes in the file and of the content; where it is
};

// Where an entry lies, its header included.
struct Extent {
  uint64_t begin, end;
  std::string name;
};

class Reader {
 public:
  Reader(std::string_view file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  Status Read(std::map<std::string, std::string_view, std::less<>>* entries) {
    ASSIGN_OR_RETURN(Directory directory, FindDirectory());
    if (directory.size > bytes_.size() || directory.offset > bytes_.size() - directory.size ||
        directory.entries > directory.size / kDirectoryEntryBytes) {
      return Fail("the directory: expected it within the file, found " +
                  std::to_string(directory.entries) + " entries in " +
                  std::to_string(directory.size) + " bytes at " + std::to_string(directory.offset));
    }
    ByteReader reader(bytes_.substr(directory.offset, directory.size));
    std::vector<Extent> extents;
    for (uint64_t i = 0; i < directory.entries; ++i) {
      Entry entry;
      RETURN_IF_ERROR(ReadEntry(i, &reader, &entry));
      std::string_view content;
      RETURN_IF_ERROR(Locate(entry, directory.offset, &content, &extents));
      if (!entries->emplace(entry.name, content).second) {
        return Fail(entry.name + ": expected one entry of this name, found two");
      }
    }
    if (!reader.done()) return Fail("the directory: expected nothing after its last entry");
    return CheckOverlaps(extents);
  }

 private:
  Status Fail(const std::string& problem) const { return Corruption(file_ + ": " + problem); }

  // The end record is last, but for a comment of at most 64 KiB.
  Result<Directory> FindDirectory() const {
    const std::string_view tail = bytes_.substr(bytes_.size() - std::min(bytes_.size(), kEndBytes + UINT16_MAX));
    const size_t at = tail.size() < kEndBytes ? std::string_view::npos : tail.rfind(kEndSignature, tail.size() - kEndBytes);
    if (at != std::string_view::npos) {
      ByteReader reader(tail.substr(at + kEndSignature.size()));
      return ReadEnd(bytes_.size() - tail.size() + at, &reader);
    }
    return Fail("expected a zip file with its end record, found none: is it cut off?");
  }

  Result<Directory> ReadEnd(size_t at, ByteReader* reader) const {
    const auto disk = reader->Fixed<uint16_t>(), directory_disk = reader->Fixed<uint16_t>();
    const auto here = reader->Fixed<uint16_t>(), total = reader->Fixed<uint16_t>();
    const auto size = reader->Fixed<uint32_t>(), offset = reader->Fixed<uint32_t>();
    if (here == UINT16_MAX || total == UINT16_MAX || size == kIn64 || offset == kIn64) {
      return ReadEnd64(at);
    }
    if (disk != 0 || directory_disk != 0 || here != total)
      return Fail("expected one file, found a part of several");
    return Directory{total, size, offset};
  }

  Result<Directory> ReadEnd64(size_t end) const {
    if (end < kLocatorBytes)
      return Fail("expected a zip64 locator before the end record, found none");
    ByteReader locator(bytes_.substr(end - kLocatorBytes, kLocatorBytes));
    const auto signature = locator.Fixed<uint32_t>();
    locator.Fixed<uint32_t>();
    const auto at = locator.Fixed<uint64_t>();
    if (signature != kLocator64 || at > bytes_.size() || bytes_.size() - at < kEnd64Bytes) {
      return Fail("expected a zip64 locator before the end record, found none");
    }
    ByteReader reader(bytes_.substr(at, kEnd64Bytes));
    if (reader.Fixed<uint32_t>() != kEnd64) return Fail("expected a zip64 end record, found none");
    reader.Raw(12);  // its size, versions
    const auto disk = reader.Fixed<uint32_t>(), directory_disk = reader.Fixed<uint32_t>();
    const auto here = reader.Fixed<uint64_t>(), total = reader.Fixed<uint64_t>();
    const auto size = reader.Fixed<uint64_t>(), offset = reader.Fixed<uint64_t>();
    if (disk != 0 || directory_disk != 0 || here != total)
      return Fail("expected one file, found a part of several");
    return Directory{total, size, offset};
  }

  Status ReadEntry(uint64_t number, ByteReader* reader, Entry* entry) const {
    const auto signature = reader->Fixed<uint32_t>();
    reader->Raw(4);  // versions
    entry->flags = reader->Fixed<uint16_t>();
    entry->method = reader->Fixed<uint16_t>();
    reader->Raw(8);  // time, checksum
    entry->stored = reader->Fixed<uint32_t>();
    entry->size = reader->Fixed<uint32_t>();
    const auto name = reader->Fixed<uint16_t>(), extra = reader->Fixed<uint16_t>(),
               comment = reader->Fixed<uint16_t>();
    reader->Raw(8);  // disk, attributes
    entry->header = reader->Fixed<uint32_t>();
    entry->name = reader->Raw(name);
    const std::string_view fields = reader->Raw(extra);
    reader->Raw(comment);
    if (!reader->ok() || signature != kDirectoryEntry || !IsValidUtf8(entry->name)) {
      return Fail("the directory: entry " + std::to_string(number) +
                  ": expected an entry, found something else");
    }
    return ReadExtra64(fields, entry);
  }

  // What did not fit 32 bits stands in a field of its own, in this order.
  Status ReadExtra64(std::string_view fields, Entry* entry) const {
    uint64_t* values[] = {&entry->size, &entry->stored, &entry->header};
    if (std::ranges::none_of(values, [](const uint64_t* value) { return *value == kIn64; }))
      return OkStatus();
    for (ByteReader reader(fields); reader.ok() && !reader.done();) {
      const auto tag = reader.Fixed<uint16_t>();
      ByteReader field(reader.Raw(reader.Fixed<uint16_t>()));
      if (tag != kExtra64) continue;
      for (uint64_t* value : values) {
        if (*value == kIn64) *value = field.Fixed<uint64_t>();
      }
      if (field.ok()) return OkStatus();
    }
    return Fail(entry->name + ": expected its size in a zip64 field, found none");
  }

  Status Locate(const Entry& entry, uint64_t directory, std::string_view* content,
                std::vector<Extent>* extents) const {
    if (entry.method != 0 || entry.stored != entry.size || (entry.flags & kEncrypted) != 0) {
      return Fail(entry.name + ": expected stored bytes, found compressed or encrypted ones");
    }
    if (entry.header > directory || directory - entry.header < kLocalHeaderBytes) {
      return Fail(entry.name + ": expected it before the directory, found it at " +
                  std::to_string(entry.header));
    }
    ByteReader reader(bytes_.substr(entry.header, directory - entry.header));
    const auto signature = reader.Fixed<uint32_t>();
    reader.Raw(22);  // the same as in the directory, or zero
    const auto name = reader.Fixed<uint16_t>(), extra = reader.Fixed<uint16_t>();
    const bool same = reader.Raw(name) == entry.name && signature == kLocalHeader;
    reader.Raw(extra);
    *content = reader.Raw(entry.size);
    if (!reader.ok() || !same) {
      return Fail(entry.name + ": expected " + std::to_string(entry.size) +
                  " bytes behind its header at " + std::to_string(entry.header) +
                  ", found something else");
    }
    const uint64_t end = static_cast<uint64_t>(content->data() - bytes_.data()) + entry.size;
    extents->push_back({entry.header, end, entry.name});
    return OkStatus();
  }

  Status CheckOverlaps(std::vector<Extent>& extents) const {
    std::ranges::sort(extents, {}, &Extent::begin);
    for (size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].begin < extents[i - 1].end) {
        return Fail(extents[i].name + ": expected bytes of its own, found them overlapping " +
                    extents[i - 1].name);
      }
    }
    return OkStatus();
  }

  const std::string file_;
  const std::string_view bytes_;
};

}  // namespace

Result<ZipArchive> ZipArchive::Parse(std::string_view file, std::string_view bytes) {
  ZipArchive archive;
  RETURN_IF_ERROR(Reader(file, bytes).Read(&archive.entries_));
  return archive;
}

}  // namespace codelore::embed
