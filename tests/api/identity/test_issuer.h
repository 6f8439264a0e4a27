// An issuer of identity tokens with keys of its own, made for one test.
#ifndef CODELORE_TESTS_API_IDENTITY_TEST_ISSUER_H_
#define CODELORE_TESTS_API_IDENTITY_TEST_ISSUER_H_

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "api/identity/identity_options.h"
#include "support/temp_folder.h"

namespace codelore::api {

inline std::string Base64Url(const std::string& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t group = 0;
  int bits = 0;
  for (char byte : bytes) {
    group = group << 8 | static_cast<uint8_t>(byte);
    for (bits += 8; bits >= 6; bits -= 6) text += kDigits[group >> (bits - 6) & 63];
    group &= (1u << bits) - 1;
  }
  if (bits > 0) text += kDigits[group << (6 - bits) & 63];
  return text;
}

// A key pair: "RSA" (2048 bits), "P-256" or "P-384".
class TestKey {
 public:
  TestKey(const std::string& kind, std::string id, int rsa_bits = 2048) : id_(std::move(id)), kind_(kind) {
    EVP_PKEY* key = kind == "RSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(rsa_bits)) : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind.c_str());
    key_.reset(key, EVP_PKEY_free);
  }
  nlohmann::json Public() const {
    nlohmann::json json = {{"kid", id_}, {"use", "sig"}, {"kty", kind_ == "RSA" ? "RSA" : "EC"}};
    if (kind_ == "RSA") {
      json["n"] = Base64Url(Number(OSSL_PKEY_PARAM_RSA_N));
      json["e"] = Base64Url(Number(OSSL_PKEY_PARAM_RSA_E));
    } else {
      json["crv"] = kind_;
      json["x"] = Base64Url(Number(OSSL_PKEY_PARAM_EC_PUB_X, Coordinate()));
      json["y"] = Base64Url(Number(OSSL_PKEY_PARAM_EC_PUB_Y, Coordinate()));
    }
    return json;
  }
  std::string Sign(const std::string& text, const std::string& digest = "SHA256", bool pss = false) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* parameters = nullptr;
    EXPECT_EQ(EVP_DigestSignInit_ex(context.get(), &parameters, digest.c_str(), nullptr, nullptr, key_.get(), nullptr), 1);
    if (pss) {
      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    size_t size = 0;
    EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size());
    std::string signature(size, '\0');
    EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()), 1);
    signature.resize(size);
    return kind_ == "RSA" ? signature : Raw(signature);
  }
  const std::string& id() const { return id_; }

 private:
  int Coordinate() const { return kind_ == "P-384" ? 48 : 32; }
  std::string Number(const char* name, int bytes = 0) const {
    BIGNUM* number = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key_.get(), name, &number), 1);
    std::string text(static_cast<size_t>(bytes != 0 ? bytes : BN_num_bytes(number)), '\0');
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size()));
    BN_free(number);
    return text;
  }
  std::string Raw(const std::string& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string text(static_cast<size_t>(2 * Coordinate()), '\0');
    auto* to = reinterpret_cast<unsigned char*>(text.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(both), to, Coordinate());
    BN_bn2binpad(ECDSA_SIG_get0_s(both), to + Coordinate(), Coordinate());
    ECDSA_SIG_free(both);
    return text;
  }

  std::string id_, kind_;
  std::shared_ptr<EVP_PKEY> key_;
};

class TestIssuer {
 public:
  using Json = nlohmann::json;
  TestIssuer() { Publish({rsa.Public(), ec.Public()}); }

  void Publish(const Json& keys) { std::ofstream(folder_ / "jwks.json") << Json{{"keys", keys}}; }
  OidcConfig Config() const {
    return {.issuer = "https://login.example.com", .audience = "codelore", .keys_file = folder_ / "jwks.json", .keys_url = "", .algorithms = {"RS256", "ES256"},
            .tenant = "", .groups_claim = "groups", .teams = {{"Engineering", "web"}}};
  }
  static int64_t Now() {
    using namespace std::chrono;
    return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
  }
  // Good claims with `changes`; null takes one away.
  static std::string Claims(const Json& changes) {
    Json claims = {{"iss", "https://login.example.com"}, {"aud", "codelore"}, {"exp", Now() + 600}, {"iat", Now()}};
    claims.merge_patch(changes);
    return claims.dump();
  }
  // Signed as an issuer would.
  std::string Sign(const Json& changes) const { return SignText(R"({"alg":"RS256","kid":"rsa"})", Claims(changes)); }
  std::string SignText(const std::string& header, const std::string& claims) const {
    std::string text = Base64Url(header) + "." + Base64Url(claims);
    return text + "." + Base64Url(rsa.Sign(text));
  }

  const TestKey rsa{"RSA", "rsa"}, ec{"P-256", "ec"};

 private:
  testing::TempFolder folder_;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_IDENTITY_TEST_ISSUER_H_
