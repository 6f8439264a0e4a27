// Korean words in English: what lets a Korean question find English-named code, and Korean text be read by an encoder
// that knows no Korean. A word list (korean_words.txt) and the endings of Korean words, nothing statistical: the same
// text always gives the same English, and an unknown word gives none.
//
// A run of Hangul is cut where the cheapest path lies: known words (재시도 "retry") and endings (했습니다) cost little,
// each syllable that neither explains costs more. So 요청재시도를 is 요청 + 재시도 + an ending.
#ifndef CODELORE_GLOSS_KOREAN_H_
#define CODELORE_GLOSS_KOREAN_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::gloss {

enum class PieceKind : uint8_t { kWord, kEnding, kUnknown };

struct KoreanPiece {
  PieceKind kind = PieceKind::kUnknown;
  std::string_view korean;                      // of the text
  std::span<const std::string_view> english;    // of a word: the one to read it as, then others; valid forever
};

// Whether the text has a Hangul syllable.
bool HasHangul(std::string_view text);

// The runs of Hangul syllables in a text: views into it, in order. Broken UTF-8 is between runs.
std::vector<std::string_view> HangulRuns(std::string_view text);

// `run` holds Hangul syllables only. Its pieces, joined, are the run. Linear in its length.
std::vector<KoreanPiece> ReadKorean(std::string_view run);

// The text with each run of Hangul replaced by the English of its words; what is unknown leaves nothing.
std::string InEnglish(std::string_view text);

}  // namespace codelore::gloss

#endif  // CODELORE_GLOSS_KOREAN_H_
