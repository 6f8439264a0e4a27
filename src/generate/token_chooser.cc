#include "generate/token_chooser.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace codelore::generate {
namespace {

constexpr size_t kCandidates = 64;

double Within(std::optional<double> value, double fallback, double low, double high) {
  return value && std::isfinite(*value) ? std::clamp(*value, low, high) : fallback;
}

using Candidate = std::pair<float, int32_t>;  // logit, token

bool Likelier(const Candidate& a, const Candidate& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; }

// The likeliest, best first.
std::vector<Candidate> Best(std::span<const float> logits) {
  std::vector<Candidate> best;  // a heap with the least likely one on top
  for (size_t i = 0; i < logits.size(); ++i) {
    Candidate candidate{logits[i], static_cast<int32_t>(i)};
    if (best.size() == kCandidates && !Likelier(candidate, best.front())) continue;
    if (best.size() == kCandidates) {
      std::ranges::pop_heap(best, Likelier);
      best.pop_back();
    }
    best.push_back(candidate);
    std::ranges::push_heap(best, Likelier);
  }
  std::ranges::sort(best, Likelier);
  return best;
}

}  // namespace

TokenChooser::TokenChooser(const Sampling& sampling)
    : temperature_(Within(sampling.temperature, 0, 0, 2)),
      top_p_(Within(sampling.top_p, 1, 0, 1)),
      random_(sampling.seed ? *sampling.seed : std::random_device()()) {}

double TokenChooser::Chance() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

std::optional<int32_t> TokenChooser::Choose(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || logits[i] == INFINITY) return std::nullopt;
    if (logits[i] > logits[best]) best = i;
  }
  if (logits.empty() || logits[best] == -INFINITY) return std::nullopt;
  constexpr double kCertain = 0.01;  // below, chance decides nothing
  if (temperature_ < kCertain) return static_cast<int32_t>(best);
  std::vector<Candidate> candidates = Best(logits);
  std::vector<double> weights;
  double sum = 0;
  for (const Candidate& candidate : candidates) {
    weights.push_back(std::exp((static_cast<double>(candidate.first) - static_cast<double>(candidates[0].first)) / temperature_));
    sum += weights.back();
  }
  double kept = 0;
  size_t count = 0;
  while (count < weights.size() && (count == 0 || kept < top_p_ * sum)) kept += weights[count++];
  double at = Chance() * kept;
  for (size_t i = 0; i + 1 < count; ++i) {
    if ((at -= weights[i]) < 0) return candidates[i].second;
  }
  return candidates[count - 1].second;
}

}  // namespace codelore::generate
