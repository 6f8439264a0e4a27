#include "api/model_opening.h"

#include <charconv>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "api/http/remote_server.h"
#include "embed/bert_encoder.h"
#include "embed/model_folder.h"
#include "embed/remote_encoder.h"
#include "gloss/glossing_encoder.h"

namespace codelore::api {
namespace {

Result<embed::ModelFolder> FolderOf(const EncoderChoice& choice) {
  if (choice.model == kBuiltInModel) return embed::ModelFolder::BuiltIn();
  return embed::ModelFolder::Open(choice.model);
}

constexpr char kExample[] = "; for example: url=http://127.0.0.1:8000/v1 model=bge-m3 dimensions=1024 key-file=/etc/codelore/key";

struct RemoteSettings {
  std::string name, url, model, key_file;
  uint32_t dimensions = 0, batch = 32;
};

bool ParseNumber(const std::string& text, uint32_t most, uint32_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && *value >= 1 && *value <= most;
}

Result<RemoteSettings> ParseRemote(const std::string& text) {
  RemoteSettings settings;
  auto wrong = [](const std::string& what) { return InvalidArgument("model: " + what + kExample); };
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    size_t equals = word.find('=');
    std::string key = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
    if (value.empty()) return wrong("'" + word + "' is no NAME=VALUE");
    if (key == "name") settings.name = value;
    else if (key == "url") settings.url = value;
    else if (key == "model") settings.model = value;
    else if (key == "key-file") settings.key_file = value;
    else if (key == "dimensions" && ParseNumber(value, 65536, &settings.dimensions)) continue;
    else if (key == "batch" && ParseNumber(value, 2048, &settings.batch)) continue;
    else return wrong("'" + word + "' is not understood");
  }
  if (settings.model.empty()) return wrong("a server's model needs a model, as the server calls it");
  if (settings.dimensions == 0) return wrong("a server's model needs its dimensions, how many numbers its vectors have");
  if (settings.name.empty()) settings.name = settings.model;
  return settings;
}

Result<OpenedModel> OpenRemote(const EncoderChoice& choice, const std::shared_ptr<const TlsContext>& trust) {
  ASSIGN_OR_RETURN(RemoteSettings settings, ParseRemote(choice.model));
  RemoteServerOptions server{.address = settings.url, .connect_timeout_ms = 2'000, .silence_timeout_ms = 60'000, .total_timeout_ms = 120'000, .trust = trust};
  if (!settings.key_file.empty()) {
    ASSIGN_OR_RETURN(server.key, ReadKeyFile(settings.key_file));
  }
  ASSIGN_OR_RETURN(auto remote, OpenRemoteServer(std::move(server)));
  OpenedModel opened;
  opened.encoder = embed::MakeRemoteEncoder(std::move(remote), {.name = settings.name, .model = settings.model,
                                                                .dimension = settings.dimensions, .batch_texts = settings.batch});
  opened.identity = {.choice = {choice.model, std::nullopt}, .name = settings.name, .fingerprint = opened.encoder->info().fingerprint,
                     .dimension = settings.dimensions, .files = {}};
  return opened;
}

}  // namespace

bool IsRemote(const EncoderChoice& choice) { return choice.model.find("url=") != std::string::npos; }

EncoderChoice Normalised(EncoderChoice choice) {
  if (choice.model.empty()) choice.model = kBuiltInModel;
  if (IsRemote(choice)) choice.precision.reset();  // it is the server's own
  if (choice.model == kBuiltInModel || IsRemote(choice)) return choice;
  std::error_code error;
  auto path = std::filesystem::absolute(choice.model, error).lexically_normal();
  if (!error) choice.model = path.has_filename() ? path.string() : path.parent_path().string();
  return choice;
}

Result<OpenedModel> OpenModel(const EncoderChoice& choice, const ModelSurroundings& around) {
  if (IsRemote(choice)) return OpenRemote(choice, around.trust);
  ASSIGN_OR_RETURN(embed::ModelFolder folder, FolderOf(choice));
  ASSIGN_OR_RETURN(auto encoder, embed::BertEncoder::Open(std::move(folder), {.well_known_prefixes = true, .precision = choice.precision,
                                                                            .gate = around.gate, .packed_folder = around.packed_folder}));
  OpenedModel opened{.identity = {.choice = {choice.model, encoder->precision()}, .files = encoder->file_hashes()}, .encoder = nullptr};
  if (encoder->ReadsKorean()) {
    opened.encoder = std::move(encoder);
  } else {
    opened.encoder = std::make_shared<const gloss::GlossingEncoder>(std::move(encoder));
  }
  const EncoderInfo& info = opened.encoder->info();
  opened.identity.name = info.name;
  opened.identity.fingerprint = info.fingerprint;
  opened.identity.dimension = info.dimension;
  return opened;
}

Result<std::map<std::string, Hash256>> HashModel(const EncoderChoice& choice) {
  if (IsRemote(choice)) return std::map<std::string, Hash256>();
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
