// Makes one segment of several, without the files that were deleted in them. What was worked out when the files were
// first indexed (terms, impacts, positions, symbols) is copied; only the trigrams are found again, in the text.
#ifndef CODELORE_INDEX_SEGMENT_SEGMENT_MERGER_H_
#define CODELORE_INDEX_SEGMENT_SEGMENT_MERGER_H_

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "index/segment/segment.h"

namespace codelore::index {

struct MergeInput {
  const SegmentReader* reader;
  std::span<const uint8_t> file_deleted;  // by file ordinal; empty: none is
};

// Where the files and chunks of an input are in the merged segment; kGone for what is not.
struct MergedPlaces {
  static constexpr uint32_t kGone = 0xFFFFFFFFu;
  std::vector<uint32_t> files, chunks;
};

// Files keep their order: those of the first input come first. What is left must not be empty.
std::vector<MergedPlaces> PlacesInMerged(std::span<const MergeInput> inputs);

// The merged segment's bytes. `text_of` gives a file's text. kUnavailable when stopped.
Result<std::string> MergeSegments(std::span<const MergeInput> inputs, std::span<const MergedPlaces> places,
                                  const std::function<Result<std::string>(const FileRow&)>& text_of, const std::stop_token& stop);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SEGMENT_SEGMENT_MERGER_H_
