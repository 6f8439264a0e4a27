#include "acl/token_text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cstdint>

#include "acl/checksum.h"

namespace codelore::acl {
namespace {

constexpr std::string_view kPrefix = "clr_";
constexpr size_t kRandomCharacters = 32;
constexpr size_t kChecksumCharacters = 6;  // 62^6 > 2^32
constexpr size_t kTokenBytes = kPrefix.size() + kRandomCharacters + kChecksumCharacters;
constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string ChecksumDigits(std::string_view text) {
  uint32_t rest = Crc32(text);
  std::string digits(kChecksumCharacters, '0');
  for (size_t i = digits.size(); i-- > 0; rest /= 62) digits[i] = kDigits[rest % 62];
  return digits;
}

}  // namespace

Result<std::string> RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t have = 0; have < count;) {
    ssize_t got = getrandom(bytes.data() + have, count - have, 0);
    if (got <= 0) return Unavailable("the operating system gives no random bytes");
    have += static_cast<size_t>(got);
  }
  return bytes;
}

Result<std::string> NewTokenText() {
  std::string text(kPrefix);
  while (text.size() < kPrefix.size() + kRandomCharacters) {
    ASSIGN_OR_RETURN(std::string bytes, RandomBytes(kRandomCharacters));
    for (char byte : bytes) {
      auto value = static_cast<uint8_t>(byte);
      // 248 = 4 * 62: larger values would favour the first digits.
      if (value < 248 && text.size() < kPrefix.size() + kRandomCharacters) text += kDigits[value % 62];
    }
  }
  return text + ChecksumDigits(text);
}

bool IsWellFormedToken(std::string_view text) {
  if (text.size() != kTokenBytes) return false;
  std::string_view body = text.substr(0, kTokenBytes - kChecksumCharacters);
  std::string expected = std::string(kPrefix) + std::string(body.substr(kPrefix.size())) + ChecksumDigits(body);
  unsigned difference = 0;
  for (size_t i = 0; i < kTokenBytes; ++i) difference |= static_cast<uint8_t>(text[i] ^ expected[i]);
  return difference == 0;
}

Result<std::string> HashToken(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
           text.size(), digest.data(), &size) == nullptr) {
    return Internal("HMAC-SHA-256 failed");
  }
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

}  // namespace codelore::acl
