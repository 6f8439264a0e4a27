// Reads the features of a candidate file that its names hold: file name, folders, definitions.
#ifndef CODELORE_INDEX_RANK_SIGNALS_H_
#define CODELORE_INDEX_RANK_SIGNALS_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
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
  double Stress(std::string_view part) const;  // of the word that the part is of; 1: it abbreviates one; 0: it is of none
  void ReadPath(std::string_view path, bool prose, FileFeatures& features);
  void ReadDefinition(const DefinedName& definition, FileFeatures& features, double& hits);

  struct NameMatch {
    double share = 0;   // of the text's idf that is in the question, abbreviated or not; 0 for a text without words
    double stress = 1;  // mean stress of what is
  };
  NameMatch Match(std::string_view text);

  const QueryTerms& query_;
  Idf idf_;
  Analyzer analyzer_;
  std::vector<std::pair<std::string, double>> parts_;  // roots of the parts of the question's words, sorted; their stress
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SIGNALS_H_
