#include <algorithm>

#include "chunker/document_outline.h"
#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr size_t kMaxNameBytes = 200;
constexpr int kMaxLevel = 10;
constexpr uint16_t kBehindHeading = 4;
constexpr uint32_t kMaxLinesBelowHeading = 4;  // its underline and blank lines

}  // namespace

SectionBuilder::SectionBuilder(const LineTable& lines) : lines_(lines) {
  outline_.line_class.resize(lines.size(), LineClass::kText);
  outline_.depth.resize(lines.size(), 0);
  for (uint32_t line = 0; line < lines.size(); ++line) {
    if (IsBlank(lines.Text(line))) outline_.line_class[line] = LineClass::kBlank;
  }
}

void SectionBuilder::Add(int level, uint32_t first_line, uint32_t name_begin, std::string name) {
  if (name.empty()) return;
  OutlineItem item;
  item.extent = {level == 0 ? 0 : lines_.Begin(first_line), lines_.End(lines_.size() - 1)};
  item.name_begin = name_begin;
  item.name = std::string(Utf8Prefix(name, kMaxNameBytes));
  item.kind = ChunkKind::kSection;
  outline_.items.push_back(std::move(item));
  levels_.push_back(std::min(level, kMaxLevel));
  has_title_ = has_title_ || level == 1;
}

// What a heading is followed by should not be cut off from it.
void SectionBuilder::KeepWithHeading(uint32_t line) {
  uint32_t end = std::min(line + kMaxLinesBelowHeading, lines_.size());
  while (line < end && outline_.line_class[line] != LineClass::kText) ++line;
  if (line < end) outline_.depth[line] = std::max(outline_.depth[line], kBehindHeading);
}

Outline SectionBuilder::Finish() {
  std::vector<OutlineItem>& items = outline_.items;
  if (has_title_ && levels_.front() == 0) {
    items.erase(items.begin());
    levels_.erase(levels_.begin());
  }
  std::vector<size_t> open;
  for (size_t i = 0; i < items.size(); ++i) {
    while (!open.empty() && levels_[open.back()] >= levels_[i]) {
      items[open.back()].extent.end = items[i].extent.begin;
      open.pop_back();
    }
    if (!open.empty()) items[i].parent = static_cast<int32_t>(open.back());
    open.push_back(i);
    KeepWithHeading(lines_.LineOf(items[i].name_begin) + 1);
  }
  return std::move(outline_);
}

}  // namespace codelore::chunker
