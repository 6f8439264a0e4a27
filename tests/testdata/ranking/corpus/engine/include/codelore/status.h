// Status and Result<T>: how every fallible call in Codelore reports failure.
//
// A code says what the *caller* can do about it; the message is written for an administrator: which file or
// record, what was expected, what was found. Codelore's own code never throws; adaptors turn what a library
// throws into a Status. Both types are values; they are as thread-safe as a std::string.
#ifndef CODELORE_STATUS_H_
#define CODELORE_STATUS_H_

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace codelore {

enum class StatusCode {
  kOk,
  kInvalidArgument,    // the request is wrong; repeating it will not help
  kNotFound,           // no such thing, or none this viewer may see: never told apart
  kPermissionDenied,   // the caller is known and may not do this
  kUnavailable,        // try again: a lock is held, a peer is down, the work was interrupted
  kResourceExhausted,  // a limit was reached: memory, disk, quota, time
  kCorruption,         // stored bytes are not what was written; they were not used
  kInternal,           // a mistake of ours
};

// The name of a code as it appears in messages and JSON ("invalid argument", "not found", ...).
inline std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kPermissionDenied: return "permission denied";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kResourceExhausted: return "resource exhausted";
    case StatusCode::kCorruption: return "corruption";
    case StatusCode::kInternal: return "internal error";
  }
  return "unknown";
}

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same failure with "WHERE: " before its message; an ok status stays as it is.
  Status In(std::string_view where) const {
    return ok() ? *this : Status(code_, std::string(where) + ": " + message_);
  }
  std::string ToString() const {
    return ok() ? "ok" : std::string(StatusCodeName(code_)) + ": " + message_;
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() { return Status(); }
inline Status InvalidArgument(std::string m) {
  return {StatusCode::kInvalidArgument, std::move(m)};
}
inline Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
inline Status PermissionDenied(std::string m) {
  return {StatusCode::kPermissionDenied, std::move(m)};
}
inline Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
inline Status ResourceExhausted(std::string m) {
  return {StatusCode::kResourceExhausted, std::move(m)};
}
inline Status Corruption(std::string m) { return {StatusCode::kCorruption, std::move(m)}; }
inline Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

// A value or the Status that says why there is none. Reading the value of a failed Result is a mistake of
// ours and asserts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                    // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & { assert(ok()); return *value_; }
  const T& value() const& { assert(ok()); return *value_; }
  T value() && { assert(ok()); return std::move(*value_); }  // by value: `for (x : F().value())` is safe
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace codelore

#define CODELORE_CONCAT_INNER(a, b) a##b
#define CODELORE_CONCAT(a, b) CODELORE_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expression of type Status): returns it from the enclosing function unless it is ok.
#define RETURN_IF_ERROR(expr)                                    \
  do {                                                           \
    ::codelore::Status codelore_status = (expr);                 \
    if (!codelore_status.ok()) return codelore_status;           \
  } while (false)

// ASSIGN_OR_RETURN(auto x, expression of type Result<T>): x = its value, or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  CODELORE_ASSIGN_OR_RETURN(CODELORE_CONCAT(codelore_result_, __LINE__), lhs, expr)
#define CODELORE_ASSIGN_OR_RETURN(result, lhs, expr) \
  auto result = (expr);                              \
  if (!result.ok()) return result.status();          \
  lhs = std::move(result).value()

#endif  // CODELORE_STATUS_H_
