#include "api/model_operations.h"

#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/source_json.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json StateJson(const ModelState& state, uint64_t chunks) {
  const ModelIdentity& model = state.identity;
  return {{"name", model.name}, {"model", model.choice.model}, {"precision", PrecisionName(model.choice)},
          {"fingerprint", model.fingerprint.ToHex()}, {"dimension", model.dimension}, {"chunks", chunks},
          {"chunks_with_vectors", state.chunks_with_vectors}, {"vector_bytes", state.bytes}};
}

Json ReportJson(const ModelReport& report) {
  Json json = {{"serving", StateJson(report.serving, report.chunks)}};
  if (report.building) json["building"] = StateJson(*report.building, report.chunks);
  if (report.bytes_unused > 0) json["vector_bytes_to_free"] = report.bytes_unused;
  if (!report.problem.empty()) json["problem"] = report.problem;
  return json;
}

}  // namespace

Result<std::string> ListEncoders(OperationContext& context) {
  return Dump(ReportJson(context.service.encoders().Report()));
}

Status BuildModel(OperationContext& context) {
  return context.service.encoders().Build(context.service.threads(), context.stop, [&](const EmbedProgress& progress) {
    if (context.emit) (void)context.emit("progress", VectorProgressJson(progress));
  });
}

Result<std::string> UseEncoder(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"model", "precision"}));
  EncoderChoice choice{.model = json.String("model", {.required = true, .max_bytes = 4096})};
  std::string precision = json.String("precision", {.max_bytes = 8});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(choice.precision, PrecisionNamed(precision));
  bool anywhere = context.caller.role == Role::kOperator || choice.model == kBuiltInModel || choice.model.starts_with('/');
  if (!anywhere) return InvalidArgument("a folder on the server must be absolute, not '" + choice.model + "'; or name it " + kBuiltInModel);
  RETURN_IF_ERROR(context.service.encoders().Use(choice));
  if (context.queue == nullptr) RETURN_IF_ERROR(BuildModel(context));
  return Dump(ReportJson(context.service.encoders().Report()));
}

Result<std::string> VerifyEncoder(OperationContext& context) {
  const Encoders& encoders = context.service.encoders();
  bool both = encoders.Report().building.has_value(), good = true;
  Json files = Json::array();
  for (bool building : {false, true}) {
    if (building && !both) break;
    ASSIGN_OR_RETURN(auto verdicts, encoders.Verify(building));
    for (const FileVerdict& verdict : verdicts) {
      good = good && (verdict.verdict == "unchanged" || verdict.verdict == "answers");
      files.push_back({{"of", building ? "building" : "serving"}, {"file", verdict.file}, {"verdict", verdict.verdict}});
    }
  }
  return Dump({{"ok", good}, {"files", files}});
}

}  // namespace codelore::api
