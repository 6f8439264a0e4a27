// The operations on sessions and feedback: see operations.h.
#ifndef CODELORE_API_SESSION_OPERATIONS_H_
#define CODELORE_API_SESSION_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> CreateSession(OperationContext& context);
Result<std::string> ListSessions(OperationContext& context);
Result<std::string> ShowSession(OperationContext& context);
Result<std::string> RemoveSession(OperationContext& context);
Result<std::string> GiveFeedback(OperationContext& context);
Result<std::string> ListFeedback(OperationContext& context);
Result<std::string> RemoveFeedback(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_SESSION_OPERATIONS_H_
