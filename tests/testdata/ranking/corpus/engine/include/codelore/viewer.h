// Viewer: who asks, as the list of partitions they may read.
//
// Every read in Codelore takes a `const Viewer&` as its first parameter and looks at nothing outside it.
// Only acl can make one: see acl/directory.h. A Viewer is an immutable value, safe to share between threads;
// it is made per request, so a revoked grant is gone from the next one.
#ifndef CODELORE_VIEWER_H_
#define CODELORE_VIEWER_H_

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "codelore/ids.h"

namespace codelore {

namespace acl {
class Directory;
}

// A partition a viewer may read, and the source whose files it holds.
struct ReadablePartition {
  PartitionId partition;
  SourceId source;
  auto operator<=>(const ReadablePartition&) const = default;
};

class Viewer {
 public:
  TenantId tenant() const { return tenant_; }
  // For audit records and error messages to the viewer themself, e.g. "user:alice".
  const std::string& name() const { return name_; }
  // Sorted by partition id.
  std::span<const ReadablePartition> partitions() const { return partitions_; }
  bool MayRead(PartitionId partition) const {
    auto at = std::ranges::lower_bound(partitions_, partition, {}, &ReadablePartition::partition);
    return at != partitions_.end() && at->partition == partition;
  }

 private:
  friend class acl::Directory;
  Viewer(TenantId tenant, std::string name, std::vector<ReadablePartition> partitions)
      : tenant_(tenant), name_(std::move(name)), partitions_(std::move(partitions)) {
    std::ranges::sort(partitions_);
  }

  TenantId tenant_;
  std::string name_;
  std::vector<ReadablePartition> partitions_;
};

}  // namespace codelore

#endif  // CODELORE_VIEWER_H_
