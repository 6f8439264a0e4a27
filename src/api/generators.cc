#include "api/generators.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

#include "api/http/remote_server.h"
#include "generate/extractive.h"
#include "generate/model_generator.h"
#include "generate/remote_model.h"

namespace codelore::api {
namespace {

constexpr std::string_view kExample = "; for example: name=qwen url=http://127.0.0.1:8000/v1 model=qwen2.5-coder key-file=/etc/codelore/key";

Status Wrong(const std::string& what) { return InvalidArgument("generator: " + what + std::string(kExample)); }

bool ParseTokens(std::string_view text, uint32_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && *value >= 128 && *value <= 10'000'000;
}

// A key that others on the machine can read is no secret.
Result<std::string> ReadKey(const std::string& file) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) return InvalidArgument("key file " + file + " cannot be read");
  if ((info.st_mode & S_IROTH) != 0) return InvalidArgument("key file " + file + " is readable by everyone; chmod 600 it");
  std::ifstream stream(file);
  std::string key;
  std::getline(stream, key);
  while (key.ends_with('\r') || key.ends_with(' ')) key.pop_back();
  if (key.empty()) return InvalidArgument("key file " + file + " is empty; expected the key in its first line");
  return key;
}

}  // namespace

Result<GeneratorConfig> GeneratorConfig::Parse(std::string_view text) {
  GeneratorConfig config;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    size_t equals = word.find('=');
    std::string key = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
    if (value.empty()) return Wrong("'" + word + "' is no NAME=VALUE");
    if (key == "name") config.name = value;
    else if (key == "url") config.url = value;
    else if (key == "model") config.model = value;
    else if (key == "key-file") config.key_file = value;
    else if (key == "context" && ParseTokens(value, &config.context_tokens)) continue;
    else if (key == "passages" && ParseTokens(value, &config.passage_tokens)) continue;
    else if (key == "unsupported" && (value == "mark" || value == "drop")) config.drop_unsupported = value == "drop";
    else return Wrong("'" + word + "' is not understood");
  }
  auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; };
  if (config.name.empty() || !std::ranges::all_of(config.name, plain)) return Wrong("it needs a name of letters, digits, '-', '_' and '.'");
  if (config.name == "extractive" || config.name == "raw") return Wrong("the name '" + config.name + "' is taken");
  if (config.url.empty()) return Wrong("'" + config.name + "' needs a url");
  if (config.model.empty()) return Wrong("'" + config.name + "' needs a model");
  return config;
}

Result<std::unique_ptr<Generators>> Generators::Open(const std::vector<GeneratorConfig>& configs) {
  auto generators = std::make_unique<Generators>();
  for (const GeneratorConfig& config : configs) {
    if (generators->Find(config.name).ok()) return Wrong("the name '" + config.name + "' is given twice");
    RemoteServerOptions remote{.address = config.url};
    if (!config.key_file.empty()) {
      ASSIGN_OR_RETURN(remote.key, ReadKey(config.key_file));
    }
    ASSIGN_OR_RETURN(auto server, OpenRemoteServer(std::move(remote)));
    std::shared_ptr<const ChatModel> model =
        generate::MakeRemoteModel(std::move(server), {.model = config.model, .context_tokens = config.context_tokens});
    generate::ModelGeneratorOptions options{.name = config.name, .limits = {.passage_tokens = config.passage_tokens},
                                            .unsupported = config.drop_unsupported ? generate::Unsupported::kDrop : generate::Unsupported::kMark};
    generators->entries_.push_back({generate::MakeModelGenerator(model, std::move(options)), model});
  }
  generators->entries_.push_back({generate::MakeExtractiveGenerator(), nullptr});
  return generators;
}

Result<size_t> Generators::Find(std::string_view name) const {
  if (name.empty()) return size_t{0};
  auto at = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.generator->name() == name; });
  if (at == entries_.end()) return NotFound("there is no generator '" + std::string(name) + "'");
  return static_cast<size_t>(at - entries_.begin());
}

Result<AnswerSummary> Generators::Answer(std::string_view name, const AnswerRequest& request, std::stop_token stop,
                                         const std::function<void(const AnswerPiece&)>& emit) const {
  ASSIGN_OR_RETURN(size_t chosen, Find(name));
  std::vector<size_t> order = {chosen};
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i != chosen) order.push_back(i);
  }
  for (size_t i : order) {
    bool begun = false;
    auto summary = entries_[i].generator->Answer(request, stop, [&](const AnswerPiece& piece) {
      begun = true;
      emit(piece);
    });
    bool next = !summary.ok() && !begun && !stop.stop_requested() && i != order.back() &&
                summary.status().code() == StatusCode::kUnavailable;
    if (!next) return summary;
  }
  return Internal("no generator answered");
}

Result<std::vector<ChatMessage>> Generators::PromptFor(std::string_view name, const AnswerRequest& request) const {
  ASSIGN_OR_RETURN(size_t chosen, Find(name));
  return entries_[chosen].generator->PromptFor(request);
}

std::vector<std::string> Generators::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.emplace_back(entry.generator->name());
  return names;
}

Result<const ChatModel*> Generators::Model(std::string_view name) const {
  ASSIGN_OR_RETURN(size_t chosen, Find(name));
  if (entries_[chosen].model == nullptr) return NotFound("there is no model: configure one with --generator");
  return entries_[chosen].model.get();
}

}  // namespace codelore::api
