#include "index/rank/score.h"

#include <algorithm>
#include <cmath>

namespace codelore::index {
namespace {

// The legs. One weight each for what a file's best chunk says, and the file as a whole.
constexpr double kLexical = 1, kLexicalFile = 1;         // times the separation cubed, so that it must be earned,
constexpr double kMostTrust = 0.5;                       // and at most this
constexpr double kLexicalOfChunk = 2;                    // beside its siblings, and where chunks compete
constexpr double kDense = 1, kDenseForSymbols = 0.1;     // a name means little to an encoder of prose
constexpr double kDenseNext = 0.15, kDenseFile = 0.1;
constexpr double kBefore = 0.2;
// What is close to many things is close to many questions, too, and says less (hubs; Conneau et al. 2018, arXiv:1710.04087).
constexpr double kCrowding = 0.1;
constexpr double kSparse = 0.3;                          // as published for BGE-M3 (arXiv:2402.03216); not tuned here
constexpr double kTokenVectors = 1;                      // likewise
constexpr double kCoverage = 0.2;
constexpr double kPassageCoverage = 2;  // the passage that answers has most of the words, not one of them often
// Names.
constexpr double kStemRarity = 0.3, kStemExact = 0.3, kFolderRarity = 0.2;
constexpr double kDefinesName = 0.1;  // only when the question is a name; within prose it misleads
constexpr double kDefinesType = 0.1, kDefinesCompound = 0.1, kDefinitionsHit = 0.02;
// Factors: for each kind of files that a file is of and that is seldom what was meant, and for a declaration.
constexpr double kSeldomMeant = 0.5, kDeclaration = 0.8;

// Deviations above the mean cosine, in quarters: an encoder's cosines mean nothing on their own.
double Standardised(const QueryFeatures& query, double cosine) {
  if (query.dense_deviation <= 0) return std::max(0.0, cosine);
  return std::max(0.0, (cosine - query.dense_mean) / query.dense_deviation / 4);
}
double Share(double lexical, double best) { return best > 0 ? lexical / best : 0; }
double Sparse(const QueryFeatures& query, double sparse) {
  return query.best_sparse > 0 ? kSparse * sparse / query.best_sparse : 0;
}
// Without vectors there is nothing to weigh the lexical leg against; for a name, next to nothing. Where chunks compete
// the twentieth may be of the best one's file, and says nothing.
double Trust(SearchMode mode, const QueryFeatures& query) {
  if (mode == SearchMode::kLexical || !query.has_dense || query.passages) return 1;
  double separation = query.lexical_separation;
  double trust = separation * separation * separation;
  return query.symbol_like ? trust : std::min(trust, kMostTrust);
}
// Where one vector stands far above all others, the small change of words only shuffles what it found.
double WordTrust(SearchMode mode, const QueryFeatures& query) {
  constexpr double kDeviations = 3.5;
  if (mode == SearchMode::kLexical || !query.has_dense || query.dense_deviation <= 0) return 1;
  double above = (query.best_dense - query.dense_mean) / query.dense_deviation;
  double trust = above > kDeviations ? kDeviations / above : 1;
  return trust * trust * trust;
}
double DenseWeight(const QueryFeatures& query) { return query.symbol_like ? kDenseForSymbols : kDense; }

class Sum {
 public:
  explicit Sum(bool explain) : explain_(explain) {}
  void Add(const char* name, double amount) {
    if (amount == 0) return;
    score_.value += amount;
    if (explain_) score_.parts.emplace_back(name, amount);
  }
  // What the factor takes away.
  void Multiply(const char* name, double factor) { Add(name, score_.value * (factor - 1)); }
  FileScore Take() { return std::move(score_); }

 private:
  const bool explain_;
  FileScore score_;
};

void AddNames(const QueryFeatures& query, const FileFeatures& file, double word_trust, Sum& sum) {
  if (query.symbol_like) sum.Add("defines the name", word_trust * kDefinesName * file.defines_exact);
  sum.Add("file name", kStemRarity * file.stem_rarity);
  sum.Add("file named so", kStemExact * std::max(file.stem_exact, file.stem_compound));
  sum.Add("folder name", kFolderRarity * file.folder_rarity);
  sum.Add("defines the type", word_trust * kDefinesType * file.defines_type);
  sum.Add("defines a name of these words", word_trust * kDefinesCompound * file.defines_compound);
  sum.Add("definitions that fit", word_trust * kDefinitionsHit * file.definitions_hit);
}

void MultiplyKinds(const FileFeatures& file, Sum& sum) {
  if (file.secondary > 0) sum.Multiply("test, example or vendored", kSeldomMeant);
  if (file.prose > 0) sum.Multiply("documentation of code", kSeldomMeant);
  if (file.legacy > 0) sum.Multiply("superseded", kSeldomMeant);
  if (file.foreign_platform > 0) sum.Multiply("for another platform", kSeldomMeant);
  if (file.declaration > 0) sum.Multiply("declaration only", kDeclaration);
}

}  // namespace

double Continued(double cosine, double before) { return (cosine + kBefore * before) / (1 + kBefore); }

double ScoreChunk(SearchMode mode, const QueryFeatures& query, double lexical, double dense, double sparse) {
  if (mode == SearchMode::kVector) return Standardised(query, dense);
  double score = kLexicalOfChunk * Share(lexical, query.best_lexical);
  return mode == SearchMode::kHybrid ? score + DenseWeight(query) * Standardised(query, dense) + Sparse(query, sparse) : score;
}

FileScore ScoreFile(SearchMode mode, const QueryFeatures& query, const FileFeatures& file, bool explain) {
  Sum sum(explain);
  if (mode == SearchMode::kVector) {
    sum.Add("vector", Standardised(query, file.dense));
    return sum.Take();
  }
  double trust = Trust(mode, query);
  sum.Add("lexical", (query.passages ? kLexicalOfChunk : kLexical) * trust * Share(file.lexical, query.best_lexical));
  sum.Add("lexical of the whole file", kLexicalFile * trust * Share(file.lexical_file, query.best_lexical_file));
  double word_trust = WordTrust(mode, query);
  sum.Add("share of the words", (query.passages ? kPassageCoverage : word_trust * kCoverage) * file.coverage);
  if (mode == SearchMode::kHybrid) {
    sum.Add("vector", DenseWeight(query) * Standardised(query, file.dense));
    if (!query.passages && query.dense_deviation > 0) {
      sum.Add("others are like it", -DenseWeight(query) * kCrowding * file.crowding / query.dense_deviation / 4);
    }
    sum.Add("vector of further chunks", kDenseNext * file.dense_next);
    sum.Add("vector of the whole file", kDenseFile * Standardised(query, file.dense_file));
    sum.Add("lexical weights of the encoder", Sparse(query, file.sparse));
  }
  AddNames(query, file, word_trust, sum);
  MultiplyKinds(file, sum);
  return sum.Take();
}

std::vector<double> WeighTokenVectors(const std::vector<double>& max_sims) {
  std::vector<double> amounts(max_sims.size());
  if (max_sims.empty()) return amounts;
  double sum = 0, squares = 0;
  for (double x : max_sims) {
    sum += x;
    squares += x * x;
  }
  const auto count = static_cast<double>(max_sims.size());
  const double deviation = std::sqrt(std::max(0.0, squares / count - sum / count * (sum / count)));
  if (deviation < 1e-9) return amounts;
  const double least = *std::ranges::min_element(max_sims);
  for (size_t i = 0; i < amounts.size(); ++i) amounts[i] = kTokenVectors * (max_sims[i] - least) / deviation / 4;
  return amounts;
}

}  // namespace codelore::index
