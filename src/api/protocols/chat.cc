#include "api/protocols/chat.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "api/http/http_target.h"
#include "api/protocols/mcp_tools.h"
#include "codelore/utf8.h"
#include "generate/prompt.h"
#include "generate/tool_loop.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxContentBytes = 512 * 1024;  // of one message
constexpr size_t kMaxMessages = 512;
constexpr std::string_view kRaw = "raw";

struct ModelChoice {
  std::vector<std::string> sources;  // none: all
  std::string generator;             // empty: by routing
  bool raw = false;
  std::string adapter = {};          // empty: the team's
  std::optional<Viewer> viewer = {};  // of a team; none: the caller's
};

// Who asks, for choosing an adapter.
AnswerChoice AdapterChoice(const Caller& caller, const std::string& adapter) {
  return {.teams = caller.teams, .adapter = adapter, .all_adapters = caller.role == Role::kOperator};
}

// "codelore", ":NAME", "/GENERATOR".
Result<ModelChoice> ParseUnadapted(Service& service, const Caller& caller, std::string_view name) {
  Status unknown = NotFound("there is no model '" + std::string(Utf8Prefix(name, 100)) + "'; see the list of models");
  if (!name.starts_with(kModelName)) return unknown;
  name.remove_prefix(kModelName.size());
  ModelChoice choice;
  if (size_t slash = name.rfind('/'); slash != name.npos) {
    choice.generator = name.substr(slash + 1);
    choice.raw = choice.generator == kRaw;
    name = name.substr(0, slash);
    auto known = service.generators().names();
    if (choice.raw ? !service.generators().Model("").ok() : std::ranges::find(known, choice.generator) == known.end()) return unknown;
  }
  if (name.empty()) return choice;
  if (name[0] != ':' || choice.raw) return unknown;
  name.remove_prefix(1);
  ASSIGN_OR_RETURN(auto visible, service.directory().VisibleSources(caller.viewer));
  if (std::ranges::find(visible, name, &acl::VisibleSource::name) != visible.end()) {
    choice.sources.emplace_back(name);
    return choice;
  }
  if (std::ranges::find(caller.teams, name) == caller.teams.end()) return unknown;
  ASSIGN_OR_RETURN(choice.viewer, service.directory().WithinTeam(caller.viewer, name));
  return choice;
}

// Also with "+ADAPTER" behind it, and with the ":latest" that Ollama's clients put behind a name.
Result<ModelChoice> ParseModel(Service& service, const Caller& caller, std::string_view name) {
  if (name.ends_with(":latest")) name.remove_suffix(7);
  auto choice = ParseUnadapted(service, caller, name);
  const size_t plus = name.rfind('+');
  if (choice.ok() || plus == name.npos) return choice;  // a source's name may have a plus
  auto without = ParseUnadapted(service, caller, name.substr(0, plus));
  const std::string adapter(name.substr(plus + 1));
  const AnswerChoice wish = AdapterChoice(caller, adapter);
  const Generators& generators = service.generators();
  if (!without.ok() || (adapter != kNoAdapter && std::ranges::count(generators.AdaptersFor(wish), adapter) == 0)) return choice;
  if (!without->generator.empty()) {
    auto model = generators.Model(without->raw ? "" : without->generator);
    if (!model.ok() || !generators.AdapterOf(**model, wish).ok()) return choice;
  }
  without->adapter = adapter;
  return without;
}

// Where the lines are shown at a forge, told from the address the source is fetched from: the form that GitHub, GitLab
// and Bitbucket understand. Credentials in the address are left out.
std::string ForgeUrl(const acl::Source& source, const Hit& hit) {
  std::string_view location = source.location;
  size_t scheme = location.find("://");
  if (!location.starts_with("http") || scheme == location.npos || hit.revision.empty()) return {};
  std::string_view rest = location.substr(scheme + 3);
  size_t host_end = std::min(rest.find('/'), rest.size());
  if (size_t at = rest.substr(0, host_end).rfind('@'); at != rest.npos) rest.remove_prefix(at + 1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.ends_with(".git")) rest.remove_suffix(4);
  std::string path;
  for (size_t begin = 0; begin <= hit.path.size();) {
    size_t end = std::min(hit.path.find('/', begin), hit.path.size());
    path += "/" + PercentEncode(hit.path.substr(begin, end - begin));
    begin = end + 1;
  }
  return std::string(location.substr(0, scheme + 3)) + std::string(rest) + "/blob/" + hit.revision + path + "#L" +
         std::to_string(hit.start_line) + "-L" + std::to_string(hit.end_line);
}

std::vector<ChatCitation> Number(Service& service, const std::vector<NamedHit>& hits) {
  std::vector<ChatCitation> citations;
  for (const NamedHit& named : hits) {
    auto source = service.directory().FindSource(named.hit.source);
    citations.push_back({citations.size() + 1, named, source.ok() ? ForgeUrl(*source, named.hit) : ""});
  }
  return citations;
}

// What the marks in the text stand for, for those who see nothing but text.
std::string Footer(const std::vector<ChatCitation>& citations, const std::set<uint32_t>& used) {
  if (used.empty()) return {};
  std::string footer = "\n\nSources:\n";
  for (uint32_t i : used) footer += "- [" + std::to_string(citations[i].n) + "] `" + citations[i].hit.citation + "`\n";
  return footer;
}

// What of the sources is like the text around the hole: found by its lines next to the hole.
Result<std::vector<NamedHit>> FindSnippets(const Service& service, const Viewer& viewer, const std::vector<std::string>& sources,
                                           const FillRequest& request) {
  constexpr size_t kBefore = 1200, kBehind = 400, kSnippets = 4;
  std::string text = std::string(Utf8Suffix(request.prefix, kBefore)) + "\n" + std::string(Utf8Prefix(request.suffix, kBehind));
  std::vector<NamedHit> hits;
  if (text.find_first_not_of(" \t\r\n") == text.npos) return hits;
  ASSIGN_OR_RETURN(SearchReply reply, service.Search(viewer, {.text = std::move(text), .sources = sources, .limit = 2 * kSnippets}));
  for (NamedHit& hit : reply.hits) {
    // The file that is being written is known to the client.
    bool known = request.prefix.find(hit.hit.text) != request.prefix.npos || request.suffix.find(hit.hit.text) != request.suffix.npos;
    if (!known && hits.size() < kSnippets) hits.push_back(std::move(hit));
  }
  return hits;
}

std::string ContentOf(JsonRequest& message) {
  if (!message.Text("content").starts_with('[')) return message.String("content", {.max_bytes = kMaxContentBytes});
  std::string content;
  for (JsonRequest& part : message.Objects("content", {JsonRequest::kAnyField}, {.max_items = kMaxMessages})) {
    std::string type = part.String("type");
    if (type == "text" || type == "input_text") {
      content += part.String("text", {.max_bytes = kMaxContentBytes});
    } else {
      message.Reject("content", "holds a part of type '" + std::string(Utf8Prefix(type, 40)) + "'; only text is understood");
    }
  }
  return content;
}

}  // namespace

size_t EstimatedTokens(std::string_view text) { return (text.size() + 3) / 4; }

namespace {

// Arguments are JSON in a string, or as they are (Ollama), where calls have no ids either: then each gets one.
std::vector<ToolCall> ReadCalls(JsonRequest& message, bool with_ids, size_t calls_before) {
  std::vector<ToolCall> calls;
  for (JsonRequest& each : message.Objects("tool_calls", {JsonRequest::kAnyField}, {.max_items = 32})) {
    JsonRequest function = each.Object("function", {JsonRequest::kAnyField});
    std::string id = with_ids ? each.String("id", {.required = true, .max_bytes = 256}) : "call_" + std::to_string(calls_before + calls.size() + 1);
    std::string arguments = function.Text("arguments");
    if (!arguments.starts_with('{') || with_ids) arguments = function.String("arguments", {.max_bytes = kMaxContentBytes});
    calls.push_back({std::move(id), function.String("name", {.required = true, .max_bytes = 128}), std::move(arguments)});
  }
  return calls;
}

// What a tool gave, where nothing says for which call: the first one of its name that has no answer yet, else the first one.
std::string CallAnswered(const std::vector<ChatMessage>& messages, const std::string& tool_name) {
  const ToolCall* first = nullptr;
  for (const ChatMessage& message : messages) {
    for (const ToolCall& call : message.calls) {
      bool answered = std::ranges::any_of(messages, [&](const ChatMessage& other) { return other.role == ChatRole::kTool && other.call_id == call.id; });
      if (answered) continue;
      if (tool_name.empty() || call.name == tool_name) return call.id;
      if (first == nullptr) first = &call;
    }
  }
  return first != nullptr ? first->id : "";
}

}  // namespace

void ReadTools(JsonRequest& json, ChatCall& call) {
  constexpr size_t kMaxTools = 128;
  auto tools = json.Objects("tools", {JsonRequest::kAnyField}, {.max_items = kMaxTools});
  if (tools.empty()) return;
  ToolUse& use = call.tools.emplace();
  std::set<std::string> names;
  for (JsonRequest& tool : tools) {
    if (tool.String("type", {.max_bytes = 64, .otherwise = "function"}) != "function") tool.Reject("type", "must be function");
    JsonRequest function = tool.Object("function", {JsonRequest::kAnyField});
    ToolSpec spec{function.String("name", {.required = true, .max_bytes = 64}), function.String("description", {.max_bytes = 8192}), function.Text("parameters")};
    if (!names.insert(spec.name).second) function.Reject("name", "is given twice");
    if (!spec.name.starts_with(kServerToolPrefix)) {
      use.theirs.push_back(std::move(spec));
      continue;
    }
    auto ours = ServerTool(spec.name);
    if (ours.ok()) use.ours.push_back(std::move(*ours));
    else function.Reject("name", "begins with codelore_, but " + ours.status().message());
  }
  if (json.Text("tool_choice").starts_with('{')) use.choice = json.Object("tool_choice", {JsonRequest::kAnyField}).Object("function", {JsonRequest::kAnyField}).String("name", {.required = true});
  else if (json.Has("tool_choice")) use.choice = json.Choice("tool_choice", {"auto", "none", "required"});
  bool named = use.choice != "auto" && use.choice != "none" && use.choice != "required";
  if (named && !names.contains(use.choice)) json.Reject("tool_choice", "names none of the tools");
}

void ReadMessages(JsonRequest& json, ChatCall& call, bool with_call_ids) {
  std::vector<ChatMessage> messages;
  size_t calls = 0;
  for (JsonRequest& message : json.Objects("messages", {JsonRequest::kAnyField}, {.required = true, .max_items = kMaxMessages})) {
    std::string role = message.String("role", {.required = true, .max_bytes = 32});
    if (role == "function") continue;  // of a protocol that is no more
    ChatRole known = role == "system" || role == "developer" ? ChatRole::kSystem : role == "assistant" ? ChatRole::kAssistant
                     : role == "tool" ? ChatRole::kTool : ChatRole::kUser;
    if (known == ChatRole::kUser && role != "user") message.Reject("role", "must be system, developer, user, assistant or tool");
    ChatMessage read{known, ContentOf(message)};
    if (known == ChatRole::kAssistant) read.calls = ReadCalls(message, with_call_ids, calls);
    calls += read.calls.size();
    if (known == ChatRole::kTool) {
      read.call_id = with_call_ids ? message.String("tool_call_id", {.max_bytes = 256}) : CallAnswered(messages, message.String("tool_name", {.max_bytes = 128}));
    }
    messages.push_back(std::move(read));
  }
  auto last = std::find_if(messages.rbegin(), messages.rend(), [](const ChatMessage& m) { return m.role == ChatRole::kUser; });
  if (last == messages.rend() || last->text.find_first_not_of(" \t\r\n") == std::string::npos) {
    json.Reject("messages", "must hold a message of the user with text");
    return;
  }
  call.question = last->text;
  if (call.tools) call.tools->since.assign(last.base(), messages.end());
  if (call.tools) messages.erase(last.base(), messages.end());
  messages.erase(std::next(last).base());
  // Of earlier turns only what was said counts.
  std::erase_if(messages, [](const ChatMessage& m) { return m.role == ChatRole::kTool || (m.role == ChatRole::kAssistant && m.text.empty()); });
  for (ChatMessage& message : messages) message.calls.clear();
  call.history = std::move(messages);
}

std::string ReadSchema(std::string_view body, const std::string& field, const std::string& within, JsonRequest& json) {
  constexpr size_t kMaxBytes = 64 * 1024;  // what keeps an order takes long with many members
  if (json.Text(field).size() > kMaxBytes) {
    json.Reject(field, "holds a schema of more than 64 KiB");
    return {};
  }
  // Only this field is kept; the rest of the body was read already.
  bool wanted = true;
  Json found = Json::parse(body, [&](int depth, Json::parse_event_t event, Json& key) {
    if (depth == 1 && event == Json::parse_event_t::key) wanted = key == field;
    return depth == 0 || wanted;
  }, /*allow_exceptions=*/false);
  try {
    return found.at(Json::json_pointer("/" + field + within)).dump(-1, ' ', false, Json::error_handler_t::replace);
  } catch (const Json::exception&) {
    json.Reject(field, "must have a schema");
    return {};
  }
}

namespace {

// One conversation under way: what every way to answer needs.
class ChatRun {
 public:
  ChatRun(Service& service, const Caller& caller, const ChatCall& call, ModelChoice choice, std::stop_token stop, const ChatSink& sink)
      : service_(service), caller_(caller), call_(call), choice_(std::move(choice)), sink_(sink), forward_(stop, [this] { gone_.request_stop(); }) {
    if (choice_.viewer) caller_.viewer = *choice_.viewer;
    if (choice_.adapter.empty()) choice_.adapter = call.adapter;
  }

  Result<ChatEnd> Run() {
    auto end = call_.suffix ? Fill() : choice_.raw ? Raw() : Retrieve();
    RETURN_IF_ERROR(caller_.CheckStill());
    if (!end.ok()) return end;
    if (end->usage.prompt_tokens == 0) end->usage.prompt_tokens = static_cast<uint32_t>(EstimatedTokens(call_.question));
    if (end->usage.answer_tokens == 0) end->usage.answer_tokens = static_cast<uint32_t>((answer_bytes_ + 3) / 4);
    return end;
  }

 private:
  bool MayGoOn() {
    if (!caller_.CheckStill().ok()) gone_.request_stop();
    return !gone_.stop_requested();
  }
  void Cite(const std::vector<ChatCitation>& citations) {
    caller_.GivePlaceBack();
    if (MayGoOn()) sink_.citations(citations);
  }
  void Say(std::string_view text) {
    if (!MayGoOn()) return;
    answer_bytes_ += text.size();
    sink_.text(text);
  }

  static void Settle(TokenMeter& meter, const ChatUsage& usage) {
    if (usage.answer_tokens != 0) meter.Settle(usage.answer_tokens);
  }

  // The model itself. It reads nothing of ours, so what it says is the client's to judge.
  Result<ChatEnd> Raw() {
    ASSIGN_OR_RETURN(const ChatModel* model, service_.generators().Model(""));
    Sampling sampling = call_.sampling;
    ASSIGN_OR_RETURN(sampling.adapter, service_.generators().AdapterOf(*model, AdapterChoice(caller_, choice_.adapter)));
    RETURN_IF_ERROR(model->CheckForm(sampling));
    std::vector<ChatMessage> messages = call_.history;
    messages.push_back({ChatRole::kUser, call_.question});
    TokenMeter meter(service_.quotas(), caller_.tenant, caller_.viewer.name());
    auto say = [&](std::string_view text) {
      meter.Count(text);
      Say(text);
    };
    if (!call_.tools) {
      Cite({});
      ASSIGN_OR_RETURN(ChatUsage usage, model->Chat(messages, sampling, gone_.get_token(), say));
      Settle(meter, usage);
      return ChatEnd{usage, {}, "", "", "", sampling.adapter};
    }
    if (!call_.tools->ours.empty()) return InvalidArgument("codelore/raw reads nothing of this server's: take your own tools only, or the model 'codelore'");
    if (!model->can_call_tools()) return InvalidArgument("the model " + model->name() + " cannot call tools");
    Cite({});
    messages.insert(messages.end(), call_.tools->since.begin(), call_.tools->since.end());
    ASSIGN_OR_RETURN(ToolTurn turn, generate::RunToolLoop(*model, std::move(messages), *call_.tools, sampling, gone_.get_token(),
                                                          {.text = say, .result = [](std::string_view) {}}));
    Settle(meter, turn.usage);
    return ChatEnd{turn.usage, std::move(turn.calls), "", "", "", sampling.adapter};
  }

  Result<ChatEnd> Retrieve() {
    std::vector<ChatCitation> citations;
    std::set<uint32_t> used;
    AnswerSink answer{.citations = [&](const std::vector<NamedHit>& hits) {
                        citations = Number(service_, hits);
                        Cite(citations);
                      },
                      .piece = [&](const AnswerPiece& piece) {
                        for (const Support& support : piece.supports) used.insert(support.passage);
                        Say(piece.text);
                      }};
    ToolUse tools = call_.tools.value_or(ToolUse{});
    tools.run = [&](const ToolCall& call, std::stop_token stop) { return RunServerTool(service_, caller_, call, choice_.sources, stop); };
    ASSIGN_OR_RETURN(AnswerSummary summary,
                     service_.Ask(caller_.viewer, {.text = call_.question, .sources = choice_.sources, .history = call_.history,
                                                   .generator = choice_.generator, .sampling = call_.sampling, .teams = caller_.teams,
                                                   .adapter = choice_.adapter, .all_adapters = caller_.role == Role::kOperator,
                                                   .tools = call_.tools ? &tools : nullptr}, gone_.get_token(), answer));
    const bool plain = call_.sampling.form == OutputForm::kText && summary.calls.empty();
    if (plain && summary.generator != "extractive") Say(Footer(citations, used));  // that one names its sources itself
    return ChatEnd{summary.usage, std::move(summary.calls), summary.generator, summary.route, summary.arm, summary.adapter};
  }

  Result<ChatEnd> Fill() {
    const std::string named = choice_.raw ? "" : choice_.generator;
    ASSIGN_OR_RETURN(const ChatModel* model, service_.generators().FillModel(named));
    Sampling sampling = call_.sampling;
    ASSIGN_OR_RETURN(sampling.adapter, service_.generators().AdapterOf(*model, AdapterChoice(caller_, choice_.adapter)));
    FillRequest request{.prefix = call_.question, .suffix = *call_.suffix};
    std::vector<NamedHit> hits;
    if (!choice_.raw) {
      ASSIGN_OR_RETURN(hits, FindSnippets(service_, caller_.viewer, choice_.sources, request));
    }
    for (auto hit = hits.rbegin(); hit != hits.rend(); ++hit) request.snippets.push_back({hit->hit.path, hit->hit.language, hit->hit.text});
    Cite(Number(service_, hits));
    TokenMeter meter(service_.quotas(), caller_.tenant, caller_.viewer.name());
    ASSIGN_OR_RETURN(ChatUsage usage, model->Fill(request, sampling, gone_.get_token(), [&](std::string_view text) {
                       meter.Count(text);
                       Say(generate::VisibleText(text));
                     }));
    Settle(meter, usage);
    return ChatEnd{usage, {}, named, "", "", sampling.adapter};
  }

  Service& service_;
  Caller caller_;  // with the viewer that the model's name leaves
  const ChatCall& call_;
  ModelChoice choice_;
  const ChatSink& sink_;
  size_t answer_bytes_ = 0;
  std::stop_source gone_;
  std::stop_callback<std::function<void()>> forward_;
};

}  // namespace

Result<ChatEnd> RunChat(Service& service, const Caller& caller, const ChatCall& call, std::stop_token stop, const ChatSink& sink) {
  ASSIGN_OR_RETURN(ModelChoice choice, ParseModel(service, caller, call.model));
  return ChatRun(service, caller, call, std::move(choice), stop, sink).Run();
}

std::string OriginJson(const ChatEnd& end) {
  Json json = {{"generator", end.generator}, {"route", end.route}};
  if (!end.arm.empty()) json["arm"] = end.arm;
  if (!end.adapter.empty()) json["adapter"] = end.adapter;
  return json.dump();
}

Result<std::vector<std::string>> ModelNames(Service& service, const Caller& caller) {
  std::vector<std::string> names = {std::string(kModelName)};
  for (const std::string& generator : service.generators().names()) names.push_back(std::string(kModelName) + "/" + generator);
  if (service.generators().Model("").ok()) names.push_back(std::string(kModelName) + "/" + std::string(kRaw));
  for (const std::string& adapter : service.generators().AdaptersFor(AdapterChoice(caller, ""))) names.push_back(std::string(kModelName) + "+" + adapter);
  ASSIGN_OR_RETURN(auto visible, service.directory().VisibleSources(caller.viewer));
  for (const acl::VisibleSource& source : visible) names.push_back(std::string(kModelName) + ":" + source.name);
  for (const std::string& team : caller.teams) {
    std::string name = std::string(kModelName) + ":" + team;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

Status CheckModel(Service& service, const Caller& caller, std::string_view name) {
  return ParseModel(service, caller, name).status();
}

std::string CitationsJson(const std::vector<ChatCitation>& citations) {
  Json list = Json::array();
  for (const ChatCitation& citation : citations) {
    const Hit& hit = citation.hit.hit;
    list.push_back({{"n", citation.n}, {"source", citation.hit.source}, {"commit", hit.revision}, {"path", hit.path},
                    {"start_line", hit.start_line}, {"end_line", hit.end_line}, {"url", citation.url}});
  }
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
