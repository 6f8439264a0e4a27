// Operations on tokens and tenants.
#ifndef CODELORE_API_TOKEN_OPERATIONS_H_
#define CODELORE_API_TOKEN_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> CreateToken(OperationContext& context);
Result<std::string> RotateToken(OperationContext& context);
Result<std::string> ListTokens(OperationContext& context);
Result<std::string> RevokeToken(OperationContext& context);
Result<std::string> CreateTenant(OperationContext& context);
Result<std::string> ListTenants(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_TOKEN_OPERATIONS_H_
