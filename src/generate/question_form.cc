#include "generate/question_form.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <utility>

#include "codelore/utf8.h"
#include "generate/excerpt.h"

namespace codelore::generate {
namespace {

constexpr size_t kMaxNameBytes = 120;

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool IsAscii(char c) { return static_cast<uint8_t>(c) < 0x80; }

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n`\"'?!.,;:";
  size_t begin = text.find_first_not_of(kAround);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kAround) + 1 - begin);
}

// Hangul syllables: U+AC00 to U+D7A3, in three bytes.
bool IsHangul(std::string_view text, size_t i) {
  auto byte = [&](size_t k) { return static_cast<uint8_t>(text[i + k]); };
  if (i + 2 >= text.size() || byte(0) < 0xEA || byte(0) > 0xED) return false;
  uint32_t c = (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  return c >= 0xAC00 && c <= 0xD7A3;
}

bool HasHangul(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsHangul(text, i)) return true;
  }
  return false;
}

std::string_view WithoutArticle(std::string_view text, bool* had) {
  std::string lower = LowerCase(text);
  for (std::string_view article : {"a ", "an ", "the "}) {
    if (!lower.starts_with(article)) continue;
    *had = true;
    return Trimmed(text.substr(article.size()));
  }
  return text;
}

// A path of identifiers, perhaps with "()" behind it.
std::optional<std::string> CodeName(std::string_view text) {
  text = Trimmed(text);
  if (text.ends_with("()")) text.remove_suffix(2);
  bool plain = !text.empty() && text.size() <= kMaxNameBytes && !std::isdigit(static_cast<unsigned char>(text[0])) &&
               std::ranges::all_of(text, [](char c) { return (IsAscii(c) && std::isalnum(static_cast<unsigned char>(c))) || std::string_view("_.:#$").find(c) != std::string_view::npos; });
  return plain && std::ranges::any_of(text, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }) ? std::optional(std::string(text)) : std::nullopt;
}

// It is spelled as no word of prose is.
bool LooksLikeCode(std::string_view name) {
  return name.find_first_of("_.:#$") != name.npos || std::ranges::any_of(name.substr(1), [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; });
}

std::optional<std::string> EnglishSubject(std::string_view question) {
  const std::string lower = LowerCase(question);
  for (std::string_view phrase : {"what is ", "what's ", "what are ", "what does ", "define ", "explain "}) {
    if (!lower.starts_with(phrase)) continue;
    std::string_view subject = Trimmed(question.substr(phrase.size()));
    if (phrase == "what does ") {
      std::string rest = LowerCase(subject);
      if (!rest.ends_with(" do")) return std::nullopt;
      subject = Trimmed(subject.substr(0, subject.size() - 3));
    }
    bool prose = false;
    auto name = CodeName(WithoutArticle(subject, &prose));
    return name && (!prose || LooksLikeCode(*name)) ? name : std::nullopt;
  }
  return std::nullopt;
}

// "X란 무엇인가요", "X는 뭐야", "X이란?"
std::optional<std::string> KoreanSubject(std::string_view question) {
  size_t end = 0;
  while (end < question.size() && IsAscii(question[end]) && !IsSpace(question[end]) && question[end] != '?') ++end;
  auto name = CodeName(question.substr(0, end));
  if (!name) return std::nullopt;
  std::string_view rest = question.substr(end);
  while (!rest.empty() && IsSpace(rest.front())) rest.remove_prefix(1);
  for (std::string_view particle : {"이란", "란", "은", "는", "이", "가"}) {
    if (!rest.starts_with(particle)) continue;
    bool defines = particle.ends_with("란");
    std::string_view asked = Trimmed(rest.substr(particle.size()));
    bool what = asked.starts_with("무엇") || asked.starts_with("뭐") || asked.starts_with("뭔") || asked.starts_with("무슨");
    return what || (defines && asked.empty()) ? name : std::nullopt;
  }
  return std::nullopt;
}

using Sides = std::optional<std::pair<std::string_view, std::string_view>>;

Sides SplitAt(std::string_view text, std::string_view separator) {
  size_t at = LowerCase(text).find(separator);
  if (at == text.npos) return std::nullopt;
  return std::pair(Trimmed(text.substr(0, at)), Trimmed(text.substr(at + separator.size())));
}

Sides EnglishSides(std::string_view question) {
  const std::string lower = LowerCase(question);
  if (size_t at = lower.find("between "); at != lower.npos && lower.substr(0, at).find("differen") != lower.npos) {
    return SplitAt(question.substr(at + 8), " and ");
  }
  for (std::string_view phrase : {"how does ", "how do ", "how is ", "how are "}) {
    if (!lower.starts_with(phrase)) continue;
    for (std::string_view separator : {" differ from ", " different from ", " compare to ", " compared to "}) {
      if (auto sides = SplitAt(question.substr(phrase.size()), separator)) return sides;
    }
  }
  for (std::string_view separator : {" versus ", " vs. ", " vs "}) {
    if (auto sides = SplitAt(question, separator)) return sides;
  }
  return std::nullopt;
}

// "A와 B의 차이", "A랑 B 차이가 뭐예요"
Sides KoreanSides(std::string_view question) {
  size_t at = question.find("차이");
  if (at == question.npos) return std::nullopt;
  std::string_view both = question.substr(0, at);
  while (!both.empty() && IsSpace(both.back())) both.remove_suffix(1);
  if (both.ends_with("의")) both.remove_suffix(std::string_view("의").size());
  for (std::string_view separator : {"이랑 ", "하고 ", "와 ", "과 ", "랑 "}) {
    if (auto sides = SplitAt(both, separator)) return sides;
  }
  return std::nullopt;
}

bool AsksForSteps(std::string_view question) {
  const std::string lower = LowerCase(question);
  auto has = [&](std::initializer_list<std::string_view> phrases) {
    return std::ranges::any_of(phrases, [&](std::string_view phrase) { return lower.find(phrase) != lower.npos; });
  };
  return has({"how to ", "how do ", "how can ", "how should ", "how does ", "steps to", "step by step", "방법", "하려면", "어떻게", "절차", "순서"});
}

}  // namespace

std::string_view LastComponent(std::string_view name) {
  size_t at = name.find_last_of(".:#");
  return at == name.npos ? name : name.substr(at + 1);
}

QuestionForm FormOf(std::string_view question) {
  QuestionForm form{.korean = HasHangul(question)};
  question = Utf8Prefix(question, 1000);  // what is longer is no short question
  std::string_view asked = Trimmed(question);
  Sides sides = EnglishSides(asked);
  if (!sides) sides = KoreanSides(asked);
  if (sides) {
    bool article = false;
    std::string first(WithoutArticle(sides->first, &article)), second(WithoutArticle(sides->second, &article));
    if (!first.empty() && !second.empty() && first.size() <= kMaxNameBytes && second.size() <= kMaxNameBytes) {
      form.form = AnswerForm::kDifference;
      form.names = {std::move(first), std::move(second)};
      return form;
    }
  }
  std::optional<std::string> subject = EnglishSubject(asked);
  if (!subject) subject = KoreanSubject(asked);
  if (auto bare = CodeName(asked); !subject && bare && LooksLikeCode(*bare)) subject = bare;
  if (subject) {
    form.form = AnswerForm::kDefinition;
    form.names = {std::move(*subject)};
  } else if (AsksForSteps(asked)) {
    form.form = AnswerForm::kSteps;
  }
  return form;
}

}  // namespace codelore::generate
