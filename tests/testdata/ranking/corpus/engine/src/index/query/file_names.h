// Files by their names: see FileName for what fits. Looks at the file rows of the visible segments only, never at
// their text. Order: how well the worst word fits, how many words the name itself has (rather than its folders), how
// little of the name is left over, then fewer folders, then path. One wrong letter is forgiven when nothing
// fits better than letters strewn over the path.
#ifndef CODELORE_INDEX_QUERY_FILE_NAMES_H_
#define CODELORE_INDEX_QUERY_FILE_NAMES_H_

#include "codelore/index.h"
#include "index/snapshot.h"

namespace codelore::index {

// See Index::FindFiles.
Result<FileResult> FindFilesByName(const Snapshot& snapshot, const Viewer& viewer, const FileNameRequest& request);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_FILE_NAMES_H_
