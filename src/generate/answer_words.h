// AnswerWords: what the extractive answer says in its own words, in the language of the question.
#ifndef CODELORE_GENERATE_ANSWER_WORDS_H_
#define CODELORE_GENERATE_ANSWER_WORDS_H_

#include <string>
#include <string_view>

#include "codelore/chunk.h"

namespace codelore::generate {

struct AnswerWords {
  std::string_view nothing_found, see_also, section, steps, used_in, nothing_about, kind, where, declaration;
  bool korean = false;

  // "`f` (function) in `a.py`"
  std::string InFile(const std::string& symbol, ChunkKind kind, const std::string& path) const;
  std::string_view KindName(ChunkKind kind) const;
};

const AnswerWords& WordsFor(bool korean);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_ANSWER_WORDS_H_
