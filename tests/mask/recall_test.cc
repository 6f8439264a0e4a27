// How much of what is planted is found: every token format in six disguises, every Korean identifier in six spellings.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <map>
#include <random>

#include "mask/masker.h"
#include "mask/personal_data.h"
#include "mask/secret_rules.h"

namespace codelore::mask {
namespace {

using Random = std::mt19937;

std::string Digits(Random& random, size_t count) {
  std::string digits;
  for (size_t i = 0; i < count; ++i) digits += static_cast<char>('0' + random() % 10);
  return digits;
}

std::string TokenOf(const TokenRule& rule, Random& random) {
  constexpr std::string_view kHexDigits = "0123456789abcdef", kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                             kAll = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string_view letters = rule.set == kHex ? kHexDigits : rule.set == kUpperDigits ? kUpper : kAll;
  std::string token(rule.prefix);
  for (size_t i = 0; i < rule.least; ++i) token += letters[random() % letters.size()];
  return token;
}

std::string EncodeBase64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string Escape(std::string_view token, const char* format) {
  std::string text;
  for (char c : token) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned>(c));
    text += buffer;
  }
  return text;
}

// Nothing of the secret is left: no four bytes of its random part in a row.
bool IsGone(const std::string& masked, const std::string& disguised) { return masked.find(disguised.substr(disguised.size() / 2, 12)) == std::string::npos; }

TEST(RecallTest, EveryTokenFormatInSixDisguises) {
  Random random(1);
  const std::map<std::string, std::function<std::string(const std::string&)>> disguises = {
      {"plain", [](const std::string& t) { return "x = \"" + t + "\"\n"; }},
      {"joined", [](const std::string& t) { return "x = \"" + t.substr(0, t.size() / 2) + "\" + \"" + t.substr(t.size() / 2) + "\"\n"; }},
      {"two lines", [](const std::string& t) { return "x: " + t.substr(0, t.size() / 2) + "\n    " + t.substr(t.size() / 2) + "\n"; }},
      {"base64", [](const std::string& t) { return "x = " + EncodeBase64(t) + "\n"; }},
      {"percent", [](const std::string& t) { return "x=" + Escape(t, "%%%02X") + "&y\n"; }},
      {"\\u", [](const std::string& t) { return "x = \"" + Escape(t, "\\u%04x") + "\"\n"; }},
  };
  size_t planted = 0, found = 0;
  std::map<std::string, size_t> missed;
  for (const TokenRule& rule : TokenRules()) {
    for (const auto& [name, disguise] : disguises) {
      for (int i = 0; i < 5; ++i) {
        std::string text = disguise(TokenOf(rule, random)), masked = text;
        Mask(&masked);
        ++planted;
        bool gone = IsGone(masked, text);
        found += gone ? 1 : 0;
        if (!gone) ++missed[name + " " + std::string(rule.name)];
      }
    }
  }
  std::printf("%zu of %zu planted tokens found (%.2f %%)\n", found, planted, 100.0 * static_cast<double>(found) / static_cast<double>(planted));
  for (const auto& [what, count] : missed) std::printf("  missed %zu: %s\n", count, what.c_str());
  EXPECT_GE(static_cast<double>(found), 0.97 * static_cast<double>(planted));
}

// `parts` in one of six spellings.
std::string Spell(const std::vector<std::string>& parts, int spelling) {
  static const char* kWide[] = {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"};
  static const char* kBetween[] = {"-", "", " ", "–", "-", "－"};
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += kBetween[spelling];
    for (char c : parts[i]) spelling == 4 && c >= '0' && c <= '9' ? text += kWide[c - '0'] : text += c;
  }
  return text;
}

TEST(RecallTest, EveryKoreanIdentifierInSixSpellings) {
  Random random(2);
  auto two = [&](unsigned least, unsigned most) {
    unsigned value = least + random() % (most - least + 1);
    return std::string{static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  };
  // A number whose last digit is chosen so that `checks` holds.
  auto checked = [](std::string digits, bool (*checks)(std::string_view)) {
    for (char last = '0'; last <= '9'; ++last) {
      if (checks(digits + last)) return digits + last;
    }
    return digits + "0";
  };
  auto person = [&](const std::string& sevenths) {
    std::string birth = two(40, 99) + two(1, 12) + two(1, 28);
    std::string digits = checked(birth + sevenths[random() % sevenths.size()] + Digits(random, 5), ResidentNumberChecks);
    return std::vector<std::string>{digits.substr(0, 6), digits.substr(6)};
  };
  struct Kind {
    const char* name;
    const char* context;  // as forms have it
    std::function<std::vector<std::string>()> make;
  };
  const std::vector<Kind> kinds = {
      {"resident number", "", [&] { return person("12"); }},
      {"foreigner number", "", [&] { return person("56"); }},
      {"resident number of since 2020, named", "주민등록번호: ", [&] { return std::vector<std::string>{two(20, 25) + two(1, 12) + two(1, 28), (random() % 2 ? "3" : "4") + Digits(random, 6)}; }},
      {"business number, named", "사업자등록번호: ", [&] {
         std::string digits = checked(std::to_string(100 + random() % 800) + two(10, 99) + Digits(random, 4), BusinessNumberChecks);
         return std::vector<std::string>{digits.substr(0, 3), digits.substr(3, 2), digits.substr(5)};
       }},
      {"driver's licence, named", "운전면허: ", [&] { return std::vector<std::string>{two(11, 28), two(0, 99), Digits(random, 6), Digits(random, 2)}; }},
      {"mobile number", "", [&] { return std::vector<std::string>{"010", std::to_string(2 + random() % 8) + Digits(random, 3), Digits(random, 4)}; }},
      {"passport, named", "여권번호: ", [&] { return std::vector<std::string>{"M" + Digits(random, 8)}; }},
      {"passport, newer", "", [&] { return std::vector<std::string>{"M" + Digits(random, 3) + static_cast<char>('A' + random() % 26) + Digits(random, 4)}; }},
  };
  for (const Kind& kind : kinds) {
    size_t found = 0;
    bool passport = std::string_view(kind.name).starts_with("passport");
    for (int i = 0; i < 1000; ++i) {
      for (int spelling = 0; spelling < 6; ++spelling) {
        std::string value = Spell(kind.make(), passport ? 0 : spelling);
        std::string text = "성명 홍길동 " + std::string(kind.context) + value + " 비고\n";
        Mask(&text);
        found += text.find(value) == std::string::npos ? 1 : 0;
      }
    }
    std::printf("%zu of 6000: %s\n", found, kind.name);
    EXPECT_GE(found, 5940u) << kind.name;
  }
}

}  // namespace
}  // namespace codelore::mask
