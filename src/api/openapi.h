// The OpenAPI 3.1 description of the HTTP interface, made from the table of operations.
#ifndef CODELORE_API_OPENAPI_H_
#define CODELORE_API_OPENAPI_H_

#include <string>

namespace codelore::api {

std::string OpenApiDocument();

}  // namespace codelore::api

#endif  // CODELORE_API_OPENAPI_H_
