#include "generate/markdown.h"

#include <algorithm>

namespace codelore::generate {
namespace {

size_t LongestRun(std::string_view text, char wanted) {
  size_t longest = 0, run = 0;
  for (char c : text) {
    run = c == wanted ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

std::string CodeSpan(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  std::string fence(LongestRun(line, '`') + 1, '`');
  std::string pad = line.empty() || line.front() == '`' || line.back() == '`' ? " " : "";
  return fence + pad + line + pad + fence;
}

std::string CodeBlock(std::string_view language, std::string_view text) {
  bool plain = std::ranges::all_of(language, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
  });
  std::string fence(std::max<size_t>(LongestRun(text, '`') + 1, 3), '`');
  std::string block = fence;
  if (plain) block += language;
  block += '\n';
  block += text;
  if (!text.ends_with('\n')) block += '\n';
  return block + fence + "\n";
}

}  // namespace codelore::generate
