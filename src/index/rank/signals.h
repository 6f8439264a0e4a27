// Reads the features of a candidate file that its names hold: file name, folders, definitions.
#ifndef CODELORE_INDEX_RANK_SIGNALS_H_
#define CODELORE_INDEX_RANK_SIGNALS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "index/analysis/analyzer.h"
#include "index/rank/features.h"
#include "index/rank/query.h"
#include "index/segment/segment.h"

namespace codelore::index {

// Not thread-safe.
class SignalReader {
 public:
  using Idf = std::function<double(const std::string& term)>;
  SignalReader(const QueryTerms& query, Idf idf);

  // Fills in what path, language and definitions say.
  void Read(std::string_view path, std::string_view language, const std::vector<DefinedName>& definitions,
            FileFeatures& features);

  // Whether a word of the question asks for files of a kind.
  bool Asked(bool (*asks)(std::string_view)) const;

 private:
  bool IsCompound(std::string_view name) const;  // of neighbouring words of the question
  bool InQuestion(std::string_view part) const;
  bool IsAbbreviation(std::string_view part) const;  // of words of the question
  void ReadPath(std::string_view path, FileFeatures& features);
  void ReadDefinition(const DefinedName& definition, FileFeatures& features, double& hits);
  double ShareInQuestion(std::string_view text);  // of the text's idf, abbreviated or not; 0 for a text without words

  const QueryTerms& query_;
  Idf idf_;
  Analyzer analyzer_;
  std::vector<std::string> parts_;  // roots of all parts of the question's words, sorted
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SIGNALS_H_
