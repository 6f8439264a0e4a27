// The read path: what a viewer sees of a snapshot, ranked for one request.
//
//   terms of the question -> lexical score of every visible chunk (BM25F, statistics of the visible partitions)
//   vector of the question -> cosines
//   best chunks of both legs -> their files -> file signals -> one score per file -> hits
#ifndef CODELORE_INDEX_RANK_SEARCH_H_
#define CODELORE_INDEX_RANK_SEARCH_H_

#include <span>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// See Index::Search.
Result<SearchResult> SearchSnapshot(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                    const SearchRequest& request, std::span<const float> query_vector,
                                    const Hash256& encoder_fingerprint);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SEARCH_H_
