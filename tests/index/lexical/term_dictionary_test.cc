#include "index/lexical/term_dictionary.h"

#include <gtest/gtest.h>

namespace codelore::index {
namespace {

// A dictionary of `count` terms "termI", I = first, first + step, ...; each document has its own and "every".
struct Dictionary {
  Dictionary(int first, int step, int count) {
    LexicalBuilder builder;
    for (int i = 0; i < count; ++i) {
      builder.AddText(Field::kBody, "every term_" + std::to_string(first + i * step));
      builder.EndDocument();
    }
    sections = builder.Finish();
    reader = LexicalReader::Open(sections.terms, sections.postings, sections.positions).value();
  }
  LexicalSections sections;
  LexicalReader reader;
};

TEST(LexicalReader, FindsInManySegmentsWhatItFindsInEach) {
  std::vector<std::unique_ptr<Dictionary>> dictionaries;
  std::vector<const LexicalReader*> readers;
  for (int i = 0; i < 70; ++i) {
    dictionaries.push_back(std::make_unique<Dictionary>(i, 1 + i % 7, i % 10 == 9 ? 0 : 1 + i * 3));
    readers.push_back(&dictionaries.back()->reader);
  }
  for (int t = -1; t < 300; ++t) {
    std::string term = t < 0 ? "every" : "term_" + std::to_string(t);
    std::vector<FoundTerm> found(readers.size());
    LexicalReader::FindInAll(readers, std::span(&term, 1), found);
    for (size_t i = 0; i < readers.size(); ++i) {
      TermPostings postings = readers[i]->Find(term);
      ASSERT_EQ(found[i].document_count, postings.postings.document_count()) << term << " in " << i;
      if (found[i].document_count == 0) continue;
      EXPECT_EQ(readers[i]->Term(found[i].index), term);
      EXPECT_EQ(found[i].largest_impact, postings.largest_impact);
    }
  }
}

}  // namespace
}  // namespace codelore::index
