// The operations that find files: by name, and like another.
#ifndef CODELORE_API_FILE_OPERATIONS_H_
#define CODELORE_API_FILE_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> FilesOperation(OperationContext& context);
Result<std::string> SimilarOperation(OperationContext& context);
Result<std::string> ReadOperation(OperationContext& context);
// Why a file is found, or is not.
Result<std::string> WhyOperation(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_FILE_OPERATIONS_H_
