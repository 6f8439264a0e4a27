#include "index/lexical/positions.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::index {
namespace {

TEST(Positions, GiveBackWhatWasAddedForEveryPosting) {
  std::mt19937 random(3);
  for (uint32_t documents : {1u, 2u, 127u, 128u, 129u, 300u, 512u}) {
    PositionsBuilder builder;
    std::vector<std::vector<uint32_t>> all;
    for (uint32_t d = 0; d < documents; ++d) {
      std::vector<uint32_t> positions;
      uint32_t position = static_cast<uint32_t>(random() % 300);
      for (uint64_t n = 1 + random() % 4; n > 0; --n) {
        positions.push_back(position);
        position += 1 + static_cast<uint32_t>(random() % 1000);
      }
      builder.Add(positions);
      all.push_back(positions);
    }
    std::string bytes;
    builder.Finish(bytes);
    PositionsReader reader(bytes, documents);
    std::vector<uint32_t> read;
    for (uint32_t d = 0; d < documents; ++d) {
      reader.Read(d, read);
      ASSERT_EQ(read, all[d]) << d << " of " << documents;
    }
  }
}

TEST(Positions, NeverReadOutsideAlteredBytes) {
  std::mt19937 random(4);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 600, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    auto heap_copy = std::make_unique<char[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), heap_copy.get());
    PositionsReader reader(std::string_view(heap_copy.get(), bytes.size()), static_cast<uint32_t>(random() % 1000));
    std::vector<uint32_t> read;
    reader.Read(static_cast<uint32_t>(random() % 1000), read);
  }
}

}  // namespace
}  // namespace codelore::index
