#include "api/protocols/chat.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "api/http/http_target.h"
#include "codelore/utf8.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxContentBytes = 512 * 1024;  // of one message
constexpr size_t kMaxMessages = 512;
constexpr std::string_view kRaw = "raw";

struct ModelChoice {
  std::vector<std::string> sources;  // none: all
  std::string generator;             // empty: the default
  bool raw = false;
};

// "codelore", ":NAME", "/GENERATOR"; ":latest" is what Ollama's clients put behind a name.
Result<ModelChoice> ParseModel(Service& service, const Caller& caller, std::string_view name) {
  Status unknown = NotFound("there is no model '" + std::string(Utf8Prefix(name, 100)) + "'; see the list of models");
  if (name.ends_with(":latest")) name.remove_suffix(7);
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
  if (std::ranges::find(visible, name, &acl::VisibleSource::name) == visible.end()) return unknown;
  choice.sources.emplace_back(name);
  return choice;
}

// Where the lines are shown at a forge, told from the address the source is fetched from: the form that GitHub, GitLab
// and Bitbucket understand. Credentials in the address are left out.
std::string ForgeUrl(const acl::Source& source, const Hit& hit) {
  std::string_view location = source.location;
  size_t scheme = location.find("://");
  if (!location.starts_with("http") || scheme == location.npos) return {};
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

Result<ChatUsage> RunRaw(Service& service, const Caller& caller, const ChatCall& call, std::stop_token stop, const ChatSink& sink) {
  ASSIGN_OR_RETURN(const ChatModel* model, service.generators().Model(""));
  sink.citations({});
  std::vector<ChatMessage> messages = call.history;
  messages.push_back({ChatRole::kUser, call.question});
  TokenMeter meter(service.quotas(), caller.tenant, caller.viewer.name());
  auto usage = model->Chat(messages, call.sampling, stop, [&](std::string_view text) {
    meter.Count(text);
    sink.text(text);
  });
  if (usage.ok() && usage->answer_tokens != 0) meter.Settle(usage->answer_tokens);
  return usage;
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

void ReadMessages(JsonRequest& json, ChatCall& call) {
  std::vector<ChatMessage> messages;
  for (JsonRequest& message : json.Objects("messages", {JsonRequest::kAnyField}, {.required = true, .max_items = kMaxMessages})) {
    std::string role = message.String("role", {.required = true, .max_bytes = 32});
    if (role == "tool" || role == "function") continue;  // what a client's own tools said is not ours to judge
    ChatRole known = role == "system" || role == "developer" ? ChatRole::kSystem : role == "assistant" ? ChatRole::kAssistant : ChatRole::kUser;
    if (known == ChatRole::kUser && role != "user") message.Reject("role", "must be system, developer, user, assistant or tool");
    messages.push_back({known, ContentOf(message)});
  }
  auto last = std::find_if(messages.rbegin(), messages.rend(), [](const ChatMessage& m) { return m.role == ChatRole::kUser; });
  if (last == messages.rend() || last->text.find_first_not_of(" \t\r\n") == std::string::npos) {
    json.Reject("messages", "must hold a message of the user with text");
    return;
  }
  call.question = last->text;
  messages.erase(std::next(last).base());
  call.history = std::move(messages);
}

Result<ChatUsage> RunChat(Service& service, const Caller& caller, const ChatCall& call, std::stop_token stop, const ChatSink& sink) {
  ASSIGN_OR_RETURN(ModelChoice choice, ParseModel(service, caller, call.model));
  size_t answer_bytes = 0;
  std::stop_source gone;
  std::stop_callback forward(stop, [&] { gone.request_stop(); });
  auto may_go_on = [&] {
    if (!caller.CheckStill().ok()) gone.request_stop();
    return !gone.stop_requested();
  };
  ChatSink counted{.citations = [&](const std::vector<ChatCitation>& citations) {
                     caller.GivePlaceBack();
                     if (may_go_on()) sink.citations(citations);
                   },
                   .text = [&](std::string_view text) {
                     if (!may_go_on()) return;
                     answer_bytes += text.size();
                     sink.text(text);
                   }};
  auto complete = [&](ChatUsage usage) {
    if (usage.prompt_tokens == 0) usage.prompt_tokens = static_cast<uint32_t>(EstimatedTokens(call.question));
    if (usage.answer_tokens == 0) usage.answer_tokens = static_cast<uint32_t>((answer_bytes + 3) / 4);
    return usage;
  };
  if (choice.raw) {
    auto usage = RunRaw(service, caller, call, gone.get_token(), counted);
    RETURN_IF_ERROR(caller.CheckStill());
    if (!usage.ok()) return usage;
    return complete(*usage);
  }
  std::vector<ChatCitation> citations;
  std::set<uint32_t> used;
  AnswerSink answer{.citations = [&](const std::vector<NamedHit>& hits) {
                      citations = Number(service, hits);
                      counted.citations(citations);
                    },
                    .piece = [&](const AnswerPiece& piece) {
                      for (const Support& support : piece.supports) used.insert(support.passage);
                      counted.text(piece.text);
                    }};
  auto answered = service.Ask(caller.viewer, {.text = call.question, .sources = choice.sources, .history = call.history,
                                              .generator = choice.generator, .sampling = call.sampling}, gone.get_token(), answer);
  RETURN_IF_ERROR(caller.CheckStill());
  ASSIGN_OR_RETURN(AnswerSummary summary, std::move(answered));
  if (summary.generator != "extractive") counted.text(Footer(citations, used));  // that one names its sources itself
  RETURN_IF_ERROR(caller.CheckStill());
  return complete(summary.usage);
}

Result<std::vector<std::string>> ModelNames(Service& service, const Caller& caller) {
  std::vector<std::string> names = {std::string(kModelName)};
  for (const std::string& generator : service.generators().names()) names.push_back(std::string(kModelName) + "/" + generator);
  if (service.generators().Model("").ok()) names.push_back(std::string(kModelName) + "/" + std::string(kRaw));
  ASSIGN_OR_RETURN(auto visible, service.directory().VisibleSources(caller.viewer));
  for (const acl::VisibleSource& source : visible) names.push_back(std::string(kModelName) + ":" + source.name);
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
