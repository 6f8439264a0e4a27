#include "api/model_opening.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "embed/bert_encoder.h"
#include "embed/model_folder.h"

namespace codelore::api {
namespace {

Result<embed::ModelFolder> FolderOf(const EncoderChoice& choice) {
  if (choice.model == kBuiltInModel) return embed::ModelFolder::BuiltIn();
  return embed::ModelFolder::Open(choice.model);
}

}  // namespace

EncoderChoice Normalised(EncoderChoice choice) {
  if (choice.model.empty()) choice.model = kBuiltInModel;
  if (choice.model == kBuiltInModel) return choice;
  std::error_code error;
  auto path = std::filesystem::absolute(choice.model, error).lexically_normal();
  if (!error) choice.model = path.has_filename() ? path.string() : path.parent_path().string();
  return choice;
}

Result<OpenedModel> OpenModel(const EncoderChoice& choice, const std::shared_ptr<embed::EncodeGate>& gate) {
  ASSIGN_OR_RETURN(embed::ModelFolder folder, FolderOf(choice));
  ASSIGN_OR_RETURN(auto encoder, embed::BertEncoder::Open(std::move(folder), {.well_known_prefixes = true, .precision = choice.precision, .gate = gate}));
  OpenedModel opened{.identity = {.choice = {choice.model, encoder->precision()}, .name = encoder->info().name,
                                  .fingerprint = encoder->info().fingerprint, .dimension = encoder->info().dimension,
                                  .files = encoder->file_hashes()},
                     .encoder = nullptr};
  opened.encoder = std::move(encoder);
  return opened;
}

Result<std::map<std::string, Hash256>> HashModel(const EncoderChoice& choice) {
  ASSIGN_OR_RETURN(embed::ModelFolder folder, FolderOf(choice));
  return folder.FileHashes();
}

std::string_view PrecisionName(const EncoderChoice& choice) {
  if (!choice.precision) return "";
  return *choice.precision == embed::Precision::kInt8 ? "int8" : "f32";
}

Result<std::optional<embed::Precision>> PrecisionNamed(std::string_view name) {
  if (name.empty()) return std::optional<embed::Precision>();
  if (name == "f32") return std::optional(embed::Precision::kFloat32);
  if (name == "int8") return std::optional(embed::Precision::kInt8);
  return InvalidArgument("precision: '" + std::string(name) + "' is neither f32 nor int8");
}

}  // namespace codelore::api
