// The lexical part of a segment: its terms, their postings, and where in each document they stand.
//
//   terms     := term_count (4 bytes), bucket_bits (4), first entry of each bucket (4 each, 2^bits + 1),
//                padding to 8, entry*(term_count + 1), term bytes
//   entry     := see Entry below; ascending by XXH3-64 of the term; a term's bucket is its hash's top bits. The
//                last entry only ends the one before it
//   postings  := lists as in postings.h, in entry order
//   positions := lists as in positions.h, in entry order
//
// A term is found with one probe of the buckets and about two of the entries, however many terms there are: a
// query over a thousand small segments costs little more than over a large one.
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
  // Postings of no documents when the term is absent. `hash` is HashOf(term).
  TermPostings Find(std::string_view term, uint64_t hash) const;
  TermPostings Find(std::string_view term) const { return Find(term, HashOf(term)); }
  // Looks a term up in many segments, found[i] of readers[i], in steps that let their reads from memory overlap.
  static void FindInAll(std::span<const LexicalReader* const> readers, std::string_view term, std::span<FoundTerm> found);
  static uint64_t HashOf(std::string_view term);

  // Decodes everything. For doctor and tests: checksums are what guards a running service.
  Status Validate(uint32_t document_limit) const;

 private:
  struct Entry {
    uint32_t hash_low;  // the hash's lower half
    uint32_t term_begin;
    uint32_t document_count;
    uint32_t largest_impact;
    uint64_t postings_begin;
    uint64_t positions_begin;
  };
  const Entry& At(uint32_t index) const { return reinterpret_cast<const Entry*>(entries_.data())[index]; }
  uint32_t FirstOf(uint64_t bucket) const { return reinterpret_cast<const uint32_t*>(buckets_.data())[bucket]; }
  uint64_t BucketOf(uint64_t hash) const { return bucket_bits_ == 0 ? 0 : hash >> (64 - bucket_bits_); }
  // The first entry of a bucket that has the hash's lower half, from `from` on; `end` if there is none.
  uint32_t NextCandidate(uint32_t from, uint32_t end, uint64_t hash) const {
    while (from < end && At(from).hash_low != static_cast<uint32_t>(hash)) ++from;
    return from;
  }
  Status CheckEntries(size_t postings_size, size_t positions_size) const;

  std::string_view buckets_, entries_, term_bytes_, postings_, positions_;
  uint32_t term_count_ = 0;
  uint32_t bucket_bits_ = 0;

  friend class LexicalBuilder;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_
