// Cuts a file into chunks along its outline, and says what each chunk holds.
//
// The cheapest way to cut is found by dynamic programming over the lines: an item that fits stays
// whole; what does not fit is cut where few things span the boundary, preferably behind a blank
// line, into even parts; small neighbours share a chunk, those of one scope rather than others. The
// result depends on nothing but the input.
#ifndef CODELORE_CHUNKER_CUT_H_
#define CODELORE_CHUNKER_CUT_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "chunker/lines.h"
#include "chunker/outline.h"
#include "codelore/chunk.h"

namespace codelore::chunker {

struct CutLimits {
  uint32_t max_lines = 40;
  uint32_t max_bytes = 1'600;    // of one definition, or of one part of one
  uint32_t merge_bytes = 1'000;  // of several neighbours together
  // Whether an item with parts of its own is held together only up to merge_bytes (sections of
  // documents).
  bool split_parents_early = false;
  // Whether a line longer than max_bytes is cut between sentences where it has any (prose, whose paragraphs are
  // often lines).
  bool split_sentences = false;
};

// The chunks with their bytes and lines, in order; what they hold is still to be said. Cuts are
// made between lines; only a line longer than max_bytes is cut inside, between sentences or characters.
std::vector<Chunk> Cut(std::string_view text, const LineTable& lines, const Outline& outline,
                       const CutLimits& limits);

// Sets kind, symbol, scope, signature, definitions and prose of the chunks, and the definitions of
// the file.
void Label(const Outline& outline, ChunkKind default_kind, ChunkedFile* file);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_CUT_H_
