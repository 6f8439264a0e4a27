#include "embed/safetensors.h"

#include <gtest/gtest.h>

#include "embed/tiny_model.h"

namespace codelore::embed {
namespace {

std::string ErrorOf(std::string_view file) {
  const auto result = ParseSafeTensors("m.safetensors", file);
  return result.ok() ? "" : result.status().message();
}

// The error for a header over so many bytes of data.
std::string HeaderError(std::string_view header, size_t data_bytes) {
  return ErrorOf(SafeTensorsFile(header, std::string(data_bytes, '\0')));
}

constexpr uint64_t kTwo[] = {2}, kThree[] = {3}, kTwoByTwo[] = {2, 2};

TEST(SafeTensorsTest, ReadsTensorsOfAllFloatTypes) {
  const float floats[] = {1.5f, -2.0f};
  std::string data(reinterpret_cast<const char*>(floats), 8);
  data += std::string("\x00\x3E\x01\x00", 4);  // F16: 1.5, 2^-24
  data += std::string("\xC0\x3F\x00\xC0", 4);  // BF16: 1.5, -2
  data += std::string(8, '\1');
  const std::string file = SafeTensorsFile(
      R"({"__metadata__":{"format":"pt"},"c":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},)"
      R"("d":{"dtype":"I64","shape":[],"data_offsets":[16,24]},"e":{"dtype":"F32","shape":[0],"data_offsets":[16,16]}}   )",
      data);
  const auto tensors = ParseSafeTensors("m.safetensors", file).value();
  EXPECT_EQ(tensors.Floats("a", kTwo).value(), (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(tensors.Floats("b", kTwo).value(), (std::vector<float>{1.5f, 0x1p-24f}));
  EXPECT_EQ(tensors.Floats("c", kTwo).value(), (std::vector<float>{1.5f, -2}));
  EXPECT_TRUE(tensors.Has("d"));
  EXPECT_EQ(tensors.Find("a", kThree).status().message(),
            "m.safetensors: a: expected the shape [3], found [2]");
  EXPECT_EQ(tensors.Find("a", kTwoByTwo).status().message(),
            "m.safetensors: a: expected the shape [2, 2], found [2]");
  EXPECT_EQ(tensors.Find("x", kTwo).status().message(),
            "m.safetensors: x: expected this tensor, found none");
  EXPECT_EQ(tensors.Find("d", {}).status().message(),
            "m.safetensors: d: expected the element type F32, F16 or BF16, found another");
}

TEST(SafeTensorsTest, RefusesInfinitiesAndNaNs) {
  for (const char* bits : {"\x00\x7C", "\x00\xFC", "\x00\x7E"}) {
    const std::string file =
        SafeTensorsFile(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})",
                        std::string(bits, 2) + std::string(2, '\0'));
    EXPECT_EQ(ParseSafeTensors("m", file)->Floats("h", kTwo).status().message(),
              "m: h: expected finite values, found others");
  }
}

TEST(SafeTensorsTest, Attack121_RefusesAHeaderThatDoesNotFitTheFile) {
  EXPECT_EQ(ErrorOf(""), "m.safetensors: header size: expected at most 0 bytes, found 0");
  EXPECT_EQ(ErrorOf("1234567"), "m.safetensors: header size: expected at most 0 bytes, found 0");
  EXPECT_EQ(ErrorOf(ByteWriter().Fixed<uint64_t>(3).Raw("{}").Take()),
            "m.safetensors: header size: expected at most 2 bytes, found 3");
  EXPECT_EQ(ErrorOf(ByteWriter().Fixed<uint64_t>(UINT64_MAX).Raw("{}").Take()),
            "m.safetensors: header size: expected at most 2 bytes, found 18446744073709551615");
  EXPECT_EQ(ErrorOf(SafeTensorsFile(std::string(17 << 20, ' '), "")),
            "m.safetensors: header size: expected at most 16777216 bytes, found 17825792");
  EXPECT_EQ(ErrorOf(SafeTensorsFile(std::string(100 << 20, ' '), "")),
            "m.safetensors: header size: expected at most 16777216 bytes, found 104857600");
}

TEST(SafeTensorsTest, Attack121_RefusesAHeaderThatIsNotStrictJson) {
  EXPECT_EQ(HeaderError("", 0),
            "m.safetensors: header: expected JSON, found something else at byte 1");
  EXPECT_EQ(HeaderError("[]", 0), "m.safetensors: header: expected a JSON object, found array");
  EXPECT_EQ(HeaderError("{\"a\": \"\xFF\"}", 0),
            "m.safetensors: header: expected JSON, found something else at byte 8");
  EXPECT_EQ(HeaderError(R"({"a": 1e999})", 0),
            "m.safetensors: header: expected JSON, found a number out of range");
  EXPECT_EQ(
      HeaderError(
          R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})",
          1),
      "m.safetensors: header: the JSON has the key \"a\" twice");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1),
            "m.safetensors: header: the JSON has the key \"dtype\" twice");
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = "{\"a\":";
    for (int i = 0; i < 1000000; ++i) deep += open;
    EXPECT_NE(HeaderError(deep, 0), "");
  }
  EXPECT_EQ(HeaderError("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", 0),
            "m.safetensors: header: the JSON is nested too deeply");
}

// A library's builder of documents looks at all members anew after each: hours for this header.
TEST(SafeTensorsTest, Attack121_ReadsAsManyTensorsAsAHeaderHoldsInTimeLinearInThem) {
  std::string header = "{";
  size_t tensors = 0;
  while (header.size() < kMaxSafeTensorsHeader - 64) {
    header += (tensors == 0 ? "\"" : ",\"") + std::to_string(tensors) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    ++tensors;
  }
  const auto file = ParseSafeTensors("m", SafeTensorsFile(header + "}", ""));
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_TRUE(file->Has(std::to_string(tensors - 1)));
}

TEST(SafeTensorsTest, RefusesAnEntryThatIsNoTensor) {
  EXPECT_EQ(HeaderError(R"({"a": 1})", 0),
            "m.safetensors: header: a: expected an object with \"dtype\", found 1");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}})", 1),
            "m.safetensors: header: a: dtype: expected a known element type, found \"F8\"");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1),
            "m.safetensors: header: a: shape: expected an array, found 1");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1),
            "m.safetensors: header: a: shape: 0: expected a whole number from 0 to "
            "9223372036854775807, found -1");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1),
            "m.safetensors: header: a: shape: 0: expected a whole number from 0 to "
            "9223372036854775807, found 1.0");
  EXPECT_EQ(
      HeaderError(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1),
      "m.safetensors: header: a: shape: expected at most 8 dimensions, found array");
  EXPECT_EQ(HeaderError(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0]}})", 1),
            "m.safetensors: header: a: data_offsets: expected two offsets, found array");
}

TEST(SafeTensorsTest, Attack121_RefusesShapesThatOverflowOrDifferFromTheirBytes) {
  EXPECT_EQ(
      HeaderError(
          R"({"a":{"dtype":"U8","shape":[4194305,4194305,211106198978564],"data_offsets":[0,4]}})",
          4),
      "m.safetensors: header: a: data_offsets: expected the bytes of the shape [4194305, 4194305, "
      "211106198978564], found array");
  EXPECT_NE(
      HeaderError(R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0),
      "");
  EXPECT_NE(HeaderError(
                R"({"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,0]}})", 0),
            "");
  EXPECT_NE(HeaderError(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4), "");
  EXPECT_EQ(
      HeaderError(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", 4),
      "m.safetensors: header: a: data_offsets: 1: expected a whole number from 4 to 4, found 0");
  EXPECT_EQ(
      HeaderError(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})", 4),
      "m.safetensors: header: a: data_offsets: 1: expected a whole number from 0 to 4, found 5");
}

TEST(SafeTensorsTest, Attack121_RefusesOverlapsHolesAndRests) {
  const auto two = [](const char* first, const char* second) {
    return std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(HeaderError(two("[0,4]", "[4,8]"), 8), "");
  EXPECT_EQ(HeaderError(two("[4,8]", "[0,4]"), 8), "");
  EXPECT_EQ(HeaderError(two("[0,4]", "[3,7]"), 8),
            "m.safetensors: header: b: data_offsets: expected to start at 4, where the tensor "
            "before ends, found 3");
  EXPECT_NE(HeaderError(two("[0,4]", "[0,4]"), 4), "");
  EXPECT_EQ(HeaderError(two("[0,4]", "[5,9]"), 9),
            "m.safetensors: header: b: data_offsets: expected to start at 4, where the tensor "
            "before ends, found 5");
  EXPECT_NE(HeaderError(two("[1,5]", "[5,9]"), 9), "");
  EXPECT_EQ(HeaderError(two("[0,4]", "[4,8]"), 9),
            "m.safetensors: expected 8 bytes of data, found 9");
}

TEST(SafeTensorsTest, Attack121_RefusesEveryTruncation) {
  const std::string good = TinyModel().Files().at("model.safetensors");
  ASSERT_EQ(ErrorOf(good), "");
  for (size_t size = 0; size < good.size(); size += size < 200 ? 1 : 997) {
    EXPECT_TRUE(ErrorOf(good.substr(0, size)).starts_with("m.safetensors: ")) << size;
  }
  EXPECT_NE(ErrorOf(good + '\0'), "");
}

TEST(SafeTensorsTest, Attack121_SurvivesEveryFlippedBitOfTheHeader) {
  std::string file = SafeTensorsFile(
      R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]}})",
      std::string(22, '\1'));
  for (size_t bit = 0; bit < 8 * (file.size() - 22); ++bit) {
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
    if (auto tensors = ParseSafeTensors("m.safetensors", file); tensors.ok()) {
      (void)tensors->Floats("a", kTwoByTwo).ok();
      (void)tensors->Floats("b", kThree).ok();
    } else {
      EXPECT_TRUE(tensors.status().message().starts_with("m.safetensors: "));
    }
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

// What reading gives for an index over two shards, with the tensors a and b.
Result<TensorSource> ReadShards(const std::string& index) {
  const std::string bytes(8, '\1');
  static std::map<std::string, std::string> files;
  files = {{"model.safetensors.index.json", index},
           {"model-00001-of-00002.safetensors",
            SafeTensorsFile(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", bytes)},
           {"model-00002-of-00002.safetensors",
            SafeTensorsFile(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", bytes)}};
  static ModelFolder folder = ModelFolder::BuiltIn();
  folder = ModelFolder::FromMemory("m", files);
  return ReadShardedSafeTensors(folder);
}

TEST(SafeTensorsTest, ReadsShards) {
  const auto tensors = ReadShards(
      R"({"metadata": {"total_size": 16}, "weight_map": {"a": "model-00001-of-00002.safetensors",
                     "b": "model-00002-of-00002.safetensors"}})");
  ASSERT_TRUE(tensors.ok()) << tensors.status().ToString();
  EXPECT_TRUE(tensors->Floats("a", kTwo).ok());
  EXPECT_TRUE(tensors->Floats("b", kTwo).ok());
  EXPECT_EQ(tensors->Find("b", kThree).status().message(),
            "model-00002-of-00002.safetensors: b: expected the shape [3], found [2]");
  EXPECT_EQ(tensors->Find("c", kThree).status().message(),
            "model.safetensors.index.json: c: expected this tensor, found none");
}

TEST(SafeTensorsTest, Attack121_RefusesAnIndexThatNamesOtherFilesOrTensors) {
  const auto error = [](const std::string& index) { return ReadShards(index).status().message(); };
  EXPECT_EQ(error("{}"),
            "model.safetensors.index.json: expected an object with \"weight_map\", found object");
  EXPECT_EQ(
      error(R"({"weight_map": {"a": "../../etc/passwd"}})"),
      "model.safetensors.index.json: weight_map: a: expected a shard that is in the folder, found "
      "\"../../etc/passwd\"");
  EXPECT_EQ(error(R"({"weight_map": {"a": "model-00002-of-00002.safetensors"}})"),
            "model.safetensors.index.json: weight_map: a: expected a shard with this tensor, found "
            "\"model-00002-of-00002.safetensors\"");
  EXPECT_EQ(error(R"({"weight_map": {"a": 1}})"),
            "model.safetensors.index.json: weight_map: a: expected a string, found 1");
  EXPECT_EQ(error("{" + std::string(16 << 20, ' ') + "}"),
            "model.safetensors.index.json: expected at most 16 MiB, found 16777218 bytes");
}

TEST(TensorSourceTest, RefusesATensorThatTwoShardsHave) {
  TensorSource a("a"), b("b"), all("all");
  ASSERT_TRUE(a.Add("w", {}).ok() && b.Add("w", {}).ok() && all.Merge(a).ok());
  EXPECT_EQ(all.Merge(b).message(), "b: w: expected this tensor once, found it also in a");
}

}  // namespace
}  // namespace codelore::embed
