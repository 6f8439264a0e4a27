// Tokenizer: text to token ids, as the model was trained behind. Two kinds: WordPiece (wordpiece.h)
// and SentencePiece's unigram model (unigram.h). Immutable, hence thread-safe.
#ifndef CODELORE_EMBED_TOKENIZER_H_
#define CODELORE_EMBED_TOKENIZER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace codelore::embed {

struct SpecialIds {
  uint32_t first = 0, last = 0;  // around every text: [CLS] and [SEP], <s> and </s>
  uint32_t unknown = 0, padding = 0;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Appends the ids of `text`, without first and last, and stops at `limit` of them. Any bytes are
  // accepted; broken UTF-8 counts as U+FFFD. Names of special tokens in the text become those
  // tokens.
  virtual void Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const = 0;

  virtual uint32_t size() const = 0;  // every id is below
  virtual SpecialIds special() const = 0;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_TOKENIZER_H_
