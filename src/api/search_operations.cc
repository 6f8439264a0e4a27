#include "api/search_operations.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "api/conversation.h"
#include "api/follow_up.h"
#include "api/json_request.h"
#include "api/source_json.h"
#include "api/token_vectors.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 100, kMaxOffset = 1000;

// Bytes that are no UTF-8 (names from a repository can hold anything) become U+FFFD.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

int64_t UnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Numbers (from 1) of the lines that carry most of the question, at most five, ascending.
Json MatchLines(const Hit& hit) {
  std::vector<std::pair<float, uint32_t>> lines;
  for (uint32_t i = 0; i < hit.line_weights.size(); ++i) {
    if (hit.line_weights[i] > 0) lines.emplace_back(-hit.line_weights[i], hit.start_line + i);
  }
  std::ranges::sort(lines);
  if (lines.size() > 5) lines.resize(5);
  std::vector<uint32_t> numbers;
  for (auto [weight, number] : lines) numbers.push_back(number);
  std::ranges::sort(numbers);
  return numbers;
}

Json HitJson(const NamedHit& named, size_t rank) {
  const Hit& hit = named.hit;
  Json json = {{"rank", rank},
          {"source", named.source},
          {"commit", hit.revision},
          {"branch", hit.branch},
          {"branches", hit.branches},
          {"path", hit.path},
          {"language", hit.language},
          {"kind", ChunkKindName(hit.kind)},
          {"symbol", hit.symbol},
          {"scope", hit.scope},
          {"start_line", hit.start_line},
          {"end_line", hit.end_line},
          {"snippet", hit.text},
          {"match_lines", MatchLines(hit)},
          {"citation", named.citation}};
  if (!named.link.empty()) json["link"] = named.link;
  return json;
}

Json ExplanationJson(const Hit& hit) {
  Json signals = Json::object();
  for (const auto& [name, amount] : hit.why.signals) signals[name] = amount;
  Json json = {{"score", hit.score},
               {"coverage", hit.coverage},
               {"lexical", {{"rank", hit.why.lexical_rank}, {"score", hit.why.lexical}}},
               {"vector", {{"rank", hit.why.dense_rank}, {"score", hit.why.dense}}},
               {"signals", signals}};
  // Only of a model with heads for them.
  if (hit.why.token_weights > 0) json["token_weights"] = {{"rank", hit.why.token_weights_rank}, {"score", hit.why.token_weights}};
  if (hit.why.token_vectors != 0) json["token_vectors"] = {{"score", hit.why.token_vectors}};
  return json;
}

Json CitationsJson(const std::vector<NamedHit>& hits) {
  Json citations = Json::array();
  for (size_t i = 0; i < hits.size(); ++i) {
    Json citation = HitJson(hits[i], i + 1);
    citation.erase("rank");
    Json numbered = {{"n", i + 1}};
    numbered.update(citation);
    citations.push_back(std::move(numbered));
  }
  return citations;
}

}  // namespace

Result<std::string> SearchOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body,
                                                 {"query", "mode", "syntax", "sources", "paths", "languages", "branch", "limit", "offset", "per_file", "rescore", "explain"}));
  SearchQuestion question;
  question.text = json.String("query", {.required = true});
  std::string mode = json.Choice("mode", {"hybrid", "lexical", "vector"});
  question.mode = mode == "lexical" ? SearchMode::kLexical : mode == "vector" ? SearchMode::kVector : SearchMode::kHybrid;
  std::string syntax = json.Choice("syntax", {"auto", "plain", "query"});
  question.syntax = syntax == "plain" ? QuerySyntax::kPlain : syntax == "query" ? QuerySyntax::kQuery : QuerySyntax::kAuto;
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  question.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = 10}));
  question.offset = static_cast<size_t>(json.Integer("offset", {.min = 0, .max = kMaxOffset, .otherwise = 0}));
  question.per_file = static_cast<size_t>(json.Integer("per_file", {.min = 0, .max = kMaxLimit, .otherwise = 1}));
  question.rescore = static_cast<size_t>(json.Integer("rescore", {.min = 0, .max = kMostRescored, .otherwise = 0}));
  bool explain = json.Boolean("explain", false);
  RETURN_IF_ERROR(json.status());
  if (explain && context.caller.role < Role::kAdministrator) {
    return PermissionDenied("'explain' shows scores and is for administrators");
  }
  ASSIGN_OR_RETURN(SearchReply reply, context.service.Search(context.caller.viewer, question));
  Json hits = Json::array();
  for (const NamedHit& named : reply.hits) {
    hits.push_back(HitJson(named, question.offset + hits.size() + 1));
    if (explain) hits.back()["why"] = ExplanationJson(named.hit);
  }
  return Dump({{"query", question.text},
               {"mode", mode},
               {"read_as", reply.read_as},
               {"hits", hits},
               {"notes", reply.notes},
               {"seen", Json::parse(SeenJson(context, reply.seen))},
               {"vectors_complete", reply.chunks_with_vectors == reply.chunks}});
}

Result<std::string> RerankOperation(OperationContext& context) {
  constexpr size_t kMaxDocuments = 256, kMaxDocumentBytes = 64 * 1024;
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"query", "documents", "top_n", "return_documents", "model"}));
  std::string query = json.String("query", {.required = true});
  std::vector<std::string> documents = json.Strings("documents", {.required = true, .max_items = kMaxDocuments, .max_bytes = kMaxDocumentBytes});
  auto top = static_cast<size_t>(json.Integer("top_n", {.min = 1, .max = kMaxDocuments, .otherwise = kMaxDocuments}));
  bool with_text = json.Boolean("return_documents", false);
  (void)json.String("model", {.max_bytes = 512});  // there is one
  RETURN_IF_ERROR(json.status());
  const TextPairScorer* reranker = context.service.reranker();
  if (reranker == nullptr) return NotFound("there is no reranker: start with --reranker FOLDER");
  std::vector<std::string_view> views(documents.begin(), documents.end());
  ASSIGN_OR_RETURN(std::vector<float> scores, reranker->Score(query, views));
  std::vector<size_t> order(documents.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(order.size(), top));
  Json results = Json::array();
  for (size_t i : order) {
    results.push_back({{"index", i}, {"relevance_score", 1 / (1 + std::exp(-scores[i]))}});
    if (with_text) results.back()["document"] = {{"text", documents[i]}};
  }
  return Dump({{"model", reranker->info().name}, {"results", results}});
}

Result<std::string> AskOperation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"question", "sources", "paths", "languages", "branch", "stream", "generator", "adapter", "max_tokens", "explain", "session"}));
  AskQuestion question;
  question.text = json.String("question", {.required = true});
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.branch = json.String("branch", {.max_bytes = kMaxBranchBytes});
  question.generator = json.String("generator", {.max_bytes = 128});
  question.adapter = json.String("adapter", {.max_bytes = 128});
  question.all_adapters = context.caller.role == Role::kOperator;
  question.sampling.max_tokens = static_cast<uint32_t>(json.Integer("max_tokens", {.min = 1, .max = 32'768, .otherwise = question.sampling.max_tokens}));
  question.teams = context.caller.teams;
  (void)json.Boolean("stream", false);
  std::string session = json.String("session", {.max_bytes = 64});
  bool explain = json.Boolean("explain", false);
  RETURN_IF_ERROR(json.status());
  if (explain && context.caller.role < Role::kAdministrator) {
    return PermissionDenied("'explain' shows what the model is sent and is for administrators");
  }
  Turn turn{.asked_unix_ms = UnixMs(), .question = question.text};
  if (!session.empty()) {
    ASSIGN_OR_RETURN(SeenSession seen, OpenSession(context.service, context.caller, session));
    Context before = ContextOf(seen);
    question.search_text = SearchTextOf(question.text, before.history, before.symbols);
    question.history = std::move(before.history);
    turn.built_on = std::move(before.built_on);
  }
  std::stop_source gone;  // the listener left
  std::stop_callback forward(context.stop, [&] { gone.request_stop(); });
  auto emit = [&](std::string_view event, const Json& data) {
    if (context.emit && !context.emit(event, Dump(data))) gone.request_stop();
  };
  Json citations = Json::array();
  std::string text;
  AnswerSink sink;
  auto may_go_on = [&] {
    if (!context.caller.CheckStill().ok()) gone.request_stop();
    return !gone.stop_requested();
  };
  Json seen = Json::array();
  sink.seen = [&](const std::vector<NamedSeen>& branches) { seen = Json::parse(SeenJson(context, branches)); };
  sink.citations = [&](const std::vector<NamedHit>& hits) {
    context.caller.GivePlaceBack();
    if (!may_go_on()) return;
    citations = CitationsJson(hits);
    for (const NamedHit& hit : hits) turn.citations.push_back(ToStored(hit));
    emit("citations", {{"citations", citations}, {"seen", seen}});
  };
  sink.piece = [&](const AnswerPiece& piece) {
    if (!may_go_on()) return;
    text += piece.text;
    Json supports = Json::array();
    for (const Support& support : piece.supports) {
      supports.push_back({{"n", support.passage + 1}, {"start_line", support.start_line}, {"end_line", support.end_line}});
    }
    emit("text", {{"text", piece.text}, {"supports", supports}});
  };
  Json prompt = Json::array();
  if (explain) {
    sink.prompt = [&](const std::vector<ChatMessage>& messages) {
      constexpr std::string_view kRoles[] = {"system", "user", "assistant", "tool"};
      for (const ChatMessage& message : messages) prompt.push_back({{"role", kRoles[static_cast<size_t>(message.role)]}, {"content", message.text}});
      emit("prompt", {{"prompt", prompt}});
    };
  }
  auto answered = context.service.Ask(context.caller.viewer, question, gone.get_token(), sink);
  RETURN_IF_ERROR(context.caller.CheckStill());
  ASSIGN_OR_RETURN(AnswerSummary summary, std::move(answered));
  Json end = {{"found", summary.found}, {"generator", summary.generator}, {"route", summary.route}};
  if (!summary.arm.empty()) end["arm"] = summary.arm;
  if (!summary.adapter.empty()) end["adapter"] = summary.adapter;
  if (!session.empty()) {
    turn.answer = text;
    turn.generator = summary.generator;
    turn.found = summary.found;
    ASSIGN_OR_RETURN(uint32_t number, context.service.sessions().Append(OwnerOf(context.caller.viewer), session, turn));
    end.update({{"session", session}, {"turn", number}, {"searched", question.search_text}});
  }
  emit("done", end);
  Json reply = {{"question", question.text}, {"answer", text}, {"citations", citations}, {"seen", seen}};
  reply.update(end);
  if (explain) reply["prompt"] = prompt;
  return Dump(reply);
}

}  // namespace codelore::api
