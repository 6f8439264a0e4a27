#include "gloss/abbreviations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace codelore::gloss {
namespace {

bool IsPlain(std::string_view text, bool spaces) {
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || (spaces && c == ' ');
  });
}

TEST(Abbreviations, AreLowerCaseAscendingAndEachOnce) {
  std::string_view last;
  for (const Abbreviation& entry : Abbreviations()) {
    EXPECT_TRUE(IsPlain(entry.abbreviation, false)) << entry.abbreviation;
    EXPECT_TRUE(IsPlain(entry.words, true)) << entry.words;
    EXPECT_LT(last, entry.abbreviation);
    last = entry.abbreviation;
  }
}

TEST(Abbreviations, AreShorterThanWhatTheyStandFor) {
  for (const Abbreviation& entry : Abbreviations()) {
    for (size_t begin = 0; begin < entry.words.size();) {
      size_t end = std::min(entry.words.find(' ', begin), entry.words.size());
      EXPECT_GT(end - begin, entry.abbreviation.size()) << entry.abbreviation << ": " << entry.words;
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace codelore::gloss
