#include "embed/unigram.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "codelore/coding.h"
#include "embed/corpus.h"
#include "embed/unicode.h"

namespace codelore::embed {
namespace {

constexpr size_t kAll = SIZE_MAX / 2;

std::string ReadFile(const std::string& name) {
  std::ifstream in(TESTDATA "/embed/unigram/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
const std::string& JsonText() {
  static const std::string text = ReadFile("tokenizer.json");
  return text;
}
const std::string& ModelBytes() {
  static const std::string bytes = ReadFile("sentencepiece.bpe.model");
  return bytes;
}
const Unigram& FromJson() {
  static const Unigram tokenizer =
      Unigram::Create(ReadTokenizerJson("tokenizer.json", JsonText()).value()).value();
  return tokenizer;
}
// The same pieces with the steps that converters of later years write.
Unigram WithSteps(const std::string& normalizers) {
  auto json = nlohmann::json::parse(JsonText());
  auto steps = nlohmann::json::parse(normalizers);
  for (auto& step : steps) {
    if (step["type"] == "Precompiled") step = json["normalizer"]["normalizers"][0];
  }
  json["normalizer"]["normalizers"] = steps;
  json["pre_tokenizer"] = {{"type", "Metaspace"},
                           {"replacement", "\u2581"},
                           {"prepend_scheme", "always"},
                           {"split", true}};
  return Unigram::Create(ReadTokenizerJson("tokenizer.json", json.dump()).value()).value();
}
const Unigram& Modern() {
  static const Unigram tokenizer = WithSteps(R"([{"type": "Precompiled"},
      {"type": "Strip", "strip_left": false, "strip_right": true},
      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}])");
  return tokenizer;
}
const Unigram& WithNfkc() {
  static const Unigram tokenizer = WithSteps(
      R"([{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}])");
  return tokenizer;
}
const Unigram& FromModel() {
  static const Unigram tokenizer =
      Unigram::Create(ReadSentencePieceModel("sp.model", ModelBytes()).value()).value();
  return tokenizer;
}

std::vector<uint32_t> Ids(const Unigram& tokenizer, std::string_view text, size_t limit = kAll) {
  std::vector<uint32_t> ids;
  tokenizer.Tokenize(text, limit, &ids);
  return ids;
}

// The recipe of make_unigram.py: corpus.h over the pieces, with names of special tokens here and
// there.
class UnigramCorpus {
 public:
  static constexpr uint64_t kLines = 100000;

  UnigramCorpus() : corpus_(Words()) {}
  std::string Line(uint64_t number) const {
    static constexpr std::string_view kNames[] = {
        "<s>", "</s>", "<pad>", "<unk>", "<mask>", " <mask> ", "\u3000<mask>", "\uff1cs\uff1e"};
    std::string line = corpus_.Line(number);
    if (number % 50 == 9)
      line += " x" + std::string(kNames[number / 50 % std::size(kNames)]) + "y  z";
    return line;
  }

 private:
  static std::string Words() {
    const UnigramModel model = ReadSentencePieceModel("sp.model", ModelBytes()).value();
    std::string words;
    for (size_t i = 4; i + 1 < model.pieces.size(); ++i) {
      std::string piece = model.pieces[i].text;
      for (size_t at; (at = piece.find("\u2581")) != std::string::npos;) piece.erase(at, 3);
      words += piece + "\n";
    }
    return words;
  }
  Corpus corpus_;
};

// One block of unigram_hashes.txt: 1,000 lines, or as many as are left.
void CheckBlock(const UnigramCorpus& corpus, const std::string& block) {
  std::istringstream in(block);
  std::string kind;
  uint64_t first = 0, text_hash = 0, ids_hash = 0;
  in >> kind >> first >> std::hex >> text_hash >> ids_hash;
  const Unigram& tokenizer = kind.starts_with("sp_")       ? FromModel()
                             : kind.starts_with("modern_") ? Modern()
                             : kind.starts_with("nfkc_")   ? WithNfkc()
                                                           : FromJson();
  const bool sweep = kind.ends_with("sweep");
  Fnv text, ids;
  for (uint64_t i = first;
       i < std::min(first + 1000, sweep ? Corpus::kSweepLines : UnigramCorpus::kLines); ++i) {
    const std::string line = sweep ? Corpus::SweepLine(i) : corpus.Line(i);
    text.Add(line + "\n");
    std::vector<uint32_t> line_ids = Ids(tokenizer, line);
    line_ids.push_back(UINT32_MAX);
    ids.Add({reinterpret_cast<const char*>(line_ids.data()), 4 * line_ids.size()});
  }
  ASSERT_EQ(text.value(), text_hash)
      << "the recipes of corpus.h and make_unigram.py differ: " << block;
  EXPECT_EQ(ids.value(), ids_hash) << block;
}

TEST(UnigramTest, GivesTheReferenceIdsForTheWholeCorpusAndEveryCodePoint) {
  const UnigramCorpus corpus;
  std::ifstream file(TESTDATA "/embed/unigram_hashes.txt");
  size_t blocks = 0;
  for (std::string line; std::getline(file, line); ++blocks) CheckBlock(corpus, line);
  EXPECT_EQ(blocks, 4 * (UnigramCorpus::kLines / 1000 + (Corpus::kSweepLines + 999) / 1000));
}

TEST(UnigramTest, StopsAtTheLimitWithTheIdsItWouldHaveGivenAnyway) {
  const UnigramCorpus corpus;
  for (uint64_t i = 0; i < 500; ++i) {
    const std::string line = corpus.Line(i);
    for (const Unigram* tokenizer : {&FromJson(), &FromModel()}) {
      const std::vector<uint32_t> all = Ids(*tokenizer, line);
      for (size_t limit : {0, 1, 2, 7, 30}) {
        const std::vector<uint32_t> some(all.begin(), all.begin() + std::min(limit, all.size()));
        EXPECT_EQ(Ids(*tokenizer, line, limit), some) << i;
      }
    }
  }
}

TEST(UnigramTest, KnowsTheSpecialTokens) {
  for (const Unigram* tokenizer : {&FromJson(), &FromModel()}) {
    const SpecialIds special = tokenizer->special();
    EXPECT_EQ(special.first, 0u);
    EXPECT_EQ(special.padding, 1u);
    EXPECT_EQ(special.last, 2u);
    EXPECT_EQ(special.unknown, 3u);
    EXPECT_EQ(tokenizer->size(), 6002u);
    EXPECT_EQ(Ids(*tokenizer, ""), std::vector<uint32_t>{});
    EXPECT_EQ(Ids(*tokenizer, "<mask>"), std::vector<uint32_t>{6001});
  }
}

TEST(UnigramTest, TakesTimeLinearInTheText) {
  for (const std::string& text :
       {std::string(4 << 20, 'a'), std::string(4 << 20, ' '), std::string(4 << 20, '\xFF')}) {
    for (const Unigram* tokenizer : {&FromJson(), &FromModel()}) {
      for (uint32_t id : Ids(*tokenizer, text)) ASSERT_LT(id, tokenizer->size());
    }
  }
  std::string marks = "a";
  for (int i = 0; i < 1 << 20; ++i) marks += "\u0301";  // one grapheme cluster
  EXPECT_FALSE(Ids(FromJson(), marks).empty());
}

// ---- a small model, to bend the rules of
// -----------------------------------------------------------

std::string SmallJson(const std::string& from = "", const std::string& to = "") {
  std::string json =
      R"({"added_tokens": [{"id": 0, "content": "<s>"}, {"id": 1, "content": "<pad>"}, {"id": 2, "content": "</s>"},
    {"id": 9, "content": "<mask>", "lstrip": true, "rstrip": false, "single_word": false, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}],
      "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [2]}}},
    "model": {"type": "Unigram", "unk_id": 3, "vocab": [["<s>", 0], ["<pad>", 0], ["</s>", 0], ["<unk>", 0],
      ["▁", -2], ["a", -3], ["b", -3], ["ab", -5.5], ["▁a", -4]]}})";
  if (!from.empty()) json.replace(json.find(from), from.size(), to);
  return json;
}
Result<Unigram> Small(const std::string& from = "", const std::string& to = "") {
  ASSIGN_OR_RETURN(UnigramModel model, ReadTokenizerJson("tokenizer.json", SmallJson(from, to)));
  return Unigram::Create(std::move(model));
}
std::string ErrorOf(const std::string& from, const std::string& to) {
  const auto result = Small(from, to);
  return result.ok() ? "" : result.status().message();
}
using V = std::vector<uint32_t>;

TEST(UnigramTest, FindsTheMostProbablePieces) {
  const Unigram tokenizer = Small().value();
  EXPECT_EQ(Ids(tokenizer, "ab"), (V{8, 6}));      // ▁a b: -7; ▁ ab: -7.5
  EXPECT_EQ(Ids(tokenizer, "bab"), (V{4, 6, 7}));  // ▁ b ab: -10.5; ▁ b a b: -11
  EXPECT_EQ(tokenizer.size(), 10u);
}

TEST(UnigramTest, FusesNeighbouringUnknowns) {
  const Unigram tokenizer = Small().value();
  EXPECT_EQ(Ids(tokenizer, "xyz"), (V{4, 3}));
  EXPECT_EQ(Ids(tokenizer, "xyza가나"), (V{4, 3, 5, 3}));
  EXPECT_EQ(Ids(tokenizer, "x  y"), (V{4, 3, 4, 3}));
}

TEST(UnigramTest, NormalisesAsTheStepsSay) {
  EXPECT_EQ(Ids(*Small(), "\uff41"), V{8});  // a full-width a
  EXPECT_EQ(
      Ids(*Small(R"({"Regex": " {2,}"}, "content": " ")", R"({"String": "q"}, "content": "a")"),
          "q"),
      V{8});
  EXPECT_EQ(Ids(*Small("\"always\"", "\"never\""), "a b"), (V{5, 4, 6}));
  EXPECT_EQ(Ids(*Small("\"prepend_scheme\": \"always\"", "\"add_prefix_space\": false"), "a"),
            V{5});
}

TEST(UnigramTest, CutsAtAddedTokens) {
  const std::string mask =
      R"("lstrip": true, "rstrip": false, "single_word": false, "normalized": false)";
  EXPECT_EQ(Ids(*Small(), "a <mask> a"), (V{8, 9, 8}));
  EXPECT_EQ(Ids(*Small(), "a<mask><mask>"), (V{8, 9, 9}));
  EXPECT_EQ(Ids(*Small(mask, R"("rstrip": true)"), "a<mask>  a"), (V{8, 9, 8}));
  EXPECT_EQ(Ids(*Small(mask, R"("single_word": true)"), "(<mask>)"), (V{4, 3, 9, 4, 3}));
  EXPECT_EQ(Ids(*Small(mask, R"("single_word": true)"), "a<mask>").back(), 3u);
  EXPECT_EQ(Ids(*Small(mask, R"("normalized": true)"), "\uff1cmask\uff1e"), V{9});
  EXPECT_EQ(Ids(*Small(mask, R"("normalized": false)"), "\uff1cmask\uff1e").back(), 3u);
}

TEST(UnigramTest, NamesTheFieldOfTokenizerJsonThatIsWrong) {
  EXPECT_EQ(ErrorOf("\"Unigram\"", "\"BPE\""),
            "tokenizer.json: model: type: expected Unigram, found \"BPE\"");
  EXPECT_EQ(ErrorOf("\"unk_id\": 3", "\"unk_id\": 9"),
            "tokenizer.json: model: unk_id: expected a whole number from 0 to 8, found 9");
  EXPECT_EQ(ErrorOf("[\"a\", -3]", "[\"a\"]"),
            "tokenizer.json: model: vocab: 5: expected a piece and its score, found array");
  EXPECT_EQ(ErrorOf("[\"a\", -3]", "[\"a\", \"x\"]"),
            "tokenizer.json: model: vocab: 5: 1: expected a number, found \"x\"");
  EXPECT_EQ(ErrorOf("[\"a\", -3]", "[\"\", -3]"),
            "piece 5: expected 1 to 512 bytes of UTF-8, found others");
  EXPECT_EQ(ErrorOf("[\"a\", -3]", "[\"" + std::string(513, 'a') + "\", -3]"),
            "piece 5: expected 1 to 512 bytes of UTF-8, found others");
  EXPECT_EQ(ErrorOf("\"NFKC\"", "\"Lowercase\""),
            "tokenizer.json: normalizer: normalizers: 0: type: expected Precompiled, NFKC, "
            "Replace or Strip, found \"Lowercase\"");
  EXPECT_EQ(ErrorOf("\" {2,}\"", "\"(a+)+\""),
            "tokenizer.json: normalizer: normalizers: 1: pattern: Regex: expected \" {2,}\", found "
            "\"(a+)+\"");
  EXPECT_EQ(ErrorOf("\"NFKC\"", "\"Precompiled\", \"precompiled_charsmap\": \"AAA\""),
            "tokenizer.json: normalizer: normalizers: 0: precompiled_charsmap: expected base64, "
            "found \"AAA\"");
  EXPECT_EQ(ErrorOf("\"NFKC\"", "\"Precompiled\", \"precompiled_charsmap\": \"AAAA\""),
            "tokenizer.json: normalizer: normalizers: 0: precompiled_charsmap: expected a map of "
            "characters, found \"AAAA\"");
  EXPECT_EQ(ErrorOf("\"Metaspace\"", "\"ByteLevel\""),
            "tokenizer.json: pre_tokenizer: type: expected WhitespaceSplit, then Metaspace, found "
            "\"ByteLevel\"");
  EXPECT_EQ(ErrorOf("\"always\"", "\"first\""),
            "tokenizer.json: pre_tokenizer: prepend_scheme: expected \"always\" or \"never\", "
            "found \"first\"");
  EXPECT_EQ(ErrorOf("\"ids\": [2]", "\"ids\": [77]"),
            "expected special tokens with ids of the vocabulary, found 77");
  EXPECT_EQ(ErrorOf("\"id\": 9, ", "\"id\": 99999999, "),
            "tokenizer.json: added_tokens: 3: id: expected a whole number from 0 to 4194303, found "
            "99999999");
}

TEST(UnigramTest, Attack122_RefusesStepsThatMakeTextsLongerAndLonger) {
  EXPECT_EQ(
      ErrorOf(R"({"Regex": " {2,}"}, "content": " ")", R"({"String": "a"}, "content": "aaaa")"),
      "tokenizer.json: normalizer: normalizers: 1: pattern: String: expected bytes, replaced by at "
      "most three "
      "times as many, found \"a\"");
  const std::string twice =
      R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aaa"}, )";
  EXPECT_EQ(ErrorOf(R"({"type": "NFKC"})", twice + twice + twice + R"({"type": "NFKC"})"),
            "tokenizer.json: normalizer: normalizers: 2: expected one map of characters, and at "
            "most two replacements, "
            "found object");
  EXPECT_EQ(CharsMap::Parse(ByteWriter()
                                .Fixed<uint32_t>(4)
                                .Raw("\1\2\3\4")
                                .Raw(std::string(65, 'x'))
                                .Raw(std::string(1, '\0'))
                                .Take())
                .status()
                .message(),
            "expected replacements of at most 64 bytes, found one of 65");
}

TEST(UnigramTest, Attack122_AMapThatLeadsBackIntoItselfEndsSoon) {
  std::vector<uint32_t> units(0x62, 0);
  units[0x61] = 0x61 | 1 << 8 | 0x61 << 10;  // "a", a leaf, and to where it came from
  ByteWriter bytes;
  bytes.Fixed(static_cast<uint32_t>(4 * units.size()));
  for (uint32_t unit : units) bytes.Fixed(unit);
  const CharsMap map = CharsMap::Parse(bytes.Raw(std::string_view("b\0", 2)).view()).value();
  const std::string text(1 << 20, 'a');
  EXPECT_EQ(map.Shortest(text).length, 1u);
  EXPECT_EQ(map.Longest(text).length, 256u);
  EXPECT_EQ(map.Longest(text).replacement, "b");
}

TEST(UnigramTest, Attack122_RefusesATokenizerFileThatIsTooBigOrDeep) {
  const auto error = [](const std::string& text) {
    return ReadTokenizerJson("tokenizer.json", text).status().message();
  };
  EXPECT_EQ(error(std::string(100 << 20, ' ')),
            "tokenizer.json: expected at most 64 MiB, found 104857600 bytes");
  EXPECT_EQ(error("{\"a\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}"),
            "tokenizer.json: the JSON is nested too deeply");
  EXPECT_EQ(ReadSentencePieceModel("sp.model", std::string(65 << 20, ' ')).status().message(),
            "sp.model: expected at most 64 MiB, found 68157440 bytes");
}

TEST(UnigramTest, Attack122_RefusesEveryTruncationOfAModel) {
  const std::string& good = ModelBytes();
  for (size_t size = 0; size < good.size(); size += size < 300 ? 1 : 1009) {
    const auto model = ReadSentencePieceModel("sp.model", std::string_view(good).substr(0, size));
    if (!model.ok()) {
      EXPECT_TRUE(model.status().message().starts_with("sp.model: ")) << model.status().message();
    } else {
      (void)Unigram::Create(*model).ok();  // cut between two pieces it is a smaller model
    }
  }
}

TEST(UnigramTest, Attack122_SurvivesDamagedModels) {
  const std::string& good = ModelBytes();
  Rng rng(5);
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    for (uint64_t n = 1 + rng.Below(40); n > 0; --n)
      bad[rng.Below(bad.size())] ^= static_cast<char>(1 << rng.Below(8));
    auto model = ReadSentencePieceModel("sp.model", bad);
    if (!model.ok()) continue;
    const auto tokenizer = Unigram::Create(std::move(model).value());
    if (!tokenizer.ok()) continue;
    for (uint32_t id :
         Ids(*tokenizer, "ａ what\xFF IS this 123 \u200b 가각? \u304c\u3099 ㎏ <mask>"))
      EXPECT_LT(id, tokenizer->size());
  }
}

TEST(UnigramTest, RefusesModelsOfOtherKinds) {
  const auto error = [](const std::string& bytes) {
    return ReadSentencePieceModel("sp.model", bytes).status().message();
  };
  EXPECT_EQ(
      error("\x12\x02\x18\x02"),
      "sp.model: trainer_spec: expected a unigram model without byte fallback, found another kind");
  EXPECT_EQ(
      error("\x12\x03\x98\x02\x01"),
      "sp.model: trainer_spec: expected a unigram model without byte fallback, found another kind");
  EXPECT_EQ(
      error("\x0A\x02\x18\x06"),
      "sp.model: piece 0: type: expected a normal, unknown, control or unused piece, found type 6");
  EXPECT_EQ(error(""), "sp.model: piece 0: expected <unk> as XLM-RoBERTa has it, found another");
  EXPECT_EQ(error("\x0A\x7F"),
            "sp.model: expected 2 bytes of whole fields, found part of one: is it cut off?");
  EXPECT_EQ(error("\x0B"), "sp.model: expected a field, found one of type 3");
}

}  // namespace
}  // namespace codelore::embed
