#include "api/http/http_target.h"

#include <algorithm>
#include <utility>

#include "api/http/http_head.h"
#include "codelore/utf8.h"

namespace codelore::api {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool IsPlainName(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  auto plain = [](char c) { return c != 0x7F && (c < 0 || c >= ' '); };
  return std::ranges::all_of(name, plain) && IsValidUtf8(name);
}

// The text before the first `separator`, which is removed together with it from `text`.
std::string_view TakeUntil(std::string_view* text, char separator) {
  size_t at = text->find(separator);
  std::string_view taken = text->substr(0, at);
  text->remove_prefix(at == text->npos ? text->size() : at + 1);
  return taken;
}

// A slash or a backslash inside a segment was escaped; what stands between is judged as a name of its own.
bool IsPlainSegment(std::string segment) {
  std::ranges::replace(segment, '\\', '/');
  std::string_view rest = segment;
  size_t slashes = std::ranges::count(rest, '/');
  for (size_t i = 0; i <= slashes; ++i) {
    if (!IsPlainName(TakeUntil(&rest, '/'))) return false;
  }
  return true;
}

std::optional<Problem> ParsePath(std::string_view path, HttpRequest* request) {
  path.remove_prefix(1);  // the leading slash
  if (path.find('\\') != path.npos) return Problem{.http_status = 404, .detail = "no such path"};
  if (path.empty()) return std::nullopt;
  size_t slashes = std::ranges::count(path, '/');
  for (size_t i = 0; i <= slashes; ++i) {
    auto segment = PercentDecode(TakeUntil(&path, '/'), /*plus_is_space=*/false);
    if (!segment) return Problem{.http_status = 400, .detail = "malformed escape in the path"};
    if (!IsPlainSegment(*segment)) return Problem{.http_status = 404, .detail = "no such path"};
    request->segments.push_back(std::move(*segment));
  }
  return std::nullopt;
}

std::optional<Problem> ParseQuery(std::string_view query, HttpRequest* request) {
  while (!query.empty()) {
    std::string_view value = TakeUntil(&query, '&');
    if (value.empty()) continue;
    auto name = PercentDecode(TakeUntil(&value, '='), /*plus_is_space=*/true);
    auto decoded = PercentDecode(value, /*plus_is_space=*/true);
    if (!name || !decoded || !IsValidUtf8(*name) || !IsValidUtf8(*decoded)) {
      return Problem{.http_status = 400, .detail = "malformed query parameter"};
    }
    if (request->query.size() == kMaxQueryParameters) {
      return Problem{.http_status = 400, .detail = "too many query parameters"};
    }
    request->query.push_back({std::move(*name), std::move(*decoded)});
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = HexDigit(text[i + 1]);
    int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

std::optional<Problem> ParseTarget(std::string_view target, HttpRequest* request) {
  auto visible = [](char c) { return c > ' ' && c < 0x7F && c != '#'; };
  if (!target.starts_with('/') || !std::ranges::all_of(target, visible)) {
    return Problem{.http_status = 400, .detail = "malformed request target"};
  }
  request->target = target;
  std::string_view query = target;
  std::string_view path = TakeUntil(&query, '?');
  if (auto problem = ParsePath(path, request)) return problem;
  return ParseQuery(query, request);
}

}  // namespace codelore::api
