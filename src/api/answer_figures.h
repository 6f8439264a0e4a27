// AnswerFigures: how good one answer is, judged by what people wrote down about its question. String work only, so that it
// says the same on every machine.
#ifndef CODELORE_API_ANSWER_FIGURES_H_
#define CODELORE_API_ANSWER_FIGURES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::api {

// "source:path", or with "#L10-L20".
struct GoldPassage {
  std::string source, path;
  uint32_t start_line = 1, end_line = UINT32_MAX;

  // kInvalidArgument when it is neither.
  static Result<GoldPassage> Parse(std::string_view text);
};

// What people say about a question.
struct JudgedQuestion {
  std::string id, text, category;
  std::string source;  // where it is asked
  std::vector<GoldPassage> passages;
  std::vector<std::vector<std::string>> facts;  // each as one of its spellings
  bool unanswerable = false;
};

struct CitedLines {
  std::string path;
  uint32_t start_line = 1, end_line = 1;
};

struct GivenAnswer {
  std::string text;  // Markdown
  std::vector<CitedLines> cited;  // what its pieces rest on
  std::string evidence;  // all that the passages cited say, with their paths and names
  bool found = false;
};

// Of an unanswerable question: "refusal" (1: it was refused). Of others: "false_refusal", "citation_recall" (share of the gold passages that a
// cited range touches), "fact_recall", and where the answer has any: "citation_precision" (share of the cited ranges that
// touch a gold passage), "groundedness" (share of the lines with names or numbers in them whose every name and number, and
// of the quoted lines that as a whole, stand in the evidence).
std::map<std::string, double> FiguresOf(const JudgedQuestion& question, const GivenAnswer& answer);

// Facts of which no spelling is in the answer, by their first one. Case and spaces do not count; what begins or ends with a
// digit is no part of a longer number.
std::vector<std::string> MissingFacts(const JudgedQuestion& question, std::string_view answer);

}  // namespace codelore::api

#endif  // CODELORE_API_ANSWER_FIGURES_H_
