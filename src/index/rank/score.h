// From features to one number: the only place with weights.
#ifndef CODELORE_INDEX_RANK_SCORE_H_
#define CODELORE_INDEX_RANK_SCORE_H_

#include <string>
#include <utility>
#include <vector>

#include "codelore/index.h"
#include "index/rank/features.h"

namespace codelore::index {

struct FileScore {
  double value = 0;
  std::vector<std::pair<std::string, double>> parts;  // name, contribution; they sum up to value
};

// Without `explain` the parts stay empty.
FileScore ScoreFile(SearchMode mode, const QueryFeatures& query, const FileFeatures& file, bool explain = true);

// The cosine that a chunk of prose has for its file: it goes on from the one before it.
double Continued(double cosine, double before);

// How a chunk stands beside the others of its file.
double ScoreChunk(SearchMode mode, const QueryFeatures& query, double lexical, double dense, double sparse);

// What MaxSim adds to the scores of the hits it was computed for: how far each stands above the worst of them.
std::vector<double> WeighTokenVectors(const std::vector<double>& max_sims);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SCORE_H_
