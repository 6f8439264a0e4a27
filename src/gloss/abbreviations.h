// Abbreviations that programmers write for English words: a question has "authentication", the file is named auth.py.
// A word list made by hand, not a rule: "form" begins "formatting" and does not stand for it.
#ifndef CODELORE_GLOSS_ABBREVIATIONS_H_
#define CODELORE_GLOSS_ABBREVIATIONS_H_

#include <span>
#include <string_view>

namespace codelore::gloss {

struct Abbreviation {
  std::string_view abbreviation;  // "auth", lower case, singular
  std::string_view words;         // "authentication authorization": what it stands for, lower case
};

// Ascending by abbreviation.
std::span<const Abbreviation> Abbreviations();

}  // namespace codelore::gloss

#endif  // CODELORE_GLOSS_ABBREVIATIONS_H_
