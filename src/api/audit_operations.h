// What the audit log says of operations, and the operation that reads it.
#ifndef CODELORE_API_AUDIT_OPERATIONS_H_
#define CODELORE_API_AUDIT_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

void RecordDenial(const Operation& operation, OperationContext& context);
// After a run: changes always, reads with an administrator's or the operator's rights once an hour. Fails where a change
// could not be put on record.
Status RecordRun(const Operation& operation, OperationContext& context, const Status& outcome);

// An administrator's own tenant only; the operator's tenant with what belongs to none.
Result<std::string> ListAudit(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_AUDIT_OPERATIONS_H_
