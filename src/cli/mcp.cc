// The Model Context Protocol over standard input and output, one message a line.
#include <cstdio>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "api/http/http_client.h"
#include "api/protocols/mcp.h"
#include "cli/commands.h"

namespace codelore::cli {

namespace {

using Answer = std::function<Result<std::optional<std::string>>(const std::string& message)>;

int Converse(const Arguments& arguments, const Answer& answer) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto reply = answer(line);
    if (!reply.ok()) return Fail(arguments, reply.status());
    if (!*reply) continue;
    std::fwrite((*reply)->data(), 1, (*reply)->size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }
  return kSuccess;
}

// Passes each message on to a running server, which holds the data folder.
int ConverseByServer(const Arguments& arguments) {
  auto trust = TrustOf(arguments.backend);
  if (!trust.ok()) return Fail(arguments, trust.status());
  auto client = api::HttpClient::Open({.server = arguments.backend.server, .token = arguments.backend.token, .trust = std::move(*trust)});
  if (!client.ok()) return Fail(arguments, client.status());
  return Converse(arguments, [&](const std::string& message) -> Result<std::optional<std::string>> {
    ASSIGN_OR_RETURN(std::string reply, (*client)->Post("/mcp", message));
    return reply.empty() ? std::nullopt : std::optional(std::move(reply));
  });
}

}  // namespace

int Mcp(const Arguments& arguments) {
  if (!arguments.backend.server.empty()) return ConverseByServer(arguments);
  auto options = ServiceOptionsOf(arguments.backend);
  if (!options.ok()) return Fail(arguments, options.status());
  auto service = api::Service::Open(*options);
  if (!service.ok()) return Fail(arguments, service.status());
  return Converse(arguments, [&](const std::string& message) -> Result<std::optional<std::string>> {
    // Made anew for each message, so that a grant taken back is gone at once.
    ASSIGN_OR_RETURN(api::Caller caller, api::MakeLocalCaller(**service, arguments.backend.tenant, arguments.backend.as));
    return api::AnswerMcp(**service, caller, message, {});
  });
}

}  // namespace codelore::cli
