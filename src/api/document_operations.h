// Operations on documents that are pushed to a source of the kind "documents", and what the routes of documents_route.h
// share with them.
#ifndef CODELORE_API_DOCUMENT_OPERATIONS_H_
#define CODELORE_API_DOCUMENT_OPERATIONS_H_

#include <string>
#include <string_view>

#include "api/json_request.h"
#include "api/operations.h"
#include "ingest/masking.h"

namespace codelore::api {

// The source of the context's tenant by this name; kInvalidArgument unless documents are pushed to it.
Result<acl::Source> DocumentSource(Service& service, TenantId tenant, std::string_view name);

// What {"path", "text" or "base64", "link", "expires"} or {"path", "delete": true} asks for, into the batch. True: a
// document is put; false: one is removed.
Result<bool> AddDocumentChange(SourceId source, ingest::Masking masking, JsonRequest& json, WriteBatch& batch);
inline constexpr std::string_view kDocumentFields[] = {"path", "text", "base64", "link", "expires", "delete"};

// "30d", "2026-12-31", "2026-12-31T08:00:00Z": a time that is to come, as unix milliseconds; empty: 0, never.
Result<int64_t> ParseExpiry(std::string_view text, int64_t now_unix_ms);

Result<std::string> ListDocuments(OperationContext& context);
Result<std::string> ChangeDocument(OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_DOCUMENT_OPERATIONS_H_
