#include "api/http/chunked_decoder.h"

#include <algorithm>

namespace codelore::api {

size_t ChunkedDecoder::Feed(std::string_view bytes, size_t max_body_bytes, std::string* body) {
  size_t used = 0;
  while (used < bytes.size() && state_ < State::kDone) {
    if (state_ == State::kData) {
      size_t take = std::min<uint64_t>(chunk_bytes_, bytes.size() - used);
      body->append(bytes.substr(used, take));
      used += take;
      chunk_bytes_ -= take;
      if (chunk_bytes_ == 0) state_ = State::kDataCr;
      continue;
    }
    char c = bytes[used++];
    switch (state_) {
      case State::kSize:
        OnSizeByte(c);
        break;
      case State::kSizeLf:
        Expect(c, '\n', State::kData);
        if (state_ == State::kData) OnSizeEnd(body->size(), max_body_bytes);
        break;
      case State::kDataCr:
        Expect(c, '\r', State::kDataLf);
        break;
      case State::kDataLf:
        Expect(c, '\n', State::kSize);
        break;
      case State::kEndCr:
        Expect(c, '\r', State::kEndLf);
        break;
      default:
        Expect(c, '\n', State::kDone);
        break;
    }
  }
  return used;
}

void ChunkedDecoder::OnSizeByte(char c) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr int kMaxDigits = 8;  // 4 GiB, beyond any limit
  if (c == '\r' && digits_ > 0) {
    state_ = State::kSizeLf;
    return;
  }
  size_t digit = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c);
  if (digit == kDigits.npos || ++digits_ > kMaxDigits) {
    state_ = State::kBad;
    return;
  }
  chunk_bytes_ = chunk_bytes_ * 16 + digit;
}

void ChunkedDecoder::OnSizeEnd(size_t body_bytes, size_t max_body_bytes) {
  digits_ = 0;
  if (chunk_bytes_ == 0) {
    state_ = State::kEndCr;
  } else if (chunk_bytes_ > max_body_bytes - body_bytes) {
    state_ = State::kTooLarge;
  }
}

}  // namespace codelore::api
