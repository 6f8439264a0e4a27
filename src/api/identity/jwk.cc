#include "api/identity/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/json_request.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxSetBytes = 256 * 1024, kMaxKeys = 64, kMaxIdBytes = 256;
constexpr int kLeastRsaBits = 2048, kMostRsaBits = 8192;

struct Algorithm {
  std::string_view name, type, curve, digest;
  bool pss = false;
  size_t coordinate_bytes = 0;  // of an ECDSA signature: r and s, this long each (RFC 7518, 3.4)
};
constexpr Algorithm kAlgorithms[] = {
    {"RS256", "RSA", "", "SHA256"},         {"RS384", "RSA", "", "SHA384"},
    {"RS512", "RSA", "", "SHA512"},         {"PS256", "RSA", "", "SHA256", true},
    {"ES256", "EC", "P-256", "SHA256", false, 32}, {"ES384", "EC", "P-384", "SHA384", false, 48},
};

const Algorithm* Find(std::string_view name) {
  auto at = std::ranges::find(kAlgorithms, name, &Algorithm::name);
  return at == std::end(kAlgorithms) ? nullptr : at;
}

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const { Free(pointer); }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// An empty pointer for numbers that make no key of this type.
std::shared_ptr<void> MakeKey(const char* type, const ParamBuilder& builder) {
  Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  bool made = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  std::shared_ptr<void> owned(key, [](void* pointer) { EVP_PKEY_free(static_cast<EVP_PKEY*>(pointer)); });
  if (made) {
    KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    made = check && EVP_PKEY_public_check(check.get()) == 1;
  }
  ERR_clear_error();
  return made ? owned : nullptr;
}

Result<std::shared_ptr<void>> ReadRsa(JsonRequest& json) {
  ASSIGN_OR_RETURN(std::string modulus, DecodeBase64Url(json.String("n", {.required = true})));
  ASSIGN_OR_RETURN(std::string exponent, DecodeBase64Url(json.String("e", {.required = true, .max_bytes = 16})));
  Number n(BN_bin2bn(Bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  Number e(BN_bin2bn(Bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder) return Internal("no memory for a key");
  if (BN_num_bits(n.get()) < kLeastRsaBits || BN_num_bits(n.get()) > kMostRsaBits) return InvalidArgument("an RSA key has 2048 to 8192 bits");
  if (!BN_is_odd(e.get()) || BN_is_one(e.get())) return InvalidArgument("the exponent of an RSA key is odd and above 1");
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return Internal("no memory for a key");
  }
  return MakeKey("RSA", builder);
}

Result<std::shared_ptr<void>> ReadEc(JsonRequest& json, const std::string& curve) {
  ASSIGN_OR_RETURN(std::string x, DecodeBase64Url(json.String("x", {.required = true, .max_bytes = 128})));
  ASSIGN_OR_RETURN(std::string y, DecodeBase64Url(json.String("y", {.required = true, .max_bytes = 128})));
  size_t bytes = curve == "P-256" ? 32 : 48;
  if (x.size() != bytes || y.size() != bytes) return InvalidArgument("the coordinates of a key on " + curve + " have " + std::to_string(bytes) + " bytes");
  std::string point = "\x04" + x + y;
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return Internal("no memory for a key");
  }
  return MakeKey("EC", builder);
}

// r and s side by side, as the DER that the library takes; empty for another length.
std::string EcdsaDer(std::string_view signature, size_t coordinate_bytes) {
  if (signature.size() != 2 * coordinate_bytes) return {};
  Number r(BN_bin2bn(Bytes(signature), static_cast<int>(coordinate_bytes), nullptr));
  Number s(BN_bin2bn(Bytes(signature.substr(coordinate_bytes)), static_cast<int>(coordinate_bytes), nullptr));
  EcdsaSignature both(ECDSA_SIG_new());
  if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // `both` owns them now
  (void)s.release();
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(both.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

}  // namespace

bool IsSignatureAlgorithm(std::string_view algorithm) { return Find(algorithm) != nullptr; }

std::string EncodeBase64Url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t group = 0;
  int bits = 0;
  for (char byte : bytes) {
    group = (group << 8 | static_cast<uint8_t>(byte)) & 0xFFFF;
    for (bits += 8; bits >= 6; bits -= 6) text += kDigits[group >> (bits - 6) & 63];
  }
  if (bits > 0) text += kDigits[group << (6 - bits) & 63];
  return text;
}

Result<std::string> DecodeBase64Url(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) return InvalidArgument("not base64url");
    group = (group << 6 | static_cast<uint32_t>(digit)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xFF);
  }
  bool left_over = bits >= 6 || (group & ((1u << bits) - 1)) != 0;
  if (left_over) return InvalidArgument("not base64url");
  return bytes;
}

Result<Jwk> Jwk::Read(JsonRequest json) {
  Jwk key;
  key.id_ = json.String("kid", {.max_bytes = kMaxIdBytes});
  key.type_ = json.String("kty", {.required = true, .max_bytes = 16});
  key.algorithm_ = json.String("alg", {.max_bytes = 16});
  std::string use = json.String("use", {.max_bytes = 16, .otherwise = "sig"});
  std::vector<std::string> operations = json.Strings("key_ops", {.max_bytes = 32});
  RETURN_IF_ERROR(json.status());
  if (use != "sig") return InvalidArgument("the key is not for signatures");
  if (!operations.empty() && std::ranges::find(operations, "verify") == operations.end()) return InvalidArgument("the key is not for checking signatures");
  if (!key.algorithm_.empty() && !IsSignatureAlgorithm(key.algorithm_)) return InvalidArgument("the key is for an algorithm that is not used here");
  Result<std::shared_ptr<void>> made = InvalidArgument("keys of this type are not used");
  if (key.type_ == "RSA") made = ReadRsa(json);
  if (key.type_ == "EC") {
    key.curve_ = json.String("crv", {.max_bytes = 16});
    if (key.curve_ == "P-256" || key.curve_ == "P-384") made = ReadEc(json, key.curve_);
  }
  RETURN_IF_ERROR(made.status());
  RETURN_IF_ERROR(json.status());
  if (!*made) return InvalidArgument("the numbers make no key");
  key.key_ = *made;
  return key;
}

bool Jwk::IsFor(std::string_view name) const {
  const Algorithm* algorithm = Find(name);
  return algorithm != nullptr && algorithm->type == type_ && algorithm->curve == curve_ && (algorithm_.empty() || algorithm_ == name);
}

bool Jwk::Verifies(std::string_view name, std::string_view signed_text, std::string_view signature) const {
  if (!IsFor(name)) return false;
  const Algorithm& algorithm = *Find(name);
  std::string der;
  if (algorithm.coordinate_bytes != 0) signature = der = EcdsaDer(signature, algorithm.coordinate_bytes);
  if (signature.empty()) return false;
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // the context's own
  bool good = context && EVP_DigestVerifyInit_ex(context.get(), &parameters, std::string(algorithm.digest).c_str(), nullptr, nullptr,
                                                 static_cast<EVP_PKEY*>(key_.get()), nullptr) == 1;
  if (good && algorithm.pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(signed_text), signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<JwkSet> JwkSet::Parse(std::string_view text) {
  if (text.size() > kMaxSetBytes) return InvalidArgument("a key set has at most 256 KiB");
  RETURN_IF_ERROR(JsonRequest::Parse(text, {JsonRequest::kAnyField}).status());  // strictly, no name twice
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  auto keys = json.find("keys");
  if (keys == json.end() || !keys->is_array() || keys->size() > kMaxKeys) return InvalidArgument("a key set has up to 64 \"keys\"");
  JwkSet set;
  for (const auto& each : *keys) {  // one that is not for us says nothing about the others
    auto fields = JsonRequest::Parse(each.dump(), {JsonRequest::kAnyField});
    if (!fields.ok()) continue;
    auto key = Jwk::Read(std::move(*fields));
    if (key.ok()) set.keys_.push_back(std::move(*key));
  }
  if (set.keys_.empty()) return InvalidArgument("the key set has no key that can be used: RSA of at least 2048 bits, or EC on P-256 or P-384");
  return set;
}

std::vector<const Jwk*> JwkSet::Matching(std::string_view id, std::string_view algorithm) const {
  std::vector<const Jwk*> matching;
  for (const Jwk& key : keys_) {
    if (key.IsFor(algorithm) && (id.empty() || key.id() == id)) matching.push_back(&key);
  }
  if (id.empty() && matching.size() > 1) matching.clear();
  return matching;
}

bool JwkSet::Has(std::string_view id, std::string_view algorithm) const { return !Matching(id, algorithm).empty(); }

bool JwkSet::Verifies(std::string_view id, std::string_view algorithm, std::string_view signed_text, std::string_view signature) const {
  return std::ranges::any_of(Matching(id, algorithm), [&](const Jwk* key) { return key->Verifies(algorithm, signed_text, signature); });
}

}  // namespace codelore::api
