// Files like one: by meaning (mean of its chunks' vectors against those of other files), by words (the rare words it
// has, as a ranked search), and by name (shared parts of the stem: foo_test.py and foo.py). What is not there (no
// vectors yet, a lone name) counts for nothing.
#ifndef CODELORE_INDEX_QUERY_SIMILAR_FILES_H_
#define CODELORE_INDEX_QUERY_SIMILAR_FILES_H_

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// See Index::FindSimilarFiles.
Result<FileResult> FindSimilar(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                               const SimilarFilesRequest& request, const Hash256& encoder_fingerprint);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_SIMILAR_FILES_H_
