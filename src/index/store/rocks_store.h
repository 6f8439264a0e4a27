// RocksStore: the KeyValueStore in a folder, on RocksDB, one column family per table.
//
// Every Write is synced. The write-ahead log is recovered up to its first torn record, as a loss of power leaves it; whether that is all that
// was acknowledged, the generation says. RocksDB can open a folder whose own manifest was damaged
// with records missing and no word about it, so each Write also carries a generation number, for all and for each table that it
// touches, which are repeated in a small file beside the database; a database or a table older than that file is refused.
#ifndef CODELORE_INDEX_STORE_ROCKS_STORE_H_
#define CODELORE_INDEX_STORE_ROCKS_STORE_H_

#include <memory>
#include <string>

#include "codelore/store.h"

namespace codelore::index {

// Thread-safe. Opens or creates the store in `folder`, which is created too. kUnavailable when another process
// holds it; kCorruption when stored bytes are damaged.
Result<std::unique_ptr<KeyValueStore>> OpenRocksStore(const std::string& folder);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_STORE_ROCKS_STORE_H_
