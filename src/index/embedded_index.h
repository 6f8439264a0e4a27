// The Index in this process: segments in a folder, everything else in a KeyValueStore.
#ifndef CODELORE_INDEX_EMBEDDED_INDEX_H_
#define CODELORE_INDEX_EMBEDDED_INDEX_H_

#include <memory>
#include <string>

#include "codelore/index.h"
#include "codelore/store.h"

namespace codelore::index {

// Opens the index whose segments lie in `folder` (created if need be). Every segment's checksum is verified. A
// damaged one is left out and its files are marked failed in the ledger, so that the next run indexes them again;
// files that no record names are removed. `store` must outlive the index.
Result<std::unique_ptr<Index>> OpenEmbeddedIndex(std::string folder, KeyValueStore& store);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EMBEDDED_INDEX_H_
