#include "embed/encode_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "embed/bert_encoder.h"

namespace codelore::embed {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests only
using Clock = std::chrono::steady_clock;

TEST(EncodeGateTest, HoldsWhileSomethingIsInTheForeground) {
  EncodeGate gate;
  auto start = Clock::now();
  gate.GiveWay();  // nothing is
  std::atomic<bool> released{false}, passed_early{false};
  std::optional<EncodeGate::Foreground> foreground(gate);
  std::jthread background([&] {
    gate.GiveWay();
    passed_early = !released && Clock::now() - start < 50ms;
  });
  std::this_thread::sleep_for(5ms);
  released = true;
  foreground.reset();
  background.join();
  EXPECT_FALSE(passed_early);
}

TEST(EncodeGateTest, IsNeverShutForEver) {
  EncodeGate gate;
  EncodeGate::Foreground foreground(gate);
  auto start = Clock::now();
  gate.GiveWay();
  EXPECT_LT(Clock::now() - start, 5s);
}

// Counts how often it is asked.
class CountingGate final : public EncodeGate {
 public:
  void GiveWay() override { ++asked; }
  std::atomic<int> asked{0};
};

// In both precisions: for the products of each block of tokens, and for each head of each text.
TEST(EncodeGateTest, IsAskedBetweenAllPieces) {
  for (Precision precision : {Precision::kFloat32, Precision::kInt8}) {
    auto gate = std::make_shared<CountingGate>();
    auto encoder = BertEncoder::Open(ModelFolder::BuiltIn(), {.precision = precision, .gate = gate}).value();
    std::string text;
    for (int i = 0; i < 230; ++i) text += "word ";
    const std::string_view view = text;
    const uint32_t tokens = encoder->Encode({&view, 1}, {.background = true}).value()[0].tokens;
    const int blocks = static_cast<int>((tokens + 111) / 112), layers = 6, heads = 12;
    // And before a text is tokenised, its words are read, and its vector is made.
    EXPECT_GE(gate->asked, layers * (blocks * 4 + heads) + blocks + 2);
    gate->asked = 0;
    ASSERT_TRUE(encoder->Encode({&view, 1}, {}).ok());
    EXPECT_EQ(gate->asked, 0);
  }
}

// Queries in one thread, indexing in another: both come to an end, with the vectors they have alone.
TEST(EncodeGateTest, ChangesNoVector) {
  auto gate = std::make_shared<EncodeGate>();
  auto encoder = BertEncoder::Open(ModelFolder::BuiltIn(), {.max_tokens = 64, .gate = gate}).value();
  std::vector<std::string> texts;
  for (int i = 0; i < 24; ++i) texts.push_back("what does function number " + std::to_string(i) + " return");
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto expected = encoder->Encode(views, {}).value();
  std::atomic<int> wrong{0};
  auto compare = [&](const Result<std::vector<Encoding>>& found) {
    for (size_t i = 0; i < views.size(); ++i) wrong += found.ok() && (*found)[i].dense == expected[i].dense ? 0 : 1;
  };
  {
    std::jthread background([&] { for (int i = 0; i < 3; ++i) compare(encoder->Encode(views, {.background = true})); });
    for (int i = 0; i < 3; ++i) compare(encoder->Encode(views, {.role = TextRole::kPassage}));
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace codelore::embed
