#include "acl/principal.h"

#include <gtest/gtest.h>

namespace codelore::acl {
namespace {

bool IsName(std::string_view name) { return ValidateName("user", name).ok(); }

TEST(PrincipalTest, AcceptsWhatPeopleAreCalled) {
  for (std::string_view name : {"alice", "a", "Alice B. Smith", "김철수", "o'hara", "team/sub:x", "<b>", "\U0001F98A"}) {
    EXPECT_TRUE(IsName(name)) << name;
  }
  EXPECT_TRUE(IsName(std::string(128, 'x')));
}

TEST(PrincipalTest, RefusesWhatCannotBeSeen) {
  for (std::string_view name :
       {"", " ", "  ", " a", "a ", "a\tb", "a\nadmin login ok", "a\x7F", "a\u00A0b", "a\u00ADb", "admin\u200B",
        "\u202Eadmin", "a\u2066b", "\u3164", "a\uFEFF", "a\uFE0F", "a\U000E0041", "a\U000E0100", "a\uE000", "\u3000",
        "a\u2028b", "\u0085", "a\xFF", "a\xC0\x80", "\xED\xA0\x80"}) {
    EXPECT_FALSE(IsName(name)) << name;
  }
  EXPECT_FALSE(IsName(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsName(std::string(129, 'x')));
}

TEST(PrincipalTest, HasThreeForms) {
  for (std::string_view good : {"everyone", "user:alice", "team:core", "user:user:x"}) {
    EXPECT_TRUE(ValidatePrincipal(good).ok()) << good;
  }
  for (std::string_view bad : {"", "alice", "Everyone", "user:", "team: ", "group:core", "USER:alice", "everyone "}) {
    EXPECT_EQ(ValidatePrincipal(bad).code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace codelore::acl
