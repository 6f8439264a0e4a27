#include "gloss/glossing_encoder.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "gloss/korean.h"

namespace codelore::gloss {
namespace {

// Changes when vectors of glossed text should be made anew. A longer word list alone is no such change: the vectors
// are of the same space, and those of texts with new words improve as the texts change.
constexpr uint8_t kGeneration = 1;

bool HasWords(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || static_cast<uint8_t>(c) >= 0x80; });
}

}  // namespace

GlossingEncoder::GlossingEncoder(std::unique_ptr<TextEncoder> encoder) : encoder_(std::move(encoder)), info_(encoder_->info()) {
  info_.fingerprint.bytes[0] ^= kGeneration;  // of a hash: any other value is another fingerprint
}

Result<std::vector<Encoding>> GlossingEncoder::Encode(std::span<const std::string_view> texts, const EncodeOptions& options) const {
  std::vector<std::string> glossed(texts.size());  // empty: as it is
  std::vector<std::string_view> read(texts.begin(), texts.end());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!HasHangul(texts[i])) continue;
    glossed[i] = InEnglish(texts[i]);
    if (HasWords(glossed[i])) read[i] = glossed[i];
  }
  return encoder_->Encode(read, options);
}

}  // namespace codelore::gloss
