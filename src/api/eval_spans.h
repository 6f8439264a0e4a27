// Evaluation of passages: how much of the spans that answer a question comes back, and how much else with it. Scores
// chunker and ranking together.
//
// The data: a folder with questions_df.csv (question, references, corpus_id; references is a JSON array of objects with
// start_index and end_index, in characters of the text) and corpora/ID.md, the layout of Chroma's chunking evaluation
// (Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval", 2024).
#ifndef CODELORE_API_EVAL_SPANS_H_
#define CODELORE_API_EVAL_SPANS_H_

#include <string>
#include <string_view>
#include <vector>

#include "api/eval.h"

namespace codelore::api {

// Characters [begin, end).
struct CharacterSpan {
  size_t begin = 0;
  size_t end = 0;
  auto operator<=>(const CharacterSpan&) const = default;
};

// Sorted, without overlap.
std::vector<CharacterSpan> United(std::vector<CharacterSpan> spans);
// How many characters lie in both; both as United gives them.
size_t Overlap(const std::vector<CharacterSpan>& a, const std::vector<CharacterSpan>& b);

// Records of fields, as RFC 4180 has them: quotes around fields, doubled inside, may enclose line breaks.
Result<std::vector<std::vector<std::string>>> ParseCsv(std::string_view text);

// Like Evaluate(). "mean" and, for each text, "corpora" have, in characters and with the best EvalOptions::hits chunks
// of all texts together:
//   recall     share of the spans that was retrieved
//   precision  share of the retrieved that belongs to a span
//   iou        both: spans retrieved / (all retrieved + spans missed)
//   chunk_iou  spans / all chunks that hold a part of one: what retrieval without fault would give. Says nothing about
//              ranking, only how closely chunks can fit.
Result<std::string> EvaluateSpans(Service& service, const EvalOptions& options, const EvalHooks& hooks);

}  // namespace codelore::api

#endif  // CODELORE_API_EVAL_SPANS_H_
