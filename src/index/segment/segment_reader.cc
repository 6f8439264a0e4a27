#include <utility>

#include "codelore/coding.h"
#include "index/segment/segment.h"

namespace codelore::index {
namespace {

constexpr size_t kFooterBytes = 16;

Result<std::array<std::string_view, kSectionCount>> ReadDirectory(std::string_view bytes) {
  if (bytes.size() < kFooterBytes + kSectionCount * 16) return Corruption("segment: shorter than its footer");
  ByteReader footer(bytes.substr(bytes.size() - kFooterBytes));
  auto offset = footer.Fixed<uint64_t>();
  auto version = footer.Fixed<uint32_t>();
  if (footer.Raw(4) != "CLSG") return Corruption("segment: does not end like one");
  if (version != kSegmentVersion) {
    return Corruption("segment: format version " + std::to_string(version) + ", this program reads " +
                      std::to_string(kSegmentVersion));
  }
  if (offset > bytes.size() - kFooterBytes - kSectionCount * 16) return Corruption("segment: directory outside");
  ByteReader directory(bytes.substr(offset));
  std::array<std::string_view, kSectionCount> sections;
  for (std::string_view& section : sections) {
    auto begin = directory.Fixed<uint64_t>(), size = directory.Fixed<uint64_t>();
    if (begin % 8 != 0 || begin > offset || size > offset - begin) return Corruption("segment: section outside");
    section = bytes.substr(begin, size);
  }
  return sections;
}

template <typename Row>
Result<std::span<const Row>> RowsOf(std::string_view section) {
  if (section.size() % sizeof(Row) != 0) return Corruption("segment: rows are cut off");
  return std::span<const Row>(reinterpret_cast<const Row*>(section.data()), section.size() / sizeof(Row));
}

FileStrings ReadFileStrings(ByteReader& input) {
  FileStrings strings;
  strings.path = input.String();
  strings.language = input.String();
  return strings;
}

ChunkStrings ReadChunkStrings(ByteReader& input) {
  ChunkStrings strings;
  strings.symbol = input.String();
  strings.scope = input.String();
  strings.signature = input.String();
  strings.search_text = input.String();
  strings.definitions.resize(input.Count(2));
  for (DefinedName& definition : strings.definitions) {
    definition.kind = static_cast<ChunkKind>(input.Fixed<uint8_t>());
    definition.name = input.String();
  }
  return strings;
}

}  // namespace

Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(std::string_view bytes,
                                                                 std::shared_ptr<const void> owner) {
  auto reader = std::make_shared<SegmentReader>();
  reader->owner_ = std::move(owner);
  reader->bytes_ = bytes;
  ASSIGN_OR_RETURN(auto sections, ReadDirectory(bytes));
  auto section = [&](Section s) { return sections[static_cast<size_t>(s)]; };
  ASSIGN_OR_RETURN(reader->files_, RowsOf<FileRow>(section(Section::kFiles)));
  ASSIGN_OR_RETURN(reader->chunks_, RowsOf<ChunkRow>(section(Section::kChunks)));
  reader->strings_ = section(Section::kStrings);
  ASSIGN_OR_RETURN(reader->lexical_, LexicalReader::Open(section(Section::kTerms), section(Section::kPostings),
                                                          section(Section::kPositions)));
  ASSIGN_OR_RETURN(reader->symbols_, SymbolTable::Open(section(Section::kReferences), reader->file_count()));
  RETURN_IF_ERROR(reader->CheckRows());
  std::vector<uint32_t> file_sizes;
  for (const FileRow& row : reader->files_) file_sizes.push_back(row.size_bytes);
  ASSIGN_OR_RETURN(reader->exact_, ExactIndex::Open(section(Section::kTrigrams), section(Section::kText), file_sizes));
  return std::shared_ptr<const SegmentReader>(std::move(reader));
}

Status SegmentReader::CheckRows() const {
  uint64_t next_chunk = 0;
  for (const FileRow& row : files_) {
    if (row.first_chunk != next_chunk || row.strings > strings_.size()) return Corruption("segment: bad file row");
    ByteReader strings(strings_.substr(row.strings));
    ReadFileStrings(strings);
    if (!strings.ok()) return Corruption("segment: bad file strings");
    next_chunk += row.chunk_count;
    if (next_chunk > chunks_.size()) return Corruption("segment: a file has more chunks than there are");
    for (uint64_t i = row.first_chunk; i < next_chunk; ++i) {
      const ChunkRow& chunk = chunks_[i];
      if (chunk.file != static_cast<size_t>(&row - files_.data()) || chunk.begin > chunk.end || chunk.end > row.size_bytes ||
          chunk.strings > strings_.size()) {
        return Corruption("segment: bad chunk row");
      }
      ByteReader chunk_strings(strings_.substr(chunk.strings));
      ReadChunkStrings(chunk_strings);
      if (!chunk_strings.ok()) return Corruption("segment: bad chunk strings");
    }
  }
  return next_chunk == chunks_.size() ? OkStatus() : Corruption("segment: chunks without a file");
}

std::string_view SegmentReader::StoredStringsOf(uint32_t file) const {
  uint64_t begin = files_[file].strings, end = file + 1 < files_.size() ? files_[file + 1].strings : strings_.size();
  return end < begin ? std::string_view() : strings_.substr(begin, end - begin);
}

FileStrings SegmentReader::StringsOf(const FileRow& row) const {
  ByteReader input(strings_.substr(row.strings));
  return ReadFileStrings(input);
}

ChunkStrings SegmentReader::StringsOf(const ChunkRow& row) const {
  ByteReader input(strings_.substr(row.strings));
  return ReadChunkStrings(input);
}

}  // namespace codelore::index
