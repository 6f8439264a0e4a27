// A byte of options, a literal or regular expression up to the first line break, and text to look for it in. What RE2 alone
// finds line by line is found, and the trigrams of the text fulfil the pattern's condition then.
#include <re2/re2.h>

#include "fuzz/fuzz_target.h"
#include "index/exact/pattern.h"

using namespace codelore::index;

namespace {

bool LineMatches(const RE2& regex, std::string_view line) {
  return regex.Match({line.data(), line.size()}, 0, line.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view rest = View(data + 1, size - 1);
  const std::string pattern(rest.substr(0, rest.find('\n')));
  const std::string_view text = rest.substr(std::min(rest.size(), pattern.size() + 1));
  const bool literal = data[0] & 1, fold = data[0] & 2;
  const auto matcher = PatternMatcher::Compile({pattern, !literal, fold ? codelore::CaseMode::kInsensitive : codelore::CaseMode::kSensitive});
  if (!matcher.ok() || !(*matcher)->CanSearch(text.size())) return 0;
  (*matcher)->MayName(text);
  (*matcher)->IsWhole(text);

  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_nl(true);
  options.set_literal(literal);
  options.set_case_sensitive(!fold);
  const RE2 regex(literal ? pattern : "(?m)" + pattern, options);
  CHECK(regex.ok());
  uint64_t lines = 0, found = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines += LineMatches(regex, text.substr(begin, end - begin));
    begin = end + 1;
  }
  for (size_t from = 0; from < text.size();) {
    const auto line = (*matcher)->NextLine(text, from);
    if (!line) break;
    CHECK(line->begin >= from && line->end <= text.size());
    ++found;
    from = line->end + size_t{1};
  }
  CHECK(found == lines);
  CHECK((*matcher)->Count(text, 1000) >= std::min<uint64_t>(lines, 1000));

  TrigramBuilder builder;
  builder.AddBlock(text);
  const std::string section = builder.Finish();
  const auto trigrams = TrigramReader::Open(section);
  CHECK(trigrams.ok());
  CHECK(lines == 0 || (*matcher)->condition().Evaluate(*trigrams).Has(0));
  return 0;
}
