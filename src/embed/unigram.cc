#include "embed/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "codelore/utf8.h"
#include "embed/unicode.h"

namespace codelore::embed {

namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581, which stands for a space
constexpr double kUnknownPenalty = 10;

// ---- normalisation ------------------------------------------------------------------------------

void AppendMapped(const CharsMap& map, std::string_view text, std::string* out) {
  while (!text.empty()) {
    std::string_view cluster = text.substr(0, GraphemeLength(text));
    text.remove_prefix(cluster.size());
    // As `tokenizers` does it: what begins with an entry of the map is replaced as a whole.
    if (cluster.size() < 6) {
      if (const auto match = map.Shortest(cluster); match.length > 0) {
        *out += match.replacement;
        continue;
      }
    }
    while (!cluster.empty()) {
      const std::string_view part = cluster.substr(0, Utf8SequenceLength(cluster));
      const auto match = map.Shortest(part);
      *out += match.length > 0 ? match.replacement : part;
      cluster.remove_prefix(part.size());
    }
  }
}

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at; (at = text.find(from)) != std::string_view::npos;
       text.remove_prefix(at + from.size())) {
    result.append(text.substr(0, at)).append(to);
  }
  return result.append(text);
}

std::string ReplaceSpaces(std::string_view text, std::string_view to) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t spaces = std::min(text.find_first_not_of(' ', i), text.size()) - i;
    if (spaces >= 2) {
      result += to;
      i += spaces;
    } else {
      result += text[i++];
    }
  }
  return result;
}

size_t CharBefore(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && IsUtf8Continuation(text[at]));
  return at;
}
bool IsSpaceAt(std::string_view text, size_t at) {
  return IsWhiteSpace(GetUtf8(text.substr(at, Utf8SequenceLength(text.substr(at)))));
}

std::string Strip(std::string_view text, bool at_start, bool at_end) {
  while (at_start && !text.empty() && IsSpaceAt(text, 0))
    text.remove_prefix(Utf8SequenceLength(text));
  size_t end = text.size();
  while (at_end && end > 0 && IsSpaceAt(text, CharBefore(text, end))) end = CharBefore(text, end);
  return std::string(text.substr(0, end));
}

std::string Normalise(const std::vector<NormalizerStep>& steps, std::string_view text) {
  std::string result(text);
  for (const NormalizerStep& step : steps) {
    switch (step.kind) {
      case NormalizerStep::Kind::kCharsMap: {
        std::string mapped;
        mapped.reserve(result.size());
        AppendMapped(step.map, result, &mapped);
        result = std::move(mapped);
        break;
      }
      case NormalizerStep::Kind::kNfkc:
        result = Nfkc(result);
        break;
      case NormalizerStep::Kind::kReplace:
        result = ReplaceAll(result, step.from, step.to);
        break;
      case NormalizerStep::Kind::kReplaceSpaces:
        result = ReplaceSpaces(result, step.to);
        break;
      case NormalizerStep::Kind::kStrip:
        result = Strip(result, step.at_start, step.at_end);
    }
  }
  return result;
}

// As SentencePiece's Normalizer does it: the longest entries of the map from left to right; no
// spaces at either end and never two.
std::string NormaliseAsSentencePiece(const UnigramModel& model, std::string_view text) {
  const bool trim = model.remove_extra_whitespaces;
  const std::string_view space = model.escape_whitespaces ? kMark : " ";
  const auto next = [&](std::string_view* rest) {
    const auto match = model.map.Longest(*rest);
    const size_t length = match.length > 0 ? match.length : Utf8SequenceLength(*rest);
    const std::string_view part = match.length > 0 ? match.replacement : rest->substr(0, length);
    rest->remove_prefix(length);
    return part;
  };
  for (std::string_view rest = text; trim && !rest.empty() && next(&rest) == " ";) text = rest;
  std::string result;
  if (text.empty()) return result;
  if (model.add_dummy_prefix) result += space;
  for (bool after_space = trim; !text.empty();) {
    std::string_view part = next(&text);
    while (after_space && part.starts_with(' ')) part.remove_prefix(1);
    for (char c : part) c == ' ' ? result += space : result += c;
    if (!part.empty()) after_space = trim && part.ends_with(' ');
  }
  while (trim && result.ends_with(space)) result.resize(result.size() - space.size());
  return result;
}

// Whether the last, the first character of the text belongs to a word.
bool IsWordChar(std::string_view text, size_t at) {
  const size_t length = Utf8SequenceLength(text.substr(at));
  return length > 0 && IsWordCharacter(GetUtf8(text.substr(at, length)));
}
}  // namespace

// ---- loading ------------------------------------------------------------------------------------

Status Unigram::AddPieces() {
  double least = std::numeric_limits<double>::infinity();
  size_t bytes = 0;
  for (uint32_t id = 0; id < model_.pieces.size(); ++id) {
    const UnigramPiece& piece = model_.pieces[id];
    const std::string where = "piece " + std::to_string(id) + ": ";
    if (piece.text.empty() || piece.text.size() > kMaxPieceBytes || !IsValidUtf8(piece.text)) {
      return Corruption(where + "expected 1 to 512 bytes of UTF-8, found others");
    }
    if (!std::isfinite(piece.score))
      return Corruption(where + "expected a number as its score, found another");
    if ((bytes += piece.text.size()) > ByteTrie::kMaxBytes) {
      return Corruption(where + "expected at most 12 MiB of pieces, found more");
    }
    scores_.push_back({piece.score, static_cast<float>(piece.score)});
    if (piece.sets_least) least = std::min(least, piece.score);
    if (piece.in_text) pieces_.Insert(0, piece.text, id);
  }
  if (!std::isfinite(least)) return Corruption("expected pieces, found none");
  unknown_score_ = least - kUnknownPenalty;
  size_ = static_cast<uint32_t>(model_.pieces.size());
  return OkStatus();
}

Status Unigram::AddAddedTokens() {
  size_t bytes = 0;
  for (uint32_t i = 0; i < model_.added.size(); ++i) {
    const AddedToken& token = model_.added[i];
    const std::string text =
        token.normalized ? Normalise(model_.normalizer, token.text) : token.text;
    const std::string where = "added token " + std::to_string(i) + ": ";
    if (text.empty() || text.size() > kMaxPieceBytes || !IsValidUtf8(text) ||
        (bytes += text.size()) > ByteTrie::kMaxBytes) {
      return Corruption(where + "expected 1 to 512 bytes of UTF-8, found others");
    }
    if (token.id >= 1u << 22)
      return Corruption(where + "expected an id below 4194304, found " + std::to_string(token.id));
    added_.Insert(token.normalized ? 1 : 0, text, i);
    size_ = std::max(size_, token.id + 1);
  }
  return OkStatus();
}

Result<Unigram> Unigram::Create(UnigramModel model) {
  Unigram result;
  result.model_ = std::move(model);
  RETURN_IF_ERROR(result.AddPieces());
  RETURN_IF_ERROR(result.AddAddedTokens());
  const SpecialIds& special = result.model_.special;
  for (uint32_t id : {special.first, special.last, special.unknown, special.padding}) {
    if (id >= result.size_)
      return Corruption("expected special tokens with ids of the vocabulary, found " +
                        std::to_string(id));
  }
  for (UnigramPiece& piece : result.model_.pieces) piece.text = {};  // they live on in the trie
  return result;
}

// ---- tokenizing ---------------------------------------------------------------------------------

class Unigram::Run {
 public:
  Run(const Unigram& unigram, size_t limit, std::vector<uint32_t>* ids)
      : unigram_(unigram), model_(unigram.model_), limit_(limit), ids_(ids) {}

  void Text(std::string_view text) {
    CutAtAddedTokens(text, 0, [&](std::string_view part) {
      if (model_.flavour == UnigramModel::Flavour::kSentencePiece) {
        return BestPath<float>(NormaliseAsSentencePiece(model_, part));
      }
      CutAtAddedTokens(Normalise(model_.normalizer, part), 1,
                       [&](std::string_view words) { Words(words); });
    });
    if (ids_->size() > limit_) ids_->resize(limit_);
  }

 private:
  struct Node {  // the best path that ends at a byte
    double score = 0;
    uint32_t start = 0, id = kNoPath;
  };
  static constexpr uint32_t kNoPath = UINT32_MAX;

  bool full() const { return ids_->size() >= limit_; }

  // The longest added token at each place is one; what lies between goes to `between`.
  template <typename Between>
  void CutAtAddedTokens(std::string_view text, uint32_t root, const Between& between) {
    size_t start = 0;
    for (size_t i = 0; i < text.size() && !full();) {
      size_t length = 0;
      const AddedToken* token = AddedTokenAt(text, i, root, &length);
      if (token == nullptr) {
        ++i;
        continue;
      }
      size_t begin = i, end = i + length;
      i = end;
      if (token->only_as_word && ((begin > 0 && IsWordChar(text, CharBefore(text, begin))) ||
                                  (end < text.size() && IsWordChar(text, end)))) {
        continue;
      }
      while (token->takes_space_before && begin > start &&
             IsSpaceAt(text, CharBefore(text, begin))) {
        begin = CharBefore(text, begin);
      }
      while (token->takes_space_after && end < text.size() && IsSpaceAt(text, end)) {
        end += Utf8SequenceLength(text.substr(end));
      }
      if (begin > start) between(text.substr(start, begin - start));
      if (full()) return;
      ids_->push_back(token->id);
      start = i = end;
    }
    if (start < text.size() && !full()) between(text.substr(start));
  }

  const AddedToken* AddedTokenAt(std::string_view text, size_t at, uint32_t root,
                                 size_t* length) const {
    const AddedToken* found = nullptr;
    uint32_t node = root;
    for (size_t i = at;
         i < text.size() && (node = unigram_.added_.Child(node, text[i])) != ByteTrie::kNone; ++i) {
      if (const uint32_t token = unigram_.added_.value(node); token != ByteTrie::kNone) {
        found = &model_.added[token];
        *length = i + 1 - at;
      }
    }
    return found;
  }

  void Words(std::string_view text) {
    if (!model_.split_at_whitespace) return Word(text);
    size_t start = 0;
    for (size_t i = 0; i < text.size() && !full();) {
      const size_t length = Utf8SequenceLength(text.substr(i));
      const bool space = IsWhiteSpace(GetUtf8(text.substr(i, length)));
      if (space && i > start) Word(text.substr(start, i - start));
      i += length;
      if (space) start = i;
    }
    if (start < text.size() && !full()) Word(text.substr(start));
  }

  void Word(std::string_view text) {
    std::string word;
    word.reserve(text.size() + kMark.size());
    for (char c : text) c == ' ' ? word += kMark : word += c;
    if (model_.prefix_words && !word.starts_with(kMark)) word.insert(0, kMark);
    if (!model_.split_before_marks) return BestPath<double>(word);
    for (size_t start = 0, end; start < word.size() && !full(); start = end) {
      end = std::min(word.find(kMark, start + 1), word.size());
      BestPath<double>(std::string_view(word).substr(start, end - start));
    }
  }

  template <typename Real>
  static Real ScoreOf(const Score& score) {
    if constexpr (sizeof(Real) == sizeof(float)) return score.rounded;
    return static_cast<Real>(score.exact);
  }

  // Real is the precision that the reference adds in: it decides between paths of nearly one score.
  template <typename Real>
  void BestPath(std::string_view text) {
    nodes_.assign(text.size() + 1, Node{});
    const auto improve = [&](size_t start, size_t end, uint32_t id, Real score) {
      if (nodes_[end].id == kNoPath || score > static_cast<Real>(nodes_[end].score)) {
        nodes_[end] = {static_cast<double>(score), static_cast<uint32_t>(start), id};
      }
    };
    const auto unknown = static_cast<Real>(unigram_.unknown_score_);
    for (size_t start = 0; start < text.size();) {
      const auto here = static_cast<Real>(nodes_[start].score);
      const size_t length = Utf8SequenceLength(text.substr(start));
      bool single = false;
      uint32_t node = 0;
      for (size_t i = start;
           i < text.size() && (node = unigram_.pieces_.Child(node, text[i])) != ByteTrie::kNone;
           ++i) {
        const uint32_t id = unigram_.pieces_.value(node);
        if (id == ByteTrie::kNone) continue;
        improve(start, i + 1, id, ScoreOf<Real>(unigram_.scores_[id]) + here);
        single = single || i + 1 - start == length;
      }
      if (!single) improve(start, start + length, model_.special.unknown, unknown + here);
      start += length;
    }
    Emit(text.size());
  }

  void Emit(size_t end) {
    path_.clear();
    for (; end > 0; end = nodes_[end].start) {
      const uint32_t id = nodes_[end].id;
      if (id != model_.special.unknown || path_.empty() || path_.back() != id) path_.push_back(id);
    }
    ids_->insert(ids_->end(), path_.rbegin(), path_.rend());
  }

  const Unigram& unigram_;
  const UnigramModel& model_;
  const size_t limit_;
  std::vector<uint32_t>* ids_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> path_;
};

void Unigram::Tokenize(std::string_view text, size_t limit, std::vector<uint32_t>* ids) const {
  if (limit == 0) return;
  Run run(*this, ids->size() + limit, ids);
  if (IsValidUtf8(text)) return run.Text(text);
  run.Text(ReplaceBrokenUtf8(text));
}

}  // namespace codelore::embed
