// The lexical part of a segment: its terms, their postings, and where in each document they stand.
//
//   terms     := term_count (4 bytes), bucket_bits (4), first entry of each bucket (4 each, 2^bits + 1),
//                padding to 8, entry*(term_count + 1), begin of each term's positions (4 each, term_count + 1)
//   entry     := see Entry below; ascending by XXH3-64 of the term; a term's bucket is its hash's top bits. The
//                last entry only ends the one before it
//   postings  := for each term, in entry order: size of the term (varint), the term, its list as in postings.h
//   positions := lists as in positions.h, in entry order
//
// A term is found with one probe of the buckets and about two of the entries, however many terms there are: a
// query over a thousand small segments costs little more than over a large one. Bucket and entry hold the whole
// hash where there are 256 buckets, so that terms are not compared: another read from memory, in each segment. Terms
// of one segment that share their hash are, because the builder knows them apart.
#ifndef CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_
#define CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/analysis/analyzer.h"
#include "index/lexical/bm25f.h"
#include "index/lexical/positions.h"
#include "index/lexical/postings.h"

namespace codelore::index {

// The bytes of the three sections.
struct LexicalSections {
  std::string terms, postings, positions;
};

class LexicalReader;

// A segment's terms on their way into a merged segment.
struct LexicalSource {
  const LexicalReader* reader;
  std::span<const uint32_t> new_documents;  // ascending; kNoDocument: it is left out
};

// Collects documents in order. Not thread-safe.
class LexicalBuilder {
 public:
  // What a builder would have made of the sources' documents: impacts do not depend on what stands beside a document.
  static LexicalSections Merge(std::span<const LexicalSource> sources);

  LexicalBuilder();
  ~LexicalBuilder();

  // Terms of the next document's field; may be called several times per field. Texts of one call stand together:
  // a phrase matches within one, not across two.
  void AddText(Field field, std::string_view text);
  // Ends the document; it gets the next ordinal, from 0.
  void EndDocument();

  LexicalSections Finish();

 private:
  class TermTable;
  class Occurrences;

  // `read` appends a term's postings and adds their positions.
  using ReadTerm = std::function<void(uint32_t number, std::vector<Posting>& postings, PositionsBuilder& positions)>;
  static LexicalSections Assemble(const TermTable& terms, const ReadTerm& read);
  uint32_t NumberOf(const Token& token);

  Analyzer analyzer_;
  std::unique_ptr<TermTable> terms_;
  std::unique_ptr<Occurrences> occurrences_;
  FieldCounts lengths_{};
  uint32_t position_ = 0;
};

// A term as a segment has it.
struct TermPostings {
  PostingsReader postings;
  PositionsReader positions;
  Impact largest_impact = 0;  // of all postings
};

// A term that a segment has, without a look at its postings.
struct FoundTerm {
  uint32_t index = 0;           // in the dictionary
  uint32_t document_count = 0;  // 0: the segment does not have it
  Impact largest_impact = 0;
};

// Borrows the sections. Open checks that every offset stays inside them.
class LexicalReader {
 public:
  static Result<LexicalReader> Open(std::string_view terms, std::string_view postings, std::string_view positions);
  LexicalReader() = default;

  uint32_t term_count() const { return term_count_; }
  std::string_view Term(uint32_t index) const;
  TermPostings Postings(uint32_t index) const;
  PostingsReader List(uint32_t index) const;  // without a look at its positions
  // Postings of no documents when the term is absent. `hash` is HashOf(term).
  TermPostings Find(std::string_view term, uint64_t hash) const;
  TermPostings Find(std::string_view term) const { return Find(term, HashOf(term)); }
  // Looks terms up in many segments, found[t * readers.size() + i] is terms[t] of readers[i], in steps that let their
  // reads from memory overlap.
  static void FindInAll(std::span<const LexicalReader* const> readers, std::span<const std::string> terms,
                        std::span<FoundTerm> found);
  // Starts fetching a found term's postings from memory.
  void Prefetch(uint32_t index) const { __builtin_prefetch(postings_.data() + At(index).begin); }
  static uint64_t HashOf(std::string_view term);

  // Decodes everything. For doctor and tests: checksums are what guards a running service.
  Status Validate(uint32_t document_limit) const;

 private:
  struct Entry {
    uint64_t hash : 56;  // all but the upper byte
    uint64_t largest_impact : 8;
    uint32_t document_count;
    uint32_t begin;  // in the section of postings
  };
  static constexpr uint64_t kHashInEntry = (uint64_t{1} << 56) - 1;
  static constexpr uint32_t kBitsOfWholeHash = 8;  // of a bucket: it and the entry hold the whole hash together
  // What looking a term up reads of a reader.
  struct Probe {
    const uint32_t* buckets = nullptr;
    const Entry* entries = nullptr;
    uint32_t bucket_bits = 0;
    uint64_t BucketOf(uint64_t hash) const { return bucket_bits == 0 ? 0 : hash >> (64 - bucket_bits); }
  };
  static void FindInProbes(std::span<const LexicalReader* const> readers, std::span<const Probe> probes, std::string_view term,
                           std::span<FoundTerm> found);
  // A term's part of the section of postings.
  struct Record {
    std::string_view term, list;
  };
  Record RecordOf(uint32_t index) const;
  const Entry& At(uint32_t index) const { return reinterpret_cast<const Entry*>(entries_.data())[index]; }
  uint32_t FirstOf(uint64_t bucket) const { return reinterpret_cast<const uint32_t*>(buckets_.data())[bucket]; }
  uint64_t BucketOf(uint64_t hash) const { return bucket_bits_ == 0 ? 0 : hash >> (64 - bucket_bits_); }
  uint32_t PositionsBegin(uint32_t index) const { return reinterpret_cast<const uint32_t*>(positions_begin_.data())[index]; }
  // The first entry of a bucket that has the hash's part, from `from` on; `end` if there is none.
  uint32_t NextCandidate(uint32_t from, uint32_t end, uint64_t hash) const {
    while (from < end && At(from).hash != (hash & kHashInEntry)) ++from;
    return from;
  }
  // Of a bucket's entries, a term's; `end` if there is none.
  uint32_t IndexOf(uint32_t from, uint32_t end, std::string_view term, uint64_t hash) const;
  Status CheckEntries() const;

  std::string_view buckets_, entries_, positions_begin_, postings_, positions_;
  uint32_t term_count_ = 0;
  uint32_t bucket_bits_ = 0;

  friend class LexicalBuilder;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_
