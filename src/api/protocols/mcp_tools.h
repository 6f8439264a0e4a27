// The tools of the Model Context Protocol: their schemas, and what they answer.
#ifndef CODELORE_API_PROTOCOLS_MCP_TOOLS_H_
#define CODELORE_API_PROTOCOLS_MCP_TOOLS_H_

#include <stop_token>
#include <string>
#include <string_view>

#include "api/operations.h"
#include "codelore/generator.h"

namespace codelore::api {

// A JSON array: name, title, description, inputSchema, annotations.
std::string McpToolsJson();
bool IsMcpTool(std::string_view name);

// The tools that a chat client can have run here: codelore_search, codelore_read_file, codelore_find_symbol, codelore_list_files.
inline constexpr std::string_view kServerToolPrefix = "codelore_";
Result<ToolSpec> ServerTool(std::string_view name);  // kInvalidArgument lists those there are
// What it says, with the caller's rights; arguments are held against the tool's schema first. `sources`: where to look when the
// arguments do not say.
Result<std::string> RunServerTool(Service& service, const Caller& caller, const ToolCall& call, const std::vector<std::string>& sources,
                                  std::stop_token stop);

// Text for a model to read. `arguments` is a JSON object. Errors are the operation's.
Result<std::string> RunMcpTool(Service& service, const Caller& caller, std::string_view name, const std::string& arguments,
                               std::stop_token stop);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_MCP_TOOLS_H_
