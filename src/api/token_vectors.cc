#include "api/token_vectors.h"

#include <algorithm>
#include <string_view>

#include "codelore/utf8.h"
#include "index/rank/score.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxTextBytes = 8192;
constexpr size_t kTextsAtOnce = 8;  // their vectors are in memory together

// Sums side by side, which the compiler turns into vectors.
float Product(const float* a, const float* b, size_t size) {
  constexpr size_t kSums = 16;
  float sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= size; i += kSums) {
    for (size_t j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (float each : sums) sum += each;
  return sum;
}

}  // namespace

double MaxSim(std::span<const float> question, std::span<const float> text, size_t dimension) {
  if (question.empty() || text.empty()) return 0;
  double sum = 0;
  for (size_t i = 0; i < question.size(); i += dimension) {
    float best = -1;
    for (size_t j = 0; j < text.size(); j += dimension) best = std::max(best, Product(&question[i], &text[j], dimension));
    sum += best;
  }
  return sum / static_cast<double>(question.size() / dimension);
}

Status ScoreByTokenVectors(const TextEncoder& encoder, const std::string& question, size_t count, std::vector<NamedHit>& hits) {
  count = std::min({count, hits.size(), kMostRescored});
  if (count == 0) return OkStatus();
  const std::string_view asked = question;
  ASSIGN_OR_RETURN(auto query, encoder.Encode({&asked, 1}, {.role = TextRole::kQuery, .multi = true}));
  for (size_t begin = 0; begin < count; begin += kTextsAtOnce) {
    const size_t end = std::min(begin + kTextsAtOnce, count);
    std::vector<std::string_view> texts;
    for (size_t i = begin; i < end; ++i) texts.push_back(Utf8Prefix(hits[i].hit.text, kMaxTextBytes));
    ASSIGN_OR_RETURN(auto encodings, encoder.Encode(texts, {.role = TextRole::kPassage, .multi = true}));
    for (size_t i = begin; i < end; ++i) {
      hits[i].hit.why.token_vectors = MaxSim(query[0].multi, encodings[i - begin].multi, encoder.info().dimension);
    }
  }
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(hits[i].hit.why.token_vectors);
  const std::vector<double> amounts = index::WeighTokenVectors(values);
  for (size_t i = 0; i < count; ++i) {
    hits[i].hit.score += amounts[i];
    hits[i].hit.why.signals.emplace_back("token vectors", amounts[i]);
  }
  std::ranges::stable_sort(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(count), std::greater<>(), [](const NamedHit& each) { return each.hit.score; });
  return OkStatus();
}

}  // namespace codelore::api
