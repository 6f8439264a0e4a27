#include "generate/steps.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace codelore::generate {
namespace {

constexpr size_t kMaxAnnouncingLines = 4;

size_t IndentOf(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }
bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == line.npos; }

struct Item {
  size_t indent = 0;
  uint32_t number = 0;  // 0: "#."
};

std::optional<Item> ItemAt(std::string_view line) {
  Item item{.indent = IndentOf(line)};
  std::string_view text = line.substr(item.indent);
  size_t digits = 0;
  while (digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9') item.number = item.number * 10 + static_cast<uint32_t>(text[digits++] - '0');
  if (digits == 0 && text.starts_with('#')) digits = 1;
  else if (item.number == 0) return std::nullopt;
  bool marked = digits > 0 && digits + 1 < text.size() && (text[digits] == '.' || text[digits] == ')') && text[digits + 1] == ' ';
  return marked && !IsBlank(text.substr(digits + 1)) ? std::optional(item) : std::nullopt;
}

class StepReader {
 public:
  explicit StepReader(const std::vector<std::string_view>& lines) : lines_(lines) {}

  std::vector<StepList> Read() const {
    std::vector<StepList> lists;
    bool fenced = false;
    for (size_t i = 0; i < lines_.size();) {
      std::string_view text = lines_[i].substr(IndentOf(lines_[i]));
      if (text.starts_with("```") || text.starts_with("~~~")) fenced = !fenced;
      auto item = fenced ? std::nullopt : ItemAt(lines_[i]);
      StepList list = item && item->number <= 1 ? ListFrom(i, *item) : StepList{};
      if (list.steps < 2) {
        ++i;
        continue;
      }
      i = list.lines.last;
      list.lines.first = WithAnnouncement(list.lines.first, lists.empty() ? 0 : lists.back().lines.last);
      lists.push_back(list);
    }
    return lists;
  }

 private:
  StepList ListFrom(size_t first, Item item) const {
    StepList list{{first, first + 1}, 1};
    for (size_t i = first + 1; i < lines_.size(); ++i) {
      if (IsBlank(lines_[i])) continue;
      auto next = ItemAt(lines_[i]);
      bool follows = next && next->indent == item.indent && next->number == (item.number == 0 ? 0 : item.number + 1);
      bool inside = IndentOf(lines_[i]) > item.indent || i == list.lines.last;
      if (!follows && (!inside || (next && next->indent <= item.indent))) break;
      if (follows) {
        item = *next;
        ++list.steps;
      }
      list.lines.last = i + 1;
    }
    return list;
  }

  // The paragraph above, if it ends with a colon.
  size_t WithAnnouncement(size_t first, size_t limit) const {
    size_t end = first;
    while (end > limit && IsBlank(lines_[end - 1])) --end;
    size_t begin = end;
    while (begin > limit && !IsBlank(lines_[begin - 1])) --begin;
    if (begin == end || end - begin > kMaxAnnouncingLines) return first;
    std::string_view last = lines_[end - 1];
    return last.substr(0, last.find_last_not_of(" \t\r\n*_") + 1).ends_with(':') ? begin : first;
  }

  const std::vector<std::string_view>& lines_;
};

}  // namespace

std::vector<StepList> FindSteps(const Passage& passage) {
  if (passage.kind != ChunkKind::kSection) return {};
  return StepReader(SplitLines(passage.text)).Read();
}

}  // namespace codelore::generate
