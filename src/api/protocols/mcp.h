// The Model Context Protocol's messages, whatever carries them: one JSON-RPC message in, one out.
//
// Stateless: what a caller may do depends on their token alone. Tools run the operations of operations.h with the
// caller's viewer; all of them only read. Follows the specification's revisions 2025-06-18 and 2025-11-25.
#ifndef CODELORE_API_PROTOCOLS_MCP_H_
#define CODELORE_API_PROTOCOLS_MCP_H_

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/operations.h"

namespace codelore::api {

// Whether the header MCP-Protocol-Version may say so.
bool McpSpeaks(std::string_view version);

// The answer to `message`, a JSON object on one line; nothing for a notification or a response. Never fails: what is
// wrong becomes a JSON-RPC error.
std::optional<std::string> AnswerMcp(Service& service, const Caller& caller, std::string_view message, std::stop_token stop);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_MCP_H_
