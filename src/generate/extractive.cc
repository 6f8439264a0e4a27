#include "generate/extractive.h"

#include <algorithm>
#include <vector>

#include "generate/markdown.h"

namespace codelore::generate {
namespace {

// Lines [first, last) of a passage, counted from 0.
struct LineRange {
  size_t first = 0, last = 0;
};

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// The window of at most `size` lines with the most question in it; the start of the passage weighs a little, since
// that is where a definition says what it is.
LineRange BestWindow(const Passage& passage, const std::vector<std::string_view>& lines, size_t size) {
  if (lines.size() <= size) return {0, lines.size()};
  auto weight = [&](size_t i) { return i < passage.line_weights.size() ? passage.line_weights[i] : 0.0f; };
  double sum = 0;
  for (size_t i = 0; i < size; ++i) sum += weight(i);
  double best = sum + 0.25;
  LineRange window{0, size};
  for (size_t first = 1; first + size <= lines.size(); ++first) {
    sum += weight(first + size - 1) - weight(first - 1);
    if (sum > best) {
      best = sum;
      window = {first, first + size};
    }
  }
  while (window.first + 1 < window.last && IsBlank(lines[window.first])) ++window.first;
  while (window.last > window.first + 1 && IsBlank(lines[window.last - 1])) --window.last;
  return window;
}

std::string Join(const std::vector<std::string_view>& lines, LineRange range) {
  std::string text;
  for (size_t i = range.first; i < range.last; ++i) text += lines[i];
  return text;
}

// source@commit:path#Lx-Ly of the passage, with narrower lines.
std::string CitationFor(const Passage& passage, uint32_t start_line, uint32_t end_line) {
  std::string_view place = passage.citation;
  place = place.substr(0, place.rfind("#L"));
  return std::string(place) + "#L" + std::to_string(start_line) + "-L" + std::to_string(end_line);
}

std::string Introduction(const Passage& passage) {
  bool section = passage.kind == ChunkKind::kSection || passage.symbol.empty();
  if (section) {
    std::string where = CodeSpan(passage.path);
    return passage.symbol.empty() ? where : where + ", section " + CodeSpan(passage.symbol);
  }
  return CodeSpan(passage.symbol) + " (" + std::string(ChunkKindName(passage.kind)) + ") in " + CodeSpan(passage.path);
}

class Extractive final : public Generator {
 public:
  explicit Extractive(const ExtractiveOptions& options) : options_(options) {}

  Result<AnswerSummary> Answer(std::string_view, std::span<const Passage> passages, std::stop_token stop,
                               const std::function<void(const AnswerPiece&)>& emit) const override {
    AnswerSummary summary{.found = false, .generator = "extractive"};
    if (passages.empty()) {
      emit({"Nothing found: no passage that you may read fits this question.\n", {}});
      return summary;
    }
    summary.found = true;
    for (uint32_t i = 0; i < passages.size() && i < options_.max_passages; ++i) {
      if (stop.stop_requested()) return Unavailable("the answer was stopped");
      EmitExcerpt(passages[i], i, emit);
    }
    EmitFurther(passages, emit);
    return summary;
  }

 private:
  void EmitExcerpt(const Passage& passage, uint32_t index,
                   const std::function<void(const AnswerPiece&)>& emit) const {
    std::vector<std::string_view> lines = Lines(passage.text);
    LineRange window = BestWindow(passage, lines, options_.excerpt_lines);
    auto start = passage.start_line + static_cast<uint32_t>(window.first);
    auto end = passage.start_line + static_cast<uint32_t>(std::max(window.last, window.first + 1) - 1);
    std::string text = Introduction(passage) + ":\n\n" + CodeBlock(passage.language, Join(lines, window)) + "[" +
                       std::to_string(index + 1) + "] " + CodeSpan(CitationFor(passage, start, end)) + "\n\n";
    emit({std::move(text), {{index, start, end}}});
  }

  void EmitFurther(std::span<const Passage> passages, const std::function<void(const AnswerPiece&)>& emit) const {
    size_t end = std::min(passages.size(), options_.max_passages + options_.max_further);
    if (end <= options_.max_passages) return;
    emit({"See also:\n", {}});
    for (size_t i = options_.max_passages; i < end; ++i) {
      const Passage& passage = passages[i];
      auto lines = static_cast<uint32_t>(std::max<size_t>(Lines(passage.text).size(), 1));
      emit({"- " + Introduction(passage) + " [" + std::to_string(i + 1) + "] " + CodeSpan(passage.citation) + "\n",
            {{static_cast<uint32_t>(i), passage.start_line, passage.start_line + lines - 1}}});
    }
  }

  const ExtractiveOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeExtractiveGenerator(const ExtractiveOptions& options) {
  return std::make_unique<Extractive>(options);
}

}  // namespace codelore::generate
