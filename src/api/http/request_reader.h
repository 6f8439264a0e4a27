// RequestReader: from bytes as they arrive to one complete request.
//
// It does no input or output, so every framing rule can be tested (and fuzzed) byte by byte. One
// reader reads one request on one thread.
#ifndef CODELORE_API_HTTP_REQUEST_READER_H_
#define CODELORE_API_HTTP_REQUEST_READER_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/chunked_decoder.h"
#include "api/http/http_head.h"
#include "api/http/http_message.h"
#include "api/http/http_router.h"
#include "api/http/problem.h"

namespace codelore::api {

// What the server says to a head before a byte of its body is read.
struct Admission {
  std::optional<Problem> refusal = {};
  const Route* route = nullptr;  // set unless refused
  size_t max_body_bytes = 0;
  std::chrono::milliseconds deadline{0};  // for the whole request
};
using Admit = std::function<Admission(const Framing&, HttpRequest*)>;

class RequestReader {
 public:
  enum class State { kHead, kBody, kComplete, kFailed };

  // Reads on, removing from the front of `bytes` what belongs to this request. `admit` is called
  // once, when the head is complete.
  State Read(const Admit& admit, std::string* bytes);

  State state() const { return state_; }
  // The head was read and its framing is sound, whatever came of it.
  bool has_head() const { return has_head_; }
  const Problem& problem() const { return problem_; }  // when failed
  const Admission& admission() const { return admission_; }
  HttpRequest& request() { return request_; }
  // The client waits for "100 Continue" before it sends the body.
  bool awaits_continue() const { return state_ == State::kBody && framing_.expects_continue; }
  void ContinueSent() { framing_.expects_continue = false; }

 private:
  void ReadHead(const Admit& admit, std::string* bytes);
  void ReadBody(std::string* bytes);
  void Fail(Problem problem);

  State state_ = State::kHead;
  bool has_head_ = false;
  HeadScanner scanner_;
  HttpRequest request_;
  Framing framing_;
  Admission admission_;
  ChunkedDecoder decoder_;
  Problem problem_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_REQUEST_READER_H_
