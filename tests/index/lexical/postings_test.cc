#include "index/lexical/postings.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace codelore::index {
namespace {

std::vector<Posting> RandomPostings(std::mt19937& random, uint32_t count, uint32_t largest_gap) {
  std::vector<Posting> postings;
  uint64_t document = random() % largest_gap;
  for (uint32_t i = 0; i < count; ++i) {
    postings.push_back({static_cast<uint32_t>(document), static_cast<Impact>(random())});
    document += 1 + random() % largest_gap;
  }
  return postings;
}

std::vector<Posting> Decode(const PostingsReader& reader) {
  std::vector<Posting> postings;
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  for (uint32_t block = 0; block < reader.block_count(); ++block) {
    uint32_t count = reader.Decode(block, documents, impacts);
    for (uint32_t i = 0; i < count; ++i) postings.push_back({documents[i], impacts[i]});
  }
  return postings;
}

bool Same(const std::vector<Posting>& a, const std::vector<Posting>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Posting& x, const Posting& y) {
    return x.document == y.document && x.impact == y.impact;
  });
}

TEST(Postings, GiveBackWhatWasEncodedAtEveryBitWidth) {
  std::mt19937 random(1);
  for (uint32_t gap = 1; gap < (1u << 22); gap = gap * 3 + 1) {
    for (uint32_t count : {1u, 2u, 127u, 128u, 129u, 255u, 256u, 700u}) {
      std::vector<Posting> postings = RandomPostings(random, count, gap);
      std::string bytes;
      EncodePostings(postings, bytes);
      PostingsReader reader(bytes, count);
      ASSERT_TRUE(Same(Decode(reader), postings)) << "gap " << gap << ", count " << count;
      ASSERT_TRUE(ValidatePostings(bytes, count, 0xFFFFFFFF).ok());
    }
  }
}

TEST(Postings, HoldTheWidestGaps) {
  std::vector<Posting> postings;
  for (uint32_t i = 0; i < 127; ++i) postings.push_back({i, 1});
  postings.push_back({0xFFFFFFF0u, 2});
  std::string bytes;
  EncodePostings(postings, bytes);
  EXPECT_TRUE(Same(Decode(PostingsReader(bytes, 128)), postings));
}

TEST(Postings, FindTheBlockOfADocument) {
  std::mt19937 random(2);
  std::vector<Posting> postings = RandomPostings(random, 5000, 50);
  std::string bytes;
  EncodePostings(postings, bytes);
  PostingsReader reader(bytes, 5000);
  for (int round = 0; round < 2000; ++round) {
    auto target = static_cast<uint32_t>(random() % (postings.back().document + 100));
    auto from = static_cast<uint32_t>(random() % 40);
    uint32_t expected = from;
    while (expected < reader.block_count() && reader.LastDocument(expected) < target) ++expected;
    ASSERT_EQ(reader.FindBlock(target, from), expected);
  }
}

TEST(Postings, RefuseTruncatedAndAlteredBytes) {
  std::mt19937 random(3);
  std::vector<Posting> postings = RandomPostings(random, 300, 20);
  std::string bytes;
  EncodePostings(postings, bytes);
  uint32_t limit = postings.back().document + 1;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ValidatePostings(std::string_view(bytes).substr(0, size), 300, limit).ok());
  }
  for (int round = 0; round < 20000; ++round) {  // any answer, but no crash
    std::string altered = bytes;
    altered[random() % altered.size()] ^= static_cast<char>(1 << random() % 8);
    (void)ValidatePostings(altered, 300, limit).ok();
  }
}

}  // namespace
}  // namespace codelore::index
