#include "embed/wordpiece.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "embed/corpus.h"
#include "embed/model_folder.h"

namespace codelore::embed {
namespace {

constexpr size_t kAll = SIZE_MAX / 2;

std::string_view Vocabulary() {
  static const ModelFolder folder = ModelFolder::BuiltIn();
  return folder.Read("vocab.txt").value();
}

const WordPiece& BuiltIn() {
  static const WordPiece tokenizer = WordPiece::Create("vocab.txt", Vocabulary(), {}).value();
  return tokenizer;
}

std::vector<uint32_t> Ids(std::string_view text, size_t limit = kAll) {
  std::vector<uint32_t> ids;
  BuiltIn().Tokenize(text, limit, &ids);
  return ids;
}

TEST(WordPieceTest, GivesTheReferenceIdsForTheHardLines) {
  std::ifstream file(TESTDATA "/embed/wordpiece_cases.jsonl");
  size_t count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(Ids(json["text"].get<std::string>()), json["ids"].get<std::vector<uint32_t>>())
        << line;
  }
  EXPECT_GE(count, 200u);
}

// One block of wordpiece_hashes.txt: 100 lines of the corpus, or as many as are left.
void CheckBlock(const Corpus& corpus, const std::string& block) {
  std::istringstream in(block);
  std::string kind;
  uint64_t first = 0, text_hash = 0, ids_hash = 0;
  in >> kind >> first >> std::hex >> text_hash >> ids_hash;
  const bool sweep = kind == "sweep";
  Fnv text, ids;
  for (uint64_t i = first; i < std::min(first + 100, sweep ? Corpus::kSweepLines : Corpus::kLines);
       ++i) {
    const std::string line = sweep ? Corpus::SweepLine(i) : corpus.Line(i);
    text.Add(line + "\n");
    std::vector<uint32_t> line_ids = Ids(line);
    line_ids.push_back(UINT32_MAX);
    ids.Add({reinterpret_cast<const char*>(line_ids.data()), 4 * line_ids.size()});
  }
  ASSERT_EQ(text.value(), text_hash)
      << "the recipes of corpus.h and make_reference.py differ: " << block;
  EXPECT_EQ(ids.value(), ids_hash) << block;
}

TEST(WordPieceTest, GivesTheReferenceIdsForTheWholeCorpusAndEveryCodePoint) {
  const Corpus corpus(Vocabulary());
  std::ifstream file(TESTDATA "/embed/wordpiece_hashes.txt");
  size_t blocks = 0;
  for (std::string line; std::getline(file, line); ++blocks) CheckBlock(corpus, line);
  EXPECT_EQ(blocks, Corpus::kLines / 100 + (Corpus::kSweepLines + 99) / 100);
}

TEST(WordPieceTest, StopsAtTheLimitWithTheIdsItWouldHaveGivenAnyway) {
  const Corpus corpus(Vocabulary());
  for (uint64_t i = 0; i < 500; ++i) {
    const std::string line = corpus.Line(i);
    const std::vector<uint32_t> all = Ids(line);
    for (size_t limit : {0, 1, 2, 7, 30}) {
      const std::vector<uint32_t> some(all.begin(), all.begin() + std::min(limit, all.size()));
      EXPECT_EQ(Ids(line, limit), some) << i;
    }
  }
}

TEST(WordPieceTest, AppendsToWhatIsThere) {
  std::vector<uint32_t> ids = {101};
  BuiltIn().Tokenize("hello world", 1, &ids);
  EXPECT_EQ(ids, (std::vector<uint32_t>{101, 7592}));
}

TEST(WordPieceTest, TakesAnEndlessWordAsUnknown) {
  EXPECT_EQ(Ids(std::string(1 << 20, 'a')), std::vector<uint32_t>{100});
  std::string syllables;
  for (int i = 0; i < 100000; ++i) syllables += "\xEA\xB0\x81";
  EXPECT_EQ(Ids(syllables), std::vector<uint32_t>{100});
}

TEST(WordPieceTest, KeepsCaseAndAccentsWhenAsked) {
  const std::string vocabulary =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]"
      "\nA\na\n\xC3\xA9\n\xE4\xB8\x80\n\xE4\xB8\x80\xE4\xB8\x80\n##e\ni\xCC\x87\n";
  const auto ids = [&](const WordPieceOptions& options, std::string_view text) {
    std::vector<uint32_t> result;
    WordPiece::Create("vocab.txt", vocabulary, options).value().Tokenize(text, kAll, &result);
    return result;
  };
  using V = std::vector<uint32_t>;
  EXPECT_EQ(ids({.lower_case = false, .strip_accents = false}, "A a"), (V{5, 6}));
  EXPECT_EQ(ids({.lower_case = true, .strip_accents = false}, "A \xC3\x89"), (V{6, 7}));
  EXPECT_EQ(ids({.lower_case = true, .strip_accents = false}, "\xC4\xB0"), V{11});
  EXPECT_EQ(ids({.split_ideographs = false}, "\xE4\xB8\x80\xE4\xB8\x80"), V{9});
  EXPECT_EQ(ids({}, "\xE4\xB8\x80\xE4\xB8\x80"), (V{8, 8}));
  EXPECT_EQ(ids({}, "Ae"), (V{6, 10}));
}

std::string ErrorOf(std::string_view vocabulary) {
  const auto result = WordPiece::Create("vocab.txt", vocabulary, {});
  return result.ok() ? "" : result.status().message();
}

TEST(WordPieceTest, RefusesAVocabularyThatIsNone) {
  EXPECT_EQ(ErrorOf(""), "vocab.txt: expected the special token [UNK], found none");
  EXPECT_EQ(ErrorOf("[UNK]\n\nx\n"), "vocab.txt: line 2: expected a token, found an empty line");
  EXPECT_EQ(ErrorOf("[UNK]\n\xFFx\n"), "vocab.txt: line 2: expected a token, found broken UTF-8");
  EXPECT_EQ(ErrorOf("a\nb\na\n"), "vocab.txt: line 3: repeats the token of line 1");
  EXPECT_EQ(ErrorOf("[UNK]\n[CLS]\n"), "vocab.txt: expected the special token [SEP], found none");
  EXPECT_EQ(ErrorOf(std::string(13 << 20, 'x')),
            "vocab.txt: expected at most 12 MiB, found 13631488 bytes");
  EXPECT_EQ(ErrorOf("[UNK]\r\n[CLS]\r\n[SEP]\r\n[PAD]\r\n[MASK]"), "");
}

TEST(WordPieceTest, SurvivesDamagedVocabularies) {
  const std::string good(Vocabulary().substr(0, 20000));
  Rng rng(7);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good.substr(0, rng.Below(good.size()));
    for (uint64_t n = rng.Below(4); n > 0 && !bad.empty(); --n)
      bad[rng.Below(bad.size())] ^= static_cast<char>(1 << rng.Below(8));
    if (auto result = WordPiece::Create("vocab.txt", bad, {}); result.ok()) {
      std::vector<uint32_t> ids;
      result->Tokenize("what\xFF IS this 123 \xEA\xB0\x80?", kAll, &ids);
      for (uint32_t id : ids) EXPECT_LT(id, result->size());
    } else {
      EXPECT_TRUE(result.status().message().starts_with("vocab.txt: "))
          << result.status().message();
    }
  }
}

TEST(WordPieceTest, ReadsTheSameModelFromTokenizerJson) {
  std::ifstream in(MODEL_FOLDER "/tokenizer.json", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto json = ReadWordPieceJson("tokenizer.json", text, {});
  ASSERT_TRUE(json.ok()) << json.status().ToString();
  EXPECT_EQ(json->vocabulary, Vocabulary());
  EXPECT_TRUE(json->options.lower_case && json->options.strip_accents &&
              json->options.split_ideographs);
}

TEST(WordPieceTest, Attack122_NamesTheFieldOfTokenizerJsonThatIsWrong) {
  const auto error = [](const std::string& model,
                        const std::string& normalizer = "BertNormalizer") {
    const std::string text =
        R"({"model": )" + model + R"(, "normalizer": {"type": ")" + normalizer + R"("}})";
    const auto result = ReadWordPieceJson("tokenizer.json", text, {});
    return result.ok() ? "" : result.status().message();
  };
  EXPECT_EQ(error(R"({"vocab": {"a": 0, "b": 1}})"), "");
  EXPECT_EQ(error(R"({"vocab": {"a": 0, "b": 2}})"),
            "tokenizer.json: model: vocab: b: expected a whole number from 0 to 1, found 2");
  EXPECT_EQ(error(R"({"vocab": {"a": 0, "b": 0}})"),
            "tokenizer.json: model: vocab: b: expected an id of its own, found 0");
  EXPECT_EQ(error(R"({"type": "BPE", "vocab": {}})"),
            "tokenizer.json: model: type: expected WordPiece, found \"BPE\"");
  EXPECT_EQ(error(R"({"vocab": {}})", "Lowercase"),
            "tokenizer.json: normalizer: type: expected BertNormalizer, found \"Lowercase\"");
}

}  // namespace
}  // namespace codelore::embed
