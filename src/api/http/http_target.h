// The target of a request: percent-decoding of its path and query (RFC 3986).
#ifndef CODELORE_API_HTTP_TARGET_H_
#define CODELORE_API_HTTP_TARGET_H_

#include <optional>
#include <string>
#include <string_view>

#include "api/http/http_message.h"
#include "api/http/problem.h"

namespace codelore::api {

// Sets target, segments and query of `request`. The path is split at "/" before it is decoded, so
// "%2F" is a slash inside a segment and never a separator, and so is "%5C"; each part between such
// must be a plain name (no "", ".", "..", control character or malformed UTF-8), or the answer is
// 404: no route and no file could ever have that name.
std::optional<Problem> ParseTarget(std::string_view target, HttpRequest* request);

// "%41+b" -> "A b" where `plus_is_space`. Nothing when an escape is malformed.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// Escapes all but unreserved characters: what PercentDecode undoes.
std::string PercentEncode(std::string_view text);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_TARGET_H_
