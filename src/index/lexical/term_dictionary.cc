#include "index/lexical/term_dictionary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "codelore/coding.h"
#include "index/lexical/term_lists.h"
#include "index/lexical/varint.h"

namespace codelore::index {
namespace {

// Positions left free between two texts of a document.
constexpr uint32_t kTextGap = 64;
// In a bucket, on average, or down to half as many: the buckets of a thousand segments should fit the cache, and what is
// looked at of a bucket's entries one or two of its lines.
constexpr uint32_t kTermsInBucket = 4;

}  // namespace

// Terms to dense numbers: open addressing over one heap of bytes.
class LexicalBuilder::TermTable {
 public:
  TermTable() : slots_(1 << 12, kEmpty) {}

  uint32_t NumberOf(std::string_view term) {
    uint64_t hash = LexicalReader::HashOf(term);
    size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      uint32_t number = slots_[at];
      if (number == kEmpty) {
        slots_[at] = Add(term, hash);
        uint32_t added = slots_[at];
        if (size() * 2 > slots_.size()) Grow();
        return added;
      }
      if (rows_[number].hash == hash && Term(number) == term) return number;
    }
  }
  uint32_t size() const { return static_cast<uint32_t>(rows_.size()); }
  uint64_t Hash(uint32_t number) const { return rows_[number].hash; }
  std::string_view Term(uint32_t number) const {
    return std::string_view(heap_).substr(rows_[number].begin, rows_[number].size);
  }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFFu;
  struct Row {
    uint64_t hash;
    uint32_t begin, size;  // in heap_
  };

  uint32_t Add(std::string_view term, uint64_t hash) {
    rows_.push_back({hash, static_cast<uint32_t>(heap_.size()), static_cast<uint32_t>(term.size())});
    heap_ += term;
    return size() - 1;
  }
  void Grow() {
    slots_.assign(slots_.size() * 2, kEmpty);
    size_t mask = slots_.size() - 1;
    for (uint32_t number = 0; number < size(); ++number) {
      size_t at = rows_[number].hash & mask;
      while (slots_[at] != kEmpty) at = (at + 1) & mask;
      slots_[at] = number;
    }
  }

  std::string heap_;
  std::vector<Row> rows_;
  std::vector<uint32_t> slots_;
};

// All occurrences so far. A term's list has, for each of its documents: the gap to the one before (varint), the impact,
// and the positions as PositionsBuilder takes them.
class LexicalBuilder::Occurrences {
 public:
  void Add(uint32_t term, Field field, uint32_t position) {
    if (term >= terms_.size()) terms_.resize(term + 1);
    OfTerm& of_term = terms_[term];
    if (of_term.last == kNone) touched_.push_back(term);
    ++of_term.counts[static_cast<size_t>(field)];
    chain_.push_back({position, of_term.last});
    of_term.last = static_cast<uint32_t>(chain_.size() - 1);
  }

  void EndDocument(const FieldCounts& lengths) {
    for (uint32_t term : touched_) {
      OfTerm& of_term = terms_[term];
      Impact impact = ImpactOf(WeightedFrequency(of_term.counts, lengths));
      uint32_t gap = document_ - of_term.next_document;
      if (!AppendSingle(of_term, gap, impact)) AppendAny(of_term, gap, impact);
      of_term.next_document = document_ + 1;
      of_term.counts = {};
      of_term.last = kNone;
    }
    touched_.clear();
    chain_.clear();
    ++document_;
  }

  // Of one term, in order of documents.
  void Read(uint32_t term, std::vector<Posting>& postings, PositionsBuilder& positions) {
    bytes_.clear();
    lists_.Read(terms_[term].list, bytes_);
    const char* at = bytes_.data();
    const char* end = at + bytes_.size();
    uint32_t gap = 0;
    for (uint32_t next = 0; at < end; ++next) {
      ReadVarint(at, end, gap);
      next += gap;
      postings.push_back({next, static_cast<Impact>(*at++)});
      at = positions.AddEncoded(at, end);
    }
  }

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  struct OfTerm {
    TermLists::List list;
    uint32_t next_document = 0;  // behind the last that has it
    uint32_t last = kNone;       // in chain_, of the current document
    FieldCounts counts{};        // in the current document
  };
  struct Link {
    uint32_t position, previous;
  };

  // The usual case, a term that stands once in its document, written in place; false if it is another.
  bool AppendSingle(OfTerm& of_term, uint32_t gap, Impact impact) {
    const Link& link = chain_[of_term.last];
    if (link.previous != kNone) return false;
    char* begin = lists_.Reserve(of_term.list, 12);
    if (begin == nullptr) return false;
    char* at = WriteVarint(gap, begin);
    *at++ = static_cast<char>(impact);
    at = WriteVarint(link.position << 1, at);  // as PositionsBuilder encodes a single one
    TermLists::Advance(of_term.list, static_cast<uint32_t>(at - begin));
    return true;
  }
  void AppendAny(OfTerm& of_term, uint32_t gap, Impact impact) {
    positions_.clear();
    for (uint32_t link = of_term.last; link != kNone; link = chain_[link].previous) positions_.push_back(chain_[link].position);
    std::ranges::reverse(positions_);
    bytes_.clear();
    AppendVarint(gap, bytes_);
    bytes_ += static_cast<char>(impact);
    PositionsBuilder::Encode(positions_, bytes_);
    lists_.Append(of_term.list, bytes_);
  }

  // Few frequencies make up most of a segment, and logarithms are slow.
  Impact ImpactOf(float weighted) {
    Quantized& known = quantized_[std::bit_cast<uint32_t>(weighted) * 0x9E3779B1u >> 20];
    if (known.weighted != weighted) known = {weighted, QuantizeImpact(weighted)};
    return known.impact;
  }
  struct Quantized {
    float weighted = 0;
    Impact impact = 0;
  };
  std::array<Quantized, 1 << 12> quantized_;
  TermLists lists_;
  std::vector<OfTerm> terms_;
  std::vector<uint32_t> touched_, positions_;
  std::vector<Link> chain_;
  std::string bytes_;
  uint32_t document_ = 0;
};

LexicalBuilder::LexicalBuilder()
    : terms_(std::make_unique<TermTable>()), occurrences_(std::make_unique<Occurrences>()) {}
LexicalBuilder::~LexicalBuilder() = default;

void LexicalBuilder::AddText(Field field, std::string_view text) {
  uint32_t& length = lengths_[static_cast<size_t>(field)];
  position_ = kTextGap + analyzer_.Analyze(text, [&](const Token& token) {
    occurrences_->Add(NumberOf(token), field, token.position);
    ++length;
  }, position_);
}

uint32_t LexicalBuilder::NumberOf(const Token& token) {
  if (!token.note) return terms_->NumberOf(token.term);
  if (uint32_t known = token.note.Get(); known > 0) return known - 1;
  uint32_t number = terms_->NumberOf(token.term);
  token.note.Set(number + 1);
  return number;
}

void LexicalBuilder::EndDocument() {
  occurrences_->EndDocument(lengths_);
  lengths_ = {};
  position_ = 0;
}

LexicalSections LexicalBuilder::Finish() {
  return Assemble(*terms_, [&](uint32_t number, std::vector<Posting>& postings, PositionsBuilder& positions) {
    occurrences_->Read(number, postings, positions);
  });
}

LexicalSections LexicalBuilder::Merge(std::span<const LexicalSource> sources) {
  struct Place {
    uint32_t source, index;
  };
  TermTable terms;
  std::vector<std::vector<Place>> places;  // by number; in order of the sources
  for (uint32_t s = 0; s < sources.size(); ++s) {
    for (uint32_t i = 0; i < sources[s].reader->term_count(); ++i) {
      uint32_t number = terms.NumberOf(sources[s].reader->Term(i));
      if (number >= places.size()) places.resize(number + 1);
      places[number].push_back({s, i});
    }
  }
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  std::vector<uint32_t> in_document;
  return Assemble(terms, [&](uint32_t number, std::vector<Posting>& postings, PositionsBuilder& positions) {
    for (const Place& place : places[number]) {
      const LexicalSource& source = sources[place.source];
      TermPostings term = source.reader->Postings(place.index);
      for (uint32_t block = 0; block < term.postings.block_count(); ++block) {
        uint32_t count = term.postings.Decode(block, documents, impacts);
        for (uint32_t i = 0; i < count; ++i) {
          uint32_t document = documents[i] < source.new_documents.size() ? source.new_documents[documents[i]] : kNoDocument;
          if (document == kNoDocument) continue;
          postings.push_back({document, impacts[i]});
          term.positions.Read(block * kBlockSize + i, in_document);
          positions.Add(in_document);
        }
      }
    }
  });
}

LexicalSections LexicalBuilder::Assemble(const TermTable& terms, const ReadTerm& read) {
  std::vector<uint32_t> order(terms.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t number) { return terms.Hash(number); });

  LexicalSections out;
  std::vector<LexicalReader::Entry> entries;
  std::vector<uint32_t> positions_begin;
  std::vector<Posting> list;
  PositionsBuilder positions;
  auto end_entry = [&] {
    entries.push_back({.hash = 0, .largest_impact = 0, .document_count = 0, .begin = static_cast<uint32_t>(out.postings.size())});
    positions_begin.push_back(static_cast<uint32_t>(out.positions.size()));
  };
  size_t kept = 0;  // terms that are left: of merged segments all documents of one may be gone
  for (uint32_t number : order) {
    list.clear();
    read(number, list, positions);
    if (list.empty()) continue;
    order[kept++] = number;
    end_entry();
    entries.back().hash = terms.Hash(number) & LexicalReader::kHashInEntry;
    entries.back().largest_impact = std::ranges::max_element(list, {}, &Posting::impact)->impact;
    entries.back().document_count = static_cast<uint32_t>(list.size());
    AppendVarint(static_cast<uint32_t>(terms.Term(number).size()), out.postings);
    out.postings += terms.Term(number);
    EncodePostings(list, out.postings);
    positions.Finish(out.positions);
  }
  end_entry();
  auto term_count = static_cast<uint32_t>(kept);

  auto bits = static_cast<uint32_t>(std::bit_width(term_count / kTermsInBucket));
  ByteWriter head;
  head.Fixed(term_count).Fixed(bits);
  uint32_t next = 0;
  for (uint64_t bucket = 0; bucket <= uint64_t{1} << bits; ++bucket) {
    while (next < term_count && (bits == 0 ? 0 : terms.Hash(order[next]) >> (64 - bits)) < bucket) ++next;
    head.Fixed(next);
  }
  while (head.size() % 8 != 0) head.Fixed<uint8_t>(0);
  out.terms = head.Take();
  out.terms.append(reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof entries[0]);
  out.terms.append(reinterpret_cast<const char*>(positions_begin.data()), positions_begin.size() * sizeof positions_begin[0]);
  return out;
}

}  // namespace codelore::index
