#include "generate/fill.h"

#include <algorithm>
#include <array>

#include "codelore/utf8.h"
#include "generate/prompt.h"

namespace codelore::generate {
namespace {

// The longest end (or beginning) of `text` with at most so many tokens.
std::string_view Fitting(std::string_view text, size_t max_tokens, bool end, const std::function<size_t(std::string_view)>& count) {
  auto part = [&](size_t bytes) { return end ? Utf8Suffix(text, bytes) : Utf8Prefix(text, bytes); };
  constexpr size_t kMostBytes = 16;  // of a token, on the average of many: what is farther away need not be counted
  text = part(max_tokens * kMostBytes);
  if (count(text) <= max_tokens) return text;
  size_t low = 0, high = text.size();  // `low` bytes fit
  while (low + 1 < high) {
    size_t middle = (low + high) / 2;
    (count(part(middle)) <= max_tokens ? low : high) = middle;
  }
  std::string_view cut = part(low);
  size_t line = end ? cut.find('\n') : cut.rfind('\n');
  if (line == cut.npos || (end && line + 1 == cut.size())) return cut;
  return end ? cut.substr(line + 1) : cut.substr(0, line + 1);
}

std::string_view CommentMark(std::string_view language) {
  constexpr std::array<std::string_view, 12> kHash = {"python", "ruby", "bash", "yaml", "toml", "elixir", "dockerfile", "perl", "r", "make", "cmake", "shell"};
  if (std::ranges::find(kHash, language) != kHash.end()) return "# ";
  if (language == "sql" || language == "lua" || language == "haskell") return "-- ";
  return "// ";
}

}  // namespace

FittedFill FitFill(const FillRequest& request, size_t max_tokens, const std::function<size_t(std::string_view)>& count) {
  FittedFill fitted;
  fitted.prefix = Fitting(request.prefix, max_tokens / 2, /*end=*/true, count);
  fitted.suffix = Fitting(request.suffix, max_tokens / 4, /*end=*/false, count);
  size_t room = max_tokens - std::min(max_tokens, count(fitted.prefix) + count(fitted.suffix));
  for (auto snippet = request.snippets.rbegin(); snippet != request.snippets.rend(); ++snippet) {
    FillRequest::Snippet visible{VisibleText(snippet->path), snippet->language, VisibleText(snippet->text)};
    constexpr size_t kFrame = 16;  // marks and line breaks around it
    size_t tokens = count(CommentedSnippets({visible})) + kFrame;
    if (tokens > room) continue;
    room -= tokens;
    fitted.snippets.insert(fitted.snippets.begin(), std::move(visible));
  }
  return fitted;
}

std::string CommentedSnippets(const std::vector<FillRequest::Snippet>& snippets) {
  std::string text;
  for (const FillRequest::Snippet& snippet : snippets) {
    std::string_view mark = CommentMark(snippet.language), rest = snippet.text;
    text += std::string(mark) + snippet.path + "\n";
    while (!rest.empty()) {
      size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
      text += std::string(mark) + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return text;
}

}  // namespace codelore::generate
