#include "generate/piece_buffer.h"

#include <gtest/gtest.h>

#include "codelore/utf8.h"

namespace codelore::generate {
namespace {

// Byte by byte; every part shown is whole characters.
std::string Through(std::string_view bytes, std::vector<std::string> stop_words = {}) {
  PieceBuffer buffer(std::move(stop_words));
  std::string shown;
  for (char byte : bytes) {
    std::string part = buffer.Add(std::string_view(&byte, 1));
    EXPECT_TRUE(IsValidUtf8(part));
    shown += part;
  }
  return shown + buffer.Finish();
}

TEST(PieceBufferTest, GivesWholeCharacters) {
  EXPECT_EQ(Through("aé한🙂b"), "aé한🙂b");
  PieceBuffer buffer({});
  EXPECT_EQ(buffer.Add("x\xED\x95"), "x");
  EXPECT_EQ(buffer.Add("\x9Cy"), "한y");
}

TEST(PieceBufferTest, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(Through("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(Through("\xED\x95"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // never completed
  EXPECT_EQ(Through("\xC3("), "\xEF\xBF\xBD(");
}

TEST(PieceBufferTest, EndsBeforeTheFirstStopWord) {
  EXPECT_EQ(Through("one\n\ntwo STOP three", {"STOP"}), "one\n\ntwo ");
  EXPECT_EQ(Through("a END b STOP", {"STOP", "END"}), "a ");
  EXPECT_EQ(Through("끝났다", {"났"}), "끝");
  EXPECT_EQ(Through("STO", {"STOP"}), "STO") << "held back, but no stop word in the end";
  EXPECT_EQ(Through("SSTOP", {"STOP"}), "S");
  EXPECT_EQ(Through("text", {""}), "text") << "an empty stop word stops nothing";
}

TEST(PieceBufferTest, HoldsBackOnlyWhatMayBecomeAStopWord) {
  PieceBuffer buffer({"STOP"});
  EXPECT_EQ(buffer.Add("xyST"), "xy");
  EXPECT_EQ(buffer.Add("A"), "STA");
  EXPECT_EQ(buffer.Add("STOP"), "");
  EXPECT_TRUE(buffer.stopped());
  EXPECT_EQ(buffer.Add("more"), "");
  EXPECT_EQ(buffer.Finish(), "");
}

}  // namespace
}  // namespace codelore::generate
