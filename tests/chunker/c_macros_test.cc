#include "chunker/c_macros.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace codelore::chunker {
namespace {

// What is left, with runs of spaces as one.
std::string Left(std::string_view text) {
  std::string blanked = BlankMacros(text);
  EXPECT_EQ(blanked.size(), text.size());
  std::string left;
  for (char c : blanked) {
    if (c != ' ' || !(left.ends_with(' ') || left.ends_with('\n') || left.empty())) left += c;
  }
  return left;
}

TEST(BlankMacros, TakesExportMacrosAway) {
  EXPECT_EQ(Left("class LIB_API Shape : public Base {"), "class Shape : public Base {");
  EXPECT_EQ(Left("LIB_EXTERN int run(int mode);"), "int run(int mode);");
  EXPECT_EQ(Left("LIB_EXTERN const char* name(void);"), "const char* name(void);");
  EXPECT_EQ(Left("static int WINAPI run(int mode) {"), "static int run(int mode) {");
  EXPECT_EQ(Left("FMT_DEPRECATED(\"x\") auto f() -> int;"), "auto f() -> int;");
  EXPECT_EQ(Left("template <typename T, ENABLE_IF(is<T>::value)>"), "template <typename T >");
}

TEST(BlankMacros, TakesMacrosOnTheirOwnLineAway) {
  EXPECT_EQ(Left("int a;\nBEGIN_NAMESPACE\nint b;\n"), "int a;\n\nint b;\n");
  EXPECT_EQ(Left("struct s {\n  REQ_FIELDS\n  PRIVATE_FIELDS\n};\n"), "struct s {\n\n\n};\n");
}

TEST(BlankMacros, LeavesTypesEnumeratorsAndTestsAlone) {
  for (const char* text : {"FILE* f;", "DWORD size = 1;", "enum e {\n  A_ONE,\n  A_TWO\n};",
                           "TEST(Suite, Case) {\n}\n", "TEST_F(Suite, Case)\n{\n}\n",
                           "x = MAX_SIZE;", "// LIB_EXTERN int f\n", "\"LIB_EXTERN int f\"",
                           "#define LIB_EXTERN int f\n", "static DWORD run(int a);"}) {
    EXPECT_EQ(BlankMacros(text), text);
  }
}

TEST(BlankMacros, KeepsAllBranchesOfBalancedConditions) {
  EXPECT_EQ(Left("#ifdef A\nint f() { }\n#else\nint g() { }\n#endif\n"),
            "\nint f() { }\n\nint g() { }\n\n");
}

TEST(BlankMacros, KeepsTheFirstBranchOfConditionsThatOpenABlock) {
  EXPECT_EQ(Left("#if A\nif (x) {\n#else\nif (y) {\n#endif\n}\n"), "\nif (x) {\n\n\n\n}\n");
  EXPECT_EQ(
      Left("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f;\n#ifdef __cplusplus\n}\n#endif\n"),
      "\n\n\nint f;\n\n\n\n");
}

TEST(BlankMacros, KeepsSizeAndLinesOfAnyInput) {
  std::mt19937 random(1);
  const std::string_view words[] = {
      "#if A\n", "#else\n", "#endif\n", "{",  "}", "(",  ")",  "ABC_D", " ",    "\n", "int", "*",
      "class",   ",",       ">",        "\"", "'", "/*", "*/", "//",    "\\\n", "#",  "~",   ":"};
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) text += words[random() % std::size(words)];
    std::string blanked = BlankMacros(text);
    ASSERT_EQ(blanked.size(), text.size());
    for (size_t i = 0; i < text.size(); ++i)
      ASSERT_TRUE(blanked[i] == text[i] || (blanked[i] == ' ' && text[i] != '\n')) << text;
  }
}

TEST(BlankMacros, IsQuickWithDeeplyNestedConditions) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "#if A\n{\n#else\n";
  for (int i = 0; i < 20'000; ++i) text += "#endif\n";
  EXPECT_EQ(BlankMacros(text).size(), text.size());
}

}  // namespace
}  // namespace codelore::chunker
