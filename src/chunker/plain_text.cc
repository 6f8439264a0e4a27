#include <algorithm>
#include <cctype>

#include "chunker/document_outline.h"

namespace codelore::chunker {
namespace {

constexpr uint16_t kInParagraph = 3;
constexpr uint16_t kIndented = 1;
constexpr size_t kMaxHeadingBytes = 120;

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool IsUnderline(std::string_view text) {
  return text.size() >= 3 && (text[0] == '=' || text[0] == '-' || text[0] == '~') &&
         text.find_first_not_of(text[0]) == std::string_view::npos;
}

// The level of "2.1 Title" or "2.1. Title": how many numbers there are; 0 for none. "2. Title" may
// be a list item.
int NumberedLevel(std::string_view text) {
  int level = 0;
  size_t at = 0;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) {
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    ++level;
    if (at < text.size() && text[at] == '.')
      ++at;
    else
      break;
  }
  bool has_title = at + 1 < text.size() && text[at] == ' ' &&
                   !std::isdigit(static_cast<unsigned char>(text[at + 1]));
  return has_title && level >= 2 && level <= 6 ? level : 0;
}

// The level of "제1장 총칙", "제3조(목적) ...", and the length of the heading in it; 0 for none.
int KoreanChapterLevel(std::string_view text, size_t* length) {
  constexpr std::string_view kOrdinal = "제";
  constexpr std::string_view kUnits[] = {"편", "장", "절", "관", "조"};
  if (!text.starts_with(kOrdinal)) return 0;
  size_t at = kOrdinal.size();
  while (at < text.size() && text[at] == ' ') ++at;
  size_t digits = at;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
  if (at == digits) return 0;
  while (at < text.size() && text[at] == ' ') ++at;
  for (size_t i = 0; i < std::size(kUnits); ++i) {
    if (!text.substr(at).starts_with(kUnits[i])) continue;
    at += kUnits[i].size();
    if (at < text.size() && text[at] != ' ' && text[at] != '(') return 0;
    size_t close = text.find(')', at);
    bool in_brackets = at < text.size() && text[at] == '(' && close != std::string_view::npos;
    *length = in_brackets ? close + 1 : text.size();
    return static_cast<int>(i) + 1;
  }
  return 0;
}

}  // namespace

Outline OutlinePlainText(const LineTable& lines) {
  SectionBuilder sections(lines);
  for (uint32_t line = 0; line < lines.size(); ++line) {
    std::string_view text = lines.Text(line);
    std::string_view trimmed = Trim(text);
    if (trimmed.empty()) continue;
    bool continues = line > 0 && !IsBlank(lines.Text(line - 1));
    bool indented = text[0] == ' ' || text[0] == '\t';
    sections.SetDepth(
        line, static_cast<uint16_t>((continues ? kInParagraph : 0) + (indented ? kIndented : 0)));
    if (trimmed.size() > kMaxHeadingBytes && !trimmed.starts_with("제")) continue;

    std::string_view next =
        line + 1 < lines.size() ? Trim(lines.Text(line + 1)) : std::string_view();
    auto name_begin = static_cast<uint32_t>(lines.Begin(line) +
                                            static_cast<uint32_t>(trimmed.data() - text.data()));
    size_t length = trimmed.size();
    int level = 0;
    bool underlined = !continues && IsUnderline(next) && !IsUnderline(trimmed);
    if (underlined)
      level = next[0] == '=' ? 1 : 2;
    else if (int chapter = KoreanChapterLevel(trimmed, &length))
      level = chapter;
    else if (!continues && next.empty())
      level = NumberedLevel(trimmed);
    if (level == 0 || length > kMaxHeadingBytes) continue;
    sections.Add(level, line, name_begin, std::string(trimmed.substr(0, length)));
    sections.SetDepth(line, 0);
    if (length == trimmed.size()) sections.MarkLeading(line);
    if (underlined) sections.MarkLeading(++line), sections.SetDepth(line, kInParagraph * 2);
  }
  return sections.Finish();
}

}  // namespace codelore::chunker
