// Path rules of a source: only some may read what lies at a path.
#ifndef CODELORE_API_RULE_OPERATIONS_H_
#define CODELORE_API_RULE_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> ListRules(OperationContext& context);
// A rule of a new pattern is in force at once; the source's files are sorted by a run that starts at once, too.
Result<std::string> AddRule(OperationContext& context);
Result<std::string> RemoveRule(OperationContext& context);
// From the text of a CODEOWNERS file, or the one that is indexed with the source. An owner who is nobody here reads nothing.
Result<std::string> ImportRules(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_RULE_OPERATIONS_H_
