#include "mask/masker.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "mask/personal_data.h"
#include "mask/secret_rules.h"
#include "mask/views.h"

namespace codelore::mask {
namespace {

constexpr size_t kLeastBase64 = 24;         // encoded bytes: less holds no secret worth the look
constexpr size_t kMostBase64 = 64 * 1024;

// Finds in a view and says where that is in the text.
void FindInView(const View& view, bool context, std::vector<Span>* spans) {
  std::vector<Span> found;
  FindTokens(view.text(), &found);
  if (context) FindByContext(view.text(), &found);
  for (const Span& span : found) {
    auto [begin, end] = view.Original(span.begin, span.end);
    spans->push_back({begin, end, span.rule});
  }
}

bool IsBase64(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '-' || c == '_'; }

bool IsText(std::string_view bytes) {
  auto readable = [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\r' || c == '\t'; };
  return std::ranges::all_of(bytes, readable);
}

// Encoded values whose decoded text holds a secret, as a whole.
void FindEncoded(std::string_view text, std::vector<Span>* spans) {
  for (size_t at = 0; at < text.size();) {
    if (!IsBase64(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsBase64(text[end])) ++end;
    size_t padded = end;
    while (padded < text.size() && padded < end + 2 && text[padded] == '=') ++padded;
    if (end - at >= kLeastBase64 && end - at <= kMostBase64) {
      auto decoded = DecodeBase64(text.substr(at, end - at));
      std::vector<Span> inside;
      if (decoded && IsText(*decoded)) {
        FindTokens(*decoded, &inside);
        FindByContext(*decoded, &inside);
      }
      if (!inside.empty()) spans->push_back({at, padded, inside[0].rule});
    }
    at = padded > at ? padded : at + 1;
  }
}

}  // namespace

std::vector<Span> FindSensitive(std::string_view text, const MaskOptions& options) {
  std::vector<Span> spans;
  if (options.secrets) {
    FindTokens(text, &spans);
    FindByContext(text, &spans);
    FindEncoded(text, &spans);
    if (auto view = JoinedView(text)) FindInView(*view, /*context=*/false, &spans);
    if (auto view = UnescapedView(text)) FindInView(*view, /*context=*/true, &spans);
  }
  if (options.personal) FindPersonalData(text, &spans);
  std::ranges::sort(spans, [](const Span& a, const Span& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    if (merged.empty() || span.begin >= merged.back().end) merged.push_back(span);
    else merged.back().end = std::max(merged.back().end, span.end);
  }
  return merged;
}

std::vector<Span> Mask(std::string* text, const MaskOptions& options) {
  std::vector<Span> spans = FindSensitive(*text, options);
  for (const Span& span : spans) {
    for (size_t i = span.begin; i < span.end; ++i) {
      char& c = (*text)[i];
      if (c != '\n' && c != '\r') c = '*';
    }
  }
  return spans;
}

}  // namespace codelore::mask
