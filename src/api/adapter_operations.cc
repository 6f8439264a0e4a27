#include "api/adapter_operations.h"

#include <nlohmann/json.hpp>

#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string ReportJson(const OperationContext& context) {
  const Generators& generators = context.service.generators();
  Json list = Json::array();
  if (context.caller.role < Role::kPlatform) {
    for (const std::string& name : generators.AdaptersFor({.teams = context.caller.teams})) list.push_back({{"name", name}});
    return Dump({{"adapters", list}});
  }
  for (const OfferedAdapter& offered : generators.Adapters()) {
    const generate::PinnedAdapter& file = offered.adapter.file;
    list.push_back({{"name", offered.adapter.name}, {"generator", offered.generator}, {"file", file.lora.file}, {"scale", file.lora.scale},
                    {"sha256", file.sha256}, {"teams", offered.teams}});
  }
  return Dump({{"adapters", list}});
}

}  // namespace

Result<std::string> ListAdapters(OperationContext& context) { return ReportJson(context); }

Result<std::string> SetAdapter(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"name", "file", "generator", "scale", "sha256"}));
  generate::NamedAdapter adapter{.name = json.String("name", {.required = true, .max_bytes = 128}), .file = {}};
  adapter.file.lora.file = json.String("file", {.required = true, .max_bytes = 4096});
  const std::string generator = json.String("generator", {.max_bytes = 128});
  if (json.Has("scale")) adapter.file.lora.scale = static_cast<float>(json.Number("scale", {.min = -100, .max = 100}));
  std::string hash = json.String("sha256", {.max_bytes = 64});
  if (!hash.empty() && !ParseHash(hash, &adapter.file.sha256)) json.Reject("sha256", "must be 64 hexadecimal digits");
  RETURN_IF_ERROR(json.status());
  const bool anywhere = context.caller.role == Role::kOperator || adapter.file.lora.file.starts_with('/');
  if (!anywhere) return InvalidArgument("a file on the server must be absolute, not '" + adapter.file.lora.file + "'");
  RETURN_IF_ERROR(context.service.generators().SetAdapter(generator, adapter));
  return ReportJson(context);
}

Result<std::string> RemoveAdapter(OperationContext& context) {
  RETURN_IF_ERROR(context.service.generators().DropAdapter(context.Param("adapter")));
  return ReportJson(context);
}

}  // namespace codelore::api
