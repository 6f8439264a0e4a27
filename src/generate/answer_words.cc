#include "generate/answer_words.h"

#include <iterator>

namespace codelore::generate {
namespace {

constexpr AnswerWords kEnglish = {.nothing_found = "Nothing found: no passage that you may read fits this question.\n",
                                  .see_also = "See also:\n", .section = "section", .steps = "Steps, from", .used_in = "Used in:\n",
                                  .nothing_about = "Nothing found about", .kind = "kind", .where = "defined in", .declaration = "declaration"};

constexpr AnswerWords kKorean = {.nothing_found = "찾지 못했습니다: 이 질문에 맞으면서 읽을 수 있는 내용이 없습니다.\n",
                                 .see_also = "함께 보기:\n", .section = "절", .steps = "절차,", .used_in = "쓰이는 곳:\n",
                                 .nothing_about = "찾지 못한 것:", .kind = "종류", .where = "정의된 곳", .declaration = "선언",
                                 .korean = true};

}  // namespace

std::string_view AnswerWords::KindName(ChunkKind of) const {
  static constexpr std::string_view kNames[] = {"줄", "코드", "함수", "메서드", "클래스", "인터페이스", "열거형", "타입", "모듈", "변수", "절", "매크로"};
  auto index = static_cast<size_t>(of);
  return korean && index < std::size(kNames) ? kNames[index] : ChunkKindName(of);
}

std::string AnswerWords::InFile(const std::string& symbol, ChunkKind of, const std::string& path) const {
  const std::string name = symbol + " (" + std::string(KindName(of)) + ")";
  return korean ? path + "의 " + name : name + " in " + path;
}

const AnswerWords& WordsFor(bool korean) { return korean ? kKorean : kEnglish; }

}  // namespace codelore::generate
