#include "embed/zip_archive.h"

#include <gtest/gtest.h>

#include "embed/torch_archive.h"

namespace codelore::embed {
namespace {

std::string ErrorOf(std::string_view file) {
  const auto result = ZipArchive::Parse("m.zip", file);
  return result.ok() ? "" : result.status().message();
}

// `file` with the value at `at` bytes after the last `signature` replaced.
template <typename T>
std::string Patch(std::string file, std::string_view signature, size_t at, T value) {
  std::memcpy(file.data() + file.rfind(signature) + at, &value, sizeof value);
  return file;
}

const std::string kGood = StoredZip({{"a", "12345"}, {"b", "678"}});
constexpr std::string_view kLocal = "PK\3\4", kEntry = "PK\1\2", kEnd64 = "PK\6\6",
                           kLocator = "PK\6\7";

TEST(ZipArchiveTest, FindsTheEntries) {
  const auto archive = ZipArchive::Parse("m.zip", kGood).value();
  ASSERT_EQ(archive.entries().size(), 2u);
  EXPECT_EQ(archive.entries().at("a"), "12345");
  EXPECT_EQ(archive.entries().at("b"), "678");
  EXPECT_TRUE(ZipArchive::Parse("m.zip", StoredZip({}))->entries().empty());
}

TEST(ZipArchiveTest, ReadsSizesOf64Bits) {
  std::string file = Patch(kGood, kEntry, 20, UINT32_MAX);
  file = Patch(file, kEntry, 24, UINT32_MAX);
  EXPECT_EQ(ErrorOf(file), "m.zip: b: expected its size in a zip64 field, found none");
  // The same with the field, by hand: it comes after the last entry's name.
  const size_t at = file.rfind(kEntry) + 47;
  file.insert(at, ByteWriter()
                      .Fixed<uint16_t>(1)
                      .Fixed<uint16_t>(16)
                      .Fixed<uint64_t>(3)
                      .Fixed<uint64_t>(3)
                      .Take());
  file = Patch(file, kEntry, 30, static_cast<uint16_t>(20));
  file = Patch(file, kLocator, 8, static_cast<uint64_t>(file.rfind(kEnd64)));
  uint64_t size;
  std::memcpy(&size, file.data() + file.rfind(kEnd64) + 40, 8);
  file = Patch(file, kEnd64, 40, size + 20);
  EXPECT_EQ(ErrorOf(file), "");
  EXPECT_EQ(ZipArchive::Parse("m.zip", file)->entries().at("b"), "678");
}

TEST(ZipArchiveTest, RefusesWhatIsNotStored) {
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 10, static_cast<uint16_t>(8))),
            "m.zip: b: expected stored bytes, found compressed or encrypted ones");
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 8, static_cast<uint16_t>(1))),
            "m.zip: b: expected stored bytes, found compressed or encrypted ones");
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 24, 4u)),
            "m.zip: b: expected stored bytes, found compressed or encrypted ones");
}

TEST(ZipArchiveTest, Attack121_RefusesEntriesThatOverlapOrLeaveTheFile) {
  std::string bigger = Patch(kGood, kEntry, 20, 4000u);
  EXPECT_TRUE(ErrorOf(Patch(bigger, kEntry, 24, 4000u))
                  .starts_with("m.zip: b: expected 4000 bytes behind its header"));
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 42, 4000000u)),
            "m.zip: b: expected it before the directory, found it at 4000000");
  EXPECT_TRUE(ErrorOf(Patch(kGood, kEntry, 42, 0u))
                  .starts_with("m.zip: b: expected 3 bytes behind its header at 0"));
  EXPECT_EQ(ErrorOf(StoredZip({{"a", "1"}, {"a", "2"}})),
            "m.zip: a: expected one entry of this name, found two");
  // Two directory entries for the same bytes.
  std::string file = StoredZip({{"a", std::string(100, 'x')}});
  const std::string inner = "PK\3\4" + std::string(22, '\0') + std::string("\1\0\0\0b", 5) + "12";
  file.replace(40, inner.size(), inner);
  const std::string entry = Patch(file.substr(file.rfind(kEntry), 47), kEntry, 46, 'b');
  std::string second = Patch(Patch(Patch(entry, kEntry, 20, 2u), kEntry, 24, 2u), kEntry, 42, 40u);
  file.insert(file.rfind(kEnd64), second);
  file = Patch(file, kLocator, 8, static_cast<uint64_t>(file.rfind(kEnd64)));
  file = Patch(Patch(file, kEnd64, 24, uint64_t{2}), kEnd64, 32, uint64_t{2});
  file = Patch(file, kEnd64, 40, uint64_t{94});
  EXPECT_EQ(ErrorOf(file), "m.zip: b: expected bytes of its own, found them overlapping a");
}

TEST(ZipArchiveTest, Attack121_RefusesADirectoryThatIsNotThere) {
  EXPECT_EQ(ErrorOf(""),
            "m.zip: expected a zip file with its end record, found none: is it cut off?");
  EXPECT_TRUE(ErrorOf(Patch(kGood, kEnd64, 40, UINT64_MAX))
                  .starts_with("m.zip: the directory: expected it within the file"));
  EXPECT_TRUE(ErrorOf(Patch(kGood, kEnd64, 48, UINT64_MAX - 3))
                  .starts_with("m.zip: the directory: expected it within the file"));
  std::string many = Patch(kGood, kEnd64, 24, UINT64_MAX);
  EXPECT_TRUE(ErrorOf(Patch(many, kEnd64, 32, UINT64_MAX))
                  .starts_with("m.zip: the directory: expected it within the file"));
  EXPECT_EQ(ErrorOf(Patch(kGood, kLocator, 8, UINT64_MAX)),
            "m.zip: expected a zip64 locator before the end record, found none");
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 0, 0u)),
            "m.zip: the directory: entry 1: expected an entry, found something else");
  EXPECT_EQ(ErrorOf(Patch(kGood, kEntry, 28, static_cast<uint16_t>(0xFFFF))),
            "m.zip: the directory: entry 1: expected an entry, found something else");
}

TEST(ZipArchiveTest, Attack121_SurvivesEveryFlippedBit) {
  std::string file = kGood;
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const std::string message = ErrorOf(file);
    EXPECT_TRUE(message.empty() || message.starts_with("m.zip: ")) << message;
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace codelore::embed
