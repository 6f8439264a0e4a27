#include "mask/secret_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

namespace codelore::mask {
namespace {

// ---- tokens by prefix ---------------------------------------------------------------------------------------

bool In(Charset set, char c) {
  bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
  switch (set) {
    case kHex: return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    case kUpperDigits: return digit || upper;
    case kAlphanumeric: return digit || upper || lower;
    case kWord: return digit || upper || lower || c == '_';
    case kToken: return digit || upper || lower || c == '_' || c == '-';
    case kBase64: return digit || upper || lower || c == '+' || c == '/' || c == '=';
    case kDotted: return digit || upper || lower || c == '_' || c == '-' || c == '.' || c == '=';
  }
  return false;
}

constexpr TokenRule kTokens[] = {
    {"aws-access-key", "AKIA", kUpperDigits, 16, 16},
    {"aws-access-key", "ASIA", kUpperDigits, 16, 16},
    {"aws-access-key", "ABIA", kUpperDigits, 16, 16},
    {"aws-access-key", "ACCA", kUpperDigits, 16, 16},
    {"aws-access-key", "A3T", kUpperDigits, 17, 17},
    {"aws-bedrock-key", "ABSK", kBase64, 109, 269},
    {"github-token", "ghp_", kAlphanumeric, 36, 255},
    {"github-token", "gho_", kAlphanumeric, 36, 255},
    {"github-token", "ghu_", kAlphanumeric, 36, 255},
    {"github-token", "ghs_", kAlphanumeric, 36, 255},
    {"github-token", "ghr_", kAlphanumeric, 36, 255},
    {"github-token", "github_pat_", kWord, 36, 255},
    {"gitlab-token", "glpat-", kDotted, 20, 300},
    {"gitlab-token", "gldt-", kToken, 20, 300},
    {"gitlab-token", "glrt-", kDotted, 20, 300},
    {"gitlab-token", "glrtr-", kToken, 20, 300},
    {"gitlab-token", "glptt-", kToken, 20, 300},
    {"gitlab-token", "glcbt-", kToken, 20, 300},
    {"gitlab-token", "glagent-", kToken, 20, 300},
    {"gitlab-token", "glft-", kToken, 20, 300},
    {"gitlab-token", "glimt-", kToken, 20, 300},
    {"gitlab-token", "glsoat-", kToken, 20, 300},
    {"gitlab-token", "glffct-", kToken, 20, 300},
    {"gitlab-token", "gloas-", kToken, 40, 300},
    {"gitlab-token", "GR1348941", kToken, 20, 40},
    {"slack-token", "xoxb-", kToken, 20, 200},
    {"slack-token", "xoxp-", kToken, 20, 200},
    {"slack-token", "xoxa-", kToken, 20, 200},
    {"slack-token", "xoxr-", kToken, 20, 200},
    {"slack-token", "xoxs-", kToken, 20, 200},
    {"slack-token", "xoxo-", kToken, 20, 200},
    {"slack-token", "xoxe-", kToken, 20, 300},
    {"slack-token", "xoxe.xox", kDotted, 40, 400},
    {"slack-token", "xapp-", kToken, 30, 300},
    {"slack-webhook", "https://hooks.slack.com/services/", kBase64, 30, 120},
    {"slack-webhook", "https://hooks.slack.com/workflows/", kBase64, 30, 120},
    {"discord-webhook", "https://discord.com/api/webhooks/", kDotted, 17, 200},
    {"teams-webhook", "https://outlook.office.com/webhook/", kDotted, 30, 300},
    {"stripe-key", "sk_live_", kAlphanumeric, 10, 120},
    {"stripe-key", "sk_test_", kAlphanumeric, 10, 120},
    {"stripe-key", "rk_live_", kAlphanumeric, 10, 120},
    {"stripe-key", "rk_test_", kAlphanumeric, 10, 120},
    {"stripe-key", "sk_prod_", kAlphanumeric, 10, 120},
    {"stripe-webhook-secret", "whsec_", kBase64, 24, 100},
    {"google-api-key", "AIza", kToken, 35, 35},
    {"google-oauth-token", "ya29.", kDotted, 20, 400},
    {"google-oauth-secret", "GOCSPX-", kToken, 28, 28},
    {"npm-token", "npm_", kAlphanumeric, 36, 36},
    {"pypi-token", "pypi-AgE", kToken, 50, 1000},
    {"rubygems-key", "rubygems_", kHex, 48, 48},
    {"crates-token", "cio", kAlphanumeric, 32, 32},
    {"nuget-key", "oy2", kAlphanumeric, 43, 43},
    {"docker-token", "dckr_pat_", kToken, 20, 60},
    {"docker-token", "dckr_oat_", kToken, 20, 60},
    {"sendgrid-key", "SG.", kDotted, 66, 66},
    {"sendinblue-key", "xkeysib-", kToken, 70, 100},
    {"mailgun-key", "key-", kHex, 32, 32},
    {"mailgun-key", "pubkey-", kHex, 32, 32},
    {"twilio-key", "SK", kHex, 32, 32},
    {"openai-key", "sk-proj-", kToken, 40, 250},
    {"openai-key", "sk-svcacct-", kToken, 40, 250},
    {"openai-key", "sk-admin-", kToken, 40, 250},
    {"openai-key", "sk-", kAlphanumeric, 48, 48},
    {"anthropic-key", "sk-ant-", kToken, 40, 250},
    {"openrouter-key", "sk-or-", kToken, 40, 100},
    {"huggingface-token", "hf_", kAlphanumeric, 30, 60},
    {"huggingface-token", "api_org_", kAlphanumeric, 30, 60},
    {"groq-key", "gsk_", kAlphanumeric, 40, 80},
    {"replicate-token", "r8_", kAlphanumeric, 37, 40},
    {"perplexity-key", "pplx-", kAlphanumeric, 40, 60},
    {"xai-key", "xai-", kAlphanumeric, 70, 90},
    {"databricks-token", "dapi", kHex, 32, 40},
    {"digitalocean-token", "dop_v1_", kHex, 64, 64},
    {"digitalocean-token", "doo_v1_", kHex, 64, 64},
    {"digitalocean-token", "dor_v1_", kHex, 64, 64},
    {"doppler-token", "dp.pt.", kAlphanumeric, 40, 50},
    {"doppler-token", "dp.st.", kDotted, 40, 80},
    {"dropbox-token", "sl.", kToken, 130, 1500},
    {"facebook-token", "EAACEdEose0cBA", kAlphanumeric, 10, 300},
    {"facebook-token", "EAAG", kAlphanumeric, 100, 300},
    {"figma-token", "figd_", kToken, 38, 60},
    {"heroku-key", "HRKU-", kToken, 36, 80},
    {"vault-token", "hvs.", kToken, 24, 300},
    {"vault-token", "hvb.", kToken, 100, 400},
    {"terraform-token", "ATLASV1.", kDotted, 60, 90},
    {"linear-key", "lin_api_", kAlphanumeric, 40, 40},
    {"linear-key", "lin_oauth_", kAlphanumeric, 40, 80},
    {"newrelic-key", "NRAK-", kAlphanumeric, 27, 27},
    {"newrelic-key", "NRJS-", kAlphanumeric, 19, 19},
    {"newrelic-key", "NRII-", kToken, 32, 32},
    {"notion-token", "ntn_", kAlphanumeric, 40, 60},
    {"notion-token", "secret_", kAlphanumeric, 43, 43},
    {"planetscale-token", "pscale_tkn_", kDotted, 32, 64},
    {"planetscale-token", "pscale_pw_", kDotted, 32, 64},
    {"planetscale-token", "pscale_oauth_", kDotted, 32, 64},
    {"postman-key", "PMAK-", kToken, 59, 59},
    {"pulumi-token", "pul-", kHex, 40, 40},
    {"sentry-token", "sntrys_", kBase64, 60, 400},
    {"sentry-token", "sntryu_", kHex, 64, 64},
    {"shopify-token", "shpat_", kHex, 32, 32},
    {"shopify-token", "shpca_", kHex, 32, 32},
    {"shopify-token", "shppa_", kHex, 32, 32},
    {"shopify-token", "shpss_", kHex, 32, 32},
    {"shippo-token", "shippo_live_", kHex, 40, 40},
    {"shippo-token", "shippo_test_", kHex, 40, 40},
    {"square-token", "sq0atp-", kToken, 22, 22},
    {"square-token", "sq0csp-", kToken, 43, 43},
    {"square-token", "EAAA", kToken, 60, 60},
    {"supabase-token", "sbp_", kHex, 40, 40},
    {"supabase-key", "sb_secret_", kToken, 20, 60},
    {"alibaba-access-key", "LTAI", kAlphanumeric, 12, 26},
    {"tencent-secret-id", "AKID", kAlphanumeric, 32, 32},
    {"age-secret-key", "AGE-SECRET-KEY-1", kUpperDigits, 58, 58},
    {"airtable-token", "pat", kDotted, 79, 79},
    {"asana-token", "1/", kAlphanumeric, 48, 48},
    {"atlassian-token", "ATATT3", kDotted, 180, 220},
    {"atlassian-token", "ATCTT3", kDotted, 180, 220},
    {"bitbucket-token", "ATBB", kAlphanumeric, 32, 40},
    {"clojars-token", "CLOJARS_", kAlphanumeric, 60, 60},
    {"contentful-token", "CFPAT-", kToken, 40, 60},
    {"duffel-token", "duffel_live_", kToken, 43, 43},
    {"duffel-token", "duffel_test_", kToken, 43, 43},
    {"dynatrace-token", "dt0c01.", kDotted, 80, 100},
    {"easypost-key", "EZAK", kAlphanumeric, 54, 54},
    {"easypost-key", "EZTK", kAlphanumeric, 54, 54},
    {"flutterwave-key", "FLWSECK_TEST-", kToken, 12, 50},
    {"flutterwave-key", "FLWSECK-", kToken, 12, 50},
    {"flyio-token", "fo1_", kToken, 43, 43},
    {"flyio-token", "fm2_", kBase64, 100, 1000},
    {"frameio-token", "fio-u-", kToken, 60, 70},
    {"grafana-token", "glsa_", kWord, 41, 41},
    {"grafana-token", "glc_", kBase64, 32, 400},
    {"grafana-key", "eyJrIjoi", kBase64, 70, 400},
    {"harness-token", "pat.", kDotted, 60, 100},
    {"intra42-secret", "s-s4t2", kToken, 60, 80},
    {"onepassword-token", "ops_eyJ", kBase64, 200, 2000},
    {"prefect-token", "pnu_", kAlphanumeric, 36, 36},
    {"readme-key", "rdme_", kAlphanumeric, 70, 70},
    {"scalingo-token", "tk-us-", kToken, 48, 48},
    {"settlemint-token", "sm_pat_", kAlphanumeric, 16, 16},
    {"sourcegraph-token", "sgp_", kWord, 40, 70},
    {"typeform-token", "tfp_", kDotted, 59, 59},
    {"yandex-token", "y0_", kToken, 55, 70},
    {"yandex-key", "AQVN", kToken, 35, 38},
    {"zapier-webhook", "https://hooks.zapier.com/hooks/catch/", kBase64, 8, 60},
    {"adafruit-key", "aio_", kAlphanumeric, 28, 28},
    {"artifactory-key", "AKCp", kAlphanumeric, 60, 80},
    {"artifactory-token", "cmVmd", kAlphanumeric, 59, 59},
    {"cloudflare-key", "v1.0-", kToken, 160, 180},
    {"confluent-key", "cflt", kBase64, 60, 60},
    {"defined-token", "dnkey-", kToken, 60, 90},
    {"netlify-token", "nfp_", kAlphanumeric, 36, 40},
    {"vercel-token", "vcp_", kAlphanumeric, 24, 60},
    {"codelore-token", "clr_", kAlphanumeric, 34, 60},
    {"kakao-key", "KakaoAK ", kHex, 32, 32},
    {"line-token", "Bearer xLINE", kBase64, 40, 200},
    {"toss-key", "live_sk_", kAlphanumeric, 20, 60},
    {"toss-key", "test_sk_", kAlphanumeric, 20, 60},
    {"toss-key", "live_gsk_", kAlphanumeric, 20, 60},
    {"ncloud-key", "ncp_iam_", kAlphanumeric, 20, 60},
};

bool IsWord(char c) { return In(kWord, c); }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), Lower);
  return lower;
}

// Rules by the first two bytes of their prefixes, so that most places cost one look.
class TokenTable {
 public:
  TokenTable() {
    for (const TokenRule& rule : kTokens) rules_[Slot(rule.prefix)].push_back(&rule);
    for (size_t i = 0; i < rules_.size(); ++i) used_[i] = !rules_[i].empty();
  }
  static size_t Slot(std::string_view text) { return static_cast<uint8_t>(text[0]) << 8 | static_cast<uint8_t>(text[1]); }
  bool MayBegin(std::string_view text, size_t at) const { return used_[Slot(text.substr(at))]; }
  const std::vector<const TokenRule*>& At(std::string_view text, size_t at) const { return rules_[Slot(text.substr(at))]; }

 private:
  std::vector<std::vector<const TokenRule*>> rules_ = std::vector<std::vector<const TokenRule*>>(65536);
  std::array<bool, 65536> used_ = {};
};

const TokenTable& Tokens() {
  static const TokenTable table;
  return table;
}

// A token has digits or both cases somewhere: a long plain word in lower case is none.
bool LooksRandom(std::string_view value) {
  bool digit = std::ranges::any_of(value, [](char c) { return c >= '0' && c <= '9'; });
  bool upper = std::ranges::any_of(value, [](char c) { return c >= 'A' && c <= 'Z'; });
  bool lower = std::ranges::any_of(value, [](char c) { return c >= 'a' && c <= 'z'; });
  return (digit || (upper && lower)) && Entropy(value) >= 2.5;
}

// ---- by context ---------------------------------------------------------------------------------------------

// "-----BEGIN RSA PRIVATE KEY-----" ... "-----END": what stands between; without an end the base64 that follows.
void FindPrivateKeys(std::string_view text, std::vector<Span>* spans) {
  constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ";
  constexpr size_t kMaxKey = 64 * 1024;
  size_t next_end = 0;
  for (size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at + kBegin.size())) {
    size_t close = text.find("-----", at + kBegin.size());
    if (close == text.npos || close - at > 80) continue;
    std::string_view label = text.substr(at + kBegin.size(), close - at - kBegin.size());
    if (label.find("PRIVATE KEY") == label.npos) continue;
    size_t begin = close + 5;
    if (next_end < begin) next_end = text.find(kEnd, begin);
    size_t end = next_end;
    if (end == text.npos || end - begin > kMaxKey) {
      end = begin;
      while (end < text.size() && end < begin + kMaxKey && (In(kBase64, text[end]) || IsBlank(text[end]) || text[end] == '\n' || text[end] == '\r' || text[end] == '\\')) ++end;
    }
    if (end - begin >= 32) spans->push_back({begin, end, "private-key"});
  }
}

// PuTTY's and a JSON web key's private parts are assignments; header.payload.signature is a web token.
void FindWebTokens(std::string_view text, std::vector<Span>* spans) {
  for (size_t at = text.find("eyJ"); at != text.npos; at = text.find("eyJ", at + 3)) {
    if (at > 0 && In(kToken, text[at - 1])) continue;
    size_t end = at, dots = 0, part = 0;
    bool parts = true;
    for (; end < text.size() && (In(kToken, text[end]) || (text[end] == '.' && dots < 2)); ++end) {
      if (text[end] == '.') {
        parts = parts && part >= 10;
        ++dots;
        part = 0;
      } else {
        ++part;
      }
    }
    if (dots == 2 && parts && part >= 10) spans->push_back({at, end, "json-web-token"});
  }
}

// scheme://user:PASSWORD@host
void FindAddressPasswords(std::string_view text, std::vector<Span>* spans) {
  constexpr size_t kMax = 256;
  for (size_t at = text.find("://"); at != text.npos; at = text.find("://", at + 3)) {
    size_t begin = at + 3, colon = text.npos;
    for (size_t i = begin; i < std::min(text.size(), begin + kMax); ++i) {
      char c = text[i];
      if (c == ':' && colon == text.npos) colon = i;
      if (c == '@' && colon != text.npos) {
        std::string_view password = text.substr(colon + 1, i - colon - 1);
        bool variable = password.find_first_of("${}<>*()") != password.npos || LowerCase(password).find("pass") != password.npos;
        if (password.size() >= 3 && !variable && !IsPlaceholder(password)) spans->push_back({colon + 1, i, "password-in-address"});
        break;
      }
      if (c == '/' || c == ' ' || c == '\n' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '?' || c == '#') break;
    }
  }
}

struct Keyword {
  std::string_view word;
  bool password;  // people choose these: short, less random
};
constexpr Keyword kKeywords[] = {
    {"password", true}, {"passwd", true}, {"passphrase", true}, {"pwd", true}, {"비밀번호", true}, {"암호", true}, {"패스워드", true},
    {"secret", false}, {"token", false}, {"api_key", false}, {"apikey", false}, {"api-key", false}, {"access_key", false}, {"accesskey", false},
    {"access-key", false}, {"private_key", false}, {"privatekey", false}, {"private-key", false}, {"auth_key", false}, {"authkey", false}, {"client_key", false},
    {"client-key", false}, {"credential", false}, {"account_key", false}, {"accountkey", false}, {"encryption_key", false}, {"signing_key", false}, {"secret_key", false},
    {"sharedaccesskey", false}, {"_auth", false}, {"인증키", false}, {"토큰", false}, {"app_key", false}, {"appkey", false}, {"service_key", false}, {"servicekey", false},
    {"webhook", false}, {"private-mac", false},
};

const Keyword* KeywordIn(std::string_view name) {
  std::string lower = LowerCase(name);
  for (const Keyword& keyword : kKeywords) {
    if (lower.find(keyword.word) != lower.npos) return &keyword;
  }
  return nullptr;
}

bool IsNameByte(char c) { return IsWord(c) || c == '-' || c == '.' || static_cast<uint8_t>(c) >= 0x80; }

// The name to the left of an assignment sign at `sign`, quotes and blanks skipped.
std::string_view NameBefore(std::string_view text, size_t sign) {
  constexpr size_t kMaxName = 64;
  size_t end = sign;
  while (end > 0 && sign - end < kMaxName && (IsBlank(text[end - 1]) || text[end - 1] == '"' || text[end - 1] == '\'' || text[end - 1] == ']' || text[end - 1] == ')' || text[end - 1] == ':')) --end;
  size_t begin = end;
  while (begin > 0 && end - begin < kMaxName && IsNameByte(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

struct Value {
  size_t begin = 0, end = 0;
  bool quoted = false;
};

// What is assigned behind `at`, on the same line.
Value ValueAt(std::string_view text, size_t at) {
  constexpr size_t kMaxValue = 512;
  while (at < text.size() && (IsBlank(text[at]) || text[at] == '=' || text[at] == '>')) ++at;
  size_t prefix = at;  // b"", f"", r"", @""
  while (prefix < text.size() && prefix < at + 2 && (text[prefix] == 'b' || text[prefix] == 'r' || text[prefix] == 'u' || text[prefix] == '@')) ++prefix;
  if (prefix < text.size() && (text[prefix] == '"' || text[prefix] == '\'' || text[prefix] == '`')) at = prefix;
  if (at >= text.size()) return {};
  Value value{at, at, false};
  char quote = text[at];
  if (quote == '"' || quote == '\'' || quote == '`') {
    value = {at + 1, at + 1, true};
    while (value.end < text.size() && value.end - value.begin < kMaxValue && text[value.end] != quote && text[value.end] != '\n') ++value.end;
    bool closed = value.end < text.size() && text[value.end] == quote;
    return closed ? value : Value{};
  }
  while (value.end < text.size() && value.end - value.begin < kMaxValue && static_cast<uint8_t>(text[value.end]) > ' ' && text[value.end] != ';' && text[value.end] != ',') ++value.end;
  return value;
}

bool MixesLettersAndDigits(std::string_view value) {
  bool digit = std::ranges::any_of(value, [](char c) { return c >= '0' && c <= '9'; });
  bool letter = std::ranges::any_of(value, [](char c) { return In(kAlphanumeric, c) && !(c >= '0' && c <= '9'); });
  return digit && letter;
}

bool IsSecretValue(std::string_view value, bool quoted, bool password) {
  if (value.size() < 6 || IsPlaceholder(value)) return false;
  if (password && LowerCase(value).find("pass") != value.npos) return false;  // a name, or one for show
  bool plain = std::ranges::all_of(value, [](char c) { return In(kToken, c) || c == '+' || c == '/' || c == '=' || c == '.' || c == '~'; });
  if (password && quoted) {
    if (value.find(' ') != value.npos || value.find('\\') != value.npos) return false;
    bool symbol = std::ranges::any_of(value, [](char c) { return static_cast<uint8_t>(c) > ' ' && static_cast<uint8_t>(c) < 0x7F && !IsWord(c) && c != '-' && c != '.' && c != '/' && c != ':'; });
    bool code = value.find_first_of("(){}[]<>;,") != value.npos;
    return !code && Entropy(value) >= 2.2 && (MixesLettersAndDigits(value) || symbol);
  }
  if (!plain || !MixesLettersAndDigits(value)) return false;
  if (password) return value.size() >= 8 && value.find('.') == value.npos && Entropy(value) >= 2.7;
  // Without quotes it may be the name of something: Config2, defaultToUtf8.
  if (!quoted && std::ranges::count_if(value, [](char c) { return c >= '0' && c <= '9'; }) < 3) return false;
  return value.size() >= 16 && Entropy(value) >= (quoted ? 3.2 : 3.5);
}

void FindAssignments(std::string_view text, std::vector<Span>* spans) {
  for (size_t at = text.find_first_of("=:"); at != text.npos; at = text.find_first_of("=:", at + 1)) {
    if (at + 1 >= text.size() || at == 0) continue;
    const Keyword* keyword = KeywordIn(NameBefore(text, at));
    if (keyword == nullptr) continue;
    Value value = ValueAt(text, at + 1);
    std::string_view bytes = text.substr(value.begin, value.end - value.begin);
    if (!IsSecretValue(bytes, value.quoted, keyword->password)) continue;
    spans->push_back({value.begin, value.end, keyword->password ? "password" : "secret-assignment"});
    at = value.end;
    if (at >= text.size()) break;
  }
}

// "Authorization: Basic dXNlcjpw...", "Bearer ...", and netrc's "password ..." behind "login".
void FindHeaders(std::string_view text, std::vector<Span>* spans) {
  struct Header {
    std::string_view before;
    Charset set;
    size_t least;
  };
  for (const Header& header : {Header{"Basic ", kBase64, 12}, Header{"Bearer ", kDotted, 20}, Header{"bearer ", kDotted, 20}, Header{"basic ", kBase64, 12}}) {
    for (size_t at = text.find(header.before); at != text.npos; at = text.find(header.before, at + 1)) {
      size_t begin = at + header.before.size(), end = begin;
      while (end < text.size() && In(header.set, text[end])) ++end;
      std::string_view value = text.substr(begin, end - begin);
      bool credential = value.size() >= header.least && MixesLettersAndDigits(value) && Entropy(value) >= 3.3 && !IsPlaceholder(value);
      if (credential) spans->push_back({begin, end, "authorization-header"});
    }
  }
  constexpr size_t kReach = 256;
  for (size_t at = text.find(" password "); at != text.npos; at = text.find(" password ", at + 1)) {
    std::string_view before = text.substr(at > kReach ? at - kReach : 0, std::min(at, kReach));
    before = before.substr(before.rfind('\n') + 1);
    if (before.find("login ") == before.npos && before.find("machine ") == before.npos) continue;
    size_t begin = at + 10, end = begin;
    while (end < text.size() && static_cast<uint8_t>(text[end]) > ' ') ++end;
    if (end - begin >= 3 && !IsPlaceholder(text.substr(begin, end - begin))) spans->push_back({begin, end, "netrc-password"});
  }
}

}  // namespace

std::span<const TokenRule> TokenRules() { return kTokens; }

double Entropy(std::string_view value) {
  std::array<uint32_t, 256> counts = {};
  for (char c : value) ++counts[static_cast<uint8_t>(c)];
  double bits = 0;
  for (uint32_t count : counts) {
    if (count == 0) continue;
    double share = count / static_cast<double>(value.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool IsPlaceholder(std::string_view value) {
  if (value.empty() || value[0] == '$' || value[0] == '<' || value[0] == '{' || value[0] == '%') return true;
  std::string lower = LowerCase(value);
  for (std::string_view word : {"example", "placeholder", "changeme", "change_me", "change-me", "your", "xxxx", "****", "....", "dummy", "sample", "redacted",
                                "insert", "replace", "${", "{{", "todo", "none", "null", "undefined", "secret_key_here", "012345678", "abcdefgh", "123456789"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return std::ranges::all_of(value, [&](char c) { return c == value[0]; });
}

void FindTokens(std::string_view text, std::vector<Span>* spans) {
  const TokenTable& table = Tokens();
  for (size_t at = 0; at + 2 <= text.size(); ++at) {
    if (!table.MayBegin(text, at) || (at > 0 && IsWord(text[at - 1]))) continue;
    for (const TokenRule* rule : table.At(text, at)) {
      if (!text.substr(at).starts_with(rule->prefix)) continue;
      size_t begin = at + rule->prefix.size(), end = begin;
      while (end < text.size() && end - begin <= rule->most && In(rule->set, text[end])) ++end;
      while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-') && rule->least < rule->most) --end;  // the sentence's
      size_t length = end - begin;
      std::string_view value = text.substr(begin, length);
      if (length < rule->least || length > rule->most || !LooksRandom(value) || IsPlaceholder(value)) continue;
      spans->push_back({at, end, rule->name});
      at = end - 1;
      break;
    }
  }
}

void FindByContext(std::string_view text, std::vector<Span>* spans) {
  FindPrivateKeys(text, spans);
  FindWebTokens(text, spans);
  FindAddressPasswords(text, spans);
  FindAssignments(text, spans);
  FindHeaders(text, spans);
}

}  // namespace codelore::mask
