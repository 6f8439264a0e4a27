#include "index/rank/dense_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "index/vector/int8_kernels.h"

namespace codelore::index {
namespace {

// Of each row, of `padded` codes or none: the mean cosine with those `count` of the others that are nearest to it.
std::vector<double> MeanOfNearest(std::span<const Int8Row> rows, size_t padded, size_t count) {
  std::vector<double> means(rows.size());
  if (rows.size() < 2) return means;
  count = std::min(count, rows.size() - 1);
  std::vector<int8_t> codes(rows.size() * padded);  // together, so that one call takes all
  for (size_t i = 0; i < rows.size(); ++i) std::ranges::copy(rows[i].codes, codes.begin() + static_cast<ptrdiff_t>(i * padded));
  std::vector<int32_t> dots(rows.size());
  std::vector<float> cosines(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    BestInt8Kernel().dot_rows(&codes[i * padded], codes.data(), padded, padded, rows.size(), dots.data());
    for (size_t j = 0; j < rows.size(); ++j) cosines[j] = static_cast<float>(dots[j]) * (rows[i].scale * rows[j].scale);
    cosines[i] = -2;  // not its own neighbour
    std::ranges::partial_sort(cosines, cosines.begin() + static_cast<ptrdiff_t>(count), std::greater<>());
    means[i] = std::accumulate(cosines.begin(), cosines.begin() + static_cast<ptrdiff_t>(count), 0.0) / static_cast<double>(count);
  }
  return means;
}

}  // namespace

DenseSearch::DenseSearch(World& world, std::span<const float> query, const Hash256& encoder) : world_(world), query_(query) {
  for (VisibleSegment& segment : world.segments()) {
    const VectorIndex* vectors = query.empty() ? nullptr : segment.live().VectorsOf(encoder);
    vectors_.push_back(vectors != nullptr && vectors->dimension() == query.size() ? vectors : nullptr);
  }
}

std::vector<ChunkRef> DenseSearch::Best(size_t k) {
  std::vector<ChunkRef> best;  // a heap with the worst in front
  ScoreSums sums;
  for (uint32_t s = 0; s < vectors_.size(); ++s) {
    if (vectors_[s] == nullptr) continue;
    float floor = best.size() < k ? 0 : best.front().score;
    for (const ScoredChunk& found : vectors_[s]->Search(query_, k, world_.segments()[s].AllowedRanges(), &sums, floor)) {
      ChunkRef ref{s, found.ordinal, found.score};
      if (found.score <= 0 || (best.size() == k && !IsBetter(ref, best.front()))) break;
      if (best.size() == k) {
        std::ranges::pop_heap(best, IsBetter);
        best.pop_back();
      }
      best.push_back(ref);
      std::ranges::push_heap(best, IsBetter);
    }
  }
  if (sums.count > 0) {
    mean_ = sums.sum / static_cast<double>(sums.count);
    deviation_ = std::sqrt(std::max(1e-12, sums.squares / static_cast<double>(sums.count) - mean_ * mean_));
  }
  std::ranges::sort(best, IsBetter);
  return best;
}

std::vector<float> DenseSearch::Score(uint32_t segment, std::span<const uint32_t> chunks) const {
  if (vectors_[segment] == nullptr) return std::vector<float>(chunks.size());
  return vectors_[segment]->Scores(query_, chunks);
}

std::vector<double> DenseSearch::Crowding(std::span<const ChunkRef> chunks, size_t neighbours) const {
  std::vector<Int8Row> rows;  // different ones
  std::vector<size_t> row_of;
  std::unordered_map<std::string_view, size_t> known;
  for (const ChunkRef& chunk : chunks) {
    const VectorIndex* vectors = vectors_[chunk.segment];
    const Int8Row row = vectors == nullptr ? Int8Row() : vectors->CodesOf(chunk.ordinal);
    const std::string_view bytes(reinterpret_cast<const char*>(row.codes.data()), row.codes.size());
    auto [at, added] = known.try_emplace(bytes, rows.size());
    if (added) rows.push_back(row);
    row_of.push_back(at->second);
  }
  std::vector<double> crowding = MeanOfNearest(rows, PaddedBytes(query_.size()), neighbours);
  const double mean = std::accumulate(crowding.begin(), crowding.end(), 0.0) / static_cast<double>(std::max<size_t>(1, rows.size()));
  std::vector<double> above;
  for (size_t row : row_of) above.push_back(crowding[row] - mean);
  return above;
}

}  // namespace codelore::index
