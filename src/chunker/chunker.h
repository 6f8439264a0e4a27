// Cuts a file into chunks: code along its syntax tree, documents along their sections, anything
// else by lines.
#ifndef CODELORE_CHUNKER_CHUNKER_H_
#define CODELORE_CHUNKER_CHUNKER_H_

#include <cstdint>
#include <string_view>

#include "codelore/chunk.h"

namespace codelore::chunker {

// Sizes are in bytes, not characters: bytes follow the number of an encoder's tokens more closely,
// also for Korean (three bytes a syllable). A chunk may exceed them by a few lines that only close
// a block.
struct ChunkOptions {
  uint32_t max_lines = 40;            // of a chunk of code
  uint32_t max_document_lines = 100;  // of a chunk of a document
  uint32_t max_bytes = 1'600;         // of one definition, or a part of one
  uint32_t max_document_bytes = 1'480;  // of one section, or a part of one
  uint32_t merge_bytes = 1'000;       // of several neighbours together

  // A file beyond one of these is cut by lines.
  uint32_t max_parse_bytes = 1 << 20;
  uint32_t max_parse_nodes = 4'000'000;
  uint32_t max_parse_depth = 1'500;
  uint32_t parse_time_ms = 1'500;
};

// `language` is a name as DetectLanguage gives it. Cannot fail: a file that has no grammar, or
// whose parse fails or meets a limit, is cut by lines; ChunkedFile::fallback_reason says so if
// there is a grammar. Text that is not valid UTF-8 is safe, but then a cut may fall anywhere in its
// invalid parts. Keeps the invariants of codelore/chunk.h. Thread-safe; takes memory in proportion
// to the text (about 100 bytes for each byte of code).
ChunkedFile ChunkText(std::string_view path, std::string_view language, std::string_view utf8_text,
                      const ChunkOptions& options = {});

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_CHUNKER_H_
