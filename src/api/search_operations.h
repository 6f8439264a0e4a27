// The operations that read text: search and ask.
#ifndef CODELORE_API_SEARCH_OPERATIONS_H_
#define CODELORE_API_SEARCH_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> SearchOperation(OperationContext& context);
// With a listener: events "citations" (once, first), "text" (for each piece), "done".
Result<std::string> AskOperation(OperationContext& context);
// The caller's own documents, by the configured reranker. kNotFound without one.
Result<std::string> RerankOperation(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_SEARCH_OPERATIONS_H_
