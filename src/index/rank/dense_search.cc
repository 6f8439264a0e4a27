#include "index/rank/dense_search.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "index/vector/int8_kernels.h"

namespace codelore::index {

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
  const size_t padded = PaddedBytes(query_.size());
  std::vector<int8_t> codes(chunks.size() * padded);  // together, so that one product takes all
  std::vector<float> scales(chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    const VectorIndex* vectors = vectors_[chunks[i].segment];
    const Int8Row row = vectors == nullptr ? Int8Row() : vectors->CodesOf(chunks[i].ordinal);
    std::ranges::copy(row.codes, codes.begin() + static_cast<ptrdiff_t>(i * padded));
    scales[i] = row.scale;
  }
  std::vector<double> crowding(chunks.size());
  std::vector<int32_t> dots(chunks.size());
  std::vector<float> cosines(chunks.size());
  const size_t count = std::min(neighbours, chunks.size() - std::min<size_t>(1, chunks.size()));
  for (size_t i = 0; i < chunks.size() && count > 0; ++i) {
    BestInt8Kernel().dot_rows(&codes[i * padded], codes.data(), padded, padded, chunks.size(), dots.data());
    for (size_t j = 0; j < chunks.size(); ++j) cosines[j] = static_cast<float>(dots[j]) * (scales[i] * scales[j]);
    cosines[i] = -2;  // not its own neighbour
    std::ranges::partial_sort(cosines, cosines.begin() + static_cast<ptrdiff_t>(count), std::greater<>());
    for (size_t j = 0; j < count; ++j) crowding[i] += cosines[j] / static_cast<double>(count);
  }
  return crowding;
}

}  // namespace codelore::index
