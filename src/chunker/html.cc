#include "chunker/html.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "chunker/document_outline.h"
#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr uint16_t kInsideTag = 6;
constexpr uint16_t kInsideBlock = 4;
constexpr size_t kMaxTagBytes = 1 << 16;

// The named entities that documentation uses; any other is kept as it is written.
constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
    {"amp", "&"},    {"lt", "<"},     {"gt", ">"},     {"quot", "\""},  {"apos", "'"},
    {"nbsp", " "},   {"copy", "©"},   {"reg", "®"},    {"trade", "™"},  {"hellip", "…"},
    {"mdash", "—"},  {"ndash", "–"},  {"lsquo", "‘"},  {"rsquo", "’"},  {"ldquo", "“"},
    {"rdquo", "”"},  {"laquo", "«"},  {"raquo", "»"},  {"bull", "•"},   {"middot", "·"},
    {"sect", "§"},   {"para", "¶"},   {"deg", "°"},    {"plusmn", "±"}, {"times", "×"},
    {"divide", "÷"}, {"rarr", "→"},   {"larr", "←"},   {"harr", "↔"},   {"uarr", "↑"},
    {"darr", "↓"},   {"rArr", "⇒"},   {"le", "≤"},     {"ge", "≥"},     {"ne", "≠"},
    {"minus", "−"},  {"micro", "µ"},  {"euro", "€"},   {"pound", "£"},  {"yen", "¥"},
    {"cent", "¢"},   {"auml", "ä"},   {"ouml", "ö"},   {"uuml", "ü"},   {"Auml", "Ä"},
    {"Ouml", "Ö"},   {"Uuml", "Ü"},   {"szlig", "ß"},  {"eacute", "é"}, {"egrave", "è"},
    {"agrave", "à"}, {"ccedil", "ç"}, {"ntilde", "ñ"}, {"shy", ""},     {"zwj", ""},
    {"zwnj", ""},    {"ensp", " "},   {"emsp", " "},   {"thinsp", " "}, {"lbrace", "{"},
    {"rbrace", "}"}, {"lbrack", "["}, {"rbrack", "]"}, {"num", "#"},    {"lpar", "("},
    {"rpar", ")"},
};

constexpr std::string_view kInlineTags[] = {
    "a",    "abbr",   "b",   "bdi", "bdo",  "cite", "code", "data", "del",  "dfn",
    "em",   "font",   "i",   "ins", "kbd",  "mark", "q",    "s",    "samp", "small",
    "span", "strong", "sub", "sup", "time", "tt",   "u",    "var",  "wbr"};

bool IsInline(std::string_view tag) {
  return std::find(std::begin(kInlineTags), std::end(kInlineTags), tag) != std::end(kInlineTags);
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xC0 | (code >> 6));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xE0 | (code >> 12));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out += static_cast<char>(0xF0 | (code >> 18));
    *out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Appends what the entity at the start of `text` (an '&') stands for; the bytes it takes, 0 if it
// is none.
size_t DecodeEntity(std::string_view text, std::string* out) {
  size_t semicolon = text.substr(0, 12).find(';');
  if (semicolon == std::string_view::npos || semicolon < 2) return 0;
  std::string_view name = text.substr(1, semicolon - 1);
  if (name[0] == '#') {
    bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    std::string_view digits = name.substr(hex ? 2 : 1);
    uint32_t code = 0;
    auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return 0;
    AppendUtf8(code, out);
    return semicolon + 1;
  }
  for (const auto& [entity, value] : kEntities) {
    if (entity != name) continue;
    *out += value;
    return semicolon + 1;
  }
  return 0;
}

// Appends text with entities decoded and runs of white space as one space.
void AppendText(std::string_view raw, std::string* out) {
  for (size_t i = 0; i < raw.size();) {
    if (raw[i] == '&') {
      if (size_t size = DecodeEntity(raw.substr(i), out)) {
        i += size;
        continue;
      }
    }
    bool space = std::isspace(static_cast<unsigned char>(raw[i])) != 0;
    if (!space)
      *out += raw[i];
    else if (!out->empty() && out->back() != ' ' && out->back() != '\n')
      *out += ' ';
    ++i;
  }
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

struct Tag {
  std::string name;  // lower case; "/h1" for an end tag; "" for a comment or declaration
  size_t end;        // behind its '>'
};

// Reads the tag at `begin` (a '<'); an empty name and end == begin if it is none.
Tag ReadTag(std::string_view html, size_t begin) {
  std::string_view rest = html.substr(begin);
  auto behind = [&](std::string_view close, size_t from) {
    size_t at = html.find(close, from);
    return at == std::string_view::npos ? html.size() : at + close.size();
  };
  if (rest.starts_with("<!--")) return {"", behind("-->", begin + 4)};
  if (rest.starts_with("<!") || rest.starts_with("<?")) return {"", behind(">", begin)};
  size_t name_begin = begin + (rest.starts_with("</") ? 2 : 1);
  if (name_begin >= html.size() || !std::isalpha(static_cast<unsigned char>(html[name_begin])))
    return {"", begin};
  size_t name_end = name_begin;
  while (name_end < html.size() &&
         (std::isalnum(static_cast<unsigned char>(html[name_end])) || html[name_end] == '-'))
    ++name_end;
  char quote = 0;
  size_t end = name_end;
  for (; end < std::min(html.size(), name_end + kMaxTagBytes) && (quote != 0 || html[end] != '>');
       ++end) {
    if (quote != 0)
      quote = html[end] == quote ? 0 : quote;
    else if ((html[end] == '"' || html[end] == '\'') && html[end - 1] == '=')
      quote = html[end];
  }
  // A quote that never ends is no quote.
  if (end == html.size() || html[end] != '>')
    end = std::min(html.find('>', name_end), html.size() - 1);
  return {(rest[1] == '/' ? "/" : "") + Lower(html.substr(name_begin, name_end - name_begin)),
          end + 1};
}

// Where the text of a <script> or <style> ends: at its end tag.
size_t EndOfRawText(std::string_view html, size_t begin, const std::string& name) {
  for (size_t at = html.find("</", begin); at != std::string_view::npos;
       at = html.find("</", at + 2)) {
    if (Lower(html.substr(at + 2, name.size())) == name) return at;
  }
  return html.size();
}

int HeadingLevel(std::string_view tag) {
  if (tag == "title") return 0;
  return tag.size() == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6' ? tag[1] - '0' : -1;
}

std::string TextOfRuns(std::string_view html, const std::vector<HtmlRun>& runs, ByteSpan span) {
  std::string text;
  auto run = std::partition_point(runs.begin(), runs.end(),
                                  [&](const HtmlRun& r) { return r.bytes.end <= span.begin; });
  for (; run != runs.end() && run->bytes.begin < span.end; ++run) {
    if (run->separator == '\n') {
      while (text.ends_with(' ')) text.pop_back();
    }
    if (run->separator != 0 && !text.empty()) text += run->separator;
    uint32_t begin = std::max(run->bytes.begin, span.begin);
    AppendText(html.substr(begin, std::min(run->bytes.end, span.end) - begin), &text);
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// One pass over the tags of a page.
class HtmlScanner {
 public:
  HtmlScanner(std::string_view html, const LineTable& lines)
      : html_(html), lines_(lines), sections_(lines) {}

  void Run() {
    for (size_t at = html_.find('<'); at != std::string_view::npos; at = html_.find('<', at)) {
      Tag tag = ReadTag(html_, at);
      if (tag.end == at)
        ++at;
      else
        at = Visit(tag, at);
    }
    AddText(html_.size());
  }

  std::vector<HtmlRun> TakeRuns() { return std::move(runs_); }
  Outline TakeOutline() {
    Outline outline = sections_.Finish();
    Weigh(&outline);
    return outline;
  }

 private:
  // Where to go on.
  size_t Visit(const Tag& tag, size_t begin) {
    AddText(begin);
    uint32_t line = lines_.LineOf(static_cast<uint32_t>(begin));
    for (uint32_t next = line + 1; next < lines_.size() && lines_.Begin(next) < tag.end; ++next)
      sections_.SetDepth(next, kInsideTag);
    if (heading_level_ >= 0 &&
        tag.name == (heading_level_ == 0 ? "/title" : "/h" + std::to_string(heading_level_)))
      CloseHeading(begin);
    if (int level = HeadingLevel(tag.name); level >= 0) {
      heading_level_ = level;
      heading_line_ = line;
      heading_text_ = static_cast<uint32_t>(tag.end);
    }
    if (!tag.name.empty() && !IsInline(tag.name[0] == '/' ? tag.name.substr(1) : tag.name))
      separator_ = '\n';
    bool raw = tag.name == "script" || tag.name == "style" || tag.name == "svg";
    return text_begin_ = raw ? EndOfRawText(html_, tag.end, tag.name) : tag.end;
  }

  void AddText(size_t end) {
    if (text_begin_ >= end) return;
    if (IsBlank(html_.substr(text_begin_, end - text_begin_))) {
      if (separator_ == 0) separator_ = ' ';
      return;
    }
    runs_.push_back({{static_cast<uint32_t>(text_begin_), static_cast<uint32_t>(end)}, separator_});
    separator_ = 0;
  }

  void CloseHeading(size_t end) {
    constexpr std::string_view kAnchorSign = "¶";
    std::string name = TextOfRuns(html_, runs_, {heading_text_, static_cast<uint32_t>(end)});
    if (name.ends_with(kAnchorSign)) name.resize(name.size() - kAnchorSign.size());
    std::replace(name.begin(), name.end(), '\n', ' ');
    sections_.Add(heading_level_, heading_line_, heading_text_, name);
    heading_level_ = -1;
  }

  // A line weighs what a reader sees of it, but at least a quarter of its bytes. A line of end tags
  // belongs to the one before; a cut behind a line break inside of text is worse than one between
  // two tags.
  void Weigh(Outline* outline) const {
    outline->weight.resize(lines_.size(), 0);
    for (const HtmlRun& run : runs_) {
      uint32_t first = lines_.LineOf(run.bytes.begin);
      uint32_t last = lines_.LastLineOf(run.bytes);
      for (uint32_t line = first; line <= last; ++line) {
        ByteSpan span = lines_.Span(line);
        outline->weight[line] +=
            std::min(span.end, run.bytes.end) - std::max(span.begin, run.bytes.begin);
        if (line > first && !IsBlank(lines_.Text(line)))
          outline->depth[line] = std::max(outline->depth[line], kInsideBlock);
      }
    }
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      bool ends_only =
          outline->weight[line] == 0 && lines_.Text(line).find("</") != std::string_view::npos;
      if (ends_only && outline->line_class[line] == LineClass::kText)
        outline->line_class[line] = LineClass::kCloser;
      outline->weight[line] = std::max(outline->weight[line], lines_.Span(line).size() / 4);
    }
  }

  std::string_view html_;
  const LineTable& lines_;
  SectionBuilder sections_;
  std::vector<HtmlRun> runs_;
  size_t text_begin_ = 0;   // behind the last tag
  char separator_ = '\n';   // of the next run
  int heading_level_ = -1;  // of the heading at hand
  uint32_t heading_line_ = 0;
  uint32_t heading_text_ = 0;
};

}  // namespace

HtmlPage::HtmlPage(std::string_view html, const LineTable& lines) : html_(html) {
  HtmlScanner scanner(html, lines);
  scanner.Run();
  outline_ = scanner.TakeOutline();
  runs_ = scanner.TakeRuns();
}

std::string HtmlPage::TextOf(ByteSpan span) const { return TextOfRuns(html_, runs_, span); }

}  // namespace codelore::chunker
