// Unigram: text to token ids by SentencePiece's unigram model (Kudo 2018, arXiv:1804.10959), as
// XLM-RoBERTa, BGE-M3 and multilingual-e5 have it.
//
// A text is cut at the names of added tokens; each part is normalised (characters mapped, spaces
// made one), spaces become U+2581, and the most probable sequence of pieces is found: one pass over
// the bytes that keeps the best path to each place (Viterbi). A character without a piece costs 10
// more than the least probable piece; neighbouring ones become one unknown token. Two files
// describe such a model, and they do not mean quite the same; ids equal those of Hugging Face
// `tokenizers` for tokenizer.json, and those of `sentencepiece`, numbered as XLM-RoBERTa does, for
// sentencepiece.bpe.model. Time and memory are linear in the text. Immutable after loading, hence
// thread-safe.
#ifndef CODELORE_EMBED_UNIGRAM_H_
#define CODELORE_EMBED_UNIGRAM_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"
#include "embed/byte_trie.h"
#include "embed/charsmap.h"
#include "embed/tokenizer.h"

namespace codelore::embed {

// One step of normalisation of tokenizer.json.
struct NormalizerStep {
  enum class Kind {
    kCharsMap,  // grapheme clusters of less than six bytes, else characters, through the map
    kNfkc,
    kReplace,        // `from` by `to`
    kReplaceSpaces,  // two spaces or more by `to`
    kStrip,          // whitespace at the ends
  };
  Kind kind = Kind::kNfkc;
  CharsMap map = {};
  std::string from = {}, to = {};
  bool at_start = true, at_end = true;  // of kStrip
};

// A token that is found in the text before anything else.
struct AddedToken {
  std::string text;
  uint32_t id = 0;
  bool takes_space_before = false, takes_space_after = false;  // they vanish into it
  bool only_as_word = false;                                   // not beside a letter or digit
  bool normalized = false;                                     // looked for in the normalised text
};

struct UnigramPiece {
  std::string text;
  double score = 0;        // log probability
  bool in_text = true;     // else it has an id, but is never found in a text
  bool sets_least = true;  // its score counts for that of an unknown character
};

// What the two files say; see FromTokenizerJson and FromSentencePiece.
struct UnigramModel {
  enum class Flavour { kTokenizers, kSentencePiece };
  Flavour flavour = Flavour::kTokenizers;
  std::vector<UnigramPiece> pieces;  // by id
  std::vector<AddedToken> added;
  SpecialIds special;
  // of kTokenizers
  std::vector<NormalizerStep> normalizer;
  bool split_at_whitespace = false;  // which then vanishes
  bool prefix_words = true;          // every part starts with U+2581
  bool split_before_marks = true;    // before each U+2581
  // of kSentencePiece
  CharsMap map;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

class Unigram final : public Tokenizer {
 public:
  static constexpr size_t kMaxPieceBytes = 512;

  // Fails for pieces that are empty, too long or broken, scores that are no numbers, ids beyond the
  // pieces.
  static Result<Unigram> Create(UnigramModel model);

  void Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const override;
  uint32_t size() const override { return size_; }
  SpecialIds special() const override { return model_.special; }

 private:
  class Run;
  struct Score {
    double exact;
    float rounded;
  };

  Unigram() = default;
  Status AddPieces();
  Status AddAddedTokens();

  UnigramModel model_;
  ByteTrie pieces_;
  ByteTrie added_{2};          // root 0: in the text; root 1: in the normalised text
  std::vector<Score> scores_;  // by id
  double unknown_score_ = 0;
  uint32_t size_ = 0;
};

// tokenizer.json: normalizer Precompiled, NFKC, Replace, Strip, Sequence; pre_tokenizer
// WhitespaceSplit, Metaspace, Sequence; model Unigram; post_processor TemplateProcessing or
// RobertaProcessing. Fails, naming file and field, for what is missing, mistyped or another kind.
Result<UnigramModel> ReadTokenizerJson(std::string_view file, std::string_view text);

// sentencepiece.bpe.model: a protocol buffer (sentencepiece_model.proto). Ids are those of
// XLM-RoBERTa: <s>, <pad>, </s>, <unk>, the pieces from the fourth on, <mask>. Fails, naming file
// and field.
Result<UnigramModel> ReadSentencePieceModel(std::string_view file, std::string_view bytes);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_UNIGRAM_H_
