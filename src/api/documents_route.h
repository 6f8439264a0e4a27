// Documents that are pushed to a source of the kind "documents", one by one or many at once:
//   PUT    /v1/sources/NAME/documents/PATH[?link=URL&expires=30d]   the body is the document, as it is
//   DELETE /v1/sources/NAME/documents/PATH
//   POST   /v1/sources/NAME/documents        lines of JSON: {"path", "text" or "base64", "link", "expires"} or
//                                               {"path", "delete": true}; all or none
// PATH is one segment: a slash in it is written %2F. The answer is 202 once document and job are on disk.
#ifndef CODELORE_API_DOCUMENTS_ROUTE_H_
#define CODELORE_API_DOCUMENTS_ROUTE_H_

#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/service.h"

namespace codelore::api {

// All must outlive the server.
void AddDocumentRoutes(HttpServer& server, Service& service, IndexQueue& queue);

}  // namespace codelore::api

#endif  // CODELORE_API_DOCUMENTS_ROUTE_H_
