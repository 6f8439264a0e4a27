// What branches of a source share, and how that changes: the sets of branches that segments and the ledger keep for each
// file. A path has at most one version in a branch; versions without a branch are gone.
#ifndef CODELORE_INDEX_BRANCHES_H_
#define CODELORE_INDEX_BRANCHES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// The segment with other branches for its files: `change` is asked for each that is in any. The segment itself when nothing
// changes, null when nothing of it is left.
std::shared_ptr<const LiveSegment> WithBranches(const std::shared_ptr<const LiveSegment>& segment,
                                                const std::function<BranchSet(uint32_t file, BranchSet)>& change);

// What a commit makes of the files of its branch.
std::shared_ptr<const LiveSegment> WithChange(const std::shared_ptr<const LiveSegment>& segment, const PartitionChange& change,
                                              uint32_t branch);

// Records of the ledger by path, in all their versions.
Result<std::vector<FileRecord>> ReadVersions(const KeyValueStore& store, SourceId source, const std::vector<std::string>& paths);

// Writes a commit's ledger where there are several branches. `added` are the commit's records, complete.
Status WriteVersions(const KeyValueStore& store, const IndexCommit& commit, std::vector<FileRecord> added, WriteBatch& batch);

// Gives all records of a source other branches.
Status RewriteBranches(const KeyValueStore& store, SourceId source, const std::function<BranchSet(BranchSet)>& change, WriteBatch& batch);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_BRANCHES_H_
