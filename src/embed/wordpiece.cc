#include "embed/wordpiece.h"

#include <algorithm>
#include <cstring>

#include "codelore/utf8.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxWordChars = 100;  // a longer word is unknown, as in the reference

}  // namespace

// ---- the vocabulary -----------------------------------------------------------------------------

Status WordPiece::Insert(std::string_view token, uint32_t id) {
  if (token.empty()) return Corruption("expected a token, found an empty line");
  if (!IsValidUtf8(token)) return Corruption("expected a token, found broken UTF-8");
  uint32_t root = kWordStart;
  if (token.size() > 2 && token.starts_with("##")) {
    root = kContinuation;
    token.remove_prefix(2);
  }
  const uint32_t before = trie_.Insert(root, token, id);
  if (before == ByteTrie::kNone) return OkStatus();
  return Corruption("repeats the token of line " + std::to_string(before + 1));
}

Status WordPiece::FindSpecial(const WordPieceOptions& options) {
  for (const std::string* name :
       {&options.unknown, &options.first, &options.last, &options.padding, &options.mask}) {
    const uint32_t id = trie_.Find(kWordStart, *name);
    if (id == ByteTrie::kNone || name->empty() || static_cast<uint8_t>((*name)[0]) >= 0x80) {
      return Corruption("expected the special token " + *name + ", found none");
    }
    special_.emplace_back(*name, id);
    ascii_[static_cast<uint8_t>((*name)[0])].starts_special = true;
  }
  ids_ = {.first = special_[1].second,
          .last = special_[2].second,
          .unknown = special_[0].second,
          .padding = special_[3].second};
  return OkStatus();
}

Result<WordPiece> WordPiece::Create(std::string_view file, std::string_view vocabulary,
                                    const WordPieceOptions& options) {
  if (vocabulary.size() > ByteTrie::kMaxBytes) {
    return Corruption(std::string(file) + ": expected at most 12 MiB, found " +
                      std::to_string(vocabulary.size()) + " bytes");
  }
  WordPiece result;
  result.options_ = options;
  while (!vocabulary.empty()) {
    const size_t end = vocabulary.find('\n');
    std::string_view token = vocabulary.substr(0, end);
    vocabulary.remove_prefix(end == std::string_view::npos ? vocabulary.size() : end + 1);
    if (token.ends_with('\r')) token.remove_suffix(1);
    RETURN_IF_ERROR(result.Insert(token, result.size_)
                        .In(std::string(file) + ": line " + std::to_string(result.size_ + 1)));
    ++result.size_;
  }
  for (char32_t c = 0; c < 128; ++c) {
    const char32_t lower = options.lower_case ? LowerCase(c) : c;
    result.ascii_[c] = {KindOf(c), static_cast<char>(lower), false};
  }
  RETURN_IF_ERROR(result.FindSpecial(options).In(file));
  return result;
}

// ---- words into pieces --------------------------------------------------------------------------

void WordPiece::CutWord(std::string_view word, std::vector<uint32_t>* ids) const {
  const size_t before = ids->size();
  uint32_t root = kWordStart;
  while (!word.empty()) {
    uint32_t node = root, longest = ByteTrie::kNone;
    size_t length = 0;
    for (size_t i = 0; i < word.size() && (node = trie_.Child(node, word[i])) != ByteTrie::kNone;
         ++i) {
      if (trie_.value(node) != ByteTrie::kNone) {
        longest = trie_.value(node);
        length = i + 1;
      }
    }
    if (longest == ByteTrie::kNone) {  // one piece that is not there makes the whole word unknown
      ids->resize(before);
      ids->push_back(ids_.unknown);
      return;
    }
    ids->push_back(longest);
    word.remove_prefix(length);
    root = kContinuation;
  }
}

// ---- text into words ----------------------------------------------------------------------------

// One pass over the text; the word being read is kept as UTF-8.
class WordPiece::Splitter {
 public:
  Splitter(const WordPiece& vocabulary, std::vector<uint32_t>* ids)
      : vocabulary_(vocabulary), ids_(ids) {}

  void Run(std::string_view text, size_t limit) {
    while (!text.empty() && ids_->size() < limit) {
      const auto byte = static_cast<uint8_t>(text[0]);
      if (byte >= 0x80) {
        text.remove_prefix(ReadWide(text));
      } else if (vocabulary_.ascii_[byte].starts_special) {
        text.remove_prefix(ReadSpecial(text));
      } else {
        ReadAscii(byte);
        text.remove_prefix(1);
      }
    }
    EndWord();
    if (ids_->size() > limit) ids_->resize(limit);
  }

 private:
  void ReadAscii(uint8_t byte) {
    const Ascii& ascii = vocabulary_.ascii_[byte];
    switch (ascii.kind) {
      case CharKind::kOther:
        if (word_chars_++ < kMaxWordChars) word_[word_bytes_++] = ascii.lower;
        order_from_ = word_bytes_;
        return;
      case CharKind::kControl:
        return;
      case CharKind::kSpace:
        return EndWord();
      default:
        EndWord();
        const char c = static_cast<char>(byte);
        vocabulary_.CutWord({&c, 1}, ids_);
    }
  }

  size_t ReadSpecial(std::string_view text) {
    for (const auto& [name, id] : vocabulary_.special_) {
      if (!text.starts_with(name)) continue;
      EndWord();
      ids_->push_back(id);
      return name.size();
    }
    ReadAscii(static_cast<uint8_t>(text[0]));
    return 1;
  }

  // A character beyond ASCII, or one byte that starts none: that would be U+FFFD, and is dropped
  // like it.
  size_t ReadWide(std::string_view text) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) return 1;
    const char32_t c = GetUtf8(text.substr(0, length));
    const CharKind kind = KindOf(c);
    if (kind == CharKind::kControl) return length;
    if (kind == CharKind::kSpace) {
      EndWord();
      return length;
    }
    const bool alone = vocabulary_.options_.split_ideographs && IsIdeograph(c);
    if (alone) EndWord();
    if (vocabulary_.options_.strip_accents) {
      const Decomposition parts = Decompose(c);
      for (size_t i = 0; i < parts.size; ++i) {
        const char32_t part = parts.chars[i];
        AddPart(part, part == c ? kind : KindOf(part));
      }
    } else {
      AddChar(c, kind);
    }
    if (alone) EndWord();
    return length;
  }

  // One character of a decomposition. Kept combining characters stand in canonical order, which
  // those with class 0 and dropped ones alike do not cross.
  void AddPart(char32_t c, CharKind kind) {
    const uint8_t combining = CombiningClass(c);
    if (combining == 0) order_from_ = word_bytes_;
    if (kind == CharKind::kNonspacingMark) return;
    const size_t at = word_bytes_;
    AddChar(c, kind);
    if (combining == 0) {
      order_from_ = word_bytes_;
    } else if (word_bytes_ > at) {
      MoveBack(at, combining);
    }
  }

  void MoveBack(size_t at, uint8_t combining) {
    size_t to = at;
    while (to > order_from_) {
      size_t previous = to - 1;
      while (IsUtf8Continuation(word_[previous])) --previous;
      if (CombiningClass(GetUtf8({word_ + previous, to - previous})) <= combining) break;
      to = previous;
    }
    std::rotate(word_ + to, word_ + at, word_ + word_bytes_);
  }

  void AddChar(char32_t c, CharKind kind) {
    if (kind == CharKind::kPunctuation) {
      EndWord();
      AppendToWord(c);
      EndWord();
    } else if (vocabulary_.options_.lower_case && c == 0x130) {
      AppendToWord('i');  // İ, the one character whose lower case is two
      AppendToWord(0x307);
    } else {
      AppendToWord(vocabulary_.options_.lower_case ? LowerCase(c) : c);
    }
  }

  void AppendToWord(char32_t c) {
    if (word_chars_++ < kMaxWordChars) word_bytes_ += PutUtf8(c, word_ + word_bytes_);
  }

  void EndWord() {
    if (word_chars_ > kMaxWordChars) {
      ids_->push_back(vocabulary_.ids_.unknown);
    } else if (word_chars_ > 0) {
      vocabulary_.CutWord({word_, word_bytes_}, ids_);
    }
    word_chars_ = word_bytes_ = order_from_ = 0;
  }

  const WordPiece& vocabulary_;
  std::vector<uint32_t>* ids_;
  char word_[4 * kMaxWordChars];
  size_t word_chars_ = 0;  // of the whole word
  size_t word_bytes_ = 0;  // kept of it in word_
  size_t order_from_ = 0;  // combining characters are ordered from here on
};

void WordPiece::Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const {
  if (limit > 0) Splitter(*this, ids).Run(text, ids->size() + limit);
}

}  // namespace codelore::embed
