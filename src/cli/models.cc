// codelore model: the encoder's model. codelore adapter: adapters of the models that write.
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

int Run(const Arguments& arguments, std::string_view operation, const Json& body) {
  auto backend = OpenBackend(arguments.backend);
  if (!backend.ok()) return Fail(arguments, backend.status());
  auto result = (*backend)->Call(operation, body.dump(), {}, {}, {});
  return result.ok() ? PrintResult(operation, *result, arguments.json) : Fail(arguments, result.status());
}

// A folder here, as a path that means the same wherever it is read.
std::string ModelPath(const std::string& text) {
  std::error_code error;
  if (!std::filesystem::is_directory(text, error)) return text;
  auto path = std::filesystem::canonical(text, error);
  return error ? text : path.string();
}

}  // namespace

int ListModels(const Arguments& arguments) { return Run(arguments, "model.list", Json::object()); }
int VerifyModel(const Arguments& arguments) { return Run(arguments, "model.verify", Json::object()); }

int ListAdapters(const Arguments& arguments) { return Run(arguments, "adapter.list", Json::object()); }

int SetAdapter(const Arguments& arguments) {
  if (arguments.backend.server.empty()) {
    return Fail(arguments, InvalidArgument("an adapter is changed in a server that runs (--server URL --token T); for its next start write adapter=NAME=FILE into --generator"));
  }
  Json body = {{"name", arguments.name}, {"file", arguments.text}, {"scale", arguments.scale}};
  if (!arguments.generator.empty()) body["generator"] = arguments.generator;
  if (!arguments.sha256.empty()) body["sha256"] = arguments.sha256;
  return Run(arguments, "adapter.set", body);
}

int RemoveAdapter(const Arguments& arguments) {
  return Execute(arguments, "adapter.remove", "{}", {{"adapter", arguments.name}});
}

int UseModel(const Arguments& arguments) {
  Interrupt interrupt;
  BackendOptions options = arguments.backend;
  options.threads = arguments.threads;
  options.model.clear();  // what is asked for stands behind the command
  std::string precision = options.server.empty() ? std::exchange(options.precision, "") : options.precision;
  auto backend = OpenBackend(options);
  if (!backend.ok()) return Fail(arguments, backend.status());
  ProgressLine line;
  auto start = std::chrono::steady_clock::now();
  Json body = {{"model", ModelPath(arguments.text)}, {"precision", precision}};
  auto result = (*backend)->Call("model.use", body.dump(), {}, interrupt.token(), [&](std::string_view, const std::string& json) {
    line.Show(ProgressText(json, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  });
  line.End();
  if (result.ok()) return PrintResult("model.use", *result, arguments.json);
  if (!interrupt.token().stop_requested()) return Fail(arguments, result.status());
  return Fail(arguments, Unavailable("interrupted; the old model serves on, and the same command, index or serve goes on from there"));
}

}  // namespace codelore::cli
