#include "generate/question_form.h"

#include <gtest/gtest.h>

#include <utility>

namespace codelore::generate {
namespace {

using Names = std::vector<std::string>;

TEST(QuestionFormTest, KnowsWhatIsAskedFor) {
  const std::vector<std::pair<std::string, std::pair<AnswerForm, Names>>> cases = {
      {"what is SessionInterface?", {AnswerForm::kDefinition, {"SessionInterface"}}},
      {"What does `Context.ClientIP()` do?", {AnswerForm::kDefinition, {"Context.ClientIP"}}},
      {"what is the DefaultBodyLimit", {AnswerForm::kDefinition, {"DefaultBodyLimit"}}},
      {"what is jsonify", {AnswerForm::kDefinition, {"jsonify"}}},
      {"what is a refund?", {AnswerForm::kPlain, {}}},
      {"what is the capital of France?", {AnswerForm::kPlain, {}}},
      {"Flask::route", {AnswerForm::kDefinition, {"Flask::route"}}},
      {"route", {AnswerForm::kPlain, {}}},
      {"AppContext란 무엇인가요?", {AnswerForm::kDefinition, {"AppContext"}}},
      {"jsonify란?", {AnswerForm::kDefinition, {"jsonify"}}},
      {"Recovery는 뭐야", {AnswerForm::kDefinition, {"Recovery"}}},
      {"Recovery는 어디에 있나요?", {AnswerForm::kPlain, {}}},
      {"difference between A::b and `c_d`?", {AnswerForm::kDifference, {"A::b", "c_d"}}},
      {"what is the difference between a router and the engine", {AnswerForm::kDifference, {"router", "engine"}}},
      {"how does Bind differ from ShouldBind?", {AnswerForm::kDifference, {"Bind", "ShouldBind"}}},
      {"State vs Extension", {AnswerForm::kDifference, {"State", "Extension"}}},
      {"연차 휴가와 병가의 차이는?", {AnswerForm::kDifference, {"연차 휴가", "병가"}}},
      {"출장비랑 교육비 차이", {AnswerForm::kDifference, {"출장비", "교육비"}}},
      {"how do I upload a file?", {AnswerForm::kSteps, {}}},
      {"배포를 되돌리는 방법은?", {AnswerForm::kSteps, {}}},
      {"", {AnswerForm::kPlain, {}}},
      {" vs ", {AnswerForm::kPlain, {}}},
      {"차이", {AnswerForm::kPlain, {}}},
  };
  for (const auto& [question, expected] : cases) {
    QuestionForm form = FormOf(question);
    EXPECT_EQ(form.form, expected.first) << question;
    EXPECT_EQ(form.names, expected.second) << question;
  }
}

TEST(QuestionFormTest, HangulMakesItKorean) {
  EXPECT_TRUE(FormOf("Recovery는 뭐야").korean);
  EXPECT_FALSE(FormOf("was ist größer? 日本語").korean);
  EXPECT_FALSE(FormOf("\xEA\xB0").korean);  // cut off
}

TEST(QuestionFormTest, AnyBytesAreTaken) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 37);
  for (size_t begin = 0; begin < 300; ++begin) (void)FormOf(std::string_view(bytes).substr(begin, begin * 3));
  EXPECT_EQ(FormOf("what is " + std::string(100'000, 'x')).form, AnswerForm::kPlain);
}

TEST(QuestionFormTest, LastComponentOfANameIsWhatStandsLast) {
  EXPECT_EQ(LastComponent("Flask.route"), "route");
  EXPECT_EQ(LastComponent("a::b#c"), "c");
  EXPECT_EQ(LastComponent("x"), "x");
}

}  // namespace
}  // namespace codelore::generate
