#include "api/identity/jwt.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/http/http_message.h"
#include "api/json_request.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxTokenBytes = 8 * 1024, kMaxKeyIdBytes = 256, kMaxGroups = 1000;
constexpr int64_t kLastSecond = 253'402'300'799;  // the end of the year 9999

Status Refused(std::string_view why) { return PermissionDenied("the identity token " + std::string(why)); }

// RFC 7515, 3.1: header.payload.signature
struct Parts {
  std::string_view header, payload, signature;
  std::string_view signed_text;
};

std::optional<Parts> Split(std::string_view token) {
  size_t first = token.find('.'), second = first == token.npos ? first : token.find('.', first + 1);
  if (token.size() > kMaxTokenBytes || second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1), token.substr(0, second)};
}

Result<JsonRequest> ReadObject(std::string_view part) {
  ASSIGN_OR_RETURN(std::string text, DecodeBase64Url(part));
  return JsonRequest::Parse(text, {JsonRequest::kAnyField});  // refuses a name that stands twice
}

Status CheckHeader(JsonRequest& header, const OidcConfig& issuer, std::string& algorithm, std::string& key_id) {
  algorithm = header.String("alg", {.required = true, .max_bytes = 16});
  key_id = header.String("kid", {.max_bytes = kMaxKeyIdBytes});
  std::string type = header.String("typ", {.max_bytes = 64, .otherwise = "JWT"});
  if (!header.status().ok()) return Refused("has a malformed header");
  if (header.Has("crit") || header.Has("cty")) return Refused("needs an extension that is not understood");
  if (!EqualsIgnoringCase(type, "JWT") && !EqualsIgnoringCase(type, "at+jwt")) return Refused("is of another type");
  if (std::ranges::find(issuer.algorithms, algorithm) == issuer.algorithms.end()) return Refused("is signed by an algorithm that its issuer does not use");
  return OkStatus();
}

bool IsFor(JsonRequest& claims, const std::string& audience) {
  std::string text = claims.Text("aud");
  if (text.starts_with('"')) return claims.String("aud") == audience;
  if (!text.starts_with('[')) return false;
  std::vector<std::string> all = claims.Strings("aud");
  return std::ranges::find(all, audience) != all.end();
}

// RFC 7519, 4.1.4 to 4.1.6.
Status CheckTimes(JsonRequest& claims, const OidcConfig& issuer, int64_t now, int64_t& expires) {
  IntegerRule time{.min = 1, .max = kLastSecond};
  expires = claims.Integer("exp", time);
  int64_t not_before = claims.Integer("nbf", time), issued = claims.Integer("iat", time);
  if (!claims.status().ok() || expires == 0) return Refused("has no valid times");
  if (now >= expires + issuer.leeway_seconds) return Refused("has expired");
  if (not_before > now + issuer.leeway_seconds || issued > now + issuer.leeway_seconds) return Refused("is of the future");
  return OkStatus();
}

Result<JwtSubject> ReadSubject(JsonRequest& claims, const OidcConfig& issuer) {
  JwtSubject subject{.nonce = claims.String("nonce", {.max_bytes = 256}), .authorized_party = claims.String("azp", {.max_bytes = 1024})};
  subject.user = claims.String(issuer.user_claim, {.required = true, .max_bytes = 128});
  if (issuer.user_claim == "email" && !claims.Boolean("email_verified", false)) return Refused("names an address that its issuer has not verified");
  if (!issuer.groups_claim.empty()) {
    for (const std::string& group : claims.Strings(issuer.groups_claim, {.max_items = kMaxGroups, .max_bytes = 1024})) {
      if (auto team = issuer.teams.find(group); team != issuer.teams.end()) subject.teams.push_back(team->second);
    }
  }
  if (!claims.status().ok()) return Refused("does not say who it is about");
  std::ranges::sort(subject.teams);
  subject.teams.erase(std::unique(subject.teams.begin(), subject.teams.end()), subject.teams.end());
  return subject;
}

}  // namespace

bool LooksLikeJwt(std::string_view token) { return std::ranges::count(token, '.') >= 2; }

std::string ClaimedIssuer(std::string_view token) {
  auto parts = Split(token);
  auto claims = parts ? ReadObject(parts->payload) : Result<JsonRequest>(InvalidArgument("no token"));
  return claims.ok() ? claims->String("iss", {.max_bytes = 1024}) : "";
}

Result<JwtSubject> VerifyJwt(std::string_view token, const OidcConfig& issuer, JwkCache& keys, int64_t now_unix_ms) {
  auto parts = Split(token);
  if (!parts) return Refused("is malformed");
  auto header = ReadObject(parts->header);
  auto signature = DecodeBase64Url(parts->signature);
  if (!header.ok() || !signature.ok()) return Refused("is malformed");
  std::string algorithm, key_id;
  RETURN_IF_ERROR(CheckHeader(*header, issuer, algorithm, key_id));
  if (!keys.Verifies(key_id, algorithm, parts->signed_text, *signature)) return Refused("is not signed by a key of its issuer");
  auto claims = ReadObject(parts->payload);
  if (!claims.ok()) return Refused("is malformed");
  if (claims->String("iss") != issuer.issuer) return Refused("is of another issuer");
  if (!IsFor(*claims, issuer.audience)) return Refused("is for another audience");
  int64_t expires = 0;
  RETURN_IF_ERROR(CheckTimes(*claims, issuer, now_unix_ms / 1000, expires));
  ASSIGN_OR_RETURN(JwtSubject subject, ReadSubject(*claims, issuer));
  subject.expires_unix_ms = (expires + issuer.leeway_seconds) * 1000;
  return subject;
}

}  // namespace codelore::api
