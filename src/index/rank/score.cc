#include "index/rank/score.h"

#include <algorithm>

namespace codelore::index {
namespace {

constexpr double kDenseForProse = 0.6, kDenseForSymbols = 0.1;

double Lexical(const QueryFeatures& query, double lexical) {
  return query.best_lexical > 0 ? lexical / query.best_lexical : 0;
}
double Dense(const QueryFeatures& query, double dense) {
  return query.best_dense > 0 ? std::max(0.0, dense / query.best_dense) : 0;
}
double DenseWeight(const QueryFeatures& query) { return query.symbol_like ? kDenseForSymbols : kDenseForProse; }

}  // namespace

double ScoreChunk(SearchMode mode, const QueryFeatures& query, double lexical, double dense) {
  if (mode == SearchMode::kVector) return Dense(query, dense);
  return Lexical(query, lexical) + (mode == SearchMode::kHybrid ? DenseWeight(query) * Dense(query, dense) : 0);
}

FileScore ScoreFile(SearchMode mode, const QueryFeatures& query, const FileFeatures& file) {
  FileScore score;
  auto add = [&](const char* name, double amount) {
    if (amount == 0) return;
    score.value += amount;
    score.parts.emplace_back(name, amount);
  };
  if (mode == SearchMode::kVector) {
    add("vector", Dense(query, file.dense));
    return score;
  }
  add("lexical", Lexical(query, file.lexical));
  add("lexical of further chunks", 0.5 * Lexical(query, file.lexical_next));
  if (mode == SearchMode::kHybrid) {
    add("vector", DenseWeight(query) * Dense(query, file.dense));
    add("vector of further chunks", 0.2 * Dense(query, file.dense_next));
  }
  add("file name", 0.2 * file.stem_share + 0.5 * file.stem_rarity + 0.3 * file.stem_exact);
  add("definition", 0.2 * file.defines_exact + 0.3 * file.defines_type + 0.3 * file.definition_cover);
  if (file.secondary > 0) add("test, example or vendored", -0.5 * score.value);
  return score;
}

}  // namespace codelore::index
