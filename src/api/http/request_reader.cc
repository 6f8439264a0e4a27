#include "api/http/request_reader.h"

#include <algorithm>
#include <utility>

namespace codelore::api {
namespace {

Problem TooLarge(size_t max_body_bytes) {
  return {.http_status = 413,
          .detail = "the body may have up to " + std::to_string(max_body_bytes) + " bytes"};
}

}  // namespace

void RequestReader::Fail(Problem problem) {
  problem_ = std::move(problem);
  state_ = State::kFailed;
}

RequestReader::State RequestReader::Read(const Admit& admit, std::string* bytes) {
  if (state_ == State::kHead) ReadHead(admit, bytes);
  if (state_ == State::kBody) ReadBody(bytes);
  return state_;
}

void RequestReader::ReadHead(const Admit& admit, std::string* bytes) {
  size_t head_bytes = scanner_.Scan(*bytes);
  if (scanner_.problem()) return Fail(*scanner_.problem());
  if (head_bytes == 0) return;
  auto problem = ParseHead(std::string_view(*bytes).substr(0, head_bytes), &request_, &framing_);
  if (problem) return Fail(std::move(*problem));
  bytes->erase(0, head_bytes);
  has_head_ = true;
  admission_ = admit(framing_, &request_);
  if (admission_.refusal) return Fail(std::move(*admission_.refusal));
  if (framing_.content_length > admission_.max_body_bytes) {
    return Fail(TooLarge(admission_.max_body_bytes));
  }
  state_ = State::kBody;
}

void RequestReader::ReadBody(std::string* bytes) {
  size_t used = 0;
  if (framing_.chunked) {
    used = decoder_.Feed(*bytes, admission_.max_body_bytes, &request_.body);
    if (decoder_.state() == ChunkedDecoder::State::kTooLarge) {
      return Fail(TooLarge(admission_.max_body_bytes));
    }
    if (decoder_.state() == ChunkedDecoder::State::kBad) {
      return Fail({.http_status = 400, .detail = "malformed chunked body"});
    }
    if (decoder_.state() == ChunkedDecoder::State::kDone) state_ = State::kComplete;
  } else {
    used = std::min<uint64_t>(framing_.content_length - request_.body.size(), bytes->size());
    request_.body.append(*bytes, 0, used);
    if (request_.body.size() == framing_.content_length) state_ = State::kComplete;
  }
  bytes->erase(0, used);
}

}  // namespace codelore::api
