#include "api/http/request_id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>

namespace codelore::api {

std::string MakeRequestId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<uint8_t, 16> bytes{};
  [[maybe_unused]] ssize_t n =
      getrandom(bytes.data(), bytes.size(), 0);  // up to 256 bytes never fail
  std::string id;
  for (uint8_t byte : bytes) id.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return id;
}

}  // namespace codelore::api
