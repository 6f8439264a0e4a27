// Code-aware signals of a file for a question: what its name and its definitions say beyond the words of its chunks.
#ifndef CODELORE_INDEX_RANK_SIGNALS_H_
#define CODELORE_INDEX_RANK_SIGNALS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "index/analysis/analyzer.h"
#include "index/rank/query.h"
#include "index/segment/segment.h"

namespace codelore::index {

// Each from 0 to 1.
struct FileSignals {
  double stem_share = 0;       // of the file stem's parts, the share the question has
  double stem_rarity = 0;      // the same, each part weighted by its idf
  double stem_exact = 0;       // the stem is a word of the question
  double defines_exact = 0;    // a definition is named exactly as an identifier of the question
  double defines_type = 0;     // a type is named exactly as a capitalised word of the question
  double definition_cover = 0; // of the best-fitting definition name's parts, the share the question has (two or more)
  bool secondary = false;      // test, example, benchmark or vendored, and the question does not ask for that
};

// Not thread-safe.
class SignalReader {
 public:
  using Idf = std::function<double(const std::string& term)>;
  SignalReader(const QueryTerms& query, Idf idf);

  FileSignals Read(std::string_view path, const std::vector<DefinedName>& definitions);

 private:
  bool InQuestion(const std::string& part) const;
  void ReadStem(std::string_view path, FileSignals& signals);
  void ReadDefinitions(const std::vector<DefinedName>& definitions, FileSignals& signals);

  const QueryTerms& query_;
  Idf idf_;
  Analyzer analyzer_;
  std::vector<std::string> parts_;  // all parts of the question's words, sorted
  bool asks_for_secondary_ = false;
};

// Whether a path is that of a test, example, benchmark or vendored file, by its folders and name.
bool IsSecondaryPath(std::string_view path);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SIGNALS_H_
