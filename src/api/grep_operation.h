// The operation that finds text or regular expressions: grep.
#ifndef CODELORE_API_GREP_OPERATION_H_
#define CODELORE_API_GREP_OPERATION_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> GrepOperation(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_GREP_OPERATION_H_
