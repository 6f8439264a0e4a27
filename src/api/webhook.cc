#include "api/webhook.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "codelore/coding.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxHeaderBytes = 1024;
constexpr int64_t kMaxClockDifference_s = 300;
constexpr size_t kMaxRemembered = 20'000;
constexpr std::string_view kPrefix = "delivery/";
constexpr std::string_view kSecretMark = "whsec_";  // of secrets that are written in base64

struct Headers {
  std::string_view name;
  Forge forge;
  std::string_view signature, prefix, event, delivery;
};
constexpr Headers kForges[] = {
    {"github", Forge::kGitHub, "x-hub-signature-256", "sha256=", "x-github-event", "x-github-delivery"},
    {"gitlab", Forge::kGitLab, "webhook-signature", "v1,", "x-gitlab-event", "x-gitlab-event-uuid"},
    {"gitea", Forge::kGitea, "x-gitea-signature", "", "x-gitea-event", "x-gitea-delivery"},
    {"forgejo", Forge::kForgejo, "x-forgejo-signature", "", "x-forgejo-event", "x-forgejo-delivery"},
    {"bitbucket", Forge::kBitbucket, "x-hub-signature", "sha256=", "x-event-key", "x-request-uuid"},
};

const Headers& HeadersOf(Forge forge) { return *std::ranges::find(kForges, forge, &Headers::forge); }

// A header as far as it can be meant; empty without one.
std::string_view Value(const WebhookRequest& request, std::string_view name) {
  std::string_view value = request.header(name).value_or("");
  return value.size() <= kMaxHeaderBytes ? value : std::string_view();
}

std::string Hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> mac{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       mac.data(), &size);
  return {reinterpret_cast<const char*>(mac.data()), size};
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (char c : bytes) text.append({kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]});
  return text;
}

std::string Base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

// Takes as long wherever they differ, and whatever their lengths: their hashes are compared.
bool Equal(std::string_view a, std::string_view b) {
  std::string key(SHA256_DIGEST_LENGTH, 'k');
  std::string x = Hmac(key, a), y = Hmac(key, b);
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

bool HasBodySignature(const Headers& headers, const WebhookRequest& request, std::string_view secret) {
  std::string_view sent = Value(request, headers.signature);
  if (sent.empty() && headers.forge == Forge::kForgejo) sent = Value(request, "x-gitea-signature");  // it sends both
  std::string wanted = std::string(headers.prefix) + Hex(Hmac(secret, request.body));
  return Equal(sent, wanted);
}

bool IsRecent(std::string_view seconds, int64_t now) {
  int64_t time = 0;
  auto [end, error] = std::from_chars(seconds.data(), seconds.data() + seconds.size(), time);
  bool number = error == std::errc() && end == seconds.data() + seconds.size() && time >= 0;
  return number && time >= now - kMaxClockDifference_s && time <= now + kMaxClockDifference_s;
}

std::string SigningKey(std::string_view secret) {
  if (!secret.starts_with(kSecretMark)) return std::string(secret);
  std::string_view text = secret.substr(kSecretMark.size());
  std::string key(text.size(), '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()), reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()));
  if (size < 0) return std::string(secret);
  size -= static_cast<int>(std::ranges::count(text.substr(text.size() - std::min<size_t>(2, text.size())), '='));
  key.resize(static_cast<size_t>(std::max(size, 0)));
  return key;
}

bool HasGitLabSignature(const WebhookRequest& request, std::string_view secret) {
  std::string_view sent = Value(request, "webhook-signature"), time = Value(request, "webhook-timestamp");
  if (sent.empty()) return Equal(Value(request, "x-gitlab-token"), secret);
  std::string text = std::string(Value(request, "webhook-id")) + "." + std::string(time) + "." + std::string(request.body);
  std::string wanted = "v1," + Base64(Hmac(SigningKey(secret), text));
  bool signed_by = false;
  while (!sent.empty()) {
    std::string_view one = sent.substr(0, sent.find(' '));
    signed_by |= Equal(one, wanted);
    sent.remove_prefix(std::min(one.size() + 1, sent.size()));
  }
  return signed_by && IsRecent(time, request.now_unix_s);
}

std::string_view EventName(Forge forge, const WebhookRequest& request) {
  std::string_view event = Value(request, HeadersOf(forge).event);
  return event.empty() && forge == Forge::kForgejo ? Value(request, "x-gitea-event") : event;
}

std::string KeyOf(SourceId source) { return ByteWriter().Raw(kPrefix).Key32(source.value).Take(); }

std::string KeyOf(SourceId source, std::string_view mark) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(mark.data()), mark.size(), reinterpret_cast<unsigned char*>(hash.data()));
  return KeyOf(source) + hash;
}

}  // namespace

std::optional<Forge> ForgeNamed(std::string_view name) {
  auto at = std::ranges::find(kForges, name, &Headers::name);
  return at == std::end(kForges) ? std::nullopt : std::optional(at->forge);
}

std::string_view ForgeName(Forge forge) { return HeadersOf(forge).name; }

bool IsSigned(Forge forge, const WebhookRequest& request, const std::vector<std::string>& secrets) {
  bool found = false;
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    found |= forge == Forge::kGitLab ? HasGitLabSignature(request, secret) : HasBodySignature(HeadersOf(forge), request, secret);
  }
  if (secrets.empty()) (void)HasBodySignature(HeadersOf(forge), request, "no secret at all");
  return found;
}

WebhookEvent EventOf(Forge forge, const WebhookRequest& request) {
  std::string_view event = EventName(forge, request);
  if (event == "ping" || event == "diagnostics:ping") return WebhookEvent::kPing;
  for (std::string_view push : {"push", "Push Hook", "System Hook", "repo:push", "repo:refs_changed"}) {
    if (event == push) return WebhookEvent::kPush;
  }
  return WebhookEvent::kOther;
}

bool TellsOfAccess(Forge forge, const WebhookRequest& request) {
  static constexpr std::string_view kGitHub[] = {"member", "membership", "team", "team_add", "repository", "public", "organization"};
  static constexpr std::string_view kGitLab[] = {"Member Hook", "Subgroup Hook", "Project Hook", "System Hook"};
  static constexpr std::string_view kGitea[] = {"repository"};  // they send nothing for members
  std::span<const std::string_view> events;
  if (forge == Forge::kGitHub) events = kGitHub;
  if (forge == Forge::kGitLab) events = kGitLab;
  if (forge == Forge::kGitea || forge == Forge::kForgejo) events = kGitea;
  return std::ranges::find(events, EventName(forge, request)) != events.end();
}

std::vector<std::string> DeliveryMarks(Forge forge, const WebhookRequest& request) {
  const Headers& headers = HeadersOf(forge);
  std::vector<std::string> marks;
  auto add = [&](std::string_view kind, std::string_view value) {
    if (!value.empty()) marks.push_back(std::string(kind) + std::string(value));
  };
  add("id:", Value(request, headers.delivery));
  add("id:", Value(request, "webhook-id"));
  if (forge == Forge::kForgejo) add("id:", Value(request, "x-gitea-delivery"));
  if (forge == Forge::kBitbucket) add("id:", Value(request, "x-request-id"));
  add("signature:", Value(request, headers.signature));
  if (forge == Forge::kForgejo) add("signature:", Value(request, "x-gitea-signature"));
  return marks;
}

Result<bool> WasDelivered(const KeyValueStore& store, SourceId source, const std::vector<std::string>& marks) {
  std::vector<std::string> keys;
  for (const std::string& mark : marks) keys.push_back(KeyOf(source, mark));
  ASSIGN_OR_RETURN(auto values, store.MultiGet(Table::kJobs, keys));
  return std::ranges::any_of(values, [](const auto& value) { return value.has_value(); });
}

void RememberDelivery(SourceId source, const std::vector<std::string>& marks, int64_t now_unix_ms, WriteBatch& batch) {
  for (const std::string& mark : marks) batch.Put(Table::kJobs, KeyOf(source, mark), ByteWriter().Fixed(now_unix_ms).Take());
}

Status ForgetDeliveries(KeyValueStore& store, SourceId source, int64_t since_unix_ms) {
  std::vector<std::pair<int64_t, std::string>> seen;
  RETURN_IF_ERROR(store.Scan(Table::kJobs, KeyOf(source), [&](std::string_view key, std::string_view value) {
    seen.emplace_back(ByteReader(value).Fixed<int64_t>(), key);
    return true;
  }));
  std::ranges::sort(seen, std::greater<>());
  WriteBatch batch;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (i >= kMaxRemembered || seen[i].first < since_unix_ms) batch.Delete(Table::kJobs, seen[i].second);
  }
  return batch.empty() ? OkStatus() : store.Write(batch);
}

Status ForgetAllDeliveries(KeyValueStore& store, SourceId source) { return ForgetDeliveries(store, source, INT64_MAX); }

}  // namespace codelore::api
