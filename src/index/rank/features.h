// What the ranking knows of a question and of a candidate file, as plain numbers, before any weight.
#ifndef CODELORE_INDEX_RANK_FEATURES_H_
#define CODELORE_INDEX_RANK_FEATURES_H_

#include <string_view>
#include <utility>
#include <vector>

namespace codelore::index {

struct QueryFeatures {
  double idf_sum = 0;        // of the question's terms: what a perfect lexical match could reach
  double best_lexical = 0;   // of all chunks
  double best_lexical_file = 0;  // of the candidates
  double best_dense = 0;
  double best_sparse = 0;    // 0: the encoder has no lexical weights
  // 0..1: how far the best whole file's BM25F stands above the twentieth's. Near 0 the lexical leg cannot tell them apart.
  double lexical_separation = 0;
  double dense_mean = 0, dense_deviation = 0;  // over all visible chunks
  bool symbol_like = false;
  bool has_dense = false;
  bool passages = false;  // chunks compete, not files
};

struct FileFeatures {
  double lexical = 0;        // best chunk's BM25F
  double lexical_file = 0;   // BM25F of the whole file
  double coverage = 0;       // 0..1: best chunk's share of the question's idf
  double dense = 0;          // best chunk's cosine
  double dense_next = 0;     // second to fourth chunk's at 1/2, 1/4, 1/8
  double stem_rarity = 0, stem_exact = 0, stem_compound = 0;  // less for the question's later words
  double folder_rarity = 0;
  double defines_exact = 0, defines_compound = 0, defines_type = 0;
  double secondary = 0;      // test, example, benchmark, vendored
  double prose = 0;          // documentation
  double legacy = 0;         // superseded version, compatibility layer, deprecated
  double foreign_platform = 0;
  double declaration = 0;    // a header or type declaration whose implementation is a candidate too
  double definitions_hit = 0;  // log2(1 + definitions with two or more of the question's words in their names)
  double dense_file = 0;     // mean cosine of the file's chunks
  double crowding = 0;       // of its best chunk among the candidates' (DenseSearch::Crowding)
  double sparse = 0;         // best chunk's inner product of lexical weights

  std::vector<std::pair<std::string_view, double>> Named() const {
    return {{"lexical", lexical}, {"lexical_file", lexical_file}, {"coverage", coverage},
            {"dense", dense}, {"dense_next", dense_next}, {"stem_rarity", stem_rarity},
            {"stem_exact", stem_exact}, {"folder_rarity", folder_rarity}, {"defines_exact", defines_exact},
            {"defines_type", defines_type}, {"stem_compound", stem_compound}, {"defines_compound", defines_compound}, {"secondary", secondary},
            {"prose", prose}, {"legacy", legacy}, {"foreign_platform", foreign_platform},
            {"declaration", declaration}, {"definitions_hit", definitions_hit}, {"dense_file", dense_file}, {"crowding", crowding}};
  }
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_FEATURES_H_
