// Evaluation: how well search finds what people judged relevant. The yardstick for all ranking work; it indexes and
// searches through the very Service that serves users.
#ifndef CODELORE_API_EVAL_H_
#define CODELORE_API_EVAL_H_

#include <functional>
#include <stop_token>
#include <string>

#include "api/service.h"

namespace codelore::api {

struct EvalOptions {
  // One of three: a BEIR folder (corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv) ...
  std::string folder;
  std::string split = "test";
  // ... or questions with target files over checkouts (one folder per repository below `repositories`).
  std::string queries_file;
  std::string repositories;
  // ... or questions with the spans that answer them (questions_df.csv, corpora/*.md): see eval_spans.h.
  std::string spans_folder;
  size_t hits = 5;  // of chunks per question, for spans

  SearchMode mode = SearchMode::kHybrid;
  std::string per_query_file;  // one JSON object per line; empty: none
  size_t candidates = 0;       // with so many candidates and their features per query, for tuning
};

struct EvalHooks {
  std::stop_token stop;
  std::function<void(const std::string& what)> progress;
};

// The figures as a JSON object: {"set", "mode", "queries", "mean": {"ndcg@10", ...}, "repositories": {...},
// "categories": {...}, "missing": [...], "latency_ms": {...}}. Indexes into a tenant of its own in the service's data folder and
// removes the sources afterwards; the embedding cache stays, so a second run with the same folder is quick.
//
// nDCG with gains as judged and discount 1/log2(rank + 1) (Jarvelin and Kekalainen, TOIS 2002); for target files
// gains are 0 or 1. A document's rank is that of its best chunk.
Result<std::string> Evaluate(Service& service, const EvalOptions& options, const EvalHooks& hooks);

}  // namespace codelore::api

#endif  // CODELORE_API_EVAL_H_
