// codelore eval: of search, and of answers.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/terminal.h"

namespace codelore::cli {
namespace {

using Json = nlohmann::ordered_json;

// A folder that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "codelore-eval-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

SearchMode ModeOf(const std::string& name) {
  return name == "lexical" ? SearchMode::kLexical : name == "vector" ? SearchMode::kVector : SearchMode::kHybrid;
}

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }
std::string Text(const Json& json, const char* name) { return OneLine(json.value(name, "")); }
uint64_t Number(const Json& json, const char* name) { return json.value(name, uint64_t{0}); }

void PrintCell(double value, const char* format) {
  char cell[64];
  std::snprintf(cell, sizeof cell, format, value);
  Print(cell);
}

void PrintRowName(const std::string& name) {
  char cell[64];
  std::snprintf(cell, sizeof cell, "%-22.22s", name.c_str());
  Print(cell);
}

// Opens a service over the data folder given, or one that goes away again.
int RunEvaluation(const Arguments& arguments, const std::function<Result<std::string>(api::Service&, const api::EvalHooks&)>& evaluate,
                  int (*print)(const Json&)) {
  if (Status status = NeedsDataFolder(arguments, "eval"); !status.ok()) return Fail(arguments, status);
  Interrupt interrupt;
  std::optional<ScratchFolder> scratch;
  if (!arguments.data_given) scratch.emplace();
  auto options = ServiceOptionsOf(arguments.backend);
  if (!options.ok()) return Fail(arguments, options.status());
  options->data_folder = scratch ? scratch->path() : arguments.backend.data_folder;
  options->fixed_model = true;
  options->threads = arguments.threads;
  auto service = api::Service::Open(*options);
  if (!service.ok()) return Fail(arguments, service.status());
  ProgressLine line;
  auto result = evaluate(**service, {interrupt.token(), [&](const std::string& what) { line.Show(what); }});
  line.End();
  if (!result.ok()) return Fail(arguments, result.status());
  Json json = Json::parse(*result, nullptr, /*allow_exceptions=*/false);
  if (!arguments.json && json.is_object()) return print(json);
  Print(PrintableJson(*result) + "\n");
  return kSuccess;
}

int PrintEvaluation(const Json& json) {
  Print(Text(json, "set") + "  mode " + Text(json, "mode") + ", encoder " + Text(json, "encoder") + ", " +
        WithThousands(Number(json, "queries")) + " queries, " + WithThousands(Number(json, "documents")) + " documents (" +
        WithThousands(Number(json, "documents_skipped")) + " skipped), " + WithThousands(Number(json, "chunks")) + " chunks\n");
  std::vector<const char*> columns = {"ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10", "recall@20"};
  if (json.contains("corpora")) columns = {"recall", "precision", "iou", "chunk_iou"};
  auto row = [&](const std::string& name, const Json& figures) {
    char line[200];
    std::snprintf(line, sizeof line, "%-22.22s", name.c_str());
    Print(line);
    for (const char* figure : columns) {
      std::snprintf(line, sizeof line, "%10.4f", figures.value(figure, 0.0));
      Print(line);
    }
    Print(figures.contains("queries") ? "  (" + std::to_string(Number(figures, "queries")) + " queries)\n" : "\n");
  };
  std::string heading(22, ' ');
  for (std::string_view column : columns) heading += std::string(10 - column.size(), ' ') + std::string(column);
  Print(heading + "\n");
  for (const char* group : {"repositories", "categories", "corpora"}) {
    if (!json.contains(group)) continue;
    for (const auto& [name, figures] : json[group].items()) row(OneLine(name), figures);
  }
  row("mean", json["mean"]);
  std::string missing;
  for (const Json& name : json.value("missing", Json::array())) missing += " " + OneLine(name.get<std::string>());
  if (!missing.empty()) Print("not here, and left out:" + missing + "\n");
  char latency[80];
  std::snprintf(latency, sizeof latency, "query latency: p50 %.1f ms, p99 %.1f ms\n", json["latency_ms"].value("p50", 0.0),
                json["latency_ms"].value("p99", 0.0));
  Print(latency);
  return kSuccess;
}

int PrintAnswerEvaluation(const Json& json) {
  const Json& mean = json["mean"];
  std::string generators;
  for (const Json& name : json["generators"]) generators += (generators.empty() ? "" : ", ") + OneLine(name.get<std::string>());
  Print(Text(json, "set") + "  mode " + Text(json, "mode") + ", encoder " + Text(json, "encoder") + ", answers by " + generators + ", " +
        std::to_string(Number(mean, "questions")) + " questions\n");
  constexpr const char* kColumns[][2] = {{"citation_precision", "cite.prec"}, {"citation_recall", "cite.rec"}, {"groundedness", "grounded"},
                                         {"fact_recall", "facts"}, {"false_refusal", "refused"}, {"refusal", "unansw."}};
  std::string heading(22, ' ');
  for (const auto& [name, title] : kColumns) heading += std::string(10 - std::string_view(title).size(), ' ') + title;
  Print(heading + "\n");
  auto row = [&](const std::string& name, const Json& figures) {
    PrintRowName(name);
    for (const auto& [figure, title] : kColumns) {
      figures.contains(figure) ? PrintCell(figures.value(figure, 0.0), "%10.4f") : Print("         -");
    }
    Print("  (" + std::to_string(Number(figures, "questions")) + " questions)\n");
  };
  const Json categories = json.value("categories", Json::object());
  for (const auto& [name, figures] : categories.items()) row(OneLine(name), figures);
  row("all", mean);
  if (json.contains("judge")) {
    const Json& judge = json["judge"];
    Print("judged by " + Text(judge, "name") + " against " + Text(judge, "against") + ": " + std::to_string(Number(judge, "wins")) + " better, " +
          std::to_string(Number(judge, "ties")) + " alike (" + std::to_string(Number(judge, "ties_by_position")) + " by their place only), " +
          std::to_string(Number(judge, "losses")) + " worse; no verdict on " + std::to_string(Number(judge, "refused") + Number(judge, "invalid")) + "\n");
  }
  for (const char* what : {"citations", "answer"}) {
    Print(std::string(what) + " after: p50");
    PrintCell(json["latency_ms"][what].value("p50", 0.0), " %.1f ms, p95");
    PrintCell(json["latency_ms"][what].value("p95", 0.0), " %.1f ms\n");
  }
  Print("refused: questions that have an answer; unansw.: refused, of those that have none\n");
  return kSuccess;
}

}  // namespace

int Evaluate(const Arguments& arguments) {
  api::EvalOptions options = arguments.eval;
  options.mode = ModeOf(arguments.mode);
  int sets = !options.folder.empty() + !options.queries_file.empty() + !options.spans_folder.empty();
  if (sets != 1 || options.queries_file.empty() != options.repositories.empty()) {
    return Fail(arguments, InvalidArgument("give one of a BEIR folder, --queries FILE with --repos ROOT, or --spans DIR"));
  }
  return RunEvaluation(arguments, [&](api::Service& service, const api::EvalHooks& hooks) { return api::Evaluate(service, options, hooks); }, PrintEvaluation);
}

int EvaluateAnswers(const Arguments& arguments) {
  api::AnswerEvalOptions options = arguments.answer_eval;
  options.mode = ModeOf(arguments.mode);
  options.generator = arguments.generator;
  if (options.repositories.empty() && !arguments.data_given) {
    return Fail(arguments, InvalidArgument("give --repos DIR, a folder with one folder per source, or --data DIR with the sources indexed in it"));
  }
  return RunEvaluation(arguments, [&](api::Service& service, const api::EvalHooks& hooks) { return api::EvaluateAnswers(service, options, hooks); },
                       PrintAnswerEvaluation);
}

}  // namespace codelore::cli
