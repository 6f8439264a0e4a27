// LoRA adapters of the models in this process: which there are, and changing them while the server runs.
#ifndef CODELORE_API_ADAPTER_OPERATIONS_H_
#define CODELORE_API_ADAPTER_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

// Names of those that the caller may choose; for platform administrators all, with their files.
Result<std::string> ListAdapters(OperationContext& context);
// A change lasts until the server ends: what stays is said in its configuration. Answers under way end with what they began with.
Result<std::string> SetAdapter(OperationContext& context);
Result<std::string> RemoveAdapter(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_ADAPTER_OPERATIONS_H_
