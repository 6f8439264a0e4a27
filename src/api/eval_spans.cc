#include "api/eval_spans.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "api/eval_run.h"
#include "chunker/chunker.h"
#include "chunker/language.h"
#include "codelore/utf8.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

struct SpanQuestion {
  std::string text, corpus;
  std::vector<CharacterSpan> gold;
};

size_t SizeOf(const std::vector<CharacterSpan>& spans) {
  size_t size = 0;
  for (CharacterSpan span : spans) size += span.end - span.begin;
  return size;
}

// ---- reading ---------------------------------------------------------------------------------------------

// A text with its chunks. Spans count characters, chunks count bytes.
class Corpus {
 public:
  explicit Corpus(ingest::Document document) : document_(std::move(document)) {
    const std::string& text = document_.bytes;
    for (size_t i = 0; i < text.size(); ++i) {
      if (!IsUtf8Continuation(text[i])) begins_.push_back(i);
    }
    chunks_ = chunker::ChunkText(document_.path, chunker::DetectLanguage(document_.path, text), text).chunks;
  }

  const ingest::Document& document() const { return document_; }
  size_t characters() const { return begins_.size(); }
  std::vector<CharacterSpan> Chunks() const {
    std::vector<CharacterSpan> spans;
    for (const Chunk& chunk : chunks_) spans.push_back(SpanOf(chunk));
    return spans;
  }
  // A hit has lines and text; a long line is several chunks.
  Result<CharacterSpan> Find(const Hit& hit) const {
    for (const Chunk& chunk : chunks_) {
      bool same = chunk.start_line == hit.start_line && chunk.end_line == hit.end_line &&
                  std::string_view(document_.bytes).substr(chunk.bytes.begin, chunk.bytes.size()) == hit.text;
      if (same) return SpanOf(chunk);
    }
    return Internal(document_.path + ": a hit on line " + std::to_string(hit.start_line) + " is none of the file's chunks");
  }

 private:
  CharacterSpan SpanOf(const Chunk& chunk) const { return {CharacterOf(chunk.bytes.begin), CharacterOf(chunk.bytes.end)}; }
  size_t CharacterOf(size_t byte) const {
    return static_cast<size_t>(std::ranges::lower_bound(begins_, byte) - begins_.begin());
  }

  ingest::Document document_;
  std::vector<size_t> begins_;  // of each character, its first byte
  std::vector<Chunk> chunks_;
};

using Corpora = std::map<std::string, Corpus>;  // by id

Result<Corpora> ReadCorpora(const std::string& folder) {
  Corpora corpora;
  std::error_code error;
  std::filesystem::directory_iterator it(folder + "/corpora", error), end;
  for (; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".md") continue;
    ASSIGN_OR_RETURN(std::string text, ReadText(it->path().string()));
    if (!IsValidUtf8(text)) return InvalidArgument(it->path().string() + ": not UTF-8");
    corpora.emplace(it->path().stem().string(), Corpus({it->path().filename().string(), std::move(text)}));
  }
  if (error) return NotFound(folder + "/corpora: " + error.message());
  return corpora;
}

Result<std::vector<CharacterSpan>> ReadReferences(const std::string& text, size_t characters) {
  Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.empty()) return InvalidArgument("'references' is not a JSON array with at least one span");
  std::vector<CharacterSpan> spans;
  for (const Json& item : list) {
    auto number = [&](const char* name) { return item.is_object() && item.contains(name) && item[name].is_number_unsigned() ? item[name].get<size_t>() : SIZE_MAX; };
    CharacterSpan span{number("start_index"), number("end_index")};
    if (span.begin >= span.end || span.end > characters) {
      return InvalidArgument("a reference is no span of the text, which has " + std::to_string(characters) + " characters");
    }
    spans.push_back(span);
  }
  return United(std::move(spans));
}

Result<std::vector<SpanQuestion>> ReadQuestions(const std::string& path, const Corpora& corpora) {
  ASSIGN_OR_RETURN(std::string text, ReadText(path));
  auto parsed = ParseCsv(text);
  if (!parsed.ok()) return parsed.status().In(path);
  auto column = [&](const char* name) {
    const auto& names = parsed->empty() ? std::vector<std::string>() : parsed->front();
    return static_cast<size_t>(std::ranges::find(names, name) - names.begin());
  };
  size_t width = parsed->empty() ? 0 : parsed->front().size();
  size_t question = column("question"), references = column("references"), corpus = column("corpus_id");
  if (std::max({question, references, corpus}) >= width) return InvalidArgument(path + ": expected the columns question, references and corpus_id");
  std::vector<SpanQuestion> questions;
  for (size_t i = 1; i < parsed->size(); ++i) {
    std::string where = path + " record " + std::to_string(i);
    const std::vector<std::string>& record = (*parsed)[i];
    if (record.size() != width) return InvalidArgument(where + ": expected " + std::to_string(width) + " fields");
    auto at = corpora.find(record[corpus]);
    if (at == corpora.end()) return NotFound(where + ": there is no corpora/" + record[corpus] + ".md");
    auto gold = ReadReferences(record[references], at->second.characters());
    if (!gold.ok()) return gold.status().In(where);
    questions.push_back({record[question], record[corpus], std::move(*gold)});
  }
  if (questions.empty()) return InvalidArgument(path + ": holds no question");
  return questions;
}

// ---- running ---------------------------------------------------------------------------------------------

class SpanEvaluation {
 public:
  SpanEvaluation(Service& service, const EvalOptions& options, const EvalHooks& hooks)
      : service_(service), options_(options), hooks_(hooks), index_(service, options.mode, hooks) {}

  Result<std::string> Run() {
    ASSIGN_OR_RETURN(corpora_, ReadCorpora(options_.spans_folder));
    ASSIGN_OR_RETURN(auto questions, ReadQuestions(options_.spans_folder + "/questions_df.csv", corpora_));
    if (!options_.per_query_file.empty()) {
      per_query_.open(options_.per_query_file);
      if (!per_query_) return InvalidArgument(options_.per_query_file + ": cannot be written");
    }
    RETURN_IF_ERROR(index_.With(kSource, Documents(), [&](const Viewer& viewer) { return AskAll(questions, viewer); }));
    return Report();
  }

 private:
  static constexpr const char* kSource = "spans";

  std::vector<ingest::Document> Documents() const {
    std::vector<ingest::Document> documents;
    for (const auto& [id, corpus] : corpora_) documents.push_back(corpus.document());
    return documents;
  }

  Status AskAll(const std::vector<SpanQuestion>& questions, const Viewer& viewer) {
    for (const SpanQuestion& question : questions) {
      if (hooks_.stop.stop_requested()) return Unavailable("interrupted");
      RETURN_IF_ERROR(Ask(question, viewer));
    }
    return OkStatus();
  }

  Status Ask(const SpanQuestion& question, const Viewer& viewer) {
    auto start = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(SearchReply reply, service_.Search(viewer, {.text = question.text, .mode = options_.mode, .sources = {kSource},
                                                                 .limit = options_.hits, .per_file = 0}));
    latencies_ms_.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    chunks_ = reply.chunks;
    std::vector<CharacterSpan> of_corpus;
    size_t retrieved = 0;
    for (const NamedHit& named : reply.hits) {
      std::string id = std::filesystem::path(named.hit.path).stem().string();
      ASSIGN_OR_RETURN(CharacterSpan span, corpora_.at(id).Find(named.hit));
      retrieved += span.end - span.begin;
      if (id == question.corpus) of_corpus.push_back(span);
    }
    Figures figures = Judge(question, United(std::move(of_corpus)), retrieved);
    mean_.Add(figures);
    by_corpus_[question.corpus].Add(figures);
    if (!per_query_.is_open()) return OkStatus();
    Json line = {{"set", question.corpus}, {"text", question.text}};
    line.update(FiguresJson(figures));
    per_query_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    return OkStatus();
  }

  Figures Judge(const SpanQuestion& question, const std::vector<CharacterSpan>& of_corpus, size_t retrieved) const {
    auto ratio = [](size_t part, size_t whole) { return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole); };
    size_t gold = SizeOf(question.gold), found = Overlap(question.gold, of_corpus), touched = 0;
    for (CharacterSpan chunk : corpora_.at(question.corpus).Chunks()) {
      if (Overlap(question.gold, {chunk}) > 0) touched += chunk.end - chunk.begin;
    }
    return {{"recall", ratio(found, gold)},
            {"precision", ratio(found, retrieved)},
            {"iou", ratio(found, retrieved + gold - found)},
            {"chunk_iou", ratio(gold, touched)}};
  }

  static Json FiguresJson(const Figures& figures) {
    Json json = Json::object();
    for (const char* name : {"recall", "precision", "iou", "chunk_iou"}) json[name] = std::round(figures.at(name) * 1e4) / 1e4;
    return json;
  }

  std::string Report() const {
    Json report = {{"set", options_.spans_folder}, {"mode", ModeName(options_.mode)}, {"encoder", service_.encoder()->info().name},
                   {"queries", mean_.count()}, {"documents", index_.indexed()}, {"documents_skipped", index_.skipped()},
                   {"chunks", chunks_}, {"hits", options_.hits}, {"mean", FiguresJson(mean_.Value())}};
    for (const auto& [id, mean] : by_corpus_) {
      report["corpora"][id] = FiguresJson(mean.Value());
      report["corpora"][id]["queries"] = mean.count();
    }
    report["latency_ms"] = {{"p50", Percentile(latencies_ms_, 0.5)}, {"p99", Percentile(latencies_ms_, 0.99)}};
    return report.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  Service& service_;
  const EvalOptions& options_;
  const EvalHooks& hooks_;
  EvalIndex index_;
  Corpora corpora_;
  std::ofstream per_query_;
  Mean mean_;
  std::map<std::string, Mean> by_corpus_;
  std::vector<double> latencies_ms_;
  uint64_t chunks_ = 0;
};

}  // namespace

std::vector<CharacterSpan> United(std::vector<CharacterSpan> spans) {
  std::ranges::sort(spans);
  std::vector<CharacterSpan> united;
  for (CharacterSpan span : spans) {
    if (united.empty() || united.back().end < span.begin) {
      united.push_back(span);
    } else {
      united.back().end = std::max(united.back().end, span.end);
    }
  }
  return united;
}

size_t Overlap(const std::vector<CharacterSpan>& a, const std::vector<CharacterSpan>& b) {
  size_t overlap = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    size_t begin = std::max(x->begin, y->begin), end = std::min(x->end, y->end);
    overlap += begin < end ? end - begin : 0;
    (x->end < y->end ? x : y)++;
  }
  return overlap;
}

Result<std::vector<std::vector<std::string>>> ParseCsv(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  for (size_t at = 0; at < text.size();) {
    std::vector<std::string>& record = records.emplace_back();
    for (bool more = true; more;) {
      std::string& field = record.emplace_back();
      if (at < text.size() && text[at] == '"') {
        for (++at;; ++at) {
          if (at == text.size()) return InvalidArgument("record " + std::to_string(records.size()) + ": a quote is not closed");
          if (text[at] == '"' && (++at == text.size() || text[at] != '"')) break;
          field += text[at];
        }
      }
      size_t end = std::min(text.find_first_of(",\n", at), text.size());
      field += text.substr(at, end - at);
      more = end < text.size() && text[end] == ',';
      if (!more && field.ends_with('\r')) field.pop_back();
      at = std::min(end + 1, text.size());
    }
  }
  return records;
}

Result<std::string> EvaluateSpans(Service& service, const EvalOptions& options, const EvalHooks& hooks) {
  return SpanEvaluation(service, options, hooks).Run();
}

}  // namespace codelore::api
