#include "index/lexical/term_dictionary.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "codelore/coding.h"

namespace codelore::index {

// Terms to dense numbers: open addressing over one heap of bytes.
class LexicalBuilder::TermTable {
 public:
  TermTable() : slots_(1 << 12, kEmpty) {}

  uint32_t NumberOf(std::string_view term) {
    uint64_t hash = XXH3_64bits(term.data(), term.size());
    size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      uint32_t number = slots_[at];
      if (number == kEmpty) {
        slots_[at] = Add(term, hash);
        uint32_t added = slots_[at];
        if (size() * 2 > slots_.size()) Grow();
        return added;
      }
      if (hashes_[number] == hash && Term(number) == term) return number;
    }
  }
  uint32_t size() const { return static_cast<uint32_t>(hashes_.size()); }
  std::string_view Term(uint32_t number) const {
    return std::string_view(heap_).substr(begins_[number], begins_[number + 1] - begins_[number]);
  }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFFu;

  uint32_t Add(std::string_view term, uint64_t hash) {
    heap_ += term;
    begins_.push_back(static_cast<uint32_t>(heap_.size()));
    hashes_.push_back(hash);
    return size() - 1;
  }
  void Grow() {
    slots_.assign(slots_.size() * 2, kEmpty);
    size_t mask = slots_.size() - 1;
    for (uint32_t number = 0; number < size(); ++number) {
      size_t at = hashes_[number] & mask;
      while (slots_[at] != kEmpty) at = (at + 1) & mask;
      slots_[at] = number;
    }
  }

  std::string heap_;
  std::vector<uint32_t> begins_ = {0};
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;
};

LexicalBuilder::LexicalBuilder() : terms_(std::make_unique<TermTable>()) {}
LexicalBuilder::~LexicalBuilder() = default;

void LexicalBuilder::AddText(Field field, std::string_view text) {
  auto f = static_cast<size_t>(field);
  analyzer_.Analyze(text, [&](const Token& token) {
    uint32_t term = terms_->NumberOf(token.term);
    if (term >= counts_.size()) counts_.resize(term + 1);
    FieldCounts& counts = counts_[term];
    if (std::ranges::all_of(counts, [](uint32_t count) { return count == 0; })) touched_.push_back(term);
    ++counts[f];
    ++lengths_[f];
  });
}

void LexicalBuilder::EndDocument() {
  for (uint32_t term : touched_) {
    pending_.push_back({term, document_, QuantizeImpact(WeightedFrequency(counts_[term], lengths_))});
    counts_[term] = {};
  }
  touched_.clear();
  lengths_ = {};
  ++document_;
}

void LexicalBuilder::Finish(std::string& terms, std::string& postings) {
  uint32_t term_count = terms_->size();
  std::vector<uint32_t> order(term_count);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t number) { return terms_->Term(number); });

  // Counting sort by term keeps the documents of each in order.
  std::vector<uint64_t> begins(term_count + 1);
  for (const Pending& pending : pending_) ++begins[pending.term + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<Posting> sorted(pending_.size());
  {
    std::vector<uint64_t> next(begins.begin(), begins.end() - 1);
    for (const Pending& pending : pending_) sorted[next[pending.term]++] = {pending.document, pending.impact};
  }
  pending_ = {};

  ByteWriter entries;
  entries.Fixed<uint32_t>(term_count).Fixed<uint32_t>(0);
  std::string heap;
  for (uint32_t number : order) {
    auto list = std::span(sorted).subspan(begins[number], begins[number + 1] - begins[number]);
    entries.Fixed(static_cast<uint32_t>(heap.size())).Fixed(static_cast<uint32_t>(list.size()));
    entries.Fixed(static_cast<uint64_t>(postings.size()));
    heap += terms_->Term(number);
    EncodePostings(list, postings);
  }
  entries.Fixed(static_cast<uint32_t>(heap.size())).Fixed<uint32_t>(0).Fixed(static_cast<uint64_t>(postings.size()));
  terms += entries.view();
  terms += heap;
}

LexicalReader::Entry LexicalReader::At(uint32_t index) const {
  Entry entry;
  std::memcpy(&entry, entries_.data() + size_t{index} * sizeof entry, sizeof entry);
  return entry;
}

Result<LexicalReader> LexicalReader::Open(std::string_view terms, std::string_view postings) {
  static_assert(sizeof(Entry) == 16);
  LexicalReader reader;
  ByteReader input(terms);
  reader.term_count_ = input.Fixed<uint32_t>();
  (void)input.Fixed<uint32_t>();
  size_t entries_size = (size_t{reader.term_count_} + 1) * sizeof(Entry);
  if (!input.ok() || terms.size() - 8 < entries_size) return Corruption("terms: fewer bytes than terms");
  reader.entries_ = terms.substr(8, entries_size);
  reader.term_bytes_ = terms.substr(8 + entries_size);
  reader.postings_ = postings;
  Entry before = reader.At(0);
  if (before.term_begin != 0 || before.postings_begin != 0) return Corruption("terms: the first does not start at 0");
  for (uint32_t i = 1; i <= reader.term_count_; ++i) {
    Entry entry = reader.At(i);
    if (entry.term_begin < before.term_begin || entry.postings_begin <= before.postings_begin) {
      return Corruption("terms: offsets do not ascend");
    }
    uint64_t blocks = before.document_count / kBlockSize;
    if (before.document_count == 0 || entry.postings_begin - before.postings_begin < blocks * (kBlockSize + 10)) {
      return Corruption("terms: a document frequency does not fit its postings");
    }
    before = entry;
  }
  if (before.term_begin != reader.term_bytes_.size() || before.postings_begin != postings.size()) {
    return Corruption("terms: the last does not end at the end");
  }
  return reader;
}

std::string_view LexicalReader::Term(uint32_t index) const {
  uint32_t begin = At(index).term_begin;
  return term_bytes_.substr(begin, At(index + 1).term_begin - begin);
}

PostingsReader LexicalReader::Postings(uint32_t index) const {
  Entry entry = At(index);
  return PostingsReader(postings_.substr(entry.postings_begin, At(index + 1).postings_begin - entry.postings_begin),
                        entry.document_count);
}

PostingsReader LexicalReader::Find(std::string_view term) const {
  uint32_t low = 0, high = term_count_;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (Term(middle) < term) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < term_count_ && Term(low) == term ? Postings(low) : PostingsReader();
}

Status LexicalReader::Validate(uint32_t document_limit) const {
  for (uint32_t i = 0; i < term_count_; ++i) {
    if (i > 0 && Term(i) <= Term(i - 1)) return Corruption("terms: not in order");
    Entry entry = At(i);
    RETURN_IF_ERROR(ValidatePostings(
        postings_.substr(entry.postings_begin, At(i + 1).postings_begin - entry.postings_begin), entry.document_count,
        document_limit));
  }
  return OkStatus();
}

}  // namespace codelore::index
