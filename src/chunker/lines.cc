#include "chunker/lines.h"

#include <bitset>

namespace codelore::chunker {

uint32_t CountIndentations(const LineTable& lines) {
  constexpr size_t kMaxColumns = 4'096;
  std::bitset<kMaxColumns> columns;
  for (uint32_t line = 0; line < lines.size(); ++line) {
    std::string_view text = lines.Text(line);
    size_t column = text.find_first_not_of(" \t");
    for (int keys = 0; column != std::string_view::npos && column < kMaxColumns;) {
      columns.set(column);
      size_t space = text.find_first_of(" \t", column);
      if (space == std::string_view::npos) break;
      bool is_dash = space == column + 1 && (text[column] == '-' || text[column] == '?');
      bool is_key = text[space - 1] == ':' && ++keys > 1;
      column = is_dash || is_key || keys == 1 ? text.find_first_not_of(" \t", space)
                                              : std::string_view::npos;
      if (keys == 1 && !is_dash && !is_key) {  // the value of the line's only key, or the next key
        size_t next = column == std::string_view::npos ? column : text.find_first_of(" \t", column);
        if (next == std::string_view::npos || text[next - 1] != ':') break;
      }
    }
  }
  return static_cast<uint32_t>(columns.count());
}

}  // namespace codelore::chunker
