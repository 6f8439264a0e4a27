#include "api/identity/identity_options.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "api/http/http_client.h"
#include "api/http/remote_server.h"
#include "api/identity/jwk.h"

namespace codelore::api {
namespace {

Status Wrong(const std::string& what) {
  return InvalidArgument("oidc: " + what + "; for example: issuer=https://login.example.com audience=codelore jwks-file=/etc/codelore/jwks.json "
                         "algorithms=RS256,ES256 groups-claim=groups team=engineering:backend");
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

// "openid,groups" -> " groups"
std::string WithSpaces(const std::string& scopes) {
  std::string text;
  for (const std::string& scope : SplitAtCommas(scopes)) {
    if (scope != "openid") text += " " + scope;
  }
  return text;
}

// A code or a token must not be read on its way: https, or this machine.
bool IsSafeUrl(const std::string& url) {
  bool local = url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") || url.starts_with("http://[::1]");
  size_t path = url.find('/', std::min(url.size(), url.find("://") + 3));
  return (local || url.starts_with("https://")) && url.find('#') == url.npos && HttpClient::Open({.server = url.substr(0, path)}).ok();
}

Status CheckSignIn(const OidcConfig& config) {
  if (config.client_id.empty()) {
    bool none = config.authorize_url.empty() && config.token_url.empty() && config.client_secret.empty();
    return none ? OkStatus() : Wrong("signing in with a browser needs a client-id");
  }
  if (!IsSafeUrl(config.authorize_url) || !IsSafeUrl(config.token_url)) return Wrong("a client-id needs an authorize-url and a token-url, https://");
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (!std::ranges::all_of(config.name, plain)) return Wrong("the name '" + config.name + "' is not made of small letters, digits and '-'");
  return OkStatus();
}

Status Check(const OidcConfig& config) {
  if (config.issuer.empty()) return Wrong("it needs an issuer");
  if (config.audience.empty()) return Wrong("it needs an audience: a token that was made for another service is no proof here");
  if (config.keys_file.empty() == config.keys_url.empty()) return Wrong("it needs a jwks-file or a jwks-url");
  if (config.algorithms.empty()) return Wrong("it needs algorithms");
  for (const std::string& algorithm : config.algorithms) {
    if (!IsSignatureAlgorithm(algorithm)) return Wrong("the algorithm '" + algorithm + "' is none of RS256, RS384, RS512, PS256, ES256, ES384");
  }
  if (config.groups_claim.empty() != config.teams.empty()) return Wrong("groups-claim and team=GROUP:TEAM belong together: other groups mean nothing");
  return CheckSignIn(config);
}

}  // namespace

Result<OidcConfig> OidcConfig::Parse(std::string_view text) {
  OidcConfig config;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    size_t equals = word.find('=');
    std::string key = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
    if (value.empty()) return Wrong("'" + word + "' is no NAME=VALUE");
    if (key == "issuer") config.issuer = value;
    else if (key == "audience") config.audience = value;
    else if (key == "jwks-file") config.keys_file = value;
    else if (key == "jwks-url") config.keys_url = value;
    else if (key == "algorithms") config.algorithms = SplitAtCommas(value);
    else if (key == "name") config.name = value;
    else if (key == "client-id") config.client_id = value;
    else if (key == "authorize-url") config.authorize_url = value;
    else if (key == "token-url") config.token_url = value;
    else if (key == "scope") config.scope = "openid" + WithSpaces(value);
    else if (key == "client-secret-file") {
      ASSIGN_OR_RETURN(config.client_secret, ReadKeyFile(value));
    } else if (key == "tenant") config.tenant = value;
    else if (key == "user-claim") config.user_claim = value;
    else if (key == "groups-claim") config.groups_claim = value;
    else if (size_t colon = value.rfind(':'); key == "team" && colon != value.npos && colon > 0 && colon + 1 < value.size()) {
      if (!config.teams.emplace(value.substr(0, colon), value.substr(colon + 1)).second) return Wrong("'" + word + "': the group is given twice");
    } else if (key == "leeway") {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), config.leeway_seconds);
      bool whole = error == std::errc() && end == value.data() + value.size();
      if (!whole || config.leeway_seconds < 0 || config.leeway_seconds > 300) return Wrong("leeway is 0 to 300 seconds");
    } else {
      return Wrong("'" + word + "' is not understood");
    }
  }
  RETURN_IF_ERROR(Check(config));
  return config;
}

}  // namespace codelore::api
