#include "index/segment/segment.h"

#include <gtest/gtest.h>

#include <random>

#include "index/blobs.h"

namespace codelore::index {
namespace {

NewFile MakeFile(std::string path, std::string text, uint32_t pieces) {
  NewFile file{std::move(path), std::move(text), {}};
  file.chunked.language = "python";
  file.chunked.definitions.push_back({.name = "load", .qualified = "Store.load", .kind = ChunkKind::kMethod});
  auto size = static_cast<uint32_t>(file.text.size());
  for (uint32_t i = 0; i < pieces; ++i) {
    Chunk chunk;
    chunk.bytes = {size * i / pieces, size * (i + 1) / pieces};
    chunk.symbol = "symbol" + std::to_string(i);
    chunk.scope = "Store";
    chunk.kind = ChunkKind::kMethod;
    if (i == 0) chunk.definitions = {0};
    file.chunked.chunks.push_back(chunk);
  }
  return file;
}

std::string BuildSegment() {
  SegmentBuilder builder;
  for (int i = 0; i < 20; ++i) {
    NewFile file = MakeFile("src/file" + std::to_string(i) + ".py", "def load(self): return parse_" + std::to_string(i), 3);
    builder.AddFile(file, Sha256(file.text));
  }
  return builder.Finish();
}

TEST(Segment, GivesBackFilesChunksAndNames) {
  std::string bytes = BuildSegment();
  auto reader = SegmentReader::Open(bytes, nullptr);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->file_count(), 20u);
  EXPECT_EQ((*reader)->chunk_count(), 60u);
  const FileRow& file = (*reader)->file(7);
  EXPECT_EQ((*reader)->StringsOf(file).path, "src/file7.py");
  EXPECT_EQ((*reader)->StringsOf(file).language, "python");
  EXPECT_EQ(file.first_chunk, 21u);
  ChunkStrings strings = (*reader)->StringsOf((*reader)->chunk(21));
  EXPECT_EQ(strings.symbol, "symbol0");
  ASSERT_EQ(strings.definitions.size(), 1u);
  EXPECT_EQ(strings.definitions[0].name, "load");
  EXPECT_EQ((*reader)->lexical().Find("store").postings.document_count(), 60u);
  EXPECT_EQ((*reader)->lexical().Find("parse_7").postings.document_count(), 1u);
  EXPECT_EQ((*reader)->lexical().Find("absent").postings.document_count(), 0u);
  EXPECT_TRUE((*reader)->lexical().Validate((*reader)->chunk_count()).ok());
}

TEST(Segment, OfNothingIsValid) {
  std::string bytes = SegmentBuilder().Finish();
  auto reader = SegmentReader::Open(bytes, nullptr);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->chunk_count(), 0u);
}

TEST(Segment, RefusesEveryTruncation) {
  std::string bytes = BuildSegment();
  for (size_t size = 0; size < bytes.size(); size += 1 + size / 50) {
    EXPECT_FALSE(SegmentReader::Open(std::string_view(bytes).substr(0, size), nullptr).ok()) << size;
  }
}

// The checksum in the manifest catches a flipped bit; behind it, the reader must still not run astray.
TEST(Segment, FollowsNoOffsetOutsideItselfWhenBitsFlip) {
  std::string bytes = BuildSegment();
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string altered = bytes;
    altered[random() % altered.size()] ^= static_cast<char>(1 << random() % 8);
    auto reader = SegmentReader::Open(altered, nullptr);
    if (!reader.ok()) continue;
    for (uint32_t f = 0; f < (*reader)->file_count(); ++f) (*reader)->StringsOf((*reader)->file(f));
    for (uint32_t c = 0; c < (*reader)->chunk_count(); ++c) (*reader)->StringsOf((*reader)->chunk(c));
    (void)(*reader)->lexical().Validate((*reader)->chunk_count()).ok();
  }
}

}  // namespace
}  // namespace codelore::index
