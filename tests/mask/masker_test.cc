#include "mask/masker.h"

#include <gtest/gtest.h>

#include <fstream>

#include "mask/personal_data.h"
#include "mask/secret_rules.h"

namespace codelore::mask {
namespace {

std::string Masked(std::string text) {
  Mask(&text);
  return text;
}
std::string RuleIn(const std::string& text) {
  auto spans = FindSensitive(text);
  return spans.empty() ? "" : std::string(spans[0].rule);
}

// Made up, of the right form; in two halves, so that no scanner takes this file for a leak.
std::string Fake(const std::string& prefix, size_t length, const char* digits = "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT") {
  std::string token = prefix;
  for (size_t i = 0; i < length; ++i) token += digits[(i * 7 + 3) % std::char_traits<char>::length(digits)];
  return token;
}
const std::string kAws = Fake("AKIA", 16, "Q7WZ2XERTY3LKJ5M");
const std::string kGithub = Fake("ghp_", 36);

TEST(MaskerTest, KeepsLengthLinesAndEverythingElse) {
  std::string text = "a = 1\nkey = \"" + kGithub + "\"\nb = 2\n", masked = Masked(text);
  EXPECT_EQ(masked, "a = 1\nkey = \"" + std::string(kGithub.size(), '*') + "\"\nb = 2\n");
  EXPECT_TRUE(FindSensitive(masked).empty());
}

TEST(MaskerTest, FindsTokensByTheirLook) {
  for (const std::string& token :
       {kAws, kGithub, Fake("glpat-", 20), Fake("xoxb-", 50), Fake("sk_live_", 24), Fake("AIza", 35), Fake("npm_", 36), Fake("SG.", 22) + "." + Fake("", 43),
        Fake("hf_", 34), Fake("sk-ant-", 95), Fake("dop_v1_", 64, "0a1b2c3d4e5f"), Fake("hvs.", 90), Fake("shpat_", 32, "0a1b2c3d4e5f"), Fake("clr_", 38),
        Fake("GOCSPX-", 28), Fake("glsa_", 41), Fake("pypi-AgE", 120), Fake("LTAI", 20), Fake("PMAK-", 59), Fake("lin_api_", 40)}) {
    EXPECT_NE(RuleIn("x = f(" + token + ")"), "") << token;
    EXPECT_EQ(RuleIn("x" + token), "") << token;  // a part of a longer word
  }
}

TEST(MaskerTest, Attack088FindsSecretsBehindDisguises) {
  std::string half = kAws.substr(0, 9), rest = kAws.substr(9);
  EXPECT_EQ(RuleIn("k = \"" + half + "\" + \"" + rest + "\""), "aws-access-key");
  EXPECT_EQ(RuleIn("k = \"" + half + "\"\n    \"" + rest + "\""), "aws-access-key");
  EXPECT_EQ(RuleIn("k: " + half + "\n   " + rest + "\n"), "aws-access-key");
  EXPECT_EQ(RuleIn("k=" + half + "\\\n" + rest + "\n"), "aws-access-key");
  EXPECT_EQ(RuleIn("?k=%41" + kAws.substr(1) + "&x"), "aws-access-key");
  EXPECT_EQ(RuleIn("k = \"\\x41" + kAws.substr(1) + "\""), "aws-access-key");
  EXPECT_EQ(RuleIn("k = \"\\u0041" + kAws.substr(1) + "\""), "aws-access-key");
  EXPECT_EQ(RuleIn("a: QUtJQTdKM1c1WkxXTTJaUUs3WA=="), "");  // decodes to a form of another length
  // "AKIAZ7QXERTY3LKJ5MWQ" in base64
  EXPECT_EQ(RuleIn("a: QUtJQVo3UVhFUlRZM0xLSjVNV1E= b"), "aws-access-key");
  std::string line(2'000'000, ';');
  EXPECT_EQ(FindSensitive(line + kAws + line).size(), 1u);
  // The whole disguise is overwritten, line breaks stay.
  EXPECT_EQ(Masked("k = \"" + half + "\"\n + \"" + rest + "\";").find(rest), std::string::npos);
}

TEST(MaskerTest, Attack089FindsKeysAndCredentialFiles) {
  std::string body = Fake("", 64) + "\n" + Fake("", 64) + "\n";
  EXPECT_EQ(Masked("-----BEGIN RSA PRIVATE KEY-----\n" + body + "-----END RSA PRIVATE KEY-----\n"),
            "-----BEGIN RSA PRIVATE KEY-----\n" + std::string(64, '*') + "\n" + std::string(64, '*') + "\n-----END RSA PRIVATE KEY-----\n");
  EXPECT_EQ(RuleIn("-----BEGIN PRIVATE KEY-----\n" + body), "private-key");
  EXPECT_EQ(RuleIn("-----BEGIN PUBLIC KEY-----\n" + body + "-----END PUBLIC KEY-----"), "");
  EXPECT_EQ(RuleIn("//registry/:_authToken=" + Fake("", 36) + "\n"), "secret-assignment");
  EXPECT_EQ(RuleIn("machine host login ann password tr0ub4dor\n"), "netrc-password");
  EXPECT_EQ(RuleIn("postgres://ann:s3cretPw@db/x"), "password-in-address");
  EXPECT_EQ(RuleIn("postgres://ann:${PW}@db/x"), "");
  EXPECT_EQ(RuleIn("t: " + Fake("eyJ", 30) + "." + Fake("eyJ", 40) + "." + Fake("", 43)), "json-web-token");
  EXPECT_EQ(RuleIn("    client-key-data: " + Fake("", 80) + "\n"), "secret-assignment");
  EXPECT_EQ(RuleIn("Authorization: Basic YW5uOnRyMHViNGRvcg=="), "authorization-header");
}

TEST(MaskerTest, FindsAssignmentsOfPasswords) {
  EXPECT_EQ(RuleIn("password = \"tr0ub4dor&3\""), "password");
  EXPECT_EQ(RuleIn("DB_PASSWORD=Xk29fj2kQ\n"), "password");
  EXPECT_EQ(RuleIn("비밀번호: \"tr0ub4dor&3\""), "password");
  EXPECT_EQ(RuleIn("\"api_key\": \"" + Fake("", 32) + "\""), "secret-assignment");
  for (const char* harmless : {"password = get_password()", "password: string", "password = \"\"", "password = \"your-password\"", "token = request.headers[\"x\"]",
                               "token = \"example-token-1234567890\"", "secret: ${SECRET}", "password = os.environ['PW2']", "if token == TokenKind.Identifier2:",
                               "password=password1, user=user", "the token: a word", "const token = await getToken(1);", "Password: {0}", "token_type = \"Bearer\""}) {
    EXPECT_EQ(RuleIn(harmless), "") << harmless;
  }
}

TEST(MaskerTest, LetsDocumentedExamplesBe) {
  for (const char* text : {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "token: \"<your token>\"",
                           "https://user:password_example@host", "sk_test_your_key_goes_here"}) {
    EXPECT_EQ(RuleIn(text), "") << text;
  }
}

TEST(MaskerTest, Attack092FindsResidentNumbersInEverySpelling) {
  for (const char* text : {"960121-1021413", "9601211021413", "960121 1021413", "960121–1021413", "９６０１２１-１０２１４１３", "９６０１２１１０２１４１３",
                           "\"rrn\":9601211021413", "960121-1234567", "주민등록번호 9601211234567", "960121－1021413"}) {
    EXPECT_EQ(RuleIn(text), "korean-resident-number") << text;
    EXPECT_EQ(RuleIn("이름 홍길동, " + std::string(text) + "입니다"), "korean-resident-number") << text;
  }
  for (const char* text : {"001332-1234567", "961321-1021413", "9601211234568", "1.960121-1021413", "x960121-1021413", "96012119602131", "2024-01-01 12:30:45"}) {
    EXPECT_EQ(RuleIn(text), "") << text;
  }
}

TEST(MaskerTest, Attack094FindsTheOtherKoreanIdentifiers) {
  EXPECT_EQ(RuleIn("960121-5021413"), "korean-foreigner-number");
  EXPECT_EQ(RuleIn("960121-9021413"), "korean-resident-number");
  EXPECT_EQ(RuleIn("104-86-56659"), "korean-business-number");
  EXPECT_EQ(RuleIn("104-86-56658"), "");
  EXPECT_EQ(RuleIn("사업자등록번호 1048656659"), "korean-business-number");
  EXPECT_EQ(RuleIn("1048656659"), "");
  EXPECT_EQ(RuleIn("여권 M12345678"), "korean-passport-number");
  EXPECT_EQ(RuleIn("M123A4567"), "korean-passport-number");
  EXPECT_EQ(RuleIn("M12345678"), "");
  EXPECT_EQ(RuleIn("11-22-123456-12"), "korean-driver-licence");
  EXPECT_EQ(RuleIn("면허 112212345612"), "korean-driver-licence");
  EXPECT_EQ(RuleIn("99-22-123456-12"), "");
}

TEST(MaskerTest, Attack095FindsTelephoneNumbersMailAndCards) {
  for (const char* text : {"010-1234-5678", "01023456789", "+82 10-1234-5678", "+82-10-1234-5678", "02-123-4567", "(031) 123-4567", "031-1234-5678", "010 1234 5678", "010.1234.5678"}) {
    EXPECT_EQ(RuleIn(text), "telephone-number") << text;
  }
  EXPECT_EQ(RuleIn("hong.gildong@company.co.kr"), "e-mail-address");
  EXPECT_EQ(RuleIn("4111-1111-1111-1111"), "payment-card");
  EXPECT_EQ(RuleIn("4111 1111 1111 1111"), "payment-card");
  EXPECT_EQ(RuleIn("4111111111111111"), "payment-card");
  EXPECT_EQ(RuleIn("3782-822463-10005"), "payment-card");
  for (const char* text : {"4111-1111-1111-1112", "0101010101010101", "01011010110", "192.168.10.100", "1.2.3.4567", "2024-01-15", "ann@example.com", "git@host.example", "icon@2x.png",
                           "0.4111111111111111", "v1.02.123.4567", "@decorator.name", "1700000000000", "0x4111111111111111"}) {
    EXPECT_EQ(RuleIn(text), "") << text;
  }
}

TEST(MaskerTest, CheckDigits) {
  EXPECT_TRUE(ResidentNumberChecks("9601211021413"));
  EXPECT_FALSE(ResidentNumberChecks("9601211234567"));
  EXPECT_TRUE(BusinessNumberChecks("1048656659"));
  EXPECT_FALSE(BusinessNumberChecks("1048656658"));
  EXPECT_TRUE(LuhnChecks("4111111111111111"));
}

TEST(MaskerTest, Attack097LongLinesTakeLinearTime) {
  for (std::string unit : {"1 ", "12-", "a@", "password=", "eyJ", "://a:", "-----BEGIN ", "AKIA", "\"+\"", "%41", "Basic ", " password ", "１", "===", "\\\n", "0-"}) {
    std::string line;
    while (line.size() < 4 << 20) line += unit;
    (void)Masked(line);  // a quadratic scan would not end
  }
}

TEST(MaskerTest, AnyBytesAreTaken) {
  std::string text;
  uint32_t state = 7;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  for (size_t i = 0; i < 500; ++i) (void)Masked(text.substr(i * 37, i));
  EXPECT_EQ(Masked(text).size(), text.size());
}

}  // namespace
}  // namespace codelore::mask
