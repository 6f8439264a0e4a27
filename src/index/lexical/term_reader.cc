#include <xxhash.h>

#include <algorithm>
#include <array>

#include "codelore/coding.h"
#include "index/lexical/term_dictionary.h"
#include "index/lexical/varint.h"

namespace codelore::index {
namespace {

constexpr size_t kTermsHeaderBytes = 8;

}  // namespace

uint64_t LexicalReader::HashOf(std::string_view term) { return XXH3_64bits(term.data(), term.size()); }

Result<LexicalReader> LexicalReader::Open(std::string_view terms, std::string_view postings, std::string_view positions) {
  static_assert(sizeof(Entry) == 16);
  LexicalReader reader;
  ByteReader head(terms);
  reader.term_count_ = head.Fixed<uint32_t>();
  reader.bucket_bits_ = head.Fixed<uint32_t>();
  if (!head.ok() || reader.bucket_bits_ > 32 || reinterpret_cast<uintptr_t>(terms.data()) % 8 != 0) {
    return Corruption("terms: bad header");
  }
  size_t bucket_bytes = ((size_t{1} << reader.bucket_bits_) + 1) * sizeof(uint32_t);
  size_t entries_begin = (kTermsHeaderBytes + bucket_bytes + 7) / 8 * 8;
  size_t rows = size_t{reader.term_count_} + 1;
  if (terms.size() < entries_begin || terms.size() - entries_begin != rows * (sizeof(Entry) + sizeof(uint32_t))) {
    return Corruption("terms: wrong size");
  }
  reader.buckets_ = terms.substr(kTermsHeaderBytes, bucket_bytes);
  reader.entries_ = terms.substr(entries_begin, rows * sizeof(Entry));
  reader.positions_begin_ = terms.substr(entries_begin + reader.entries_.size());
  reader.postings_ = postings;
  reader.positions_ = positions;
  RETURN_IF_ERROR(reader.CheckEntries());
  return reader;
}

Status LexicalReader::CheckEntries() const {
  uint64_t buckets = uint64_t{1} << bucket_bits_;
  for (uint64_t bucket = 0; bucket < buckets; ++bucket) {
    if (FirstOf(bucket) > FirstOf(bucket + 1)) return Corruption("terms: buckets do not ascend");
  }
  if (FirstOf(0) != 0 || FirstOf(buckets) != term_count_) return Corruption("terms: buckets do not cover the terms");
  if (At(0).begin != 0 || PositionsBegin(0) != 0) return Corruption("terms: the first does not start at 0");
  if (At(term_count_).begin != postings_.size() || PositionsBegin(term_count_) != positions_.size()) {
    return Corruption("terms: the last does not end at the end");
  }
  for (uint32_t i = 0; i < term_count_; ++i) {
    if (At(i).begin >= At(i + 1).begin || At(i + 1).begin > postings_.size() || PositionsBegin(i) > PositionsBegin(i + 1)) {
      return Corruption("terms: offsets do not ascend");
    }
    uint64_t blocks = At(i).document_count / kBlockSize;
    std::string_view list = RecordOf(i).list;
    if (At(i).document_count == 0 || list.empty() || list.size() < blocks * (kBlockSize + 10)) {
      return Corruption("terms: a document frequency does not fit its postings");
    }
  }
  return OkStatus();
}

LexicalReader::Record LexicalReader::RecordOf(uint32_t index) const {
  const char* at = postings_.data() + At(index).begin;
  const char* end = postings_.data() + At(index + 1).begin;
  uint32_t size = 0;
  if (!ReadVarint(at, end, size) || size > static_cast<size_t>(end - at)) return {};
  return {{at, size}, {at + size, static_cast<size_t>(end - at) - size}};
}

std::string_view LexicalReader::Term(uint32_t index) const { return RecordOf(index).term; }

TermPostings LexicalReader::Postings(uint32_t index) const {
  const Entry& entry = At(index);
  uint32_t positions = PositionsBegin(index);
  return {PostingsReader(RecordOf(index).list, entry.document_count),
          PositionsReader(positions_.substr(positions, PositionsBegin(index + 1) - positions), entry.document_count),
          static_cast<Impact>(entry.largest_impact)};
}

PostingsReader LexicalReader::List(uint32_t index) const { return {RecordOf(index).list, At(index).document_count}; }

uint32_t LexicalReader::IndexOf(uint32_t from, uint32_t end, std::string_view term, uint64_t hash) const {
  uint32_t at = NextCandidate(from, end, hash);
  if (at == end) return end;
  bool one = bucket_bits_ >= kBitsOfWholeHash && NextCandidate(at + 1, end, hash) == end;
  while (!one && at < end && Term(at) != term) at = NextCandidate(at + 1, end, hash);
  return at;
}

TermPostings LexicalReader::Find(std::string_view term, uint64_t hash) const {
  if (term_count_ == 0) return {};
  uint64_t bucket = BucketOf(hash);
  uint32_t end = FirstOf(bucket + 1), at = IndexOf(FirstOf(bucket), end, term, hash);
  return at < end ? Postings(at) : TermPostings();
}

void LexicalReader::FindInAll(std::span<const LexicalReader* const> readers, std::span<const std::string> terms,
                              std::span<FoundTerm> found) {
  std::vector<Probe> probes;  // side by side: the readers themselves lie far apart
  probes.reserve(readers.size());
  for (const LexicalReader* reader : readers) {
    if (reader->term_count_ == 0) {
      probes.push_back({});
    } else {
      probes.push_back({reinterpret_cast<const uint32_t*>(reader->buckets_.data()), &reader->At(0), reader->bucket_bits_});
    }
  }
  for (size_t t = 0; t < terms.size(); ++t) FindInProbes(readers, probes, terms[t], found.subspan(t * readers.size(), readers.size()));
}

void LexicalReader::FindInProbes(std::span<const LexicalReader* const> readers, std::span<const Probe> probes,
                                 std::string_view term, std::span<FoundTerm> found) {
  constexpr size_t kTogether = 128, kEntriesInLine = 64 / sizeof(Entry);
  const uint64_t hash = HashOf(term);
  struct Range {
    const Entry *at, *end;
  };
  std::array<Range, kTogether> ranges;
  for (size_t begin = 0; begin < readers.size(); begin += kTogether) {
    size_t count = std::min(kTogether, readers.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      const Probe& probe = probes[begin + i];
      if (probe.buckets != nullptr) __builtin_prefetch(probe.buckets + probe.BucketOf(hash));
    }
    for (size_t i = 0; i < count; ++i) {
      const Probe& probe = probes[begin + i];
      ranges[i] = {};
      if (probe.buckets == nullptr) continue;
      uint64_t bucket = probe.BucketOf(hash);
      ranges[i] = {probe.entries + probe.buckets[bucket], probe.entries + probe.buckets[bucket + 1]};
      for (const Entry* e = ranges[i].at; e < ranges[i].end; e += kEntriesInLine) __builtin_prefetch(e);
      if (ranges[i].at < ranges[i].end) __builtin_prefetch(ranges[i].end - 1);
    }
    for (size_t i = 0; i < count; ++i) {
      const Entry* at = ranges[i].at;
      while (at < ranges[i].end && at->hash != (hash & kHashInEntry)) ++at;
      found[begin + i] = {};
      if (at == ranges[i].end) continue;
      const Probe& probe = probes[begin + i];
      auto index = static_cast<uint32_t>(at - probe.entries), end = static_cast<uint32_t>(ranges[i].end - probe.entries);
      index = readers[begin + i]->IndexOf(index, end, term, hash);
      if (index == end) continue;
      found[begin + i] = {index, probe.entries[index].document_count, static_cast<Impact>(probe.entries[index].largest_impact)};
    }
  }
}

Status LexicalReader::Validate(uint32_t document_limit) const {
  for (uint32_t i = 0; i < term_count_; ++i) {
    if (Find(Term(i)).postings.document_count() == 0) return Corruption("terms: one cannot be found");
    RETURN_IF_ERROR(ValidatePostings(RecordOf(i).list, At(i).document_count, document_limit));
  }
  return OkStatus();
}

}  // namespace codelore::index
