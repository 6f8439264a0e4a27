#include <algorithm>
#include <cctype>

#include "chunker/document_outline.h"

namespace codelore::chunker {
namespace {

// Costs of a cut in front of a line, in steps of depth.
constexpr uint16_t kInParagraph = 3;
constexpr uint16_t kInCode = 5;
constexpr uint16_t kListItem = 1;
constexpr uint16_t kNestedListItem = 2;
constexpr uint16_t kContinuation = 1;  // an indented paragraph of a list item

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool IsRunOf(std::string_view text, char c) {
  return !text.empty() && text.find_first_not_of(c) == std::string_view::npos;
}

bool IsListItem(std::string_view text) {
  if (text.size() < 2) return false;
  if ((text[0] == '-' || text[0] == '*' || text[0] == '+') && text[1] == ' ') return true;
  size_t digits = text.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && digits <= 9 &&
         (text[digits] == '.' || text[digits] == ')');
}

// The heading's text without its markup: `[text](url)`, `**text**`, `` `code` ``, <a name="x">,
// {#id}.
std::string PlainHeading(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '<') {
      size_t close = text.find('>', i);
      bool is_tag = close != std::string_view::npos && i + 1 < text.size() &&
                    (std::isalpha(static_cast<unsigned char>(text[i + 1])) || text[i + 1] == '/');
      if (is_tag)
        i = close;
      else
        plain += c;
    } else if (c == ']' && i + 1 < text.size() && text[i + 1] == '(') {
      size_t close = text.find(')', i);
      i = close == std::string_view::npos ? text.size() : close;
    } else if (c == '{' && i + 1 < text.size() && text[i + 1] == '#') {
      break;
    } else if (c == '\\' && i + 1 < text.size() &&
               std::ispunct(static_cast<unsigned char>(text[i + 1]))) {
      plain += text[++i];
    } else if (c != '`' && c != '*' && c != '[' && c != ']' &&
               !(c == '!' && i + 1 < text.size() && text[i + 1] == '[')) {
      plain += c;
    }
  }
  return std::string(Trim(plain));
}

class MarkdownOutliner {
 public:
  explicit MarkdownOutliner(const LineTable& lines) : lines_(lines), sections_(lines) {}

  Outline Run() {
    uint32_t line = SkipFrontMatter();
    for (; line < lines_.size(); ++line) Visit(line);
    return sections_.Finish();
  }

 private:
  // Settings between two `---` (or `+++`) at the start of a file. Their title is the document's, if
  // it has no other.
  uint32_t SkipFrontMatter() {
    std::string_view first = lines_.size() == 0 ? "" : Trim(lines_.Text(0));
    if (first != "---" && first != "+++") return 0;
    uint32_t end = 1;
    while (end < lines_.size() && Trim(lines_.Text(end)) != first &&
           Trim(lines_.Text(end)) != "...")
      ++end;
    if (end == lines_.size()) return 0;
    for (uint32_t line = 1; line < end; ++line) {
      std::string_view text = lines_.Text(line);
      sections_.SetDepth(line, kInParagraph);
      if (!text.starts_with("title:") && !text.starts_with("title =")) continue;
      std::string_view title = Trim(text.substr(text.find_first_of(":=") + 1));
      if (title.size() >= 2 && (title[0] == '"' || title[0] == '\'') && title.back() == title[0])
        title = title.substr(1, title.size() - 2);
      auto begin = static_cast<uint32_t>(
          lines_.Begin(line) + (text.find(title) == std::string_view::npos ? 0 : text.find(title)));
      sections_.Add(0, 0, begin, std::string(title));
    }
    sections_.SetDepth(end, kInParagraph);
    return end + 1;
  }

  void Visit(uint32_t line) {
    std::string_view text = lines_.Text(line);
    std::string_view trimmed = Trim(text);
    if (!fence_.empty()) return InFence(line, trimmed);
    if (in_comment_) {
      in_comment_ = trimmed.find("-->") == std::string_view::npos;
      return sections_.SetDepth(line, kInParagraph);
    }
    if (trimmed.empty()) {
      paragraph_lines_ = 0;
      return;
    }
    uint32_t indentation = Indentation(text);
    if (OpensFence(trimmed)) {
      sections_.SetDepth(line, paragraph_lines_ > 0 ? 2 : 1);
      paragraph_lines_ = 0;
    } else if (indentation < 4 &&
               (AtxHeading(line, text, trimmed) || SetextHeading(line, trimmed) ||
                HtmlHeading(line, text, trimmed))) {
      paragraph_lines_ = 0;
    } else {
      Paragraph(line, trimmed, indentation);
    }
  }

  void InFence(uint32_t line, std::string_view trimmed) {
    sections_.SetDepth(line, kInCode);
    bool closes = trimmed.size() >= fence_.size() && IsRunOf(trimmed, fence_[0]);
    if (closes) fence_.clear();
  }

  bool OpensFence(std::string_view trimmed) {
    char c = trimmed[0];
    if (c != '`' && c != '~') return false;
    size_t length = std::min(trimmed.find_first_not_of(c), trimmed.size());
    if (length < 3 || (c == '`' && trimmed.find('`', length) != std::string_view::npos))
      return false;
    fence_.assign(length, c);
    return true;
  }

  bool AtxHeading(uint32_t line, std::string_view text, std::string_view trimmed) {
    size_t level = trimmed.find_first_not_of('#');
    if (level == 0) return false;
    if (level == std::string_view::npos || level > 6 ||
        (trimmed[level] != ' ' && trimmed[level] != '\t'))
      return false;
    std::string_view name = Trim(trimmed.substr(level));
    size_t end = name.find_last_not_of('#');
    if (end != std::string_view::npos && end + 1 < name.size() && name[end] == ' ')
      name = Trim(name.substr(0, end));
    AddHeading(static_cast<int>(level), line, text, name);
    return true;
  }

  // A line underlined with `===` or `---`.
  bool SetextHeading(uint32_t line, std::string_view trimmed) {
    if (paragraph_lines_ != 1 || line == 0 ||
        !(IsRunOf(trimmed, '=') || (IsRunOf(trimmed, '-') && trimmed.size() > 1)))
      return false;
    std::string_view above = lines_.Text(line - 1);
    std::string_view name = Trim(above);
    if (IsListItem(name) || name[0] == '>' || name[0] == '|' || name[0] == '<') return false;
    AddHeading(trimmed[0] == '=' ? 1 : 2, line - 1, above, name);
    sections_.SetDepth(line - 1, 0);
    sections_.SetDepth(line, kInCode);
    sections_.MarkLeading(line);
    return true;
  }

  // `<h1 align="center">Title</h1>`, as READMEs have it.
  bool HtmlHeading(uint32_t line, std::string_view text, std::string_view trimmed) {
    bool opens = trimmed.size() > 8 && trimmed[0] == '<' &&
                 (trimmed[1] == 'h' || trimmed[1] == 'H') && trimmed[2] >= '1' &&
                 trimmed[2] <= '6' && (trimmed[3] == '>' || trimmed[3] == ' ');
    if (!opens || trimmed.find("</") == std::string_view::npos) return false;
    AddHeading(trimmed[2] - '0', line, text, trimmed);
    return true;
  }

  void AddHeading(int level, uint32_t line, std::string_view text, std::string_view name) {
    auto begin = static_cast<uint32_t>(lines_.Begin(line) +
                                       static_cast<uint32_t>(name.data() - text.data()));
    sections_.Add(level, line, begin, PlainHeading(name));
    sections_.MarkLeading(line);
  }

  void Paragraph(uint32_t line, std::string_view trimmed, uint32_t indentation) {
    in_comment_ = trimmed.starts_with("<!--") && trimmed.find("-->") == std::string_view::npos;
    bool continues = paragraph_lines_ > 0;
    if (IsListItem(trimmed))
      sections_.SetDepth(line, indentation >= 2 ? kNestedListItem : continues ? kListItem : 0);
    else
      sections_.SetDepth(line, continues ? kInParagraph : indentation >= 2 ? kContinuation : 0);
    ++paragraph_lines_;
  }

  const LineTable& lines_;
  SectionBuilder sections_;
  std::string fence_;  // of the code block at hand; empty outside
  bool in_comment_ = false;
  uint32_t paragraph_lines_ = 0;  // of the paragraph at hand
};

}  // namespace

Outline OutlineMarkdown(const LineTable& lines) { return MarkdownOutliner(lines).Run(); }

}  // namespace codelore::chunker
