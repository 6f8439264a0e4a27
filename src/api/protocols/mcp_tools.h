// The tools of the Model Context Protocol: their schemas, and what they answer.
#ifndef CODELORE_API_PROTOCOLS_MCP_TOOLS_H_
#define CODELORE_API_PROTOCOLS_MCP_TOOLS_H_

#include <stop_token>
#include <string>
#include <string_view>

#include "api/operations.h"

namespace codelore::api {

// A JSON array: name, title, description, inputSchema, annotations.
std::string McpToolsJson();
bool IsMcpTool(std::string_view name);

// Text for a model to read. `arguments` is a JSON object. Errors are the operation's.
Result<std::string> RunMcpTool(Service& service, const Caller& caller, std::string_view name, const std::string& arguments,
                               std::stop_token stop);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_MCP_TOOLS_H_
