// A hit from the chunk it shows: what the segment and the store know about it. Score and explanation are the ranking's.
#ifndef CODELORE_INDEX_RANK_HIT_H_
#define CODELORE_INDEX_RANK_HIT_H_

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/rank/world.h"

namespace codelore::index {

// Corruption if the store's text is not what the chunk was made of.
Result<Hit> MakeHit(const KeyValueStore& store, const Snapshot& snapshot, const VisibleSegment& segment, const ChunkRow& chunk);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_HIT_H_
