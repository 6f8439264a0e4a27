#include "index/snapshot.h"

#include <algorithm>
#include <utility>

#include "index/query/name_pattern.h"
#include "index/rank/path_kind.h"

namespace codelore::index {
namespace {

void Count(LiveSegment& live) {
  for (uint32_t file = 0; file < live.reader->file_count(); ++file) {
    if (live.FileDeleted(file)) continue;
    const FileRow& row = live.reader->file(file);
    ++live.live_files;
    live.live_chunks += row.chunk_count;
    if (IsProseLanguage(live.reader->StringsOf(row).language)) live.live_prose_chunks += row.chunk_count;
  }
}

// Ids, vectors and branches of the segment; other files deleted.
std::shared_ptr<const LiveSegment> MakeView(const LiveSegment& segment, BranchSet set) {
  auto view = std::make_shared<LiveSegment>();
  view->entry = segment.entry;
  view->reader = segment.reader;
  view->vectors = segment.vectors;
  view->file_deleted.resize(segment.reader->file_count());
  for (uint32_t file = 0; file < view->file_deleted.size(); ++file) {
    view->file_deleted[file] = segment.FileDeleted(file) || (segment.BranchesOf(file) & set) == 0;
  }
  Count(*view);
  return view;
}

void AddViews(LiveSegment& live) {
  live.of_any = 0;
  live.of_all = ~BranchSet{0};
  for (uint32_t file = 0; file < live.reader->file_count(); ++file) {
    if (live.FileDeleted(file)) continue;
    live.of_any |= live.entry.branches[file];
    live.of_all &= live.entry.branches[file];
  }
  if (live.of_any == 0) live.of_all = 0;
  for (BranchSet rest = live.of_any & ~live.of_all; rest != 0; rest &= rest - 1) {
    BranchSet one = rest & (~rest + 1);
    live.views.emplace_back(one, MakeView(live, one));
  }
}

BranchSet BranchOfName(const SourceState& state, const std::string& name) {
  if (state.branch == name) return kDefaultBranch;
  auto at = std::ranges::find(state.others, name, &BranchState::name);
  return at == state.others.end() || at->revision.empty() ? 0 : BranchSet{1} << at->bit;
}

}  // namespace

std::shared_ptr<const LiveSegment> MakeLive(SegmentEntry entry, std::shared_ptr<const SegmentReader> reader,
                                            std::vector<std::shared_ptr<const VectorIndex>> vectors) {
  auto live = std::make_shared<LiveSegment>();
  if (!entry.deleted_files.empty()) live->file_deleted.resize(reader->file_count());
  for (uint32_t file : entry.deleted_files) live->file_deleted[file] = 1;
  live->entry = std::move(entry);
  live->reader = std::move(reader);
  live->vectors = std::move(vectors);
  Count(*live);
  if (!live->entry.branches.empty()) AddViews(*live);
  return live;
}

std::shared_ptr<const LiveSegment> ViewOf(const std::shared_ptr<const LiveSegment>& segment, BranchSet set) {
  if ((segment->of_all & set) != 0) return segment;
  if ((segment->of_any & set) == 0) return nullptr;
  BranchSet wanted = segment->of_any & set;
  auto view = std::ranges::find(segment->views, wanted, [](const auto& each) { return each.first; });
  return view != segment->views.end() ? view->second : MakeView(*segment, wanted);
}

const BranchState* FindBranch(const SourceState& state, uint32_t bit) {
  auto at = std::ranges::find(state.others, bit, &BranchState::bit);
  return at != state.others.end() ? &*at : nullptr;
}

std::vector<std::string> BranchNames(const SourceState& state, BranchSet set) {
  std::vector<std::string> names;
  if ((set & kDefaultBranch) != 0 && !state.branch.empty()) names.push_back(state.branch);
  for (const BranchState& branch : state.others) {
    if ((set >> branch.bit & 1) != 0 && !branch.revision.empty()) names.push_back(branch.name);
  }
  return names;
}

BranchSet BranchesNamed(const SourceState& state, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return kDefaultBranch;
  BranchSet set = 0;
  for (const std::string& text : patterns) {
    if (text.empty()) {
      set |= kDefaultBranch;
      continue;
    }
    if (BranchSet exact = BranchOfName(state, text); exact != 0) {
      set |= exact;
      continue;
    }
    NamePattern pattern(text);
    if (!state.branch.empty() && pattern.Matches(state.branch)) set |= kDefaultBranch;
    for (const BranchState& branch : state.others) {
      if (!branch.revision.empty() && pattern.Matches(branch.name)) set |= BranchSet{1} << branch.bit;
    }
  }
  return set;
}

}  // namespace codelore::index
