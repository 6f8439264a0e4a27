#include <algorithm>

#include "chunker/document_outline.h"
#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr uint16_t kInParagraph = 3;
constexpr uint16_t kInBlock = 5;
constexpr uint16_t kListItem = 1;

bool IsRun(std::string_view text) {
  return !text.empty() && text.find_first_not_of(text[0]) == std::string_view::npos;
}

// What opens and closes a block that holds no headings: `----`, `....`, `|===`, ```` ``` ````.
bool IsDelimiter(std::string_view text) {
  if (text == "|===" || text.starts_with("```")) return true;
  return text.size() >= 4 && IsRun(text) &&
         std::string_view("-.=*_+/").find(text[0]) != std::string_view::npos;
}

bool IsListItem(std::string_view text) {
  size_t marks = text.find_first_not_of(text.empty() ? '*' : text[0]);
  return marks != std::string_view::npos && marks > 0 && text[marks] == ' ' &&
         std::string_view("*.-").find(text[0]) != std::string_view::npos;
}

class AsciidocOutliner {
 public:
  explicit AsciidocOutliner(const LineTable& lines) : lines_(lines), sections_(lines) {}

  Outline Run() {
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      if (line >= skip_until_) Visit(line);
    }
    return sections_.Finish();
  }

 private:
  void Visit(uint32_t line) {
    std::string_view text = lines_.Text(line);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (!delimiter_.empty()) {
      sections_.SetDepth(line, kInBlock);
      if (text == delimiter_) delimiter_.clear();
      return;
    }
    bool continues = line > 0 && !IsBlank(lines_.Text(line - 1));
    if (IsBlank(text) || Heading(line, text) || UnderlinedHeading(line, text, continues)) return;
    if (IsDelimiter(text)) {
      delimiter_ = text.starts_with("```") ? "```" : std::string(text);
      sections_.SetDepth(line, continues ? kInParagraph : 1);
    } else if (text[0] == '[' ||
               (text[0] == '.' && text.size() > 1 && text[1] != ' ' && text[1] != '.')) {
      sections_.MarkLeading(line);  // [source,java], .Title of a block
      sections_.SetDepth(line, continues ? kInParagraph : 0);
    } else {
      sections_.SetDepth(line, !continues ? 0 : IsListItem(text) ? kListItem : kInParagraph);
    }
  }

  // `== Title`, or `## Title`
  bool Heading(uint32_t line, std::string_view text) {
    if (text[0] != '=' && text[0] != '#') return false;
    size_t level = text.find_first_not_of(text[0]);
    if (level == std::string_view::npos || level > 6 || text[level] != ' ') return false;
    size_t begin = text.find_first_not_of(" \t", level);
    if (begin == std::string_view::npos) return false;
    Add(static_cast<int>(level), line, line, begin, text.substr(begin));
    return true;
  }

  // A title of one line, underlined about as long as it is.
  bool UnderlinedHeading(uint32_t line, std::string_view text, bool continues) {
    constexpr std::string_view kLevels = "=-~^+";
    if (continues || line + 1 >= lines_.size() || text[0] == ' ' || text[0] == '[' ||
        text[0] == '.')
      return false;
    std::string_view underline = lines_.Text(line + 1);
    while (underline.ends_with(' ')) underline.remove_suffix(1);
    size_t level = underline.size() >= 3 && IsRun(underline) ? kLevels.find(underline[0])
                                                             : std::string_view::npos;
    if (level == std::string_view::npos || IsRun(text)) return false;
    auto columns = static_cast<int64_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !IsUtf8Continuation(c); }));
    auto length = static_cast<int64_t>(underline.size());
    // Wide characters count twice.
    if (length < columns - 2 ||
        length > std::max<int64_t>(columns + 2, static_cast<int64_t>(text.size())))
      return false;
    Add(static_cast<int>(level) + 1, line, line + 1, 0, text);
    sections_.SetDepth(line + 1, kInBlock);
    skip_until_ = line + 2;
    return true;
  }

  void Add(int level, uint32_t line, uint32_t last_line, size_t begin, std::string_view name) {
    uint32_t first = line;  // with the anchors and attributes right above
    while (first > 0 && lines_.Text(first - 1).starts_with('[')) --first;
    sections_.Add(level, first, static_cast<uint32_t>(lines_.Begin(line) + begin),
                  std::string(name));
    for (uint32_t at = line; at <= last_line; ++at) sections_.MarkLeading(at);
  }

  const LineTable& lines_;
  SectionBuilder sections_;
  std::string delimiter_;    // of the block at hand; empty outside
  uint32_t skip_until_ = 0;  // behind an underlined heading
};

}  // namespace

Outline OutlineAsciidoc(const LineTable& lines) { return AsciidocOutliner(lines).Run(); }

}  // namespace codelore::chunker
