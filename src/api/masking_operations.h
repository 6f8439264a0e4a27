// The operations on masking: what happens to secrets and personal data in a source, and where some were found.
#ifndef CODELORE_API_MASKING_OPERATIONS_H_
#define CODELORE_API_MASKING_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

// Sets the policy and has the source indexed anew.
Result<std::string> SetMasking(OperationContext& context);
// Files in which something was found, with rules and lines, never values.
Result<std::string> ListFindings(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_MASKING_OPERATIONS_H_
