// The operations about symbols: definitions, references and callers by name, the outline of a file.
#ifndef CODELORE_API_SYMBOL_OPERATIONS_H_
#define CODELORE_API_SYMBOL_OPERATIONS_H_

#include <string>

#include "api/operations.h"

namespace codelore::api {

Result<std::string> SymbolsOperation(OperationContext& context);
Result<std::string> ReferencesOperation(OperationContext& context);
Result<std::string> OutlineOperation(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_SYMBOL_OPERATIONS_H_
