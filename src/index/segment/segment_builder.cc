#include <algorithm>

#include "codelore/coding.h"
#include "index/segment/segment.h"

namespace codelore::index {
namespace {

void PadTo8(std::string& out) { out.append((8 - out.size() % 8) % 8, '\0'); }

}  // namespace

void SegmentBuilder::AddFile(const NewFile& file, const Hash256& blob) {
  files_.push_back({.strings = strings_.size(),
                    .first_chunk = chunk_count(),
                    .chunk_count = static_cast<uint32_t>(file.chunked.chunks.size()),
                    .size_bytes = static_cast<uint32_t>(file.text.size()),
                    .reserved = 0,
                    .blob = blob});
  strings_ += ByteWriter().String(file.path).String(file.chunked.language).view();
  for (const Chunk& chunk : file.chunked.chunks) AddChunk(file, chunk);
  symbols_.AddFile(file.chunked, file.text);
  exact_.AddFile(file.path, file.text);
}

void SegmentBuilder::AddChunk(const NewFile& file, const Chunk& chunk) {
  chunks_.push_back({.strings = strings_.size(),
                     .file = file_count() - 1,
                     .kind = static_cast<uint32_t>(chunk.kind),
                     .begin = chunk.bytes.begin,
                     .end = chunk.bytes.end,
                     .start_line = chunk.start_line,
                     .end_line = chunk.end_line});
  ByteWriter strings;
  strings.String(chunk.symbol).String(chunk.scope).String(chunk.signature).String(chunk.search_text);
  strings.Varint(chunk.definitions.size());
  lexical_.AddText(Field::kPath, file.path);
  lexical_.AddText(Field::kSymbol, chunk.scope);
  lexical_.AddText(Field::kSymbol, chunk.symbol);
  for (uint32_t index : chunk.definitions) {
    const Definition& definition = file.chunked.definitions[index];
    strings.Fixed(static_cast<uint8_t>(definition.kind)).String(definition.name);
    if (definition.qualified != chunk.symbol) lexical_.AddText(Field::kSymbol, definition.name);
  }
  strings_ += strings.view();

  std::string_view text = std::string_view(file.text).substr(chunk.bytes.begin, chunk.bytes.size());
  if (!chunk.search_text.empty()) {
    lexical_.AddText(Field::kBody, chunk.search_text);
  } else {
    uint32_t at = chunk.bytes.begin;  // what is not prose is body
    for (const ByteSpan& prose : chunk.prose) {
      lexical_.AddText(Field::kBody, text.substr(at - chunk.bytes.begin, prose.begin - at));
      lexical_.AddText(Field::kProse, text.substr(prose.begin - chunk.bytes.begin, prose.size()));
      at = prose.end;
    }
    lexical_.AddText(Field::kBody, text.substr(at - chunk.bytes.begin));
  }
  lexical_.EndDocument();
}

std::string SegmentBuilder::Finish() {
  LexicalSections lexical = lexical_.Finish();
  std::string symbols = symbols_.Finish();
  ExactSections exact = exact_.Finish();
  return AssembleSegment({BytesOfRows<FileRow>(files_), BytesOfRows<ChunkRow>(chunks_), strings_, lexical.terms, lexical.postings,
                          lexical.positions, symbols, exact.trigrams, exact.text});
}

std::string AssembleSegment(const std::array<std::string_view, kSectionCount>& sections) {
  size_t size = 0;
  for (std::string_view section : sections) size += section.size();
  std::string out;
  out.reserve(size + 32 * sections.size());  // and the directory
  ByteWriter directory;
  for (std::string_view section : sections) {
    PadTo8(out);
    directory.Fixed<uint64_t>(out.size()).Fixed<uint64_t>(section.size());
    out += section;
  }
  PadTo8(out);
  uint64_t directory_offset = out.size();
  out += directory.view();
  out += ByteWriter().Fixed(directory_offset).Fixed(kSegmentVersion).Raw("CLSG").view();
  return out;
}

}  // namespace codelore::index
