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

class WordPiece {
 public:
  // `vocabulary`: one token a line, its id the line's number from 0. Fails for bytes that are no
  // such list, naming `file` and the line.
  static Result<WordPiece> Create(std::string_view file, std::string_view vocabulary,
                                  const WordPieceOptions& options);

  // Appends the ids of `text`, without first and last, and stops at `limit` of them: the time is
  // bounded by what `limit` tokens need.
  void Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const;

  uint32_t size() const { return size_; }
  uint32_t first() const { return first_; }
  uint32_t last() const { return last_; }

 private:
  class Splitter;
  struct Edge {
    uint32_t key = 0;  // node << 8 | byte, plus 1; 0: a free slot
    uint32_t to = 0;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kWordStart = 0, kContinuation = 1;  // the two roots

  WordPiece() = default;
  Status Insert(std::string_view token, uint32_t id);
  uint32_t Child(uint32_t node, char byte) const;
  uint32_t AddChild(uint32_t node, char byte);
  void GrowEdges();
  uint32_t Find(std::string_view token) const;
  Status FindSpecial(const WordPieceOptions& options);
  void CutWord(std::string_view word, std::vector<uint32_t>* ids) const;

  // A byte trie: its edges in one open-addressing hash table, the token that ends at each node
  // beside it.
  std::vector<Edge> edges_;
  size_t edge_count_ = 0;
  std::vector<uint32_t> token_at_;
  WordPieceOptions options_;
  std::vector<std::pair<std::string, uint32_t>> special_;
  struct Ascii {
    CharKind kind;
    char lower;           // what it becomes inside a word
    bool starts_special;  // a special token starts with it
  };
  std::array<Ascii, 128> ascii_{};
  uint32_t size_ = 0, unknown_ = 0, first_ = 0, last_ = 0;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_WORDPIECE_H_
