// Operations on users, service accounts and teams of the caller's own tenant.
#ifndef CODELORE_API_PEOPLE_OPERATIONS_H_
#define CODELORE_API_PEOPLE_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> ListUsers(OperationContext& context);
Result<std::string> CreateUser(OperationContext& context);
Result<std::string> ShowUser(OperationContext& context);
Result<std::string> SetUser(OperationContext& context);
Result<std::string> RemoveUser(OperationContext& context);
Result<std::string> ListTeams(OperationContext& context);
Result<std::string> CreateTeam(OperationContext& context);
Result<std::string> RemoveTeam(OperationContext& context);
Result<std::string> AddMember(OperationContext& context);
Result<std::string> DropMember(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_PEOPLE_OPERATIONS_H_
