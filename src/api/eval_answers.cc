#include "api/eval_answers.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "api/answer_figures.h"
#include "api/answer_judge.h"
#include "api/eval_run.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

// ---- reading ---------------------------------------------------------------------------------------------

Status ReadFacts(const Json& json, JudgedQuestion& question) {
  for (const Json& fact : json.value("facts", Json::array())) {
    std::vector<std::string> spellings;
    if (fact.is_array()) {
      for (const Json& spelling : fact) spellings.push_back(spelling.get<std::string>());
    } else {
      spellings.push_back(fact.is_number() ? fact.dump() : fact.get<std::string>());
    }
    if (spellings.empty() || spellings.front().empty()) return InvalidArgument("a fact is empty");
    question.facts.push_back(std::move(spellings));
  }
  return OkStatus();
}

Result<JudgedQuestion> ReadQuestion(const std::string& line, size_t number) {
  Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("expected a JSON object");
  JudgedQuestion question{.id = json.value("_id", std::to_string(number)), .text = json.value("question", ""),
                          .category = json.value("category", ""), .source = json.value("source", ""), .passages = {}, .facts = {},
                          .unanswerable = json.value("unanswerable", false)};
  if (question.text.empty()) return InvalidArgument("expected a string 'question'");
  for (const Json& passage : json.value("passages", Json::array())) {
    ASSIGN_OR_RETURN(GoldPassage gold, GoldPassage::Parse(passage.get<std::string>()));
    if (question.source.empty()) question.source = gold.source;
    if (gold.source != question.source) return InvalidArgument("the passages are of several sources; a question is asked in one");
    question.passages.push_back(std::move(gold));
  }
  RETURN_IF_ERROR(ReadFacts(json, question));
  const bool judged = !question.passages.empty() || !question.facts.empty();
  if (question.unanswerable && judged) return InvalidArgument("an unanswerable question has neither passages nor facts");
  if (!question.unanswerable && !judged) return InvalidArgument("expected 'passages' or 'facts', or \"unanswerable\": true");
  if (question.source.empty()) return InvalidArgument("expected a string 'source', or a passage that names one");
  return question;
}

Result<std::map<std::string, std::vector<JudgedQuestion>>> ReadQuestions(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  std::map<std::string, std::vector<JudgedQuestion>> by_source;
  std::istringstream in(text);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    try {
      auto question = ReadQuestion(line, number);
      if (!question.ok()) return question.status().In(path + " line " + std::to_string(number));
      by_source[question->source].push_back(std::move(*question));
    } catch (const Json::exception& error) {  // a field of another type than expected
      return InvalidArgument(path + " line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (by_source.empty()) return InvalidArgument(path + ": holds no question");
  return by_source;
}

// ---- figures ---------------------------------------------------------------------------------------------

// Each figure over the questions that have it.
class FigureMeans {
 public:
  void Add(const Figures& figures) {
    for (const auto& [name, value] : figures) {
      sums_[name].first += value;
      ++sums_[name].second;
    }
    ++questions_;
  }
  Json ToJson() const {
    Json json = {{"questions", questions_}};
    for (const char* name : {"citation_precision", "citation_recall", "groundedness", "fact_recall", "false_refusal", "refusal"}) {
      auto at = sums_.find(name);
      if (at != sums_.end()) json[name] = std::round(at->second.first / static_cast<double>(at->second.second) * 1e4) / 1e4;
    }
    return json;
  }

 private:
  std::map<std::string, std::pair<double, size_t>> sums_;
  size_t questions_ = 0;
};

struct TimedAnswer {
  GivenAnswer answer;
  std::string generator;
  double citations_ms = 0, answer_ms = 0;
};

// ---- running ---------------------------------------------------------------------------------------------

class AnswerEvaluation {
 public:
  AnswerEvaluation(Service& service, const AnswerEvalOptions& options, const EvalHooks& hooks) : service_(service), options_(options), hooks_(hooks) {}

  Result<std::string> Run() {
    ASSIGN_OR_RETURN(auto questions, ReadQuestions(options_.file));
    if (!options_.judge.empty()) {
      ASSIGN_OR_RETURN(judge_, service_.generators().Model(options_.judge));
    }
    if (!options_.per_question_file.empty()) {
      per_question_.open(options_.per_question_file);
      if (!per_question_) return InvalidArgument(options_.per_question_file + ": cannot be written");
    }
    for (const auto& [source, list] : questions) RETURN_IF_ERROR(AskIn(source, list));
    return Report();
  }

 private:
  Status AskIn(const std::string& source, const std::vector<JudgedQuestion>& questions) {
    auto ask = [&](const Viewer& viewer) { return AskAll(viewer, questions); };
    if (options_.repositories.empty()) {
      ASSIGN_OR_RETURN(TenantId tenant, service_.directory().FindTenant(acl::kDefaultTenant));
      ASSIGN_OR_RETURN(Viewer viewer, service_.directory().OperatorViewer(tenant));
      return ask(viewer);
    }
    const std::string root = options_.repositories + "/" + source;
    if (!std::filesystem::is_directory(root)) return NotFound(root + ": there is no such folder; questions ask in the source '" + source + "'");
    ASSIGN_OR_RETURN(auto documents, ReadTree(root, ""));
    EvalIndex index(service_, options_.mode, hooks_);
    return index.With(source, documents, ask);
  }

  Status AskAll(const Viewer& viewer, const std::vector<JudgedQuestion>& questions) {
    for (const JudgedQuestion& question : questions) {
      if (hooks_.stop.stop_requested()) return Unavailable("interrupted");
      hooks_.progress(question.source + ": " + question.id);
      ASSIGN_OR_RETURN(TimedAnswer given, Ask(viewer, question, options_.generator));
      Figures figures = FiguresOf(question, given.answer);
      all_.Add(figures);
      if (!question.category.empty()) categories_[question.category].Add(figures);
      citations_ms_.push_back(given.citations_ms);
      answer_ms_.push_back(given.answer_ms);
      generators_.insert(given.generator);
      std::string verdict;
      if (judge_ != nullptr && !question.unanswerable) {
        ASSIGN_OR_RETURN(verdict, Compare(viewer, question, given));
      }
      WriteQuestion(question, given, figures, verdict);
    }
    return OkStatus();
  }

  Result<TimedAnswer> Ask(const Viewer& viewer, const JudgedQuestion& question, const std::string& generator) {
    TimedAnswer given;
    std::vector<NamedHit> hits;
    std::set<uint32_t> used;
    auto start = std::chrono::steady_clock::now();
    auto since = [&] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(); };
    AnswerSink sink{.citations = [&](const std::vector<NamedHit>& found) { hits = found; given.citations_ms = since(); },
                    .piece = [&](const AnswerPiece& piece) {
                      given.answer.text += piece.text;
                      for (const Support& support : piece.supports) {
                        used.insert(support.passage);
                        given.answer.cited.push_back({hits[support.passage].hit.path, support.start_line, support.end_line});
                      }
                    }};
    ASSIGN_OR_RETURN(AnswerSummary summary, service_.Ask(viewer, {.text = question.text, .sources = {question.source}, .generator = generator}, hooks_.stop, sink));
    given.answer_ms = since();
    given.answer.found = summary.found;
    given.generator = summary.generator;
    for (uint32_t i : used) {
      const Hit& hit = hits[i].hit;
      given.answer.evidence += hit.text + "\n" + hit.path + "\n" + hit.symbol + "\n" + hit.scope + "\n" + hit.signature + "\n";
    }
    return given;
  }

  Result<std::string> Compare(const Viewer& viewer, const JudgedQuestion& question, const TimedAnswer& given) {
    ASSIGN_OR_RETURN(TimedAnswer other, Ask(viewer, question, options_.against));
    ASSIGN_OR_RETURN(Judgement judgement, Judge(*judge_, question.text, given.answer.text, other.answer.text, hooks_.stop));
    by_position_ += judgement.by_position ? 1 : 0;
    std::string verdict(VerdictName(judgement.verdict));
    ++verdicts_[verdict];
    return verdict;
  }

  void WriteQuestion(const JudgedQuestion& question, const TimedAnswer& given, const Figures& figures, const std::string& verdict) {
    if (!per_question_.is_open()) return;
    Json line = {{"_id", question.id}, {"source", question.source}, {"question", question.text}, {"found", given.answer.found}};
    for (const auto& [name, value] : figures) line["figures"][name] = value;
    line["missing_facts"] = MissingFacts(question, given.answer.text);
    line["cited"] = Json::array();
    for (const CitedLines& cited : given.answer.cited) {
      line["cited"].push_back(cited.path + "#L" + std::to_string(cited.start_line) + "-L" + std::to_string(cited.end_line));
    }
    if (!verdict.empty()) line["verdict"] = verdict;
    line["answer"] = given.answer.text;
    per_question_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  }

  Result<std::string> Report() {
    if (per_question_.is_open() && !per_question_.flush()) return Internal(options_.per_question_file + ": could not be written to its end");
    Json report = {{"set", std::filesystem::path(options_.file).filename().string()}, {"mode", ModeName(options_.mode)}, {"encoder", service_.encoder()->info().name}};
    report["generators"] = generators_;
    report["mean"] = all_.ToJson();
    for (const auto& [name, means] : categories_) report["categories"][name] = means.ToJson();
    if (judge_ != nullptr) {
      report["judge"] = {{"name", options_.judge}, {"against", options_.against}, {"wins", verdicts_["win"]}, {"ties", verdicts_["tie"]}, {"losses", verdicts_["loss"]},
                         {"ties_by_position", by_position_}, {"refused", verdicts_["refused"]}, {"invalid", verdicts_["invalid"]}};
    }
    auto times = [](const std::vector<double>& values) { return Json{{"p50", Percentile(values, 0.5)}, {"p95", Percentile(values, 0.95)}}; };
    report["latency_ms"] = {{"citations", times(citations_ms_)}, {"answer", times(answer_ms_)}};
    return report.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  Service& service_;
  const AnswerEvalOptions& options_;
  const EvalHooks& hooks_;
  const ChatModel* judge_ = nullptr;
  std::ofstream per_question_;
  FigureMeans all_;
  std::map<std::string, FigureMeans> categories_;
  std::map<std::string, size_t> verdicts_;
  size_t by_position_ = 0;
  std::set<std::string> generators_;
  std::vector<double> citations_ms_, answer_ms_;
};

}  // namespace

Result<std::string> EvaluateAnswers(Service& service, const AnswerEvalOptions& options, const EvalHooks& hooks) {
  return AnswerEvaluation(service, options, hooks).Run();
}

}  // namespace codelore::api
