// ChunkedDecoder: the chunked transfer coding (RFC 9112, 7.1), read strictly.
//
// Chunk extensions and trailers are refused although the RFC lets a server skip them: no client of
// ours sends any, and both are where servers disagree. A value type; feed it bytes in any pieces.
#ifndef CODELORE_API_HTTP_CHUNKED_DECODER_H_
#define CODELORE_API_HTTP_CHUNKED_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace codelore::api {

class ChunkedDecoder {
 public:
  enum class State {
    kSize,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kEndCr,
    kEndLf,
    kDone,
    kBad,
    kTooLarge
  };

  // Appends decoded bytes to `body`, up to `max_body_bytes` in all, and returns how many of `bytes`
  // were used: all of them while the state is none of the last three.
  size_t Feed(std::string_view bytes, size_t max_body_bytes, std::string* body);
  State state() const { return state_; }

 private:
  void OnSizeByte(char c);
  void OnSizeEnd(size_t body_bytes, size_t max_body_bytes);
  // A CR or LF that must be next.
  void Expect(char c, char expected, State next) { state_ = c == expected ? next : State::kBad; }

  State state_ = State::kSize;
  uint64_t chunk_bytes_ = 0;  // of the current chunk, still to come
  int digits_ = 0;            // of its size
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_CHUNKED_DECODER_H_
