#include "index/exact/pattern.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>

#include "index/exact/literal_finder.h"
#include "index/exact/random_patterns.h"

namespace codelore::index {
namespace {

std::unique_ptr<PatternMatcher> Compile(std::string text, bool regex = false, CaseMode fold = CaseMode::kSmart) {
  auto matcher = PatternMatcher::Compile({std::move(text), regex, fold});
  EXPECT_TRUE(matcher.ok()) << matcher.status().ToString();
  return matcher.ok() ? std::move(*matcher) : nullptr;
}

std::string Refusal(std::string text, bool regex = true) {
  auto matcher = PatternMatcher::Compile({std::move(text), regex, CaseMode::kSmart});
  EXPECT_FALSE(matcher.ok());
  return matcher.ok() ? "" : matcher.status().ToString();
}

std::vector<std::string> MatchesOf(const PatternMatcher& matcher, std::string_view text) {
  std::vector<std::string> found;
  std::vector<ByteSpan> ranges;
  for (size_t from = 0; from < text.size();) {
    auto line = matcher.NextLine(text, from);
    if (!line) break;
    matcher.RangesIn(text.substr(line->begin, line->size()), 1000, ranges);
    EXPECT_FALSE(ranges.empty());
    for (ByteSpan range : ranges) found.emplace_back(text.substr(line->begin + range.begin, range.size()));
    from = line->end + 1;
  }
  return found;
}

using Strings = std::vector<std::string>;

TEST(Pattern, FindsLiteralsAndRegularExpressionsLineByLine) {
  EXPECT_EQ(MatchesOf(*Compile("ab"), "xab ab\nAb\n"), (Strings{"ab", "ab", "Ab"}));
  EXPECT_EQ(MatchesOf(*Compile("Ab"), "xab ab\nAb\n"), (Strings{"Ab"}));
  EXPECT_EQ(MatchesOf(*Compile("a.b"), "axb a.b\n"), (Strings{"a.b"}));
  EXPECT_EQ(MatchesOf(*Compile("^\\w+$", true), "one\ntwo words\nthree"), (Strings{"one", "three"}));
  EXPECT_EQ(MatchesOf(*Compile("[^x]+", true), "ab\ncx\n"), (Strings{"ab", "c"}));
  EXPECT_EQ(MatchesOf(*Compile("^$", true), "a\n\nb\n"), (Strings{""}));
  EXPECT_EQ(MatchesOf(*Compile("x*$", true), "a\nbxx"), (Strings{"", "xx"}));
  EXPECT_EQ(MatchesOf(*Compile("(?s)a.b", true), "a\nb\n"), Strings{});
  EXPECT_EQ(MatchesOf(*Compile("함수"), "이 함수는 함수다\n"), (Strings{"함수", "함수"}));
}

TEST(Pattern, IsSmartAboutCaseOnlyWhereACapitalIsText) {
  EXPECT_EQ(MatchesOf(*Compile("\\Wfoo", true), " FOO\n"), (Strings{" FOO"}));
  EXPECT_EQ(MatchesOf(*Compile("\\bFoo", true), " FOO\n"), Strings{});
  EXPECT_EQ(MatchesOf(*Compile("[F]oo", true), "foo\n"), Strings{});
  EXPECT_EQ(MatchesOf(*Compile("Foo", true, CaseMode::kInsensitive), "foo\n"), (Strings{"foo"}));
  EXPECT_EQ(MatchesOf(*Compile("foo", false, CaseMode::kSensitive), "Foo\n"), Strings{});
}

TEST(Pattern, IgnoresCaseBeyondAscii) {
  EXPECT_EQ(MatchesOf(*Compile("mask"), "MASK maſK\n"), (Strings{"MASK", "maſK"}));
  EXPECT_EQ(MatchesOf(*Compile("é"), "É\n"), (Strings{"É"}));
  EXPECT_EQ(MatchesOf(*Compile("mask", false, CaseMode::kSensitive), "maſK\n"), Strings{});
  EXPECT_EQ(MatchesOf(*Compile("as+k", true), "AſsK\n"), (Strings{"AſsK"}));
}

TEST(Pattern, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Refusal(""), "invalid argument: the pattern is empty");
  EXPECT_EQ(Refusal("", false), "invalid argument: the pattern is empty");
  EXPECT_NE(Refusal("ab(cd").find("missing )"), std::string::npos);
  EXPECT_NE(Refusal("ab[cd").find("missing ]: [cd, at byte 3"), std::string::npos) << Refusal("ab[cd");
  EXPECT_NE(Refusal("(a{1000}){1000}").find("not a regular expression"), std::string::npos);
  EXPECT_NE(Refusal("((a{100}){10}){10}").find("not a regular expression"), std::string::npos);
  EXPECT_NE(Refusal("a\\C").find("\\C at byte 2"), std::string::npos);
  EXPECT_NE(Refusal("\\Afoo").find("\\A at byte 1"), std::string::npos);
  EXPECT_NE(Refusal("foo\\z").find("\\z at byte 4"), std::string::npos);
  EXPECT_NE(Refusal("(?-m)^a").find("-m"), std::string::npos);
  EXPECT_NE(Refusal("a\\nb").find("line break"), std::string::npos);
  EXPECT_NE(Refusal("a\nb", false).find("line break at byte 2"), std::string::npos);
  EXPECT_NE(Refusal(std::string("a\0b", 3), false).find("NUL at byte 2"), std::string::npos);
  EXPECT_NE(Refusal("a\xFF", false).find("UTF-8"), std::string::npos);
  EXPECT_NE(Refusal(std::string(100'000, 'a')).find("at most 4096"), std::string::npos);
  EXPECT_NE(Refusal(std::string(100'000, 'a'), false).find("at most 4096"), std::string::npos);
  EXPECT_NE(Refusal("(?:\\pL{500}|\\pN{500}){2}").find("regular expression"), std::string::npos);
  EXPECT_NE(Refusal("(.*)*\\1").find("invalid escape"), std::string::npos);
  std::string nested;
  for (int i = 0; i < 1500; ++i) nested += '(';
  Refusal(nested);
  (void)PatternMatcher::Compile({nested + "a" + std::string(1500, ')'), true, CaseMode::kSmart}).ok();
}

TEST(Pattern, DerivesTheTrigramsAMatchMustHave) {
  auto condition = [](std::string text, bool regex = true) { return Compile(std::move(text), regex)->condition().ToString(); };
  EXPECT_EQ(condition("abcd", false), R"(("abc" & "bcd"))");
  EXPECT_EQ(condition("ab", false), "all");
  EXPECT_EQ(condition("ABC", false), R"(("abc"))");
  EXPECT_EQ(condition("abc.*def"), R"(("abc" & "def"))");
  EXPECT_EQ(condition("abc|def"), R"(("abc" | "def"))");
  EXPECT_EQ(condition("ab[cd]e"), R"((("abc" & "bce") | ("abd" & "bde")))");
  EXPECT_EQ(condition("(abc)?"), "all");
  EXPECT_EQ(condition("(abc)+d"), R"(("abc" & "bcd"))");
  EXPECT_EQ(condition(".*"), "all");
  EXPECT_EQ(condition("\\w{3}"), "all");
  EXPECT_EQ(condition("a{3}"), R"(("aaa"))");
  EXPECT_EQ(condition("abcé"), R"(("abc"))");  // É too
  EXPECT_EQ(condition("(ab)*ſsbdK"), R"(("bdk" & "sbd"))");  // the index has ſ as s: no part of it may be asked for
}

// Every line by itself, by RE2 alone.
uint64_t PlainCount(const RE2& regex, std::string_view text, std::vector<size_t>& lines) {
  uint64_t count = 0;
  lines.clear();
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    re2::StringPiece line(text.data() + begin, end - begin), match;
    uint64_t here = 0;
    bool any = false;
    for (size_t at = 0; at <= line.size() && regex.Match(line, at, line.size(), RE2::UNANCHORED, &match, 1);) {
      any = true;
      at = static_cast<size_t>(match.data() - line.data()) + match.size();
      if (match.empty()) {
        for (++at; at < line.size() && (line[at] & 0xC0) == 0x80;) ++at;
      } else {
        ++here;
      }
    }
    if (any) lines.push_back(begin);
    count += any ? std::max<uint64_t>(here, 1) : 0;
    begin = end + 1;
  }
  return count;
}

struct Texts {
  std::vector<std::string> texts;
  std::vector<BlockSet> found;
  TrigramReader trigrams;
  std::string section;
};

void MakeTexts(RandomPatterns& random, const Strings& vocabulary, Texts& made) {
  TrigramBuilder builder;
  for (int i = 0; i < 12; ++i) {
    made.texts.push_back(random.Text(vocabulary, random.Below(600)));
    builder.AddBlock(made.texts.back());
  }
  made.section = builder.Finish();
  made.trigrams = TrigramReader::Open(made.section).value();
}

void ExpectAsPlain(const PatternMatcher& matcher, const RE2& plain, const Texts& made, const std::string& what) {
  BlockSet candidates = matcher.condition().Evaluate(made.trigrams);
  std::vector<size_t> lines;
  for (uint32_t i = 0; i < made.texts.size(); ++i) {
    uint64_t expected = PlainCount(plain, made.texts[i], lines);
    ASSERT_EQ(matcher.Count(made.texts[i], 1'000'000), expected) << what << " in:\n" << made.texts[i];
    if (expected > 0) {
      ASSERT_TRUE(candidates.Has(i)) << what << " with " << matcher.condition().ToString() << " in:\n" << made.texts[i];
    }
    size_t from = 0;
    for (size_t line : lines) {
      auto next = matcher.NextLine(made.texts[i], from);
      ASSERT_TRUE(next.has_value()) << what;
      ASSERT_EQ(next->begin, line) << what;
      from = next->end + 1;
    }
  }
}

constexpr CaseMode kModes[] = {CaseMode::kSensitive, CaseMode::kInsensitive, CaseMode::kSmart};

TEST(Pattern, MatchesAsPlainRe2DoesOnEachLineFor20000RandomLiterals) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomPatterns random(seed);
    Strings vocabulary = random.Vocabulary(30);
    Texts made;
    MakeTexts(random, vocabulary, made);
    for (int round = 0; round < 1000; ++round) {
      std::string text = random.Below(2) == 0 ? random.Word(8) : vocabulary[random.Below(30)];
      CaseMode mode = kModes[random.Below(3)];
      bool capital = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
      RE2::Options options;
      options.set_literal(true);
      options.set_case_sensitive(mode == CaseMode::kSensitive || (mode == CaseMode::kSmart && capital));
      RE2 plain(text, options);
      ASSERT_NO_FATAL_FAILURE(ExpectAsPlain(*Compile(text, false, mode), plain, made, text + " mode " + std::to_string(static_cast<int>(mode))));
    }
  }
}

TEST(Pattern, MatchesAsPlainRe2DoesOnEachLineFor10000RandomRegularExpressions) {
  int compared = 0;
  for (uint32_t seed = 0; compared < 10'000; ++seed) {
    RandomPatterns random(1000 + seed);
    Strings vocabulary = random.Vocabulary(30);
    Texts made;
    MakeTexts(random, vocabulary, made);
    for (int round = 0; round < 1000; ++round) {
      std::string text = random.Regex(4, vocabulary);
      CaseMode mode = kModes[random.Below(2)];
      RE2::Options options;
      options.set_log_errors(false);
      options.set_case_sensitive(mode == CaseMode::kSensitive);
      RE2 plain(text, options);
      auto matcher = PatternMatcher::Compile({text, true, mode});
      ASSERT_EQ(matcher.ok(), plain.ok()) << text << ": " << matcher.status().ToString();
      if (!plain.ok()) continue;
      ++compared;
      ASSERT_NO_FATAL_FAILURE(ExpectAsPlain(**matcher, plain, made, text + " mode " + std::to_string(static_cast<int>(mode))));
    }
  }
}

TEST(LiteralFinder, FindsTheSamePlacesWithAndWithoutVectors) {
  RandomPatterns random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random.Text({"ab"}, random.Below(200)), needle = random.Word(5);
    bool fold = random.Below(2) == 0;
    LiteralFinder fast(needle, fold), portable(needle, fold, /*portable=*/true);
    for (size_t from = 0; from <= text.size(); from += 1 + random.Below(20)) {
      ASSERT_EQ(fast.Find(text, from), portable.Find(text, from)) << needle << " in " << text;
      if (!fold) {
        ASSERT_EQ(fast.Find(text, from), text.find(needle, from));
      }
    }
  }
}

}  // namespace
}  // namespace codelore::index
