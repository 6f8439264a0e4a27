// WordPiece: text to token ids, by the published BERT algorithm (Devlin et al. 2018; Schuster,
// Nakajima 2012).
//
// Text is cleaned of control characters, lower-cased, stripped of accents, split at spaces, around
// every punctuation character and around every ideograph; each word is then cut greedily into the
// longest pieces that the vocabulary has. Ids equal those of Hugging Face `tokenizers` for any
// bytes (see unicode.h for whose Unicode), broken UTF-8 counting as U+FFFD; names of special tokens
// in the text become those tokens, as there. Immutable after Create, hence thread-safe.
#ifndef CODELORE_EMBED_WORDPIECE_H_
#define CODELORE_EMBED_WORDPIECE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"
#include "embed/byte_trie.h"
#include "embed/tokenizer.h"
#include "embed/unicode.h"

namespace codelore::embed {

struct WordPieceOptions {
  bool lower_case = true;
  bool strip_accents = true;
  bool split_ideographs = true;
  // Special tokens, which the vocabulary must have.
  std::string unknown = "[UNK]", first = "[CLS]", last = "[SEP]", padding = "[PAD]",
              mask = "[MASK]";
};

class WordPiece final : public Tokenizer {
 public:
  // `vocabulary`: one token a line, its id the line's number from 0. Fails for bytes that are no
  // such list, naming `file` and the line.
  static Result<WordPiece> Create(std::string_view file, std::string_view vocabulary,
                                  const WordPieceOptions& options);

  // The time is bounded by what `limit` tokens need.
  void Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const override;

  uint32_t size() const override { return size_; }
  SpecialIds special() const override { return ids_; }

 private:
  class Splitter;
  static constexpr uint32_t kWordStart = 0, kContinuation = 1;  // the two roots

  WordPiece() = default;
  Status Insert(std::string_view token, uint32_t id);
  Status FindSpecial(const WordPieceOptions& options);
  void CutWord(std::string_view word, std::vector<uint32_t>* ids) const;

  ByteTrie trie_{2};
  WordPieceOptions options_;
  std::vector<std::pair<std::string, uint32_t>> special_;
  struct Ascii {
    CharKind kind;
    char lower;           // what it becomes inside a word
    bool starts_special;  // a special token starts with it
  };
  std::array<Ascii, 128> ascii_{};
  uint32_t size_ = 0;
  SpecialIds ids_;
};

// A WordPiece model as tokenizer.json has it: what Create takes.
struct WordPieceJson {
  std::string vocabulary;  // one token a line
  WordPieceOptions options;
};
// Fails, naming file and field, for what is missing, mistyped or another kind of model. What the
// file does not say is as in `defaults`.
Result<WordPieceJson> ReadWordPieceJson(std::string_view file, std::string_view text,
                                        const WordPieceOptions& defaults);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_WORDPIECE_H_
