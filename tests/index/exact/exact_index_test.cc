#include "index/exact/exact_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "index/exact/random_patterns.h"

namespace codelore::index {
namespace {

struct Built {
  std::vector<std::string> texts;
  std::vector<uint32_t> sizes;
  ExactSections sections;
};

Built Build(uint32_t seed) {
  RandomPatterns random(seed);
  Built built;
  ExactIndexBuilder builder;
  std::vector<std::string> vocabulary = random.Vocabulary(200);
  for (int i = 0; i < 12; ++i) {
    built.texts.push_back(i == 3 ? "" : random.Text(vocabulary, random.Below(i % 3 == 0 ? 60'000 : 3'000)));
    built.sizes.push_back(static_cast<uint32_t>(built.texts.back().size()));
    builder.AddFile("src/f.py", built.texts.back());
  }
  built.sections = builder.Finish();
  return built;
}

TEST(ExactIndex, GivesBackEveryTextInBlocksOfWholeLines) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    Built built = Build(seed);
    ExactIndex index = ExactIndex::Open(built.sections.trigrams, built.sections.text, built.sizes).value();
    std::string buffer;
    for (uint32_t file = 0; file < built.texts.size(); ++file) {
      std::string text;
      auto [first, last] = index.BlocksOf(file);
      for (uint32_t block = first; block < last; ++block) {
        EXPECT_EQ(index.row(block).begin, text.size());
        EXPECT_EQ(index.row(block).first_line, 1 + std::ranges::count(text, '\n'));
        EXPECT_TRUE(text.empty() || text.back() == '\n');
        text += index.Read(block, buffer).value();
      }
      EXPECT_EQ(text, built.texts[file]);
    }
  }
}

// The oracle: a set of folded trigrams per block.
TEST(ExactIndex, ListsExactlyTheBlocksThatHaveATrigram) {
  Built built = Build(5);
  ExactIndex index = ExactIndex::Open(built.sections.trigrams, built.sections.text, built.sizes).value();
  std::vector<std::set<uint32_t>> expected(index.block_count());
  std::set<uint32_t> all = {0, 0x616263, 0xFFFFFF};
  std::string buffer;
  for (uint32_t block = 0; block < index.block_count(); ++block) {
    ForEachTrigram(index.Read(block, buffer).value(), [&](uint32_t trigram) { expected[block].insert(trigram); });
    all.insert(expected[block].begin(), expected[block].end());
  }
  for (uint32_t trigram : all) {
    BlockSet blocks(index.block_count());
    index.trigrams().Collect(index.trigrams().Find(trigram), blocks);
    for (uint32_t block = 0; block < index.block_count(); ++block) ASSERT_EQ(blocks.Has(block), expected[block].contains(trigram));
  }
}

TEST(ExactIndex, RefusesEveryTruncation) {
  Built built = Build(1);
  auto opens = [&](size_t trigrams, size_t text) {
    auto index = ExactIndex::Open(std::string_view(built.sections.trigrams).substr(0, trigrams),
                                  std::string_view(built.sections.text).substr(0, text), built.sizes);
    return index.ok();
  };
  EXPECT_TRUE(opens(built.sections.trigrams.size(), built.sections.text.size()));
  EXPECT_FALSE(opens(built.sections.trigrams.size(), 0));
  for (size_t size = 0; size < built.sections.text.size(); size += 1 + size / 50) {
    auto index = ExactIndex::Open(built.sections.trigrams, std::string_view(built.sections.text).substr(0, size), built.sizes);
    if (!index.ok()) continue;
    std::string buffer;  // cut within the last block: that one does not unpack
    EXPECT_FALSE(index->Read(index->block_count() - 1, buffer).ok()) << size;
  }
}

// The segment's checksum catches a flipped bit; behind it the reader must still not run astray.
TEST(ExactIndex, ReadsNothingOutsideItselfWhenBitsFlip) {
  Built built = Build(2);
  std::mt19937 random(5);
  std::string buffer;
  for (int round = 0; round < 3000; ++round) {
    ExactSections altered = built.sections;
    std::string& bytes = round % 2 == 0 ? altered.trigrams : altered.text;
    size_t at = random() % 3 == 0 ? random() % std::min<size_t>(bytes.size(), 2000) : random() % bytes.size();
    bytes[at] ^= static_cast<char>(1 << random() % 8);
    auto index = ExactIndex::Open(altered.trigrams, altered.text, built.sizes);
    if (!index.ok()) continue;
    for (uint32_t block = 0; block < index->block_count(); ++block) (void)index->Read(block, buffer).ok();
    for (int i = 0; i < 50; ++i) {
      BlockSet blocks(index->block_count());
      index->trigrams().Collect(index->trigrams().Find(static_cast<uint32_t>(random() % (1 << 24))), blocks);
      index->trigrams().Collect(index->trigrams().Find(static_cast<uint32_t>(0x616161 + random() % 0x080808)), blocks);
    }
  }
}

}  // namespace
}  // namespace codelore::index
