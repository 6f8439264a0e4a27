#include "chunker/chunker.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "chunker/corpus.h"
#include "chunker/grammar.h"
#include "chunker/language.h"

namespace codelore::chunker {
namespace {

struct Sample {
  std::string language;
  std::string text;
};

// The sources of all corpus files.
std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const std::string& name : CorpusNames()) {
    for (const CorpusCase& c : Corpus::Read(CorpusPath(name)).cases)
      samples.push_back({name, c.source});
  }
  return samples;
}

std::string Repeat(std::string_view part, size_t count) {
  std::string text;
  text.reserve(part.size() * count);
  for (size_t i = 0; i < count; ++i) text += part;
  return text;
}

TEST(ChunkText, GivesNothingForAnEmptyFile) {
  ChunkedFile file = ChunkText("a.py", "python", "");
  EXPECT_TRUE(file.chunks.empty());
  EXPECT_EQ(file.language, "python");
  EXPECT_EQ(file.fallback_reason, "");
}

TEST(ChunkText, CutsAnUnknownLanguageByLines) {
  std::string text = Repeat("some line of a program\n", 100);
  ChunkedFile file = ChunkText("a.cob", "cobol", text);
  EXPECT_EQ(BrokenInvariant(text, file), "");
  EXPECT_EQ(file.chunks.size(), 3u);
  EXPECT_EQ(file.chunks[0].kind, ChunkKind::kLines);
  EXPECT_EQ(file.fallback_reason, "");
  EXPECT_EQ(ChunkText("a", "", "x").language, "text");
}

TEST(ChunkText, Attack118_KeepsItsInvariantsForEveryTruncationOfEverySample) {
  std::vector<Sample> samples = Samples();
  ASSERT_GE(samples.size(), 30u);
  for (const Sample& sample : samples) {
    for (size_t size = 0; size <= sample.text.size(); ++size) {
      std::string_view text =
          std::string_view(sample.text).substr(0, size);  // may end inside of a character
      ASSERT_EQ(BrokenInvariant(text, ChunkText("x", sample.language, text)), "")
          << sample.language << " cut at " << size;
    }
  }
}

TEST(ChunkText, Attack119_KeepsItsInvariantsForMutatedSamplesAndSmallLimits) {
  std::mt19937 random(7);
  const std::string_view snippets[] = {"{",
                                       "}",
                                       "(",
                                       ")",
                                       "\"",
                                       "'",
                                       "\n",
                                       "\r\n",
                                       "/*",
                                       "*/",
                                       "#",
                                       "<",
                                       ">",
                                       "=",
                                       "```",
                                       "가",
                                       "\xF0\x9F\x91\x8D",
                                       "\xFF",
                                       "\t",
                                       "    "};
  for (const Sample& sample : Samples()) {
    for (int round = 0; round < 40; ++round) {
      std::string text = sample.text;
      for (int change = 0; change < 5; ++change) {
        size_t at = random() % (text.size() + 1);
        if (random() % 2 == 0)
          text.insert(at, snippets[random() % std::size(snippets)]);
        else
          text.erase(at, random() % 8);
      }
      ChunkOptions options;
      if (round % 2 == 1) {
        options.max_lines = static_cast<uint32_t>(1 + random() % 12);
        options.max_bytes = options.max_document_bytes = static_cast<uint32_t>(1 + random() % 200);
        options.merge_bytes = static_cast<uint32_t>(random() % 200);
      }
      ASSERT_EQ(BrokenInvariant(text, ChunkText("x", sample.language, text, options)), "")
          << sample.language << "\n"
          << text;
    }
  }
}

TEST(ChunkText, KeepsToItsLimits) {
  ChunkOptions options;
  for (const Sample& sample : Samples()) {
    if (sample.language == "notebook" || sample.language == "html")
      continue;  // weighed by what a reader sees
    std::string text = Repeat(sample.text, 20);
    for (const Chunk& chunk : ChunkText("x", sample.language, text, options).chunks) {
      EXPECT_LE(chunk.bytes.size(), options.max_bytes + 400) << sample.language;
      EXPECT_LE(chunk.end_line - chunk.start_line, options.max_document_lines + 8)
          << sample.language;
    }
  }
}

TEST(ChunkText, SurvivesBombsInEveryLanguage) {
  const size_t n = 6'000;
  std::vector<std::string> bombs = {Repeat("(", n),
                                    Repeat("(", n) + Repeat(")", n),
                                    Repeat("[", n),
                                    Repeat("{", n),
                                    Repeat("{", n) + Repeat("}", n),
                                    Repeat("<", n),
                                    Repeat("<a>", n),
                                    Repeat("\"", n),
                                    Repeat("'", n),
                                    Repeat("`", n),
                                    Repeat("${", n),
                                    Repeat("#{\"", n),
                                    Repeat("$(", n),
                                    Repeat("#if A\n", n / 4),
                                    Repeat("/*", n),
                                    Repeat("(*", n),
                                    Repeat("{-", n),
                                    Repeat("- ", n),
                                    Repeat("a: ", n),
                                    Repeat("if (a) ", n / 4),
                                    Repeat("a?", n),
                                    Repeat("x=>", n),
                                    Repeat("template<", n / 8),
                                    Repeat("class A {", n / 8),
                                    Repeat("function f(){", n / 10),
                                    Repeat("<<A ", n / 4),
                                    Repeat("do ", n / 3),
                                    Repeat("try { } catch { (, e ", n / 20),
                                    "INSERT INTO t VALUES " + Repeat("(1,'a'),", n) + "(1,'b');",
                                    Repeat("# h\n", n),
                                    Repeat("h\n==\n", n / 4),
                                    Repeat("```\n", n / 4),
                                    Repeat("}\n", n),
                                    Repeat("\n", n),
                                    Repeat("word ", n),
                                    Repeat("가", n)};
  std::string stairs;
  for (size_t i = 0; i < 400; ++i) stairs += std::string(i, ' ') + "if x:\n";
  bombs.push_back(stairs);
  ChunkOptions options;
  options.parse_time_ms = 100;
  for (const std::string& language : CorpusNames()) {
    for (const std::string& bomb : bombs) {
      EXPECT_EQ(BrokenInvariant(bomb, ChunkText("x", language, bomb, options)), "")
          << language << " " << bomb.substr(0, 30);
    }
  }
}

TEST(ChunkText, FallsBackToLinesAndSaysWhy) {
  EXPECT_EQ(ChunkText("x", "python", Repeat("(", 5'000) + Repeat(")", 5'000)).fallback_reason,
            "nested too deeply");
  ChunkOptions options;
  options.max_parse_bytes = 10;
  ChunkedFile file = ChunkText("x", "python", "def f():\n  pass\n", options);
  EXPECT_EQ(file.fallback_reason, "larger than the parse limit");
  EXPECT_EQ(file.chunks.at(0).kind, ChunkKind::kLines);
  EXPECT_TRUE(file.definitions.empty());
  options = {};
  options.max_parse_nodes = 3;
  EXPECT_EQ(ChunkText("x", "python", "def f():\n  pass\n", options).fallback_reason,
            "too many syntax nodes");
  EXPECT_EQ(ChunkText("x", "notebook", "{}").fallback_reason,
            "no notebook of format 4, or an empty one");
}

TEST(ChunkText, CutsALongLineBetweenCharacters) {
  std::string text = Repeat("한글 텍스트 ", 2'000);
  for (const std::string& language : CorpusNames()) {
    ChunkedFile file = ChunkText("x", language, text);
    EXPECT_EQ(BrokenInvariant(text, file), "") << language;
    EXPECT_GT(file.chunks.size(), 10u) << language;
  }
}

TEST(ChunkText, CutsALongParagraphBetweenSentences) {
  for (std::string sentence : {"The walrus, which weighs 1.5 tonnes (e.g. in the north.) sleeps on the ice for hours at a time. ",
                               "신청서는 제출일로부터 5일 안에 처리하며, 처리 결과는 담당자가 문서로 알려 드립니다. ",
                               "申請書は提出日から五日以内に処理し、その結果は担当者が文書でお知らせいたします。"}) {
    std::string text = Repeat(sentence, 40) + "\n";
    ChunkedFile file = ChunkText("x.md", "markdown", text);
    EXPECT_EQ(BrokenInvariant(text, file), "");
    EXPECT_GT(file.chunks.size(), 2u);
    for (const Chunk& chunk : file.chunks) EXPECT_EQ(chunk.bytes.begin % sentence.size(), 0u) << text.substr(chunk.bytes.begin, 40);
  }
  std::string code = "x = \"" + Repeat("One sentence of a long string. ", 200) + "\"\n";
  for (const Chunk& chunk : ChunkText("x.py", "python", code).chunks) EXPECT_LE(chunk.bytes.size(), 1'600u);
}

TEST(ChunkText, DependsOnNothingButItsInput) {
  std::vector<Sample> samples = Samples();
  auto describe_all = [&] {
    std::string all;
    for (const Sample& sample : samples)
      all += Describe(sample.text, ChunkText("x", sample.language, sample.text));
    return all;
  };
  const std::string expected = describe_all();
  std::vector<std::string> results(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& result : results) threads.emplace_back([&] { result = describe_all(); });
  }
  for (const std::string& result : results) EXPECT_EQ(result, expected);
}

TEST(ChunkText, GivesEachDefinitionToOneChunk) {
  for (const Sample& sample : Samples()) {
    ChunkedFile file = ChunkText("x", sample.language, sample.text);
    size_t listed = 0;
    for (const Chunk& chunk : file.chunks) listed += chunk.definitions.size();
    EXPECT_EQ(listed, file.definitions.size()) << sample.language;
  }
}

}  // namespace
}  // namespace codelore::chunker
