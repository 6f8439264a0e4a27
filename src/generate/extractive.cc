#include "generate/extractive.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "codelore/utf8.h"
#include "generate/excerpt.h"
#include "generate/markdown.h"

namespace codelore::generate {
namespace {

constexpr size_t kMaxLineBytes = 400;  // of a line quoted: prose without line breaks, data

// A line that is too long, from a few words before the first of the question's words that it holds.
std::string ShortenedLine(std::string_view line, const std::vector<std::string>& stems) {
  constexpr std::string_view kGap = "…";
  std::string lower = LowerCase(line);
  size_t first = std::string::npos;
  for (const std::string& stem : stems) first = std::min(first, lower.find(stem));
  size_t begin = 0;
  if (first != std::string::npos && first > kMaxLineBytes / 2) {
    size_t sentence = line.substr(0, first).rfind(". ");
    begin = sentence != std::string_view::npos && first - sentence < kMaxLineBytes / 2 ? sentence + 2 : first - kMaxLineBytes / 4;
    while (begin < line.size() && IsUtf8Continuation(line[begin])) ++begin;
  }
  std::string_view kept = Utf8Prefix(line.substr(begin), kMaxLineBytes);
  bool cut = begin + kept.size() < line.size();
  while (kept.ends_with('\n') || kept.ends_with('\r')) kept.remove_suffix(1);
  return (begin > 0 ? std::string(kGap) : "") + std::string(kept) + (cut ? std::string(kGap) : "") + "\n";
}

std::string Quote(const std::vector<std::string_view>& lines, LineRange range, const std::vector<std::string>& stems) {
  std::string text;
  for (size_t i = range.first; i < range.last; ++i) {
    text += lines[i].size() <= kMaxLineBytes ? std::string(lines[i]) : ShortenedLine(lines[i], stems);
  }
  return text;
}

// source@commit:path#Lx-Ly of the passage, with narrower lines.
std::string CitationFor(const Passage& passage, uint32_t start_line, uint32_t end_line) {
  std::string_view place = passage.citation;
  place = place.substr(0, place.rfind("#L"));
  return std::string(place) + "#L" + std::to_string(start_line) + "-L" + std::to_string(end_line);
}

std::string Introduction(const Passage& passage) {
  std::string where = CodeSpan(passage.path);
  if (passage.symbol.empty()) return where;
  if (passage.kind != ChunkKind::kSection) {
    return CodeSpan(passage.symbol) + " (" + std::string(ChunkKindName(passage.kind)) + ") in " + where;
  }
  return where + ", section " + CodeSpan(passage.scope.empty() ? passage.symbol : passage.scope + " > " + passage.symbol);
}

class Extractive final : public Generator {
 public:
  explicit Extractive(const ExtractiveOptions& options) : options_(options) {}

  std::string_view name() const override { return "extractive"; }
  Status Check(const AnswerRequest& request) const override {
    if (request.tools != nullptr) return InvalidArgument("no generator here can call tools: configure a model with --generator, or leave out tools");
    if (request.sampling.form != OutputForm::kText) return InvalidArgument("no generator here can be held to JSON: configure a model with --generator, or leave out the format");
    return OkStatus();
  }

  Result<AnswerSummary> Answer(const AnswerRequest& request, std::stop_token stop,
                               const std::function<void(const AnswerPiece&)>& emit) const override {
    const std::span<const Passage> passages = request.passages;
    AnswerSummary summary{.found = false, .generator = std::string(name())};
    if (passages.empty()) {
      emit({"Nothing found: no passage that you may read fits this question.\n", {}});
      return summary;
    }
    summary.found = true;
    std::vector<std::string> stems = StemsOf(request.question);
    std::vector<uint32_t> further;
    std::set<std::string> quoted;  // a copy of what is quoted already is only named
    for (uint32_t i = 0; i < passages.size(); ++i) {
      if (stop.stop_requested()) return Unavailable("the answer was stopped");
      if (quoted.size() < options_.max_passages && quoted.insert(passages[i].text).second) {
        EmitExcerpt(passages[i], i, stems, emit);
      } else if (further.size() < options_.max_further) {
        further.push_back(i);
      }
    }
    EmitFurther(passages, further, emit);
    return summary;
  }

 private:
  using Emit = std::function<void(const AnswerPiece&)>;

  void EmitExcerpt(const Passage& passage, uint32_t index, const std::vector<std::string>& stems, const Emit& emit) const {
    std::vector<std::string_view> lines = SplitLines(passage.text);
    AnswerPiece piece{.text = Introduction(passage) + ":\n\n", .supports = {}};
    for (LineRange range : ChooseExcerpt(passage, stems, options_.excerpt_lines)) {
      auto start = passage.start_line + static_cast<uint32_t>(range.first);
      auto end = passage.start_line + static_cast<uint32_t>(range.last) - 1;
      piece.text += CodeBlock(passage.language, Quote(lines, range, stems)) + "[" + std::to_string(index + 1) + "] " +
                    CodeSpan(CitationFor(passage, start, end)) + "\n\n";
      piece.supports.push_back({index, start, end});
    }
    emit(piece);
  }

  void EmitFurther(std::span<const Passage> passages, const std::vector<uint32_t>& further, const Emit& emit) const {
    if (further.empty()) return;
    emit({"See also:\n", {}});
    for (uint32_t i : further) {
      const Passage& passage = passages[i];
      auto lines = static_cast<uint32_t>(std::max<size_t>(SplitLines(passage.text).size(), 1));
      emit({"- " + Introduction(passage) + " [" + std::to_string(i + 1) + "] " + CodeSpan(passage.citation) + "\n",
            {{i, passage.start_line, passage.start_line + lines - 1}}});
    }
  }

  const ExtractiveOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeExtractiveGenerator(const ExtractiveOptions& options) {
  return std::make_unique<Extractive>(options);
}

}  // namespace codelore::generate
