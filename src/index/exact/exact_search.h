// Exact search: which files of a world have a match, and which lines.
//
// Per segment the pattern's trigram condition leaves some text blocks; of these the allowed files' are read and
// searched. Nothing outside the world is looked at, so nothing of it shows in time, counts or order. What is read is
// bounded by a budget: an answer that it cut short says so.
#ifndef CODELORE_INDEX_EXACT_EXACT_SEARCH_H_
#define CODELORE_INDEX_EXACT_EXACT_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/exact/exact_count.h"
#include "index/exact/pattern.h"
#include "index/rank/world.h"

namespace codelore::index {

// Per segment of the world, the ordinals of the files with at least one match, ascending; when the budget ends, those
// found so far. Text is read from the segments, nothing from the store.
Result<std::vector<std::vector<uint32_t>>> MatchingFiles(World& world, const KeyValueStore& store,
                                                         const PatternMatcher& matcher, ExactBudget& budget);

Result<ExactResult> SearchExactSnapshot(const Snapshot& snapshot, const Viewer& viewer, const ExactRequest& request);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_EXACT_SEARCH_H_
