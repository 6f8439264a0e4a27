// The lexical part of a segment: its terms, sorted, and their postings.
//
//   terms    := term_count (4 bytes), zero (4), entry*(term_count + 1), term bytes
//   entry    := start of the term's bytes (4), document frequency (4), start of its postings (8); the last entry
//               only ends the one before it
//   postings := lists as in postings.h, in term order
#ifndef CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_
#define CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/analysis/analyzer.h"
#include "index/lexical/bm25f.h"
#include "index/lexical/postings.h"

namespace codelore::index {

// Collects documents in order and writes the two sections. Not thread-safe.
class LexicalBuilder {
 public:
  LexicalBuilder();
  ~LexicalBuilder();

  // Terms of the next document's field; may be called several times per field.
  void AddText(Field field, std::string_view text);
  // Ends the document; it gets the next ordinal, from 0.
  void EndDocument();

  void Finish(std::string& terms, std::string& postings);

 private:
  class TermTable;
  struct Pending {  // a posting before they are sorted by term
    uint32_t term, document;
    Impact impact;
  };

  Analyzer analyzer_;
  std::unique_ptr<TermTable> terms_;
  std::vector<FieldCounts> counts_;  // by term: of the current document
  std::vector<uint32_t> touched_;    // terms of the current document
  FieldCounts lengths_{};
  uint32_t document_ = 0;
  std::vector<Pending> pending_;
};

// Borrows both sections. Open checks that every offset stays inside them.
class LexicalReader {
 public:
  static Result<LexicalReader> Open(std::string_view terms, std::string_view postings);
  LexicalReader() = default;

  uint32_t term_count() const { return term_count_; }
  std::string_view Term(uint32_t index) const;
  // Postings of no documents when the term is absent.
  PostingsReader Find(std::string_view term) const;
  PostingsReader Postings(uint32_t index) const;
  // Decodes everything. For doctor and tests: checksums are what guards a running service.
  Status Validate(uint32_t document_limit) const;

 private:
  struct Entry {
    uint32_t term_begin;
    uint32_t document_count;
    uint64_t postings_begin;
  };
  Entry At(uint32_t index) const;

  std::string_view entries_, term_bytes_, postings_;
  uint32_t term_count_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_TERM_DICTIONARY_H_
