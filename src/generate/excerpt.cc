#include "generate/excerpt.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

namespace codelore::generate {
namespace {

constexpr size_t kMaxDeclarationLines = 6;  // with a short comment above it or a docstring's first lines below
constexpr size_t kNearby = 3;               // lines that may be gone through for a better place to cut

using Lines = std::vector<std::string_view>;

std::string_view Stripped(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r\n") - begin + 1);
}

bool IsBlank(std::string_view line) { return Stripped(line).empty(); }

bool IsFence(std::string_view line) { return Stripped(line).starts_with("```") || Stripped(line).starts_with("~~~"); }

// "# Title", "== Title", or a line of one repeated mark, as under (and over) the titles of reStructuredText.
bool IsHeading(std::string_view line) {
  std::string_view text = Stripped(line);
  if (text.size() >= 3 && std::ispunct(static_cast<unsigned char>(text[0])) && text.find_first_not_of(text[0]) == text.npos) return true;
  size_t marks = std::min(text.find_first_not_of(text.starts_with('=') ? "=" : "#"), text.size());
  return marks >= 1 && marks <= 6 && marks < text.size() && text[marks] == ' ';
}

bool EndsSentence(std::string_view line) {
  std::string_view text = Stripped(line);
  while (!text.empty() && std::string_view("\"')*_`").find(text.back()) != text.npos) text.remove_suffix(1);
  if (text.empty()) return true;
  return std::string_view(".!?:;{}").find(text.back()) != text.npos || text.ends_with("。");
}

LineRange WithoutBlanks(const Lines& lines, LineRange range) {
  while (range.first + 1 < range.last && IsBlank(lines[range.first])) ++range.first;
  while (range.last > range.first + 1 && IsBlank(lines[range.last - 1])) --range.last;
  return range;
}

class Chooser {
 public:
  Chooser(const Passage& passage, std::span<const std::string> stems, size_t max_lines)
      : passage_(passage), lines_(SplitLines(passage.text)), max_lines_(max_lines), stems_(lines_.size()) {
    for (size_t i = 0; i < lines_.size(); ++i) {
      std::string line = LowerCase(lines_[i]);
      for (size_t s = 0; s < stems.size() && s < 64; ++s) {
        if (line.find(stems[s]) != line.npos) stems_[i] |= uint64_t{1} << s;
      }
    }
    stem_count_ = static_cast<double>(std::clamp<size_t>(stems.size(), 1, 64));
  }

  std::vector<LineRange> Definition() {
    if (lines_.empty()) return {};
    LineRange whole = WithoutBlanks(lines_, {0, lines_.size()});
    std::optional<size_t> declared = DeclaredAt(whole);
    if (!declared) return Choose();
    size_t first = *declared, last = EndOfDocstring(EndOfSignature(*declared), whole.last, *declared + max_lines_);
    while (first > whole.first && IsComment(lines_[first - 1])) --first;
    if (*declared - first > max_lines_) return {{first, first + max_lines_ / 2}, {*declared, last}};
    bool documented = last - first >= max_lines_ / 2;
    return {documented ? LineRange{first, last} : StartOf({first, last}, whole.last)};
  }

  std::vector<LineRange> Choose() {
    if (lines_.empty()) return {};
    LineRange whole = WithoutBlanks(lines_, {0, lines_.size()});
    if (whole.size() <= max_lines_ + max_lines_ / 4) return {whole};
    std::optional<LineRange> head = Declaration(whole);
    if (!head) return {BestParagraphs(whole, max_lines_)};
    LineRange body{head->last, whole.last};
    if (body.size() == 0 || Weight(body) == 0) return {StartOf(*head, lines_.size())};
    LineRange best = BestParagraphs(WithoutBlanks(lines_, body), max_lines_ - head->size());
    bool adjoins = best.first <= head->last + kNearby && best.last - head->first <= max_lines_;
    if (adjoins) return {{head->first, best.last}};
    return {*head, best};
  }

 private:
  // The share of the question's different words, then the squares of what the lines weigh: one line with most of the
  // question is worth more than several with a word of it.
  double Weight(LineRange range) const {
    double squares = 0;
    uint64_t stems = 0;
    for (size_t i = range.first; i < range.last; ++i) {
      stems |= stems_[i];
      if (i < passage_.line_weights.size()) squares += passage_.line_weights[i] * passage_.line_weights[i];
    }
    return std::popcount(stems) / stem_count_ + squares / 4;
  }

  bool IsDocument() const { return passage_.kind == ChunkKind::kSection; }

  // ---- the declaration

  std::optional<LineRange> Declaration(LineRange whole) const {
    std::optional<size_t> declared = DeclaredAt(whole);
    return declared ? std::optional(WithComment({*declared, EndOfSignature(*declared)}, whole)) : std::nullopt;
  }

  std::optional<size_t> DeclaredAt(LineRange whole) const {
    if (IsDocument() || passage_.signature.empty()) return std::nullopt;
    for (size_t i = whole.first; i < whole.last; ++i) {
      std::string_view line = Stripped(lines_[i]);
      bool declares = line.size() >= 3 && (passage_.signature.starts_with(line) || line.starts_with(passage_.signature));
      if (declares) return i;
    }
    return std::nullopt;
  }

  // As far as comments, decorators and attributes begin in the languages we know.
  static bool IsComment(std::string_view line) {
    std::string_view text = Stripped(line);
    for (std::string_view mark : {"//", "#", "/*", "*", "@", "--", "[", ";;", "%", "{-"}) {
      if (text.starts_with(mark)) return true;
    }
    return false;
  }

  // Behind the docstring that begins at `first`, if one does; its end may be blank lines and paragraphs away.
  size_t EndOfDocstring(size_t first, size_t limit, size_t at_most) const {
    if (first >= limit) return first;
    std::string_view next = Stripped(lines_[first]);
    size_t quote = std::min(next.find("\"\"\""), next.find("'''"));
    if (quote > 1) return first;  // "r" may stand before it
    std::string_view mark = next.substr(quote, 3);
    if (next.find(mark, quote + 3) != next.npos) return first + 1;
    for (size_t end = first + 1; end < std::min(limit, at_most); ++end) {
      if (lines_[end].find(mark) != std::string_view::npos) return end + 1;
    }
    return std::min(limit, at_most);
  }

  // Behind the lines that the signature, which is one line, was made of.
  size_t EndOfSignature(size_t first) const {
    size_t wanted = WithoutSpace(passage_.signature), seen = 0, end = first;
    while (end < lines_.size() && end < first + kMaxDeclarationLines && seen < wanted) seen += WithoutSpace(lines_[end++]);
    return end;
  }
  static size_t WithoutSpace(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !std::isspace(static_cast<unsigned char>(c)); }));
  }

  LineRange WithComment(LineRange declaration, LineRange whole) const {
    size_t above = declaration.first - whole.first;
    if (above > 0 && above + declaration.size() <= kMaxDeclarationLines) declaration.first = whole.first;
    if (declaration.last >= whole.last) return declaration;
    std::string_view next = Stripped(lines_[declaration.last]);
    size_t quote = std::min(next.find("\"\"\""), next.find("'''"));
    if (quote > 1) return declaration;  // "r" may stand before it
    size_t end = declaration.last + 1;
    bool closed = next.find(next.substr(quote, 3), quote + 3) != next.npos;
    while (!closed && end < whole.last && end < declaration.first + kMaxDeclarationLines && !IsBlank(lines_[end])) {
      closed = lines_[end++].find(next.substr(quote, 3)) != std::string_view::npos;
    }
    return {declaration.first, end};
  }

  // The declaration and what follows it, up to a good place to stop.
  LineRange StartOf(LineRange head, size_t whole_last) const {
    size_t limit = std::min(std::max(head.first + max_lines_, head.last), whole_last), end = limit;
    while (end > head.last && end > limit - kNearby && !IsBlank(lines_[end - 1]) && end < lines_.size() && !IsBlank(lines_[end])) --end;
    bool found = end > head.last && end > limit - kNearby;
    return WithoutBlanks(lines_, {head.first, found ? end : limit});
  }

  // ---- paragraphs

  std::vector<LineRange> Paragraphs(LineRange whole) const {
    std::vector<LineRange> paragraphs;
    for (size_t i = whole.first; i < whole.last;) {
      if (IsBlank(lines_[i])) {
        ++i;
        continue;
      }
      size_t end = EndOfParagraph(i, whole.last);
      bool introduced = !paragraphs.empty() && Introduces(paragraphs.back());
      if (introduced && end - paragraphs.back().first <= max_lines_) {
        paragraphs.back().last = end;
      } else {
        paragraphs.push_back({i, end});
      }
      i = end;
    }
    return paragraphs;
  }

  size_t EndOfParagraph(size_t first, size_t limit) const {
    bool fenced = false;
    size_t end = first;
    for (; end < limit && (fenced || !IsBlank(lines_[end])); ++end) {
      if (IsDocument() && IsFence(lines_[end])) fenced = !fenced;
    }
    return end;
  }

  // A heading, or a sentence that announces what follows.
  bool Introduces(LineRange paragraph) const {
    if (!IsDocument()) return false;
    return IsHeading(lines_[paragraph.last - 1]) || Stripped(lines_[paragraph.last - 1]).ends_with(':');
  }

  // The neighbouring paragraphs with the largest weight that fit in `size` lines.
  LineRange BestParagraphs(LineRange whole, size_t size) const {
    std::vector<LineRange> paragraphs = Paragraphs(whole);
    if (paragraphs.empty()) return whole;
    LineRange best{0, 1};  // of paragraphs
    double most = -1;
    for (size_t first = 0; first < paragraphs.size(); ++first) {
      size_t last = first + 1;
      while (last < paragraphs.size() && paragraphs[last].last - paragraphs[first].first <= size) ++last;
      double weight = Weight({paragraphs[first].first, std::min(paragraphs[last - 1].last, paragraphs[first].first + size)});
      if (weight > most * 1.001) {
        most = weight;
        best = {first, last};
      }
    }
    DropIdle(paragraphs, best);
    LineRange range{paragraphs[best.first].first, paragraphs[best.last - 1].last};
    return range.size() <= size ? range : BestLines(range, size);
  }

  // Paragraphs at both ends that have next to nothing of the question.
  void DropIdle(const std::vector<LineRange>& paragraphs, LineRange& chosen) const {
    double most = 0;
    for (size_t i = chosen.first; i < chosen.last; ++i) most = std::max(most, Weight(paragraphs[i]));
    if (most == 0) return;
    while (chosen.last > chosen.first + 1 && Weight(paragraphs[chosen.last - 1]) < 0.1 * most) --chosen.last;
    while (chosen.first + 1 < chosen.last && Weight(paragraphs[chosen.first]) < 0.1 * most) ++chosen.first;
  }

  // Of a paragraph longer than `size`: the window with the largest weight, begun and ended where sentences are.
  LineRange BestLines(LineRange paragraph, size_t size) const {
    LineRange best{paragraph.first, paragraph.first + size};
    double most = Weight(best) * 1.1;  // a paragraph's start says what it is about
    for (size_t first = paragraph.first + 1; first + size <= paragraph.last; ++first) {
      double weight = Weight({first, first + size});
      if (weight > most) {
        most = weight;
        best = {first, first + size};
      }
    }
    return AtSentences(best, paragraph);
  }

  // Moves both ends to where sentences begin and end, as far as that keeps the window's heaviest line.
  LineRange AtSentences(LineRange window, LineRange paragraph) const {
    size_t heaviest = window.first, size = window.size();
    for (size_t i = window.first; i < window.last; ++i) {
      if (Weight({i, i + 1}) > Weight({heaviest, heaviest + 1})) heaviest = i;
    }
    auto begins = [&](size_t line) { return line == paragraph.first || EndsSentence(lines_[line - 1]); };
    auto ends = [&](size_t line) { return line == paragraph.last || EndsSentence(lines_[line - 1]); };
    size_t earliest = heaviest + 1 > size ? std::max(paragraph.first, heaviest + 1 - size) : paragraph.first;
    size_t first = window.first;
    for (size_t i = heaviest + 1; i-- > earliest;) {
      if (begins(i)) {
        first = i;
        break;
      }
    }
    size_t last = std::min(first + size, paragraph.last);
    for (size_t i = last; i > heaviest && i + kNearby > last; --i) {
      if (ends(i)) return {first, i};
    }
    return {first, last};
  }

  const Passage& passage_;
  const Lines lines_;
  const size_t max_lines_;
  std::vector<uint64_t> stems_;  // which of the question's words each line holds
  double stem_count_ = 1;
};

}  // namespace

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::vector<std::string> StemsOf(std::string_view question) {
  static constexpr auto kAsking = std::to_array<std::string_view>(
      {"about", "does", "done", "each", "from", "have", "into", "must", "should", "that", "their", "them", "there", "these",
       "they", "this", "used", "uses", "using", "want", "what", "when", "where", "which", "will", "with", "work", "works"});
  static_assert(std::ranges::is_sorted(kAsking));
  std::vector<std::string> stems;
  std::string word;
  for (size_t i = 0; i <= question.size(); ++i) {
    bool letter = i < question.size() && (std::isalnum(static_cast<unsigned char>(question[i])) || question[i] == '_' || question[i] < 0);
    if (letter) {
      word += question[i];
      continue;
    }
    std::string lower = LowerCase(std::exchange(word, {}));
    if (lower.size() < 4 || std::ranges::binary_search(kAsking, lower)) continue;
    if (lower.size() >= 6 && lower[0] > 0) lower.resize(lower.size() - 2);
    if (std::ranges::find(stems, lower) == stems.end()) stems.push_back(std::move(lower));
  }
  return stems;
}

std::vector<LineRange> ChooseExcerpt(const Passage& passage, std::span<const std::string> stems, size_t max_lines) {
  return Chooser(passage, stems, std::max<size_t>(max_lines, kMaxDeclarationLines + 2)).Choose();
}

std::vector<LineRange> ChooseDefinition(const Passage& passage, std::span<const std::string> stems, size_t max_lines) {
  return Chooser(passage, stems, std::max<size_t>(max_lines, kMaxDeclarationLines + 2)).Definition();
}

namespace {

size_t Indent(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }
bool Blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == line.npos; }
bool Announces(std::string_view line) {
  size_t last = line.find_last_not_of(" \t\r\n*_");
  return last != line.npos && line[last] == ':';
}
bool Fence(std::string_view line) {
  line.remove_prefix(Indent(line));
  return line.starts_with("```") || line.starts_with("~~~");
}

// Behind the block that begins at `first`, below a line of that indent: a fence to its end, what is indented more with blank lines in it, or a
// paragraph.
size_t BlockEnd(const std::vector<std::string_view>& lines, size_t first, size_t indent) {
  size_t end = first;
  if (Fence(lines[first])) {
    while (++end < lines.size() && !Fence(lines[end])) {}
    return std::min(end + 1, lines.size());
  }
  if (Indent(lines[first]) <= indent) {
    while (end < lines.size() && !Blank(lines[end])) ++end;
    return end;
  }
  for (size_t i = first; i < lines.size() && (Blank(lines[i]) || Indent(lines[i]) > indent); ++i) {
    if (!Blank(lines[i])) end = i + 1;
  }
  return end;
}

size_t WithBlockBelow(const std::vector<std::string_view>& lines, LineRange range, size_t max_lines) {
  size_t last = range.last;
  while (last > range.first && Blank(lines[last - 1])) --last;
  if (last == range.first || !Announces(lines[last - 1])) return range.last;
  size_t first = last;
  while (first < lines.size() && Blank(lines[first])) ++first;
  if (first == lines.size()) return range.last;
  const size_t end = BlockEnd(lines, first, Indent(lines[last - 1]));
  return end > range.last && end - range.last <= max_lines ? end : range.last;
}

size_t WithParagraphAbove(const std::vector<std::string_view>& lines, LineRange range, size_t max_lines) {
  size_t first = range.first;
  while (first < range.last && Blank(lines[first])) ++first;
  size_t end = range.first;
  while (end > 0 && Blank(lines[end - 1])) --end;
  if (first == range.last || end == 0 || !Announces(lines[end - 1])) return range.first;
  if (!Fence(lines[first]) && Indent(lines[first]) <= Indent(lines[end - 1])) return range.first;
  size_t begin = end;
  while (begin > 0 && !Blank(lines[begin - 1])) --begin;
  return range.first - begin <= max_lines ? begin : range.first;
}

}  // namespace

std::vector<LineRange> KeepAnnounced(const std::vector<std::string_view>& lines, std::vector<LineRange> ranges, size_t max_lines) {
  std::ranges::sort(ranges);
  std::vector<LineRange> kept;
  for (LineRange range : ranges) {
    if (range.last > lines.size() || range.first >= range.last) continue;
    range = {WithParagraphAbove(lines, range, max_lines), WithBlockBelow(lines, range, max_lines)};
    if (kept.empty() || range.first > kept.back().last) kept.push_back(range);
    else kept.back().last = std::max(kept.back().last, range.last);
  }
  return kept;
}

}  // namespace codelore::generate
