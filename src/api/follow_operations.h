// The operations that make a server follow a source, and that tell how far it has come.
#ifndef CODELORE_API_FOLLOW_OPERATIONS_H_
#define CODELORE_API_FOLLOW_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

// Adds a source, or changes how one is followed; then it is indexed: by the queue, or by the next server.
Result<std::string> AddSource(OperationContext& context);
Result<std::string> ShowSource(OperationContext& context);
Result<std::string> PauseSource(OperationContext& context);
Result<std::string> ResumeSource(OperationContext& context);
// Both as IndexLocation does it. Reindexing reads every file again.
Result<std::string> SyncSource(OperationContext& context);
Result<std::string> ReindexSource(OperationContext& context);
// What the index shows of a source, and whether more is on its way.
Result<std::string> SourceFreshness(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_FOLLOW_OPERATIONS_H_
