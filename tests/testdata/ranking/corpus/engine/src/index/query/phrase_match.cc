#include "index/query/phrase_match.h"

#include <algorithm>
#include <array>
#include <memory>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxPhraseTerms = 64;

// Walks a term's postings forward.
class Cursor {
 public:
  Cursor(const TermPostings& postings, uint32_t offset) : postings_(postings), offset_(offset) {}

  uint32_t documents() const { return postings_.postings.document_count(); }

  // Whether chunk has the term; asked for in ascending order.
  bool MoveTo(uint32_t chunk) {
    block_ = postings_.postings.FindBlock(chunk, block_);
    if (block_ >= postings_.postings.block_count()) return false;
    Decode(block_);
    auto end = documents_.begin() + count_;
    auto found = std::lower_bound(documents_.begin(), end, chunk);
    if (found == end && ++block_ < postings_.postings.block_count()) return MoveTo(chunk);
    at_ = static_cast<uint32_t>(found - documents_.begin());
    return found != end && *found == chunk;
  }

  // Where the phrase would start for each occurrence in the chunk it stands on, ascending.
  const std::vector<uint32_t>& Starts() {
    postings_.positions.Read(decoded_ * kBlockSize + at_, starts_);
    std::erase_if(starts_, [this](uint32_t position) { return position < offset_; });
    for (uint32_t& position : starts_) position -= offset_;
    return starts_;
  }

  template <typename Visit>
  void ForEachDocument(Visit visit) {
    for (uint32_t block = 0; block < postings_.postings.block_count(); ++block) {
      Decode(block);
      for (at_ = 0; at_ < count_; ++at_) visit(documents_[at_]);
    }
  }

 private:
  void Decode(uint32_t block) {
    if (decoded_ == block) return;
    count_ = postings_.postings.Decode(block, documents_, impacts_);
    decoded_ = block;
  }

  TermPostings postings_;
  uint32_t offset_;
  uint32_t block_ = 0, decoded_ = kNoDocument, count_ = 0, at_ = 0;
  std::array<uint32_t, kBlockSize> documents_;
  std::array<Impact, kBlockSize> impacts_;
  std::vector<uint32_t> starts_;
};

bool StartTogether(std::vector<Cursor>& cursors) {
  std::vector<uint32_t> starts = cursors[0].Starts(), both;
  for (size_t i = 1; i < cursors.size() && !starts.empty(); ++i) {
    const std::vector<uint32_t>& next = cursors[i].Starts();
    both.clear();
    std::ranges::set_intersection(starts, next, std::back_inserter(both));
    starts.swap(both);
  }
  return !starts.empty();
}

}  // namespace

PhraseMatch::PhraseMatch(std::string_view phrase) {
  Analyzer().Analyze(phrase, [&](const Token& token) {
    if (token.form != TokenForm::kCompound && terms_.size() < kMaxPhraseTerms) terms_.push_back({std::string(token.term), token.position});
  });
}

PhraseMatch PhraseMatch::OfTerm(std::string term) {
  PhraseMatch match;
  match.terms_.push_back({std::move(term), 0});
  return match;
}

void PhraseMatch::ForEachChunk(const SegmentReader& segment, const std::function<bool(uint32_t)>& wanted,
                               const std::function<void(uint32_t)>& visit) const {
  if (terms_.empty()) return;
  std::vector<Cursor> cursors;
  for (const Term& term : terms_) {
    TermPostings postings = segment.lexical().Find(term.text);
    if (postings.postings.document_count() == 0) return;
    cursors.emplace_back(postings, term.position);
  }
  std::ranges::sort(cursors, {}, &Cursor::documents);
  cursors[0].ForEachDocument([&](uint32_t chunk) {
    if (!wanted(chunk)) return;
    for (size_t i = 1; i < cursors.size(); ++i) {
      if (!cursors[i].MoveTo(chunk)) return;
    }
    if (cursors.size() == 1 || StartTogether(cursors)) visit(chunk);
  });
}

}  // namespace codelore::index
