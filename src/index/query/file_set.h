// FileSet: some files of a World, as one flag per file of each of its segments.
#ifndef CODELORE_INDEX_QUERY_FILE_SET_H_
#define CODELORE_INDEX_QUERY_FILE_SET_H_

#include <cstdint>
#include <vector>

#include "index/rank/world.h"

namespace codelore::index {

class FileSet {
 public:
  // All files that the world allows, or none.
  static FileSet Allowed(World& world) {
    FileSet set = None(world);
    for (size_t s = 0; s < set.flags_.size(); ++s) {
      VisibleSegment& segment = world.segments()[s];
      for (uint32_t file = 0; file < segment.reader().file_count(); ++file) set.flags_[s][file] = segment.Allows(file);
    }
    return set;
  }
  static FileSet None(World& world) {
    FileSet set;
    for (VisibleSegment& segment : world.segments()) set.flags_.emplace_back(segment.reader().file_count());
    return set;
  }

  bool Has(size_t segment, uint32_t file) const { return flags_[segment][file] != 0; }
  void Add(size_t segment, uint32_t file) { flags_[segment][file] = 1; }
  void Remove(size_t segment, uint32_t file) { flags_[segment][file] = 0; }
  void AddAll(const FileSet& other) {
    ForEach(other, [this](size_t s, uint32_t file) { Add(s, file); });
  }
  void RemoveAll(const FileSet& other) {
    ForEach(other, [this](size_t s, uint32_t file) { Remove(s, file); });
  }
  const std::vector<uint8_t>& flags(size_t segment) const { return flags_[segment]; }
  uint64_t count() const {
    uint64_t count = 0;
    ForEach(*this, [&](size_t, uint32_t) { ++count; });
    return count;
  }
  bool HasAnyOf(size_t segment) const { return std::ranges::find(flags_[segment], 1) != flags_[segment].end(); }

  template <typename Visit>
  static void ForEach(const FileSet& set, Visit visit) {
    for (size_t s = 0; s < set.flags_.size(); ++s) {
      for (uint32_t file = 0; file < set.flags_[s].size(); ++file) {
        if (set.flags_[s][file] != 0) visit(s, file);
      }
    }
  }

 private:
  std::vector<std::vector<uint8_t>> flags_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_FILE_SET_H_
