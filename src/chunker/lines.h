// LineTable: where the lines of a text begin. A line ends after "\n"; a text without a final
// newline has a last line without one. Lines are counted from 0 here, from 1 in a Chunk.
#ifndef CODELORE_CHUNKER_LINES_H_
#define CODELORE_CHUNKER_LINES_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"

namespace codelore::chunker {

class LineTable {
 public:
  explicit LineTable(std::string_view text) : text_(text) {
    for (size_t begin = 0; begin < text.size();) {
      starts_.push_back(static_cast<uint32_t>(begin));
      size_t newline = text.find('\n', begin);
      begin = newline == std::string_view::npos ? text.size() : newline + 1;
    }
    starts_.push_back(static_cast<uint32_t>(text.size()));
  }

  uint32_t size() const { return static_cast<uint32_t>(starts_.size() - 1); }
  uint32_t Begin(uint32_t line) const { return starts_[line]; }
  uint32_t End(uint32_t line) const { return starts_[line + 1]; }
  ByteSpan Span(uint32_t line) const { return {Begin(line), End(line)}; }
  // The line's text without what ends it.
  std::string_view Text(uint32_t line) const {
    std::string_view whole = text_.substr(Begin(line), End(line) - Begin(line));
    while (whole.ends_with('\n') || whole.ends_with('\r')) whole.remove_suffix(1);
    return whole;
  }
  // The line that holds byte `offset`; the last line for anything behind the text.
  uint32_t LineOf(uint32_t offset) const {
    auto after = std::upper_bound(starts_.begin(), starts_.end() - 1, offset);
    return static_cast<uint32_t>(after - starts_.begin()) - (after == starts_.begin() ? 0 : 1);
  }
  // The line of the last byte of a span.
  uint32_t LastLineOf(ByteSpan span) const {
    return LineOf(span.size() == 0 ? span.begin : span.end - 1);
  }

 private:
  std::string_view text_;
  std::vector<uint32_t> starts_;
};

inline bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

// Columns of leading white space; a tab goes to the next multiple of four.
inline uint32_t Indentation(std::string_view line) {
  uint32_t columns = 0;
  for (char c : line) {
    if (c == '\t')
      columns = columns / 4 * 4 + 4;
    else if (c == ' ')
      ++columns;
    else
      break;
  }
  return columns;
}

// How many different columns a line's first word stands in, or a word behind a run of "- " or "a:
// ". No stack of indentations can get deeper than twice that.
uint32_t CountIndentations(const LineTable& lines);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_LINES_H_
