#include "api/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace codelore::api {
namespace {

std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

}  // namespace

void Histogram::Add(double seconds) {
  auto bucket = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  ++counts_[static_cast<size_t>(bucket)];
  ++count_;
  sum_ += seconds;
}

double Histogram::Quantile(double share) const {
  auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t below = 0;
  for (size_t i = 0; i < kBounds.size() && count_ > 0; ++i) {
    below += counts_[i];
    if (below >= wanted) return kBounds[i];
  }
  return count_ == 0 ? 0 : kBounds.back();
}

void Histogram::Print(std::string_view name_view, std::string_view help, std::string& out) const {
  const std::string name(name_view);
  out += "# HELP " + name + " " + std::string(help) + "\n# TYPE " + name + " histogram\n";
  uint64_t below = 0;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    below += counts_[i];
    out += name + "_bucket{le=\"" + NumberText(kBounds[i]) + "\"} " + std::to_string(below) + "\n";
  }
  out += name + "_bucket{le=\"+Inf\"} " + std::to_string(count_) + "\n" + name + "_sum " + NumberText(sum_) + "\n" + name + "_count " + std::to_string(count_) + "\n";
  for (auto [label, share] : {std::pair("p50", .5), std::pair("p95", .95)}) {
    out += "# TYPE " + name + "_" + label + " gauge\n" + name + "_" + label + " " + NumberText(Quantile(share)) + "\n";
  }
}

void Metrics::AddPush(TenantId tenant, PushStage stage, double seconds) {
  std::lock_guard lock(mutex_);
  Numbers& numbers = tenants_[tenant];
  (stage == PushStage::kLexical ? numbers.lexical : numbers.vector).Add(seconds);
}

std::string Metrics::Print(TenantId tenant) const {
  Numbers numbers;
  {
    std::lock_guard lock(mutex_);
    if (auto at = tenants_.find(tenant); at != tenants_.end()) numbers = at->second;
  }
  std::string out;
  numbers.lexical.Print("codelore_push_to_lexical_seconds", "From a push's webhook, poll or sync until search by words finds it.", out);
  numbers.vector.Print("codelore_push_to_vector_seconds", "From a push's webhook, poll or sync until search by meaning finds it.", out);
  return out;
}

}  // namespace codelore::api
