// Reads the outline of a document, its sections, off its text: Markdown, reStructuredText,
// AsciiDoc, plain text.
//
// Each is one pass over the lines. A line's depth says how bad a cut in front of it would be: 0
// between paragraphs, more inside of lists, paragraphs, tables and code blocks.
#ifndef CODELORE_CHUNKER_DOCUMENT_OUTLINE_H_
#define CODELORE_CHUNKER_DOCUMENT_OUTLINE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "chunker/lines.h"
#include "chunker/outline.h"

namespace codelore::chunker {

Outline OutlineMarkdown(const LineTable& lines);
Outline OutlineRestructuredText(const LineTable& lines);
Outline OutlineAsciidoc(const LineTable& lines);
Outline OutlinePlainText(const LineTable& lines);

// For documents of any kind: collects headings in order of position and makes them sections, each
// of which reaches to the next heading of its own or a higher level.
class SectionBuilder {
 public:
  explicit SectionBuilder(const LineTable& lines);

  // A heading whose name stands at byte `name_begin` and whose section begins with `first_line`.
  // Level 0 is the document itself, named in its settings: it counts only, as the first, where no
  // heading has level 1.
  void Add(int level, uint32_t first_line, uint32_t name_begin, std::string name);
  // Sets the cost of a cut in front of a line.
  void SetDepth(uint32_t line, uint16_t depth) { outline_.depth[line] = depth; }
  // The line belongs to what follows it: a heading, an anchor.
  void MarkLeading(uint32_t line) { outline_.line_class[line] = LineClass::kLeading; }

  Outline Finish();

 private:
  void KeepWithHeading(uint32_t line);

  const LineTable& lines_;
  Outline outline_;
  std::vector<int> levels_;  // of each item
  bool has_title_ = false;
};

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_DOCUMENT_OUTLINE_H_
