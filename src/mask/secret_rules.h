// Secrets: tokens by the formats their issuers publish, private keys, and passwords by where they stand.
#ifndef CODELORE_MASK_SECRET_RULES_H_
#define CODELORE_MASK_SECRET_RULES_H_

#include <string_view>
#include <vector>

#include "mask/masker.h"

namespace codelore::mask {

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
