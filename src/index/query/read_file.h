// A file's whole text, for who may read it.
#ifndef CODELORE_INDEX_QUERY_READ_FILE_H_
#define CODELORE_INDEX_QUERY_READ_FILE_H_

#include <string>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// See Index::ReadFile.
Result<FileText> ReadFileIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer, SourceId source,
                            const std::string& path, const std::string& branch);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_READ_FILE_H_
