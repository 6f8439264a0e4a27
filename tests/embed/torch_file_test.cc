#include "embed/torch_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "embed/corpus.h"
#include "embed/torch_archive.h"

namespace codelore::embed {
namespace {

constexpr uint64_t kTwo[] = {2}, kFour[] = {4}, kThreeByFour[] = {3, 4};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Written by torch.save itself (make_models.py).
std::string RealFile() { return ReadFile(TESTDATA "/embed/tensors.pt"); }

std::string ErrorOf(std::string_view file) {
  const auto result = ParseTorchFile("m.bin", file);
  return result.ok() ? "" : result.status().message();
}
std::string ErrorOf(const FakeTensor& tensor) { return ErrorOf(StoredZip(TorchEntries({tensor}))); }
// The error for a file whose data.pkl is `pickle`.
std::string PickleError(const std::string& pickle) {
  return ErrorOf(StoredZip({{"m/data.pkl", std::string("\x80\x02") + pickle}}));
}

TEST(TorchFileTest, ReadsWhatTorchWrote) {
  const std::string file = RealFile();
  const auto tensors = ParseTorchFile("tensors.pt", file);
  ASSERT_TRUE(tensors.ok()) << tensors.status().ToString();
  std::vector<float> counting(12);
  for (size_t i = 0; i < 12; ++i) counting[i] = static_cast<float>(i) - 1.5f;
  EXPECT_EQ(tensors->Floats("f32", kThreeByFour).value(), counting);
  EXPECT_EQ(tensors->Floats("f16", kThreeByFour).value(), counting);
  EXPECT_EQ(tensors->Floats("bf16", kThreeByFour).value(), counting);
  EXPECT_EQ(tensors->Floats("parameter", kThreeByFour).value(), counting);
  EXPECT_EQ(tensors->Floats("slice", kFour).value(), (std::vector<float>{2.5f, 3.5f, 4.5f, 5.5f}));
  EXPECT_EQ(tensors->Floats("shared", kFour).value(), (std::vector<float>{-1.5f, -.5f, .5f, 1.5f}));
  EXPECT_TRUE(tensors->Has("i64"));
  EXPECT_EQ(tensors->Find("i64", kFour).status().message(),
            "tensors.pt: i64: expected the element type F32, F16 or BF16, found another");
  EXPECT_EQ(tensors->Find("none", kFour).status().message(),
            "tensors.pt: none: expected this tensor, found none");
}

TEST(TorchFileTest, ReadsWhatTheTestsMake) {
  const std::string file = StoredZip(
      TorchEntries({{.name = "a", .shape = {2}, .strides = {1}, .bytes = std::string(8, '\0')}}));
  EXPECT_EQ(ParseTorchFile("m.bin", file)->Floats("a", kTwo).value(), (std::vector<float>{0, 0}));
}

TEST(TorchFileTest, SaysHowToConvertAnOlderFile) {
  const std::string message = ErrorOf(std::string("\x80\x02\x8A\x0A\x6C\xFC\x9C", 7));
  EXPECT_TRUE(message.starts_with("m.bin: expected a zip file as PyTorch writes since 1.6"))
      << message;
  EXPECT_NE(message.find("torch.save(torch.load("), std::string::npos);
}

TEST(TorchFileTest, RefusesEveryNameAndOpcodeThatTensorsDoNotNeed) {
  EXPECT_EQ(PickleError("cos\nsystem\n(X\x04"),
            "m.bin: data.pkl: byte 2: expected a name that tensors need, found os.system");
  EXPECT_EQ(PickleError("cbuiltins\neval\n."),
            "m.bin: data.pkl: byte 2: expected a name that tensors need, found builtins.eval");
  EXPECT_EQ(PickleError("ctorch._utils\n_rebuild_tensor_v2\nR"),
            "m.bin: data.pkl: byte 35: expected a value on the stack, found none");
  for (int opcode = 0; opcode < 256; ++opcode) {
    const std::string message = PickleError(std::string(1, static_cast<char>(opcode)));
    EXPECT_TRUE(message.starts_with("m.bin: data.pkl: byte ")) << message;
  }
  for (const char* opcode : {"i", "o", "\x81", "\x92", "\x93", "\x82", "\x83", "\x84", "P", "V",
                             "I", "F", "G", "]", "a", "e"}) {
    EXPECT_TRUE(PickleError(opcode).starts_with(
        "m.bin: data.pkl: byte 2: expected an opcode that tensors need, found 0x"))
        << PickleError(opcode);
  }
  EXPECT_EQ(PickleError("\x80\x04."),
            "m.bin: data.pkl: byte 2: expected pickle protocol 2, found 4");
}

TEST(TorchFileTest, RefusesADictionaryOfOtherThings) {
  EXPECT_EQ(PickleError("}" + PickledText("epoch") + "K\x07s."),
            "m.bin: data.pkl: epoch: expected a tensor, found a number");
  EXPECT_EQ(PickleError("}" + PickledText("model") + "}s."),
            "m.bin: data.pkl: model: expected a tensor, found a dictionary");
  EXPECT_EQ(PickleError("N."),
            "m.bin: data.pkl: byte 3: expected a dictionary of tensors, found something else");
  EXPECT_EQ(PickleError("}}."),
            "m.bin: data.pkl: byte 4: expected a dictionary of tensors, found something else");
  EXPECT_EQ(PickleError("}.}"), "m.bin: data.pkl: byte 3: expected the end, found more");
  EXPECT_EQ(PickleError("}"), "m.bin: data.pkl: byte 3: expected more, found the end");
  EXPECT_EQ(PickleError("}K\x01K\x02s."),
            "m.bin: data.pkl: byte 7: expected a text as a key, found a number");
  const std::string twice = StoredZip(TorchEntries(
      {{.name = "a", .shape = {0}, .strides = {1}}, {.name = "a", .shape = {0}, .strides = {1}}}));
  EXPECT_EQ(ErrorOf(twice), "m.bin: a: expected this tensor once, found it twice");
}

TEST(TorchFileTest, SurvivesPicklesThatAreDeepOrLong) {
  EXPECT_NE(PickleError(std::string(100000, '(')), "");
  EXPECT_NE(PickleError(std::string(900000, '}')), "");
  std::string deep = ")";
  for (int i = 0; i < 500000; ++i) deep += '\x85';
  EXPECT_EQ(PickleError(deep + "."),
            "m.bin: data.pkl: byte 500003: expected a dictionary of tensors, found something else");
  std::string self = "}q";
  self += '\0';
  for (int i = 0; i < 1000; ++i) self += PickledText("a") + std::string("h\0s", 3);
  EXPECT_EQ(PickleError(self + "."), "m.bin: data.pkl: a: expected a tensor, found a dictionary");
  EXPECT_EQ(PickleError(std::string(2 << 20, 'N')),
            "m.bin: data.pkl: expected at most 1 MiB, found 2097154 bytes");
}

TEST(TorchFileTest, RefusesShapesThatDoNotFitTheirStorage) {
  const std::string eight(32, '\0');
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {2, 4}, .strides = {4, 1}, .bytes = eight}), "");
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {3, 4}, .strides = {4, 1}, .bytes = eight}),
            "m.bin: w: expected the shape [3, 4] from 0 on within its 8 values, found it beyond");
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {2, 4}, .strides = {4, 1}, .bytes = eight, .offset = 1}),
            "m.bin: w: expected the shape [2, 4] from 1 on within its 8 values, found it beyond");
  EXPECT_EQ(
      ErrorOf({.name = "w", .shape = {1}, .strides = {1}, .bytes = eight, .offset = INT64_MAX}),
      "m.bin: w: expected the shape [1] from 9223372036854775807 on within its 8 values, found it "
      "beyond");
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {4, 2}, .strides = {1, 4}, .bytes = eight}),
            "m.bin: w: expected values row by row, found the strides [1, 4] for the shape [4, 2]");
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {1 << 30, 1}, .strides = {0, 1}, .bytes = eight}),
            "m.bin: w: expected the shape [1073741824, 1] from 0 on within its 8 values, found it "
            "beyond");
  EXPECT_EQ(ErrorOf({.name = "w", .shape = {8}, .strides = {1}, .bytes = eight, .storage_size = 9}),
            "m.bin: w: expected 9 values of 4 bytes, found 32 bytes");
  EXPECT_NE(ErrorOf({.name = "w",
                     .shape = {8},
                     .strides = {1},
                     .bytes = eight,
                     .storage_size = INT64_MAX / 2 + 9}),
            "");
  EXPECT_NE(ErrorOf({.name = "w", .shape = {-8}, .strides = {1}, .bytes = eight}), "");
  auto entries = TorchEntries({{.name = "w", .shape = {8}, .strides = {1}, .bytes = eight}});
  entries.pop_back();
  EXPECT_EQ(ErrorOf(StoredZip(entries)),
            "m.bin: w: expected its values in one of the entries, found none");
  entries[1].second = "big";
  EXPECT_EQ(ErrorOf(StoredZip(entries)), "m.bin: byteorder: expected little, found another");
}

TEST(TorchFileTest, Attack121_RefusesShapesThatOverflow) {
  EXPECT_EQ(ErrorOf({.name = "w",
                     .shape = {4194305, 4194305, 211106198978564},
                     .strides = {1, 1, 1},
                     .bytes = "1234"}),
            "m.bin: w: expected the shape [4194305, 4194305, 211106198978564] from 0 on within its "
            "1 values, found it beyond");
  EXPECT_NE(
      ErrorOf({.name = "w", .shape = {INT64_MAX, INT64_MAX}, .strides = {1, 1}, .bytes = "1234"}),
      "");
  EXPECT_NE(
      ErrorOf({.name = "w", .shape = {INT64_MAX, 2, 0}, .strides = {1, 1, 1}, .bytes = "1234"}),
      "");
}

TEST(TorchFileTest, RefusesWeightsThatAreNotFinite) {
  const std::string file =
      StoredZip(TorchEntries({{.name = "w",
                               .shape = {2},
                               .strides = {1},
                               .bytes = std::string("\0\0\xC0\x7F\0\0\0\0", 8)}}));
  EXPECT_EQ(ParseTorchFile("m.bin", file)->Floats("w", kTwo).status().message(),
            "m.bin: w: expected finite values, found others");
}

TEST(TorchFileTest, Attack121_RefusesEveryTruncation) {
  const std::string good = RealFile();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(ErrorOf(good.substr(0, size)).starts_with("m.bin: ")) << size;
  }
}

TEST(TorchFileTest, Attack121_SurvivesEveryFlippedBit) {
  std::string file = RealFile();
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
    if (auto tensors = ParseTorchFile("m.bin", file); tensors.ok()) {
      (void)tensors->Floats("f32", kThreeByFour).ok();
      (void)tensors->Floats("slice", kFour).ok();
    } else {
      EXPECT_TRUE(tensors.status().message().starts_with("m.bin: "));
    }
    file[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace codelore::embed
