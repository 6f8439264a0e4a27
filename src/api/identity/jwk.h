// Jwk, JwkSet: public keys as issuers publish them (RFC 7517, RFC 7518 section 6), and the check of one signature.
//
// A key is good for the algorithms of its own type and nothing else, so a token cannot choose how its signature is
// checked (RFC 8725, 3.1): there is no "none", and no HMAC for which a public key would be the secret. Symmetric keys,
// keys that are too small, and keys for other uses are left out of a set. Immutable and thread-safe.
#ifndef CODELORE_API_IDENTITY_JWK_H_
#define CODELORE_API_IDENTITY_JWK_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::api {

// RS256, RS384, RS512, PS256, ES256, ES384.
bool IsSignatureAlgorithm(std::string_view algorithm);

class JsonRequest;

// Base64url without padding (RFC 7515, 2), strictly: no other characters, no bits left over.
Result<std::string> DecodeBase64Url(std::string_view text);

std::string EncodeBase64Url(std::string_view bytes);

class Jwk {
 public:
  // kInvalidArgument for a key that is not used here.
  static Result<Jwk> Read(JsonRequest json);

  const std::string& id() const { return id_; }
  bool IsFor(std::string_view algorithm) const;
  bool Verifies(std::string_view algorithm, std::string_view signed_text, std::string_view signature) const;

 private:
  Jwk() = default;
  std::string id_, type_, curve_, algorithm_;  // algorithm_: the only one; empty: any of the type
  std::shared_ptr<void> key_;                  // an EVP_PKEY
};

class JwkSet {
 public:
  // At most 64 keys in 256 KiB. kInvalidArgument when nothing in it can be used.
  static Result<JwkSet> Parse(std::string_view json);

  bool Has(std::string_view id, std::string_view algorithm) const;
  // An empty id: the key that there is, if there is only one for the algorithm.
  bool Verifies(std::string_view id, std::string_view algorithm, std::string_view signed_text, std::string_view signature) const;

 private:
  std::vector<const Jwk*> Matching(std::string_view id, std::string_view algorithm) const;
  std::vector<Jwk> keys_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_JWK_H_
