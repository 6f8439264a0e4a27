#include "api/eval.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "api/eval_run.h"
#include "api/eval_spans.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

struct EvalQuery {
  std::string id, text, category;
  std::map<std::string, double> gains;  // document -> relevance > 0
};

struct Collection {
  std::string name;
  std::vector<ingest::Document> documents;
  std::map<std::string, std::string> ids;  // path -> document id, where they differ
  std::vector<EvalQuery> queries;
};

// ---- reading ---------------------------------------------------------------------------------------------

Status ForEachJsonLine(const std::string& path, const std::function<Status(const Json&)>& visit) {
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    std::string where = path + " line " + std::to_string(number);
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return InvalidArgument(where + ": expected a JSON object");
    RETURN_IF_ERROR(visit(json).In(where));
  }
  return OkStatus();
}

Result<std::string> StringField(const Json& json, const char* field) {
  auto at = json.find(field);
  if (at == json.end() || !at->is_string()) return InvalidArgument(std::string("expected a string '") + field + "'");
  return at->get<std::string>();
}

// Empty when absent or null.
std::string OptionalString(const Json& json, const char* field) {
  auto at = json.find(field);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

// A document's id as a path: ids that are URLs lose their empty components. Still unique: what would collide gets a
// number.
std::string PathOfId(const std::string& id, const std::map<std::string, std::string>& taken) {
  std::string path;
  for (char c : id) {
    if (c != '/' || (!path.empty() && path.back() != '/')) path += c;
  }
  while (path.ends_with('/')) path.pop_back();
  if (path.empty()) path = "document";
  std::string unique = path;
  for (size_t n = 2; taken.contains(unique); ++n) unique = path + "~" + std::to_string(n);
  return unique;
}

Status ReadQrels(const std::string& path, std::map<std::string, EvalQuery>& queries) {
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  std::istringstream in(text);
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    std::istringstream fields(line);
    std::string query, document, score;
    if (!std::getline(fields, query, '\t') || !std::getline(fields, document, '\t') || !std::getline(fields, score, '\t')) {
      return InvalidArgument(path + " line " + std::to_string(number) + ": expected query, document and score between tabs");
    }
    char* end = nullptr;
    double gain = std::strtod(score.c_str(), &end);
    if (end == score.c_str()) {
      if (number == 1) continue;  // the header
      return InvalidArgument(path + " line " + std::to_string(number) + ": '" + score + "' is not a number");
    }
    if (gain > 0) queries[query].gains[document] = gain;
  }
  return OkStatus();
}

Result<Collection> ReadBeir(const EvalOptions& options) {
  Collection collection;
  collection.name = std::filesystem::path(options.folder).lexically_normal().filename().string();
  std::set<std::string> seen;
  RETURN_IF_ERROR(ForEachJsonLine(options.folder + "/corpus.jsonl", [&](const Json& json) -> Status {
    ASSIGN_OR_RETURN(std::string id, StringField(json, "_id"));
    if (!seen.insert(id).second) return InvalidArgument("the document '" + id + "' appears twice");
    ASSIGN_OR_RETURN(std::string text, StringField(json, "text"));
    std::string title = OptionalString(json, "title");
    std::string path = PathOfId(id, collection.ids);
    collection.ids[path] = std::move(id);
    collection.documents.push_back({std::move(path), title.empty() ? std::move(text) : title + "\n\n" + text});
    return OkStatus();
  }));
  std::map<std::string, EvalQuery> judged;
  RETURN_IF_ERROR(ReadQrels(options.folder + "/qrels/" + options.split + ".tsv", judged));
  RETURN_IF_ERROR(ForEachJsonLine(options.folder + "/queries.jsonl", [&](const Json& json) -> Status {
    ASSIGN_OR_RETURN(std::string id, StringField(json, "_id"));
    auto at = judged.find(id);
    if (at == judged.end() || at->second.gains.empty()) return OkStatus();
    at->second.id = id;
    ASSIGN_OR_RETURN(at->second.text, StringField(json, "text"));
    collection.queries.push_back(at->second);
    return OkStatus();
  }));
  if (collection.queries.empty()) return InvalidArgument(options.folder + ": no query is judged in qrels/" + options.split + ".tsv");
  return collection;
}

// A target that names no file of the checkout stands for the files whose path ends with it.
void AddTarget(const std::string& target, const std::vector<ingest::Document>& documents, EvalQuery& query) {
  auto exact = std::ranges::find(documents, target, &ingest::Document::path);
  if (exact != documents.end()) {
    query.gains[target] = 1;
    return;
  }
  auto suffix = std::ranges::find_if(documents, [&](const auto& d) { return d.path.ends_with("/" + target); });
  query.gains[suffix != documents.end() ? suffix->path : target] = 1;
}

Result<std::map<std::string, std::string>> ReadRoots(const std::string& path) {
  std::map<std::string, std::string> roots;
  if (!std::filesystem::exists(path)) return roots;
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_array()) return InvalidArgument(path + ": expected a JSON array");
  for (const Json& repository : json) {
    if (!repository.is_object()) return InvalidArgument(path + ": expected objects");
    ASSIGN_OR_RETURN(std::string name, StringField(repository, "name"));
    roots[name] = OptionalString(repository, "benchmark_root");
  }
  return roots;
}

Result<std::vector<Collection>> ReadRepositories(const EvalOptions& options, std::set<std::string>& missing) {
  auto beside = std::filesystem::path(options.queries_file).parent_path() / "repos.json";
  ASSIGN_OR_RETURN(auto roots, ReadRoots(beside.string()));
  std::map<std::string, Collection> collections;
  RETURN_IF_ERROR(ForEachJsonLine(options.queries_file, [&](const Json& json) -> Status {
    ASSIGN_OR_RETURN(std::string repository, StringField(json, "repo"));
    std::filesystem::path checkout = std::filesystem::path(options.repositories) / repository;
    if (!std::filesystem::is_directory(checkout)) {
      missing.insert(repository);
      return OkStatus();
    }
    auto [at, added] = collections.try_emplace(repository);
    Collection& collection = at->second;
    if (added) {
      collection.name = repository;
      ASSIGN_OR_RETURN(collection.documents, ReadTree(checkout.string(), roots[repository]));
    }
    EvalQuery query;
    ASSIGN_OR_RETURN(query.id, StringField(json, "_id"));
    ASSIGN_OR_RETURN(query.text, StringField(json, "text"));
    query.category = OptionalString(json, "category");
    for (const char* list : {"relevant", "secondary"}) {
      for (const Json& target : json.value(list, Json::array())) {
        ASSIGN_OR_RETURN(std::string path, StringField(target, "path"));
        AddTarget(path, collection.documents, query);
      }
    }
    if (query.gains.empty()) return InvalidArgument("expected at least one path under 'relevant' or 'secondary'");
    collection.queries.push_back(std::move(query));
    return OkStatus();
  }));
  std::vector<Collection> list;
  for (auto& [name, collection] : collections) list.push_back(std::move(collection));
  if (list.empty()) return NotFound(options.repositories + ": holds none of the repositories the queries name");
  return list;
}

// ---- figures ---------------------------------------------------------------------------------------------

Figures Judge(const EvalQuery& query, const std::vector<std::string>& ranking) {
  double gain = 0, ideal = 0, first = 0;
  std::vector<double> best;
  for (const auto& [document, value] : query.gains) best.push_back(value);
  std::ranges::sort(best, std::greater<>());
  for (size_t i = 0; i < best.size() && i < 10; ++i) ideal += best[i] / std::log2(static_cast<double>(i) + 2);
  Figures figures;
  size_t found = 0;
  for (size_t i = 0; i < 20; ++i) {
    auto at = i < ranking.size() ? query.gains.find(ranking[i]) : query.gains.end();
    if (at != query.gains.end()) {
      ++found;
      if (i < 10) gain += at->second / std::log2(static_cast<double>(i) + 2);
      if (i < 10 && first == 0) first = 1.0 / static_cast<double>(i + 1);
    }
    for (size_t k : {1, 5, 10, 20}) {
      if (i + 1 == k) figures["recall@" + std::to_string(k)] = static_cast<double>(found) / static_cast<double>(best.size());
    }
  }
  figures["ndcg@10"] = gain / ideal;
  figures["mrr@10"] = first;
  return figures;
}

Json FiguresJson(const Figures& figures) {
  Json json = Json::object();
  for (const char* name : {"ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10", "recall@20"}) {
    if (auto at = figures.find(name); at != figures.end()) json[name] = std::round(at->second * 1e4) / 1e4;
  }
  return json;
}

// ---- running ---------------------------------------------------------------------------------------------

class Evaluation {
 public:
  Evaluation(Service& service, const EvalOptions& options, const EvalHooks& hooks)
      : service_(service), options_(options), hooks_(hooks), index_(service, options.mode, hooks) {}

  Result<std::string> Run() {
    ASSIGN_OR_RETURN(auto collections, Read());
    if (!options_.per_query_file.empty()) {
      per_query_.open(options_.per_query_file);
      if (!per_query_) return InvalidArgument(options_.per_query_file + ": cannot be written");
    }
    Mean repositories;
    Json each = Json::object();
    for (const Collection& collection : collections) {
      ASSIGN_OR_RETURN(Mean mean, RunCollection(collection));
      each[collection.name] = FiguresJson(mean.Value());
      each[collection.name]["queries"] = mean.count();
      repositories.Add(mean.Value());
    }
    return Report(repositories, each);
  }

 private:
  Result<std::vector<Collection>> Read() {
    if (!options_.queries_file.empty()) return ReadRepositories(options_, missing_);
    ASSIGN_OR_RETURN(Collection collection, ReadBeir(options_));
    return std::vector<Collection>{std::move(collection)};
  }

  Result<Mean> RunCollection(const Collection& collection) {
    Mean mean;
    RETURN_IF_ERROR(index_.With(collection.name, collection.documents, [&](const Viewer& viewer) { return AskAll(collection, viewer, mean); }));
    queries_ += collection.queries.size();
    chunks_ += chunks_of_collection_;
    return mean;
  }

  Status AskAll(const Collection& collection, const Viewer& viewer, Mean& mean) {
    for (const EvalQuery& query : collection.queries) {
      if (hooks_.stop.stop_requested()) return Unavailable("interrupted");
      ASSIGN_OR_RETURN(Figures figures, RunQuery(collection, query, collection.name, viewer));
      mean.Add(figures);
      if (!query.category.empty()) categories_[query.category].Add(figures);
    }
    return OkStatus();
  }

  Result<Figures> RunQuery(const Collection& collection, const EvalQuery& query, const std::string& source,
                           const Viewer& viewer) {
    auto start = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(SearchReply reply, service_.Search(viewer, {.text = query.text, .mode = options_.mode, .sources = {source}, .limit = std::max<size_t>(20, options_.candidates)}));
    latencies_ms_.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    chunks_of_collection_ = reply.chunks;
    std::vector<std::string> ranking;
    for (const NamedHit& named : reply.hits) {
      auto id = collection.ids.find(named.hit.path);
      ranking.push_back(id == collection.ids.end() ? named.hit.path : id->second);
    }
    Figures figures = Judge(query, ranking);
    if (per_query_.is_open()) {
      Json line = {{"_id", query.id}, {"set", collection.name}, {"category", query.category}, {"text", query.text}};
      line.update(FiguresJson(figures));
      line["relevant"] = query.gains;
      line["ranking"] = std::vector<std::string>(ranking.begin(), ranking.begin() + static_cast<ptrdiff_t>(std::min<size_t>(10, ranking.size())));
      for (size_t i = 0; i < std::min(options_.candidates, reply.hits.size()); ++i) {
        Json candidate = {{"id", ranking[i]}, {"path", reply.hits[i].hit.path}};
        for (const auto& [name, value] : reply.hits[i].hit.why.features) candidate[name] = value;
        line["candidates"].push_back(std::move(candidate));
      }
      per_query_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    }
    return figures;
  }

  std::string Report(const Mean& repositories, const Json& each) const {
    Json report = {{"set", options_.queries_file.empty() ? options_.folder : options_.queries_file},
                   {"mode", ModeName(options_.mode)},
                   {"encoder", service_.encoder()->info().name},
                   {"queries", queries_},
                   {"documents", index_.indexed()},
                   {"documents_skipped", index_.skipped()},
                   {"chunks", chunks_},
                   {"mean", FiguresJson(repositories.Value())}};
    if (!options_.queries_file.empty()) {
      report["repositories"] = each;
      Json categories = Json::object();
      for (const auto& [name, mean] : categories_) {
        categories[name] = FiguresJson(mean.Value());
        categories[name]["queries"] = mean.count();
      }
      report["categories"] = categories;
      report["missing"] = missing_;  // named by queries, not there
    }
    report["latency_ms"] = {{"p50", Percentile(latencies_ms_, 0.5)}, {"p99", Percentile(latencies_ms_, 0.99)}};
    return report.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  Service& service_;
  const EvalOptions& options_;
  const EvalHooks& hooks_;
  EvalIndex index_;
  std::ofstream per_query_;
  std::map<std::string, Mean> categories_;
  std::vector<double> latencies_ms_;
  std::set<std::string> missing_;
  size_t queries_ = 0, chunks_ = 0, chunks_of_collection_ = 0;
};

}  // namespace

Result<std::string> Evaluate(Service& service, const EvalOptions& options, const EvalHooks& hooks) {
  try {
    return options.spans_folder.empty() ? Evaluation(service, options, hooks).Run() : EvaluateSpans(service, options, hooks);
  } catch (const Json::exception& error) {  // a field of another type than expected
    return InvalidArgument(std::string("evaluation data: ") + error.what());
  }
}

}  // namespace codelore::api
