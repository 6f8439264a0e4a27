// A text corpus in the style of tree-sitter: cases of a title, a source and the expected chunks.
//
//   ===
//   The title, a sentence
//   :max_lines 12          options of this case, any number
//   ===
//   source
//   ---
//   expected
//
// The first line of a file may carry a suffix ("===|"), which its other separators must then carry
// too ("---|"), for sources that contain such lines themselves. Expected parts are rewritten if
// CODELORE_UPDATE_CORPUS=1.
#ifndef CODELORE_TESTS_CHUNKER_CORPUS_H_
#define CODELORE_TESTS_CHUNKER_CORPUS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"

namespace codelore::chunker {

struct CorpusCase {
  std::string title;
  std::map<std::string, uint32_t> options;
  std::string source;
  std::string expected;
};

struct Corpus {
  std::string suffix;
  std::vector<CorpusCase> cases;

  // Asserts on a malformed file.
  static Corpus Read(const std::string& path);
  void Write(const std::string& path) const;
};

// Names of the corpus files (without .txt), sorted.
std::vector<std::string> CorpusNames();
std::string CorpusPath(const std::string& name);

// The chunks in the corpus's notation.
std::string Describe(std::string_view text, const ChunkedFile& file);

// "" or what is wrong: the invariants of codelore/chunk.h.
std::string BrokenInvariant(std::string_view text, const ChunkedFile& file);

}  // namespace codelore::chunker

#endif  // CODELORE_TESTS_CHUNKER_CORPUS_H_
