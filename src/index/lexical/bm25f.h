// BM25F with the document side folded into one byte per posting.
//
//   weighted(t, d) = sum over fields f of  weight_f * tf_f / (1 - b + b * length_f / average_f)
//   score(q, d)    = sum over terms t of   idf(t) * weighted / (k1 + weighted)
//
// (Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields", CIKM 2004.) Chunks are cut
// to a known size, so average_f are constants of the format and not of a collection: `weighted` is known when
// the segment is built, and what a query takes from the collection are only the number of chunks and each
// term's document frequency, summed over what the viewer may see. The largest byte of a block of postings is
// then an exact bound for every viewer.
#ifndef CODELORE_INDEX_LEXICAL_BM25F_H_
#define CODELORE_INDEX_LEXICAL_BM25F_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace codelore::index {

enum class Field : uint8_t { kPath, kSymbol, kProse, kBody };
inline constexpr size_t kFieldCount = 4;

struct FieldShape {
  float weight;
  float average_length;  // in terms, over the chunks of 20 public repositories in 19 languages
};
inline constexpr std::array<FieldShape, kFieldCount> kFields = {{
    {4.0f, 8.0f},    // path
    {5.0f, 8.0f},    // symbol names, enclosing names, headings
    {2.5f, 16.0f},   // comments and docstrings
    {1.0f, 60.0f},   // everything else
}};
inline constexpr float kB = 0.8f;
inline constexpr float kK1 = 2.5f;

using FieldCounts = std::array<uint32_t, kFieldCount>;

inline float WeightedFrequency(const FieldCounts& frequencies, const FieldCounts& lengths) {
  float sum = 0;
  for (size_t f = 0; f < kFieldCount; ++f) {
    if (frequencies[f] == 0) continue;
    float norm = 1 - kB + kB * static_cast<float>(lengths[f]) / kFields[f].average_length;
    sum += kFields[f].weight * static_cast<float>(frequencies[f]) / norm;
  }
  return sum;
}

// An impact is `weighted` on a logarithmic scale of 256 steps of 2.8 %, from 0.05 to 50.
using Impact = uint8_t;
inline constexpr float kLowestWeighted = 0.05f;
inline constexpr float kImpactStep = 0.02709f;  // ln(1000) / 255

inline Impact QuantizeImpact(float weighted) {
  float step = std::log(weighted / kLowestWeighted) / kImpactStep;
  return static_cast<Impact>(step < 0 ? 0 : step > 255 ? 255 : std::lround(step));
}

// `weighted` of each impact.
inline const std::array<float, 256>& WeightedTable() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (size_t i = 0; i < values.size(); ++i) values[i] = kLowestWeighted * std::exp(kImpactStep * static_cast<float>(i));
    return values;
  }();
  return table;
}

inline float Saturated(float weighted) { return weighted / (kK1 + weighted); }

// A term's contribution for each impact, in units of 1/1024: whole numbers, so that a sum does not depend on the
// order of its terms and a bound is never off by a rounding.
using ContributionTable = std::array<uint32_t, 256>;
inline constexpr double kScoreUnit = 1.0 / 1024;

inline ContributionTable MakeContributions(double weight) {
  ContributionTable table;
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint32_t>(std::lround(weight * static_cast<double>(Saturated(WeightedTable()[i])) / kScoreUnit));
  }
  return table;
}

inline float InverseDocumentFrequency(uint64_t documents, uint64_t document_frequency) {
  auto n = static_cast<float>(documents);
  auto df = static_cast<float>(document_frequency);
  return std::log(1 + (n - df + 0.5f) / (df + 0.5f));
}

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_BM25F_H_
