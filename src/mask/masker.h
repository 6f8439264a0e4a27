// Masker: finds secrets and personal data in a text and overwrites them, before anything is stored, embedded, shown to
// a model or logged.
//
// Every byte found becomes '*', so the text keeps its length, its lines and every other byte. Deterministic, in time
// linear in the text whatever it holds. What is looked for: secret_rules.h (tokens by their published formats, keys,
// passwords in addresses and assignments) and personal_data.h; also behind the disguises of views.h. Pure functions.
#ifndef CODELORE_MASK_MASKER_H_
#define CODELORE_MASK_MASKER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::mask {

// Raised whenever a rule changes what is found: what was stored by an older one is masked anew.
inline constexpr uint32_t kRulesVersion = 1;

// Bytes [begin, end) of a text.
struct Span {
  size_t begin = 0, end = 0;
  std::string_view rule;  // "github-token", "korean-resident-number": never the value
};

struct MaskOptions {
  bool secrets = true;
  bool personal = true;
};

// In order of place, without overlaps.
std::vector<Span> FindSensitive(std::string_view text, const MaskOptions& options = {});

// Overwrites what is found; line breaks stay.
std::vector<Span> Mask(std::string* text, const MaskOptions& options = {});

}  // namespace codelore::mask

#endif  // CODELORE_MASK_MASKER_H_
