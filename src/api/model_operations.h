// The encoder's model: which one serves, which one is being built, and whether its files are what they were.
#ifndef CODELORE_API_MODEL_OPERATIONS_H_
#define CODELORE_API_MODEL_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> ListEncoders(OperationContext& context);
// Over HTTP for administrators of the default tenant: all tenants have one model, and its folder is on the server. With a
// server it is built beside everything else, without one before this returns.
Result<std::string> UseEncoder(OperationContext& context);
Result<std::string> VerifyEncoder(OperationContext& context);

// Without a server: builds what is to be built, telling how far it is.
Status BuildModel(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_MODEL_OPERATIONS_H_
