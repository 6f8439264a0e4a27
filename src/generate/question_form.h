// QuestionForm: what kind of answer a question wants, by its words. English and Korean; rules, no model.
#ifndef CODELORE_GENERATE_QUESTION_FORM_H_
#define CODELORE_GENERATE_QUESTION_FORM_H_

#include <string>
#include <string_view>
#include <vector>

namespace codelore::generate {

enum class AnswerForm { kPlain, kDefinition, kSteps, kDifference };

struct QuestionForm {
  AnswerForm form = AnswerForm::kPlain;
  // kDefinition: the name asked about, as written. kDifference: the two sides.
  std::vector<std::string> names = {};
  bool korean = false;  // it has Hangul in it
};

// "what is X", "what does X do", "define X", "X란 무엇", a bare name: a definition, if X may be a name in code.
// "how do I ...", "steps to ...", "방법", "하려면", "어떻게", "절차": steps.
// "difference between A and B", "how does A differ from B", "A vs B", "A와 B의 차이": a difference.
QuestionForm FormOf(std::string_view question);

// The last component of a name: "route" of "Flask.route", "Flask::route" and "Flask#route".
std::string_view LastComponent(std::string_view name);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_QUESTION_FORM_H_
