// Secrets: tokens by the formats their issuers publish, private keys, and passwords by where they stand.
#ifndef CODELORE_MASK_SECRET_RULES_H_
#define CODELORE_MASK_SECRET_RULES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mask/masker.h"

namespace codelore::mask {

enum Charset : uint8_t { kHex, kUpperDigits, kAlphanumeric, kWord, kToken, kBase64, kDotted };

// `prefix`, then from `least` to `most` bytes of `set`, and then none of it.
struct TokenRule {
  std::string_view name, prefix;
  Charset set;
  uint16_t least, most;
};
std::span<const TokenRule> TokenRules();

// Tokens that are known by their look alone, wherever they stand. Appends.
void FindTokens(std::string_view text, std::vector<Span>* spans);

// What is known by what stands around it: private keys between their marks, passwords in addresses, headers and
// assignments, web tokens. Appends.
void FindByContext(std::string_view text, std::vector<Span>* spans);

// Values that documentation uses for show: "AKIAIOSFODNN7EXAMPLE", "your-token-here", "${TOKEN}".
bool IsPlaceholder(std::string_view value);

// Shannon entropy of the bytes, bits per byte.
double Entropy(std::string_view value);

}  // namespace codelore::mask

#endif  // CODELORE_MASK_SECRET_RULES_H_
