// Outline: what a file consists of, whatever its language: the items it defines, how deeply each
// line is nested, and what is prose. One stage reads it off the text (code_outline.h,
// document_outline.h), the next cuts the file along it (cut.h). Values.
#ifndef CODELORE_CHUNKER_OUTLINE_H_
#define CODELORE_CHUNKER_OUTLINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"

namespace codelore::chunker {

inline constexpr int32_t kNoItem = -1;

// A definition of code or a section of a document.
struct OutlineItem {
  ByteSpan
      extent;  // with leading comments and decorators; whole lines where nothing else shares them
  uint32_t name_begin = 0;
  std::string name;
  std::string qualifier;  // "A" of `A::f`, written outside of A
  ChunkKind kind = ChunkKind::kVariable;
  int32_t parent = kNoItem;
  bool listed = true;  // among the definitions of the file
  std::string signature;
};

// What a line consists of.
enum class LineClass : uint8_t {
  kText,
  kBlank,
  kCloser,   // only what ends something: "}", "end", ");"
  kLeading,  // only a comment or an attribute: belongs to what follows
};

struct Outline {
  std::vector<OutlineItem> items;  // a parent before its parts, ascending by begin of extent
  // For each line: its class, and how many things span the boundary in front of it.
  std::vector<LineClass> line_class;
  std::vector<uint16_t> depth;
  // How much of a chunk each line fills; empty: its bytes.
  std::vector<uint32_t> weight;
  std::vector<ByteSpan> prose;  // ascending, not overlapping
};

// Names and scopes of one item, through its parents.
std::string QualifiedName(const Outline& outline, int32_t item);
std::string ScopeOf(const Outline& outline, int32_t item);

// An outline by line classes and indentation only.
class LineTable;
Outline OutlineLines(const LineTable& lines);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_OUTLINE_H_
