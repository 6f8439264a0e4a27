#include "api/json_request.h"

#include <gtest/gtest.h>

#include <string>

namespace codelore::api {
namespace {

Status ParseError(std::string_view body) {
  auto json = JsonRequest::Parse(body, {"a", "limit"});
  return json.ok() ? OkStatus() : json.status();
}

JsonRequest Parsed(std::string_view body) {
  auto json = JsonRequest::Parse(body, {JsonRequest::kAnyField});
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  return std::move(json).value();
}

TEST(JsonRequestTest, ReadsEveryKindOfField) {
  JsonRequest json =
      Parsed(R"({"s":"\ud55c \"x\"","i":-7,"n":0.5,"b":true,"l":["p","q"],"o":{"k":1},
                               "m":[{"role":"user"},{"role":"tool"}],"z":null,"mode":"lexical"})");
  EXPECT_EQ(json.String("s"), "한 \"x\"");
  EXPECT_EQ(json.Integer("i", {.min = -10, .max = 10}), -7);
  EXPECT_EQ(json.Number("n", {.min = 0, .max = 1}), 0.5);
  EXPECT_TRUE(json.Boolean("b", false));
  EXPECT_EQ(json.Strings("l"), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(json.Object("o", {"k"}).Integer("k", {.min = 0, .max = 9}), 1);
  auto messages = json.Objects("m", {"role"});
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].String("role"), "tool");
  EXPECT_EQ(json.Choice("mode", {"hybrid", "lexical"}), "lexical");
  EXPECT_EQ(json.Text("o"), "{\"k\":1}");
  EXPECT_FALSE(json.Has("z"));
  EXPECT_TRUE(json.status().ok()) << json.status().ToString();
}

TEST(JsonRequestTest, GivesDefaultsForWhatIsAbsentOrNull) {
  JsonRequest json = Parsed(R"({"s":null,"o":null})");
  EXPECT_EQ(json.String("s", {.otherwise = "d"}), "d");
  EXPECT_EQ(json.Integer("i", {.min = 1, .max = 100, .otherwise = 10}), 10);
  EXPECT_EQ(json.Choice("mode", {"hybrid", "lexical"}), "hybrid");
  EXPECT_TRUE(json.Boolean("b", true));
  EXPECT_TRUE(json.Strings("l").empty());
  EXPECT_EQ(json.Object("o", {}).String("k", {.otherwise = "e"}), "e");
  EXPECT_TRUE(json.status().ok());
}

TEST(JsonRequestTest, NamesTheFieldThatIsWrong) {
  auto error = [](std::string_view body, auto read) {
    JsonRequest json = Parsed(body);
    read(json);
    EXPECT_EQ(json.status().code(), StatusCode::kInvalidArgument);
    return json.status().message();
  };
  auto limit = [](JsonRequest& json) {
    json.Integer("limit", {.min = 1, .max = 100, .otherwise = 10});
  };
  for (const char* value :
       {"-1", "0", "-0", "101", "1000000000", "9007199254740993", "18446744073709551615",
        "99999999999999999999", "1.5", "1e1", "\"5\"", "true", "[5]"}) {
    EXPECT_EQ(error("{\"limit\":" + std::string(value) + "}", limit),
              "field 'limit' must be an integer from 1 to 100")
        << value;
  }
  EXPECT_EQ(error("{\"s\":5}", [](JsonRequest& j) { j.String("s"); }),
            "field 's' must be a string");
  EXPECT_EQ(error("{}", [](JsonRequest& j) { j.String("s", {.required = true}); }),
            "field 's' is missing");
  EXPECT_EQ(error("{\"s\":\"\"}", [](JsonRequest& j) { j.String("s", {.required = true}); }),
            "field 's' must not be empty");
  EXPECT_EQ(error("{\"s\":\"abc\"}", [](JsonRequest& j) { j.String("s", {.max_bytes = 2}); }),
            "field 's' may have up to 2 bytes");
  EXPECT_EQ(error("{\"m\":\"x\"}",
                  [](JsonRequest& j) {
                    j.Choice("m", {"a", "b"});
                  }),
            "field 'm' must be one of: a, b");
  EXPECT_EQ(error("{\"b\":1}", [](JsonRequest& j) { j.Boolean("b", false); }),
            "field 'b' must be true or false");
  EXPECT_EQ(error("{\"n\":\"1\"}", [](JsonRequest& j) { j.Number("n", {.min = 0, .max = 2}); }),
            "field 'n' must be a number from 0.0 to 2.0");
  EXPECT_EQ(error("{\"l\":[1]}", [](JsonRequest& j) { j.Strings("l"); }),
            "field 'l' must hold strings of up to 16384 bytes");
  EXPECT_EQ(
      error("{\"l\":[\"a\",\"b\"]}", [](JsonRequest& j) { j.Strings("l", {.max_items = 1}); }),
      "field 'l' may have up to 1 items");
  EXPECT_EQ(error("{\"o\":1}", [](JsonRequest& j) { j.Object("o", {}); }),
            "field 'o' must be an object");
  EXPECT_EQ(error("{\"m\":[{\"role\":\"u\"},{\"role\":5}]}",
                  [](JsonRequest& j) {
                    for (JsonRequest& message : j.Objects("m", {"role"})) message.String("role");
                  }),
            "field 'm[1].role' must be a string");
}

TEST(JsonRequestTest, KeepsTheFirstError) {
  JsonRequest json = Parsed(R"({"a":1,"b":2})");
  json.String("a");
  json.String("b");
  EXPECT_EQ(json.status().message(), "field 'a' must be a string");
}

TEST(JsonRequestTest, RefusesUnknownFields) {
  EXPECT_EQ(ParseError(R"({"a":1,"limt":5})").message(), "field 'limt' is not known here");
  std::string long_name(1000, 'x');
  EXPECT_LT(ParseError("{\"" + long_name + "\":1}").message().size(), 100u);
  JsonRequest json = Parsed(R"({"o":{"x":1}})");
  json.Object("o", {"k"});
  EXPECT_EQ(json.status().message(), "field 'o.x' is not known here");
}

TEST(JsonRequestTest, RefusesWhatIsNotAnObject) {
  for (const char* body : {"", " ", "[]", "1", "\"a\"", "null", "true"})
    EXPECT_FALSE(ParseError(body).ok()) << body;
}

TEST(JsonRequestTest, RefusesDuplicateFieldsAtEveryLevel) {
  EXPECT_EQ(ParseError(R"({"a":1,"a":2})").message(), "field 'a' appears twice");
  EXPECT_FALSE(ParseError(R"({"a":{"b":1,"b":1}})").ok());
  EXPECT_FALSE(ParseError(R"({"a":1,"\u0061":2})").ok());  // the same name, escaped
  EXPECT_TRUE(ParseError(R"({"a":[{"b":1},{"b":1}]})").ok());
}

TEST(JsonRequestTest, RefusesAlmostJson) {
  for (const char* body :
       {"{\"a\":1}x", "{\"a\":1}{}", "{\"a\":01}", "{\"a\":.5}", "{\"a\":+1}", "{a:1}", "{'a':1}",
        "{\"a\":1,}", "{\"a\":\"\t\"}", "{\"a\":1 /* c */}", "{\"a\":\"\\x\"}", "{\"a\""}) {
    EXPECT_FALSE(ParseError(body).ok()) << body;
  }
}

TEST(JsonRequestTest, Attack029_RefusesDeepNestingWithoutRecursion) {
  EXPECT_FALSE(ParseError(std::string(100'000, '[')).ok());
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(ParseError(objects).message(), "the body has more than 64 levels");
  EXPECT_TRUE(ParseError("{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}").ok());
  EXPECT_FALSE(ParseError("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}").ok());
}

TEST(JsonRequestTest, Attack031_RefusesNumbersThatAreNone) {
  for (const char* value :
       {"NaN", "Infinity", "-Infinity", "1e400", "-1e400", "nan", "0x10", "1e", "--1"}) {
    EXPECT_FALSE(ParseError("{\"a\":" + std::string(value) + "}").ok()) << value;
  }
}

TEST(JsonRequestTest, Attack032_RefusesWhatIsNotUtf8) {
  for (std::string_view value :
       {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xE2\x82", "\\ud800", "\\udc00x", "\\ud800\\u0041"}) {
    EXPECT_FALSE(ParseError("{\"a\":\"" + std::string(value) + "\"}").ok()) << value;
  }
  EXPECT_FALSE(ParseError("\xEF\xBB\xBF{\"a\":1}").ok());
  EXPECT_FALSE(ParseError(std::string_view("\xFF\xFE{\0\"\0a\0\"\0:\0001\0}\0", 18)).ok());
  EXPECT_FALSE(ParseError(std::string_view("{\0\"\0a\0\"\0:\0001\0}\0", 16)).ok());
  EXPECT_TRUE(ParseError("{\"a\":\"\\ud83d\\ude00\"}").ok());
}

TEST(JsonRequestTest, Attack034_CapsNumbersAndLists) {
  JsonRequest json = Parsed(R"({"k":1000000})");
  json.Integer("k", {.min = 1, .max = 100});
  EXPECT_FALSE(json.status().ok());
  std::string filters = "{\"f\":[\"x\"";
  for (int i = 0; i < 999; ++i) filters += ",\"x\"";
  JsonRequest many = Parsed(filters + "]}");
  EXPECT_TRUE(many.Strings("f").empty());
  EXPECT_FALSE(many.status().ok());
}

TEST(JsonRequestTest, Attack041_KeepsNaughtyStringsAsTheyAre) {
  for (std::string text :
       {"%s%n", "${jndi:ldap://x}", "'; DROP TABLE x; --", "../../etc", "\u202Eabc", "\u200B"}) {
    JsonRequest json = Parsed("{\"a\":\"" + text + "\"}");
    EXPECT_EQ(json.String("a"), text);
  }
  EXPECT_EQ(Parsed("{\"a\":\"x\\u0000y\"}").String("a"), std::string("x\0y", 3));
}

}  // namespace
}  // namespace codelore::api
