// The operations on sources: what there is, how it does, indexing, removing, and who may read.
#ifndef CODELORE_API_SOURCE_OPERATIONS_H_
#define CODELORE_API_SOURCE_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> DescribeSources(OperationContext& context);
Result<std::string> ListSources(OperationContext& context);
// Where there is a queue: puts a job into it. Elsewhere: indexes, with "progress" events for who listens.
Result<std::string> IndexLocation(OperationContext& context);
Result<std::string> RemoveSource(OperationContext& context);
Result<std::string> GrantSource(OperationContext& context);
Result<std::string> RevokeSource(OperationContext& context);
Result<std::string> ListGrants(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_SOURCE_OPERATIONS_H_
