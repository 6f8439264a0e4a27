// The text of an API token: "clr_", 32 random base-62 characters (190 bits), and 6 base-62 characters of their
// CRC-32, by which scanners can tell a leaked token from a look-alike. Only a keyed hash of it is ever stored.
#ifndef CODELORE_ACL_TOKEN_TEXT_H_
#define CODELORE_ACL_TOKEN_TEXT_H_

#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore::acl {

inline constexpr size_t kTokenKeyBytes = 32;

// Bytes of the operating system's generator. kUnavailable if it has none to give.
Result<std::string> RandomBytes(size_t count);

Result<std::string> NewTokenText();

// Has the form and the checksum of a token. Takes the same time for every text of a token's length.
bool IsWellFormedToken(std::string_view text);

// HMAC-SHA-256 (RFC 2104) of the text: 32 bytes.
Result<std::string> HashToken(std::string_view key, std::string_view text);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_TOKEN_TEXT_H_
