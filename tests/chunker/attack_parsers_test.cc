// Texts that have ended other parsers: deep, wide, endless or just unlucky. Each is cut in bounded time, whatever it is taken for.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "chunker/chunker.h"
#include "chunker/corpus.h"

namespace codelore::chunker {
namespace {

std::string Repeat(std::string_view part, size_t count) {
  std::string text;
  text.reserve(part.size() * count);
  for (size_t i = 0; i < count; ++i) text += part;
  return text;
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Cuts `text`, and expects chunks that are right, in little more of the processor's time than a parse may take.
void ExpectBounded(const std::string& language, const std::string& text, const ChunkOptions& options) {
  double begun = CpuSeconds();
  ChunkedFile file = ChunkText("x", language, text, options);
  EXPECT_LT(CpuSeconds() - begun, options.parse_time_ms / 1000.0 + 2) << language << " " << text.substr(0, 30);
  EXPECT_EQ(BrokenInvariant(text, file), "") << language << " " << text.substr(0, 30);
}

// CODELORE_PARSE_MS=1500 gives a parse the time that it has in the program.
ChunkOptions Hurried() {
  const char* given = getenv("CODELORE_PARSE_MS");
  ChunkOptions options;
  options.parse_time_ms = given != nullptr ? static_cast<uint32_t>(atoi(given)) : 30;
  return options;
}

TEST(AttackParsers, Attack115_AHundredThousandOpeningsInEveryLanguage) {
  constexpr size_t kCount = 100'000;
  std::vector<std::string> bombs;
  for (const char* pair : {"()", "{}", "[]", "<>"}) {
    std::string open = Repeat(std::string_view(pair, 1), kCount);
    bombs.push_back(open);
    bombs.push_back(open + Repeat(std::string_view(pair + 1, 1), kCount));
  }
  for (const char* part : {"#if A\n", "\"", "'", "`", "${", "<<A\n"}) bombs.push_back(Repeat(part, kCount));
  bombs.push_back(Repeat("`${", kCount));
  for (const std::string& language : CorpusNames()) {
    for (const std::string& bomb : bombs) ExpectBounded(language, bomb, Hurried());
  }
}

TEST(AttackParsers, Attack116_TextsThatHungOtherParsers) {
  const ChunkOptions options;  // the program's own
  for (const char* language : {"javascript", "typescript", "tsx"}) {
    ExpectBounded(language, "{ try { } catch { (, e", options);
    ExpectBounded(language, Repeat("{ try { } catch { (, e", 20'000), options);
  }
  std::string table = "const union uif toFloat[1 << 16] = {\n";  // as Imath has one
  for (int i = 0; i < 1 << 14; ++i) table += "    {0x00000000}, {0x33800000}, {0x34000000}, {0x34400000},\n";
  for (const char* language : {"c", "cpp"}) ExpectBounded(language, table + "};\n", options);
  std::string dialect = "internal open class H2Dialect : VendorDialect(dialectName, H2DataTypeProvider, H2FunctionProvider) {\n";
  for (int i = 0; i < 2'000; ++i) {  // as Exposed writes SQL: commands among nested templates, elvis operators and lambdas
    dialect += "  override fun f" + std::to_string(i) + "(t: Table?) = buildString { t?.let { append(\"A ${it.n ?: \"${it.m.joinToString { \"<${it}>\" }}\"}\") } ?: run { a < b; c<d>(e) } }\n";
  }
  ExpectBounded("kotlin", dialect, options);
  ExpectBounded("kotlin", dialect + "}\n", options);
  std::string insert = "INSERT INTO t (a, b, c) VALUES\n";
  for (int i = 0; i < 50'000; ++i) insert += "(" + std::to_string(i) + ", 'text', NULL),\n";
  ExpectBounded("sql", insert + "(0, '', NULL);\n", options);
}

TEST(AttackParsers, Attack116_FortyMegabytesTakeMemoryInProportion) {
  std::string text = Repeat("int value = f(1, 2, 3);  // and a comment\n", (40 << 20) / 42);
  ExpectBounded("cpp", text, {});
  ExpectBounded("cpp", Repeat("x", 40 << 20), {});
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(used.ru_maxrss >> 10, 1024) << "MB";
#endif
}

}  // namespace
}  // namespace codelore::chunker
