// A model that compares two answers to one question.
#ifndef CODELORE_API_ANSWER_JUDGE_H_
#define CODELORE_API_ANSWER_JUDGE_H_

#include <stop_token>
#include <string>
#include <string_view>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::api {

enum class Verdict {
  kWin,      // the first answer is better, in whichever order they are shown
  kLoss,
  kTie,      // by the judge's word, or because who is better depends on who is shown first
  kRefused,  // the judge would not say
  kInvalid,  // what it said is no verdict
};

struct Judgement {
  Verdict verdict = Verdict::kTie;
  bool by_position = false;  // a tie because the judge preferred a place, not an answer
};

// Asks twice, with the answers in either order. A model that can be held to a form is held to the three words there are. Answers
// are data: they stand in blocks that nothing in them can close. Fails as the model does.
Result<Judgement> Judge(const ChatModel& model, const std::string& question, const std::string& answer, const std::string& other, std::stop_token stop);

// What one reply says of the answer shown first.
Verdict VerdictIn(std::string_view reply);

std::string_view VerdictName(Verdict verdict);  // "win", "loss", "tie", "refused", "invalid"

}  // namespace codelore::api

#endif  // CODELORE_API_ANSWER_JUDGE_H_
