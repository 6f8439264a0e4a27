// Metrics: how long pushes take to be found, counted in buckets, in the text format of Prometheus. By tenant: who looks after
// one sees its own and nothing that others do. No label names a source. Thread-safe.
#ifndef CODELORE_API_METRICS_H_
#define CODELORE_API_METRICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "codelore/ids.h"

namespace codelore::api {

class Histogram {
 public:
  static constexpr std::array<double, 14> kBounds = {.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 300, 900, 3600};

  void Add(double seconds);
  // The bound below which this share of the values lies, as far as buckets tell; 0 without values.
  double Quantile(double share) const;
  void Print(std::string_view name, std::string_view help, std::string& out) const;

 private:
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  uint64_t count_ = 0;
  double sum_ = 0;
};

enum class PushStage { kLexical, kVector };

class Metrics {
 public:
  // A push is visible in search by words, or by meaning, so long after it was asked for. First imports do not count.
  void AddPush(TenantId tenant, PushStage stage, double seconds);
  std::string Print(TenantId tenant) const;

 private:
  struct Numbers {
    Histogram lexical, vector;
  };
  mutable std::mutex mutex_;
  std::map<TenantId, Numbers> tenants_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_METRICS_H_
