// Masking: what happens to secrets and personal data in a source's texts, before anything else sees them.
#ifndef CODELORE_INGEST_MASKING_H_
#define CODELORE_INGEST_MASKING_H_

#include <cstdint>
#include <string>

namespace codelore::ingest {

// Values are stored: append only.
enum class Masking : uint8_t {
  kAll,      // both are overwritten
  kSecrets,  // secrets alone
  kOff,
  kRefuse,   // a file that holds any is skipped
};

// Tells results apart that were made by other rules or another policy; empty: nothing is masked.
std::string MaskingVersion(Masking masking);

// Overwrites what the policy says. "masked: github-token in line 3, e-mail-address in line 8, and 4 more", never a value; empty:
// nothing was found.
std::string MaskText(Masking masking, std::string* text);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_MASKING_H_
