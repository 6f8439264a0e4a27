#include "ingest/masking.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "mask/masker.h"

namespace codelore::ingest {
namespace {

std::string FindingsText(std::string_view text, const std::vector<mask::Span>& spans) {
  constexpr size_t kNamed = 20;
  std::string found;
  uint64_t line = 1;
  size_t at = 0;
  for (size_t i = 0; i < std::min(spans.size(), kNamed); ++i) {
    line += static_cast<uint64_t>(std::count(text.begin() + static_cast<ptrdiff_t>(at), text.begin() + static_cast<ptrdiff_t>(spans[i].begin), '\n'));
    at = spans[i].begin;
    found += (i == 0 ? "masked: " : ", ") + std::string(spans[i].rule) + " in line " + std::to_string(line);
  }
  if (spans.size() > kNamed) found += ", and " + std::to_string(spans.size() - kNamed) + " more";
  return found;
}

}  // namespace

std::string MaskingVersion(Masking masking) {
  constexpr std::string_view kPolicies[] = {"a", "s", "", "r"};
  std::string_view policy = kPolicies[static_cast<size_t>(masking)];
  return policy.empty() ? "" : std::string(policy) + std::to_string(mask::kRulesVersion);
}

std::string MaskText(Masking masking, std::string* text) {
  if (masking == Masking::kOff) return "";
  auto spans = mask::Mask(text, {.secrets = true, .personal = masking != Masking::kSecrets});
  return FindingsText(*text, spans);
}

}  // namespace codelore::ingest
