// EvaluateAnswers: how good answers are, on questions with gold passages and gold facts, and on those that have no answer.
#ifndef CODELORE_API_EVAL_ANSWERS_H_
#define CODELORE_API_EVAL_ANSWERS_H_

#include <string>

#include "api/eval.h"

namespace codelore::api {

struct AnswerEvalOptions {
  std::string file;          // JSON lines, see below
  std::string repositories;  // folder of folders, one per source that questions name; empty: asks what the data folder holds
  std::string generator;     // empty: chosen as for any question
  std::string judge;         // a generator that compares with `against`; empty: nobody
  std::string against = "extractive";
  std::string per_question_file;  // one JSON object per line; empty: none
  SearchMode mode = SearchMode::kHybrid;  // kLexical: without vectors
};

// A line: {"_id": "q1", "question": "...", "source": "flask", "passages": ["flask:src/app.py#L1-L9"], "facts": ["15", ["first
// spelling", "another"]], "category": "..."} or with "unanswerable": true in place of passages and facts. "source" may be left
// out where a passage names it.
//
// The figures as a JSON object: {"set", "generator", "questions", "mean": {...}, "categories": {...}, "judge": {"against",
// "wins", "ties", "losses", "ties_by_position", "refused", "invalid"}, "latency_ms": {"citations": {"p50", "p95"}, "answer": ...}}. Each figure is the mean over the questions that have it: see
// answer_figures.h. See answer_judge.h for how a judge is asked.
Result<std::string> EvaluateAnswers(Service& service, const AnswerEvalOptions& options, const EvalHooks& hooks);

}  // namespace codelore::api

#endif  // CODELORE_API_EVAL_ANSWERS_H_
