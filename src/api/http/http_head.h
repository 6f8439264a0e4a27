// The head of an HTTP/1.x request: request line and header fields (RFC 9112), read strictly.
//
// Everything two parsers could read differently is refused, not repaired: bare CR or LF, NUL,
// folded lines, blanks before a colon, repeated or signed lengths, a length next to a transfer
// coding, any coding other than one `chunked`, a body on GET. So no request can hide another one.
// Pure functions and values; the caller closes the connection after a Problem.
#ifndef CODELORE_API_HTTP_HEAD_H_
#define CODELORE_API_HTTP_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "api/http/http_message.h"
#include "api/http/problem.h"

namespace codelore::api {

inline constexpr size_t kMaxRequestLineBytes = 8 * 1024;
inline constexpr size_t kMaxHeaderLineBytes = 8 * 1024;
inline constexpr size_t kMaxHeaderNameBytes = 256;
inline constexpr size_t kMaxHeadBytes = 32 * 1024;
inline constexpr size_t kMaxHeaderCount = 100;
inline constexpr size_t kMaxQueryParameters = 100;

// Finds the end of a head in bytes that arrive piece by piece, looking at each byte once. Refuses
// what no head may contain as soon as it is there, so nothing waits for an end that cannot come.
class HeadScanner {
 public:
  // `bytes` is all of the head so far. Returns the head's length, its closing blank line included,
  // or 0 when more bytes are needed or problem() is set.
  size_t Scan(std::string_view bytes);
  const std::optional<Problem>& problem() const { return problem_; }

 private:
  // Checks the byte at `at`; false sets problem_.
  bool CheckByte(std::string_view bytes, size_t at);
  bool CheckLimits(size_t at);
  bool Fail(int http_status, std::string_view detail);

  size_t scanned_ = 0;
  size_t line_start_ = 0;
  size_t lines_ = 0;
  std::optional<Problem> problem_;
};

// How the body that follows is delimited.
struct Framing {
  uint64_t content_length = 0;
  bool chunked = false;
  bool expects_continue = false;
  bool has_body() const { return chunked || content_length > 0; }
};

// Fills `request` (all but id, params, body, peer) and `framing` from a head that HeadScanner
// accepted. Returns what is wrong with it, if anything.
std::optional<Problem> ParseHead(std::string_view head, HttpRequest* request, Framing* framing);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_HEAD_H_
