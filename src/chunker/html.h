// HTML documents: their sections, and the text that a reader sees.
//
// A tolerant scan over the tags, as browsers do it, rather than a parse: it cannot fail, is linear,
// and needs no well-formed input. Scripts, styles, comments and tags are no text.
#ifndef CODELORE_CHUNKER_HTML_H_
#define CODELORE_CHUNKER_HTML_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chunker/lines.h"
#include "chunker/outline.h"
#include "codelore/chunk.h"

namespace codelore::chunker {

// Text between two tags.
struct HtmlRun {
  ByteSpan bytes;
  char separator =
      '\n';  // what stands between it and the run before: a line break, a space, or nothing (0)
};

class HtmlPage {
 public:
  HtmlPage(std::string_view html, const LineTable& lines);

  const Outline& outline() const { return outline_; }
  // The text of the bytes in `span`: entities decoded, white space collapsed, a line for each
  // block.
  std::string TextOf(ByteSpan span) const;

 private:
  std::string_view html_;
  std::vector<HtmlRun> runs_;  // ascending
  Outline outline_;
};

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_HTML_H_
