#include <algorithm>
#include <utility>
#include <vector>

#include "chunker/document_outline.h"
#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr uint16_t kInParagraph = 3;
constexpr uint16_t kIndented = 1;
constexpr uint16_t kListItem = 1;

size_t Characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsUtf8Continuation(c); }));
}

// A line of at least three times the same punctuation.
bool IsAdornment(std::string_view line) {
  constexpr std::string_view kAdornments = "=-`:.'\"~^_*+#<>";
  while (line.ends_with(' ')) line.remove_suffix(1);
  return line.size() >= 3 && kAdornments.find(line[0]) != std::string_view::npos &&
         line.find_first_not_of(line[0]) == std::string_view::npos;
}

bool IsListItem(std::string_view text) {
  return text.size() > 2 &&
         ((text[0] == '*' || text[0] == '-' || text[0] == '+' || text[0] == '#') &&
          (text[1] == ' ' || text[1] == '.'));
}

class RstOutliner {
 public:
  explicit RstOutliner(const LineTable& lines) : lines_(lines), sections_(lines) {}

  Outline Run() {
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      if (uint32_t end = Title(line); end > line)
        line = end;
      else
        SetCost(line);
    }
    return sections_.Finish();
  }

 private:
  std::string_view Text(uint32_t line) const {
    return line < lines_.size() ? lines_.Text(line) : std::string_view();
  }

  // The last line of the title that begins here, or `line` if none does. Levels count in order of
  // appearance.
  uint32_t Title(uint32_t line) {
    bool overlined = IsAdornment(Text(line));
    uint32_t name_line = line + (overlined ? 1 : 0);
    std::string_view name = Text(name_line);
    std::string_view underline = Text(name_line + 1);
    if (IsBlank(name) || IsAdornment(name) || !IsAdornment(underline)) return line;
    if (overlined ? underline[0] != Text(line)[0] : name[0] == ' ' || name[0] == '\t') return line;
    if (!overlined && line > 0 && !IsBlank(Text(line - 1)) && !IsAnchor(Text(line - 1)))
      return line;
    size_t begin = name.find_first_not_of(' ');
    std::string_view trimmed = name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
    if (underline.size() + 1 < Characters(trimmed)) return line;
    int level = LevelOf({underline[0], overlined});
    auto name_begin = static_cast<uint32_t>(lines_.Begin(name_line) + begin);
    sections_.Add(level, FirstLine(line), name_begin, std::string(trimmed));
    for (uint32_t at = line; at <= name_line + 1; ++at) {
      if (at > line) sections_.SetDepth(at, kInParagraph * 2);
      sections_.MarkLeading(at);
    }
    return name_line + 1;
  }

  // `.. _label:` above a title belongs to it.
  static bool IsAnchor(std::string_view text) { return text.starts_with(".. _"); }
  uint32_t FirstLine(uint32_t line) const {
    uint32_t first = line;
    for (uint32_t at = line; at-- > 0 && (IsBlank(Text(at)) || IsAnchor(Text(at)));) {
      if (IsAnchor(Text(at))) first = at;
    }
    return first;
  }

  int LevelOf(std::pair<char, bool> style) {
    auto at = std::find(styles_.begin(), styles_.end(), style);
    if (at == styles_.end()) at = styles_.insert(at, style);
    return static_cast<int>(at - styles_.begin()) + 1;
  }

  void SetCost(uint32_t line) {
    std::string_view text = Text(line);
    if (IsBlank(text)) return;
    bool continues = line > 0 && !IsBlank(Text(line - 1));
    bool indented = text[0] == ' ' || text[0] == '\t';
    if (IsListItem(text))
      sections_.SetDepth(line, continues ? kListItem : 0);
    else
      sections_.SetDepth(
          line, static_cast<uint16_t>((continues ? kInParagraph : 0) + (indented ? kIndented : 0)));
  }

  const LineTable& lines_;
  SectionBuilder sections_;
  std::vector<std::pair<char, bool>> styles_;  // adornment and whether overlined, by level
};

}  // namespace

Outline OutlineRestructuredText(const LineTable& lines) { return RstOutliner(lines).Run(); }

}  // namespace codelore::chunker
