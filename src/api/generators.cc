#include "api/generators.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

#include "api/http/remote_server.h"
#include "generate/extractive.h"
#include "generate/model_generator.h"
#include "generate/remote_model.h"

namespace codelore::api {
namespace {

constexpr std::string_view kExample =
    "; for example: name=qwen url=http://127.0.0.1:8000/v1 model=qwen2.5-coder key-file=/etc/codelore/key, or name=local gguf=/models/qwen.gguf";

Status Wrong(const std::string& what) { return InvalidArgument("generator: " + what + std::string(kExample)); }

bool ParseNumber(std::string_view text, uint32_t least, uint32_t most, uint32_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && *value >= least && *value <= most;
}
bool ParseTokens(std::string_view text, uint32_t* value) { return ParseNumber(text, 128, 10'000'000, value); }

// "FILE" or "FILE:SCALE"
bool ParseAdapter(std::string_view text, std::vector<generate::LoraAdapter>* adapters) {
  generate::LoraAdapter adapter{.file = std::string(text)};
  if (size_t colon = text.rfind(':'); colon != text.npos) {
    std::string_view scale = text.substr(colon + 1);
    auto [end, error] = std::from_chars(scale.data(), scale.data() + scale.size(), adapter.scale);
    if (error != std::errc() || end != scale.data() + scale.size() || !(std::abs(adapter.scale) <= 100)) return false;
    adapter.file = text.substr(0, colon);
  }
  adapters->push_back(std::move(adapter));
  return true;
}

bool IsPlainName(std::string_view name) {
  auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && std::ranges::all_of(name, plain);
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(std::move(part));
  return parts;
}

// "NAME=FILE[:SCALE][#SHA256]"
bool ParseChoice(const std::string& text, std::vector<generate::NamedAdapter>* choices) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals + 1 == text.size()) return false;
  generate::NamedAdapter choice{.name = text.substr(0, equals), .file = {}};
  std::string file = text.substr(equals + 1);
  if (size_t mark = file.rfind('#'); mark != file.npos) {
    if (!ParseHash(std::string_view(file).substr(mark + 1), &choice.file.sha256)) return false;
    file.resize(mark);
  }
  std::vector<generate::LoraAdapter> lora;
  if (!IsPlainName(choice.name) || choice.name == kNoAdapter || !ParseAdapter(file, &lora)) return false;
  if (std::ranges::find(*choices, choice.name, &generate::NamedAdapter::name) != choices->end()) return false;
  choice.file.lora = std::move(lora.front());
  choices->push_back(std::move(choice));
  return true;
}

// "NAME:TEAM,TEAM"
bool ParseAdapterTeams(const std::string& text, std::map<std::string, std::vector<std::string>>* teams) {
  const size_t colon = text.find(':');
  if (colon == text.npos || colon + 1 == text.size()) return false;
  return teams->emplace(text.substr(0, colon), SplitAtCommas(text.substr(colon + 1))).second;
}

// What only a model in this process has.
bool ParseLocal(std::string_view key, const std::string& value, generate::LlamaModelOptions* local) {
  if (key == "gguf") local->file = value;
  else if (key == "threads") return ParseNumber(value, 1, 256, &local->threads);
  else if (key == "slots") return ParseNumber(value, 1, 64, &local->slots);
  else if (key == "queue") return ParseNumber(value, 0, 1000, &local->queue);
  else if (key == "sha256") return ParseHash(value, &local->sha256);
  else if (key == "lora") return ParseAdapter(value, &local->adapters);
  else if (key == "adapter") return ParseChoice(value, &local->choices);
  else return false;
  return true;
}

// When it is used though nobody named it.
bool ParseRoute(std::string_view key, const std::string& value, RouteRule* route) {
  if (key == "teams") route->teams = SplitAtCommas(value);
  else if (key == "kinds") route->kinds = SplitAtCommas(value);
  else if (key == "min-words") return ParseNumber(value, 1, 100'000, &route->min_words);
  else if (key == "max-words") return ParseNumber(value, 1, 100'000, &route->max_words);
  else if (key == "share") return ParseNumber(value, 1, 100, &route->share);
  else return false;
  return true;
}

Status CheckRoute(const RouteRule& route) {
  for (const std::string& kind : route.kinds) {
    if (std::ranges::find(kQuestionKinds, kind) == std::end(kQuestionKinds)) return Wrong("there is no kind '" + kind + "' of questions; there are symbol, howto, difference, where, why and other");
  }
  if (route.max_words > 0 && route.min_words > route.max_words) return Wrong("min-words is more than max-words");
  return route.share > 0 && route.conditional() ? Wrong("a share is of the questions that no condition claims: leave out teams, kinds, min-words and max-words") : OkStatus();
}

Status CheckConfig(const GeneratorConfig& config, bool has_local_settings) {
  RETURN_IF_ERROR(CheckRoute(config.route));
  if (!IsPlainName(config.name)) return Wrong("it needs a name of letters, digits, '-', '_' and '.'");
  if (config.name == "extractive" || config.name == "raw") return Wrong("the name '" + config.name + "' is taken");
  for (const auto& [name, teams] : config.adapter_teams) {
    bool known = std::ranges::find(config.local.choices, name, &generate::NamedAdapter::name) != config.local.choices.end();
    if (!known) return Wrong("adapter-teams names '" + name + "', but there is no adapter=" + name + "=FILE");
  }
  if (!config.local.file.empty()) {
    if (config.url.empty() && config.model.empty() && config.key_file.empty()) return OkStatus();
    return Wrong("'" + config.name + "' has a gguf, which runs in this process: leave out url, model and key-file");
  }
  if (has_local_settings) return Wrong("'" + config.name + "' needs a gguf for its threads, slots, queue, sha256, lora or adapter");
  if (config.url.empty()) return Wrong("'" + config.name + "' needs a url, or a gguf");
  if (config.model.empty()) return Wrong("'" + config.name + "' needs a model");
  return OkStatus();
}

Result<std::shared_ptr<generate::LlamaModel>> OpenLocal(const GeneratorConfig& config) {
  generate::LlamaModelOptions options = config.local;
  options.name = config.name;
  if (config.context_tokens != 0) options.context_tokens = config.context_tokens;
  ASSIGN_OR_RETURN(auto model, generate::LlamaModel::Open(options));
  return std::shared_ptr<generate::LlamaModel>(std::move(model));
}

Result<std::shared_ptr<const ChatModel>> OpenRemote(const GeneratorConfig& config, const std::shared_ptr<const TlsContext>& trust) {
  RemoteServerOptions remote{.address = config.url, .trust = trust};
  if (!config.key_file.empty()) {
    ASSIGN_OR_RETURN(remote.key, ReadKeyFile(config.key_file));
  }
  ASSIGN_OR_RETURN(auto server, OpenRemoteServer(std::move(remote)));
  generate::RemoteModelOptions options{.model = config.model};
  if (config.context_tokens != 0) options.context_tokens = config.context_tokens;
  return std::shared_ptr<const ChatModel>(generate::MakeRemoteModel(std::move(server), std::move(options)));
}

}  // namespace

bool ParseHash(std::string_view text, std::string* hash) {
  for (char c : text) *hash += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return hash->size() == 64 && hash->find_first_not_of("0123456789abcdef") == hash->npos;
}

Result<GeneratorConfig> GeneratorConfig::Parse(std::string_view text) {
  GeneratorConfig config;
  bool has_local_settings = false;
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
    else if (ParseRoute(key, value, &config.route)) continue;
    else if (key == "adapter-teams" && ParseAdapterTeams(value, &config.adapter_teams)) has_local_settings = true;
    else if (ParseLocal(key, value, &config.local)) has_local_settings = true;
    else return Wrong("'" + word + "' is not understood");
  }
  RETURN_IF_ERROR(CheckConfig(config, has_local_settings));
  return config;
}

Result<std::unique_ptr<Generators>> Generators::Open(const std::vector<GeneratorConfig>& configs,
                                                     const std::shared_ptr<const TlsContext>& trust) {
  auto generators = std::make_unique<Generators>();
  uint32_t shares = 0;
  for (const GeneratorConfig& config : configs) {
    if (generators->Find(config.name).ok()) return Wrong("the name '" + config.name + "' is given twice");
    std::shared_ptr<generate::LlamaModel> local;
    std::shared_ptr<const ChatModel> model;
    if (config.local.file.empty()) {
      ASSIGN_OR_RETURN(model, OpenRemote(config, trust));
    } else {
      ASSIGN_OR_RETURN(local, OpenLocal(config));
      model = local;
    }
    const uint32_t passage_tokens = config.passage_tokens != 0 ? config.passage_tokens : config.local.file.empty() ? 2400 : 800;
    generate::ModelGeneratorOptions options{.name = config.name, .limits = {.passage_tokens = passage_tokens},
                                            .unsupported = config.drop_unsupported ? generate::Unsupported::kDrop : generate::Unsupported::kMark};
    generators->entries_.push_back({generate::MakeModelGenerator(model, std::move(options)), model, local, config.adapter_teams});
    generators->rules_.push_back(config.route);
    shares += config.route.share;
  }
  if (shares > 100) return Wrong("the shares make " + std::to_string(shares) + " percent; at most 100 are possible");
  generators->entries_.push_back({generate::MakeExtractiveGenerator(), nullptr, nullptr, {}});
  return generators;
}

Result<size_t> Generators::Find(std::string_view name) const {
  if (name.empty()) return size_t{0};
  auto at = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.generator->name() == name; });
  if (at == entries_.end()) return NotFound("there is no generator '" + std::string(name) + "'");
  return static_cast<size_t>(at - entries_.begin());
}

// The route's rule is an index into entries_ here.
Result<ChosenRoute> Generators::FindRoute(const AnswerChoice& choice, std::string_view question) const {
  if (choice.name.empty()) return ChooseRoute(rules_, choice.teams, choice.asker, question);
  ASSIGN_OR_RETURN(size_t named, Find(choice.name));
  return ChosenRoute{named, "asked", false};
}

Result<AnswerSummary> Generators::Answer(const AnswerChoice& choice, const AnswerRequest& request, std::stop_token stop,
                                         const std::function<void(const AnswerPiece&)>& emit) const {
  ASSIGN_OR_RETURN(ChosenRoute route, FindRoute(choice, request.question));
  const std::string arm = route.split ? std::string(entries_[route.rule].generator->name()) : "";
  std::vector<size_t> order = {route.rule};
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i != route.rule) order.push_back(i);
  }
  Status cannot;
  std::erase_if(order, [&](size_t i) {
    Status status = AdapterOf(entries_[i], choice).status();
    if (status.ok()) status = entries_[i].generator->Check(request);
    if (cannot.ok()) cannot = status;  // the first one is the one that was meant
    return !status.ok();
  });
  if (order.empty() || (!choice.name.empty() && order.front() != route.rule)) return cannot;
  for (size_t i : order) {
    bool begun = false;
    AnswerRequest with_adapter = request;
    ASSIGN_OR_RETURN(with_adapter.sampling.adapter, AdapterOf(entries_[i], choice));
    auto summary = entries_[i].generator->Answer(with_adapter, stop, [&](const AnswerPiece& piece) {
      begun = true;
      emit(piece);
    });
    bool next = !summary.ok() && !begun && !stop.stop_requested() && i != order.back() &&
                summary.status().code() == StatusCode::kUnavailable;
    if (next) continue;
    if (summary.ok()) {
      summary->route = i == route.rule ? route.why : "fallback";
      summary->arm = arm;
      summary->adapter = with_adapter.sampling.adapter;
    }
    return summary;
  }
  return Internal("no generator answered");
}

Result<std::vector<ChatMessage>> Generators::PromptFor(const AnswerChoice& choice, const AnswerRequest& request) const {
  ASSIGN_OR_RETURN(ChosenRoute route, FindRoute(choice, request.question));
  return entries_[route.rule].generator->PromptFor(request);
}

Result<const ChatModel*> Generators::FillModel(std::string_view name) const {
  if (!name.empty()) {
    ASSIGN_OR_RETURN(size_t chosen, Find(name));
    const ChatModel* model = entries_[chosen].model.get();
    if (model != nullptr && model->can_fill()) return model;
    return InvalidArgument("the generator '" + std::string(name) + "' cannot fill in the middle; leave out suffix, or choose another model");
  }
  auto able = std::ranges::find_if(entries_, [](const Entry& entry) { return entry.model != nullptr && entry.model->can_fill(); });
  if (able != entries_.end()) return able->model.get();
  return InvalidArgument("no generator here can fill in the middle: configure a model that has fill-in-the-middle tokens");
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

namespace {

bool MayChoose(const std::map<std::string, std::vector<std::string>>& adapter_teams, const std::string& name, const AnswerChoice& choice) {
  auto teams = adapter_teams.find(name);
  if (teams == adapter_teams.end() || choice.all_adapters) return true;
  return std::ranges::find_first_of(choice.teams, teams->second) != choice.teams.end();
}

}  // namespace

Result<std::string> Generators::AdapterOf(const Entry& entry, const AnswerChoice& choice) {
  if (choice.adapter == kNoAdapter) return std::string();
  const auto loaded = entry.model != nullptr ? entry.model->adapters() : std::vector<std::string>();
  auto is_loaded = [&](const std::string& name) { return std::ranges::find(loaded, name) != loaded.end(); };
  if (!choice.adapter.empty()) {
    if (is_loaded(choice.adapter) && MayChoose(entry.adapter_teams, choice.adapter, choice)) return choice.adapter;
    return NotFound("there is no adapter '" + choice.adapter + "' here");
  }
  for (const auto& [name, teams] : entry.adapter_teams) {
    if (is_loaded(name) && std::ranges::find_first_of(choice.teams, teams) != choice.teams.end()) return name;
  }
  return std::string();
}

Result<std::string> Generators::AdapterOf(const ChatModel& model, const AnswerChoice& choice) const {
  auto at = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.model.get() == &model; });
  return at == entries_.end() ? std::string() : AdapterOf(*at, choice);
}

std::vector<OfferedAdapter> Generators::Adapters() const {
  std::vector<OfferedAdapter> all;
  for (const Entry& entry : entries_) {
    if (entry.local == nullptr) continue;
    for (generate::NamedAdapter& adapter : entry.local->LoadedAdapters()) {
      auto teams = entry.adapter_teams.find(adapter.name);
      all.push_back({std::string(entry.generator->name()), std::move(adapter), teams == entry.adapter_teams.end() ? std::vector<std::string>() : teams->second});
    }
  }
  return all;
}

std::vector<std::string> Generators::AdaptersFor(const AnswerChoice& choice) const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.model == nullptr) continue;
    for (const std::string& name : entry.model->adapters()) {
      if (MayChoose(entry.adapter_teams, name, choice) && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

Result<const Generators::Entry*> Generators::LocalEntry(const std::string& generator) const {
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.local == nullptr || (!generator.empty() && entry.generator->name() != generator)) continue;
    if (found != nullptr) return InvalidArgument("several generators run in this process: say which one");
    found = &entry;
  }
  if (found == nullptr) return NotFound(generator.empty() ? "no generator runs in this process: configure one with gguf=FILE" : "no generator '" + generator + "' runs in this process");
  return found;
}

Status Generators::SetAdapter(const std::string& generator, const generate::NamedAdapter& adapter) const {
  if (!IsPlainName(adapter.name) || adapter.name == kNoAdapter) return InvalidArgument("an adapter's name is made of letters, digits, '-', '_' and '.', and is not 'none'");
  ASSIGN_OR_RETURN(const Entry* entry, LocalEntry(generator));
  RETURN_IF_ERROR(entry->local->SetAdapter(adapter));
  ++adapter_changes_;
  return OkStatus();
}

Status Generators::DropAdapter(const std::string& adapter) const {
  bool dropped = false;
  for (const Entry& entry : entries_) dropped = (entry.local != nullptr && entry.local->DropAdapter(adapter).ok()) || dropped;
  if (!dropped) return NotFound("there is no adapter '" + adapter + "'");
  ++adapter_changes_;
  return OkStatus();
}

}  // namespace codelore::api
