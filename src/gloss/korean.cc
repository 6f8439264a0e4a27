#include "gloss/korean.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "codelore/utf8.h"

extern "C" const char codelore_korean_words[], codelore_korean_words_end[];

namespace codelore::gloss {
namespace {

constexpr size_t kSyllableBytes = 3;  // in UTF-8
constexpr uint32_t kFirstSyllable = 0xAC00, kLastSyllable = 0xD7A3;
constexpr uint32_t kFinals = 28;  // consonants a syllable can end in, none among them

// Whether a syllable stands at the start of `text`.
bool StartsWithSyllable(std::string_view text) {
  if (text.size() < kSyllableBytes || Utf8SequenceLength(text) != kSyllableBytes) return false;
  std::string_view bytes = text.substr(0, kSyllableBytes);
  return bytes >= "\uAC00" && bytes <= "\uD7A3";
}

uint32_t Decode(std::string_view syllable) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(syllable[i])); };
  return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
}

// The final consonants that conjugation puts under the last syllable of a stem: 보내 -> 보낸, 보낼, 보냄, 보냅(니다), 보냈(다).
bool IsConjugated(uint32_t syllable) {
  constexpr std::array<uint32_t, 5> kConjugations = {4, 8, 16, 17, 20};
  return std::ranges::find(kConjugations, (syllable - kFirstSyllable) % kFinals) != kConjugations.end();
}

std::string WithoutFinal(std::string_view word) {
  std::string bare(word.substr(0, word.size() - kSyllableBytes));
  uint32_t syllable = Decode(word.substr(bare.size()));
  syllable -= (syllable - kFirstSyllable) % kFinals;
  bare += static_cast<char>(0xE0 | syllable >> 12);
  bare += static_cast<char>(0x80 | (syllable >> 6 & 0x3F));
  bare += static_cast<char>(0x80 | (syllable & 0x3F));
  return bare;
}

// Calls visit for each part of `text` between separators.
template <typename Visit>
void ForEachPart(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    size_t end = std::min(text.find(separator), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

class Dictionary {
 public:
  static const Dictionary& Get() {
    static const Dictionary dictionary({codelore_korean_words, codelore_korean_words_end});
    return dictionary;
  }

  // Null: no such word.
  const std::vector<std::string_view>* Find(std::string_view word) const {
    if (word.size() > longest_) return nullptr;
    if (auto at = words_.find(word); at != words_.end()) return at->second;
    if (word.size() < 2 * kSyllableBytes || !IsConjugated(Decode(word.substr(word.size() - kSyllableBytes)))) return nullptr;
    auto at = words_.find(WithoutFinal(word));
    return at == words_.end() ? nullptr : at->second;
  }
  size_t longest_bytes() const { return longest_; }

  // One ending, or two in a row.
  bool IsEnding(std::string_view text) const {
    if (text.size() > 2 * longest_ending_) return false;
    if (endings_.contains(text)) return true;
    for (size_t i = kSyllableBytes; i < text.size(); i += kSyllableBytes) {
      if (endings_.contains(text.substr(0, i)) && endings_.contains(text.substr(i))) return true;
    }
    return false;
  }

 private:
  explicit Dictionary(std::string_view file) {
    ForEachPart(file, '\n', [this](std::string_view line) {
      if (line.starts_with('#')) return;
      if (line.starts_with('-')) {
        ForEachPart(line.substr(1), ' ', [this](std::string_view ending) {
          endings_.insert(ending);
          longest_ending_ = std::max(longest_ending_, ending.size());
        });
        return;
      }
      size_t equals = line.find('=');
      std::vector<std::string_view>& english = english_.emplace_back();
      ForEachPart(line.substr(equals + 1), '|', [&](std::string_view each) { english.push_back(each); });
    });
    auto next = english_.begin();  // all in place: pointers to them stay good
    ForEachPart(file, '\n', [&](std::string_view line) {
      if (line.starts_with('#') || line.starts_with('-')) return;
      ForEachPart(line.substr(0, line.find('=')), ',', [&](std::string_view word) {
        words_.emplace(word, &*next);
        longest_ = std::max(longest_, word.size());
      });
      ++next;
    });
  }

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::vector<std::vector<std::string_view>> english_;
  std::unordered_map<std::string, const std::vector<std::string_view>*, Hash, std::equal_to<>> words_;
  std::unordered_set<std::string_view> endings_;
  size_t longest_ = 0, longest_ending_ = 0;
};

// The cheapest reading of a run: a path over its syllables. Two states a place: behind something known, or not.
class Reader {
 public:
  explicit Reader(std::string_view run) : run_(run), places_(run.size() / kSyllableBytes + 1) {
    places_[0].cost[kOpen] = 0;
  }

  std::vector<KoreanPiece> Read() {
    for (size_t at = 0; at + 1 < places_.size(); ++at) {
      for (State state : {kOpen, kKnown}) {
        if (places_[at].cost[state] < kNever) Extend(at, state);
      }
    }
    return Pieces();
  }

 private:
  enum State : uint8_t { kOpen, kKnown };  // the piece before is unknown, or there is none; it is a word
  static constexpr int kNever = std::numeric_limits<int>::max() / 2;
  static constexpr int kWordCost = 10, kSyllableWordCost = 12, kUnknownCost = 25;
  static constexpr int kEndingCost = 4, kEndingSyllableCost = 1;  // of two readings the one with the longer word

  struct Place {
    std::array<int, 2> cost{kNever, kNever};
    struct Step {
      size_t from = 0;
      State state = kOpen;
      KoreanPiece piece;
    };
    std::array<Step, 2> step;
  };

  std::string_view Part(size_t begin, size_t end) const {
    return run_.substr(begin * kSyllableBytes, (end - begin) * kSyllableBytes);
  }
  bool EndsHere(size_t at) const { return at + 1 == places_.size() || dictionary_.IsEnding(Part(at, places_.size() - 1)); }

  void Reach(size_t to, State state, size_t from, State from_state, int cost, const KoreanPiece& piece) {
    cost += places_[from].cost[from_state];
    if (cost >= places_[to].cost[state]) return;
    places_[to].cost[state] = cost;
    places_[to].step[state] = {from, from_state, piece};
  }

  void Extend(size_t at, State state) {
    const size_t last = places_.size() - 1;
    const size_t longest = std::min(last - at, dictionary_.longest_bytes() / kSyllableBytes);
    for (size_t length = 1; length <= longest; ++length) {
      const auto* english = dictionary_.Find(Part(at, at + length));
      if (english == nullptr) continue;
      if (length == 1 && !((at == 0 || state == kKnown) && EndsHere(at + 1))) continue;
      Reach(at + length, kKnown, at, state, length == 1 ? kSyllableWordCost : kWordCost,
            {PieceKind::kWord, Part(at, at + length), *english});
    }
    if (at < last && (state == kKnown || at > 1) && EndsHere(at)) {
      Reach(last, kKnown, at, state, kEndingCost + kEndingSyllableCost * static_cast<int>(last - at), {PieceKind::kEnding, Part(at, last), {}});
    }
    Reach(at + 1, kOpen, at, state, kUnknownCost, {PieceKind::kUnknown, Part(at, at + 1), {}});
  }

  std::vector<KoreanPiece> Pieces() const {
    std::vector<KoreanPiece> pieces;
    const Place& end = places_.back();
    State state = end.cost[kKnown] <= end.cost[kOpen] ? kKnown : kOpen;
    for (size_t at = places_.size() - 1; at > 0;) {
      const Place::Step& step = places_[at].step[state];
      bool joined = !pieces.empty() && step.piece.kind == PieceKind::kUnknown && pieces.back().kind == PieceKind::kUnknown;
      if (joined) {
        pieces.back().korean = {step.piece.korean.data(), step.piece.korean.size() + pieces.back().korean.size()};
      } else {
        pieces.push_back(step.piece);
      }
      at = step.from;
      state = step.state;
    }
    std::ranges::reverse(pieces);
    return pieces;
  }

  const Dictionary& dictionary_ = Dictionary::Get();
  const std::string_view run_;
  std::vector<Place> places_;
};

}  // namespace

std::vector<std::string_view> HangulRuns(std::string_view text) {
  std::vector<std::string_view> runs;
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0xEA || !StartsWithSyllable(text.substr(i))) {  // 0xEA leads the first syllable
      ++i;
      continue;
    }
    size_t end = i;
    while (StartsWithSyllable(text.substr(end))) end += kSyllableBytes;
    runs.push_back(text.substr(i, end - i));
    i = end;
  }
  return runs;
}

bool HasHangul(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<uint8_t>(text[i]) >= 0xEA && StartsWithSyllable(text.substr(i))) return true;
  }
  return false;
}

std::vector<KoreanPiece> ReadKorean(std::string_view run) { return Reader(run).Read(); }

std::string InEnglish(std::string_view text) {
  std::string english;
  const char* done = text.data();
  for (std::string_view run : HangulRuns(text)) {
    english.append(done, run.data());
    done = run.data() + run.size();
    for (const KoreanPiece& piece : ReadKorean(run)) {
      if (piece.kind != PieceKind::kWord) continue;
      if (!english.empty() && english.back() != ' ') english += ' ';
      english += piece.english[0];
    }
    if (done < text.data() + text.size() && *done != ' ' && !english.empty()) english += ' ';
  }
  return english.append(done, text.data() + text.size());
}

}  // namespace codelore::gloss
