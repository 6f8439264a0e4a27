#include "generate/extractive.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codelore/utf8.h"
#include "generate/answer_words.h"
#include "generate/excerpt.h"
#include "generate/markdown.h"
#include "generate/prompt.h"
#include "generate/question_form.h"
#include "generate/steps.h"

namespace codelore::generate {
namespace {

constexpr size_t kMaxStepLines = 80;
constexpr size_t kMaxUses = 5;       // of a name, listed
constexpr size_t kSharedLines = 8;  // of a passage that says something about both sides of a comparison, each
constexpr size_t kMaxDefinitions = 2;  // of one name
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

bool IsDefinition(const Passage& passage) {
  return passage.kind != ChunkKind::kSection && passage.kind != ChunkKind::kLines && passage.kind != ChunkKind::kCode && !passage.symbol.empty();
}

// As symbols are compared everywhere: case counts if there is a capital in what was asked.
bool SameName(std::string_view asked, std::string_view name) {
  bool capital = std::ranges::any_of(asked, [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; });
  return capital ? asked == name : asked == LowerCase(name);
}

bool Defines(const Passage& passage, std::string_view asked) {
  return IsDefinition(passage) && SameName(LastComponent(asked), LastComponent(passage.symbol));
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c < 0; }

// The first line of a passage (from 0) with the name as a word of its own; npos: none.
size_t LineWith(const std::vector<std::string_view>& lines, std::string_view name) {
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t at = lines[i].find(name); at != std::string_view::npos; at = lines[i].find(name, at + 1)) {
      size_t end = at + name.size();
      if ((at == 0 || !IsWord(lines[i][at - 1])) && (end >= lines[i].size() || !IsWord(lines[i][end]))) return i;
    }
  }
  return std::string_view::npos;
}

size_t StemsIn(std::string_view text, const std::vector<std::string>& stems) {
  const std::string lower = LowerCase(text);
  return static_cast<size_t>(std::ranges::count_if(stems, [&](const std::string& stem) { return lower.find(stem) != lower.npos; }));
}

// How well a passage stands for one side of a comparison; 0: not at all.
size_t FitOf(const Passage& passage, const std::string& side) {
  if (Defines(passage, side)) return 1000;
  const std::string name = LowerCase(side);
  if (LowerCase(passage.symbol).find(name) != std::string::npos) return 100;
  const std::string text = LowerCase(passage.text);
  size_t occurrences = 0;
  for (size_t at = text.find(name); at != text.npos; at = text.find(name, at + name.size())) ++occurrences;
  if (occurrences > 0) return 10 + std::min<size_t>(occurrences, 80);
  std::vector<std::string> stems = StemsOf(side);
  return stems.size() > 1 && StemsIn(text, stems) == stems.size() ? 5 : 0;
}

// A cell of a table: "|" would end it even inside of a code span.
std::string Cell(std::string_view text) {
  std::string cell;
  for (char c : CodeSpan(text)) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

// One answer. `emit` is called with each piece.
class Composer {
 public:
  using Emit = std::function<void(const AnswerPiece&)>;

  Composer(const AnswerRequest& request, const ExtractiveOptions& options, std::stop_token stop, const Emit& emit)
      : passages_(request.passages), options_(options), form_(FormOf(request.question)), words_(WordsFor(form_.korean)),
        stems_(StemsOf(request.question)), stop_(std::move(stop)), emit_(emit), shown_(request.passages.size(), false) {}

  Status Compose() {
    if (form_.form == AnswerForm::kDefinition) EmitDefinitions(form_.names[0]);
    if (form_.form == AnswerForm::kSteps) EmitSteps();
    if (form_.form == AnswerForm::kDifference) EmitDifference();
    // What the form did not say is quoted as ever.
    const size_t room = options_.max_passages - std::min(options_.max_passages, quoted_.size());
    for (uint32_t i = 0, left = static_cast<uint32_t>(said_ ? 0 : room); i < passages_.size() && left > 0; ++i) {
      if (stop_.stop_requested()) return Unavailable("the answer was stopped");
      if (shown_[i] || !quoted_.insert(passages_[i].text).second) continue;  // a copy is only named
      EmitExcerpt(i, ExcerptOf(passages_[i]));
      --left;
    }
    if (stop_.stop_requested()) return Unavailable("the answer was stopped");
    EmitFurther();
    return OkStatus();
  }

 private:
  // Of how something is done, code is half of what is said.
  std::vector<LineRange> ExcerptOf(const Passage& passage) const {
    std::vector<LineRange> ranges = ChooseExcerpt(passage, stems_, options_.excerpt_lines);
    const bool steps = form_.form == AnswerForm::kSteps && passage.kind == ChunkKind::kSection;
    return steps ? KeepAnnounced(SplitLines(passage.text), std::move(ranges), options_.excerpt_lines) : ranges;
  }

  std::string Introduction(const Passage& passage) const {
    const std::string where = CodeSpan(passage.path);
    if (passage.symbol.empty()) return where;
    if (passage.kind != ChunkKind::kSection) return words_.InFile(CodeSpan(passage.symbol), passage.kind, where);
    return where + ", " + std::string(words_.section) + " " + CodeSpan(passage.scope.empty() ? passage.symbol : passage.scope + " > " + passage.symbol);
  }

  void EmitExcerpt(uint32_t index, const std::vector<LineRange>& ranges, std::string_view before = {}) {
    const Passage& passage = passages_[index];
    std::vector<std::string_view> lines = SplitLines(passage.text);
    AnswerPiece piece{.text = std::string(before) + Introduction(passage) + ":\n\n", .supports = {}};
    for (LineRange range : ranges) {
      auto start = passage.start_line + static_cast<uint32_t>(range.first);
      auto end = passage.start_line + static_cast<uint32_t>(range.last) - 1;
      piece.text += CodeBlock(passage.language, Quote(lines, range, stems_)) + "[" + std::to_string(index + 1) + "] " +
                    CodeSpan(CitationFor(passage, start, end)) + "\n\n";
      piece.supports.push_back({index, start, end});
    }
    shown_[index] = true;
    emit_(piece);
  }

  // ---- "what is X"

  void EmitDefinitions(const std::string& name) {
    for (uint32_t i = 0; i < passages_.size() && quoted_.size() < kMaxDefinitions; ++i) {
      if (!Defines(passages_[i], name) || !quoted_.insert(passages_[i].text).second) continue;
      EmitExcerpt(i, ChooseDefinition(passages_[i], stems_, options_.excerpt_lines));
    }
    said_ = !quoted_.empty();
    if (said_) EmitUses(std::string(LastComponent(name)));
  }

  // Code that has the name in it: where it is called from, first of all.
  void EmitUses(const std::string& name) {
    std::string before(words_.used_in);
    size_t uses = 0;
    for (uint32_t i = 0; i < passages_.size() && uses < kMaxUses; ++i) {
      const Passage& passage = passages_[i];
      if (shown_[i] || passage.kind == ChunkKind::kSection) continue;
      size_t at = LineWith(SplitLines(passage.text), name);
      if (at == std::string_view::npos) continue;
      auto line = passage.start_line + static_cast<uint32_t>(at);
      emit_({before + "- " + Introduction(passage) + " [" + std::to_string(i + 1) + "] " + CodeSpan(CitationFor(passage, line, line)) + "\n", {{i, line, line}}});
      before.clear();
      shown_[i] = true;
      ++uses;
    }
    if (uses > 0) emit_({"\n", {}});
  }

  // ---- "how do I"

  // The numbered list that has most of the question in it, its heading and what announces it, whole and in order.
  void EmitSteps() {
    size_t most = 0, best_passage = 0;
    StepList best;
    for (size_t i = 0; i < passages_.size(); ++i) {
      const Passage& passage = passages_[i];
      std::vector<std::string_view> lines = SplitLines(passage.text);
      for (const StepList& list : FindSteps(passage)) {
        std::string text = passage.path + "\n" + passage.scope + "\n" + passage.symbol + "\n" + Quote(lines, list.lines, stems_);
        size_t stems = StemsIn(text, stems_);
        if (stems <= most || list.lines.size() > kMaxStepLines) continue;
        most = stems;
        best = list;
        best_passage = i;
      }
    }
    if (most * 2 < stems_.size() || most == 0) return;
    quoted_.insert(passages_[best_passage].text);
    EmitExcerpt(static_cast<uint32_t>(best_passage), {best.lines}, std::string(words_.steps) + " ");
  }

  // ---- "difference between A and B"

  std::optional<uint32_t> BestFor(const std::string& side, std::optional<uint32_t> but) const {
    std::optional<uint32_t> best;
    size_t most = 0;
    for (uint32_t i = 0; i < passages_.size(); ++i) {
      size_t fit = but == i ? 0 : FitOf(passages_[i], side);
      if (fit <= most) continue;
      most = fit;
      best = i;
    }
    return best;
  }

  void EmitDifference() {
    const std::string &first = form_.names[0], &second = form_.names[1];
    std::optional<uint32_t> a = BestFor(first, {}), b = BestFor(second, a);
    if (a && b && FitOf(passages_[*a], second) > FitOf(passages_[*b], second)) {  // one is the best for both: it stays with the side that has no other
      if (auto other = BestFor(first, a); other && FitOf(passages_[*other], first) >= FitOf(passages_[*b], second)) b = std::exchange(a, other);
    }
    if (!b) b = BestFor(second, {});  // one passage about both
    if (!a && !b) return;
    if (a && b && IsDefinition(passages_[*a]) && IsDefinition(passages_[*b])) EmitTable(*a, *b);
    for (const auto& [side, index] : {std::pair(first, a), std::pair(second, b)}) EmitSide(side, index, a == b);
    said_ = a && b;
  }

  void EmitSide(const std::string& side, std::optional<uint32_t> index, bool shared) {
    const std::string heading = "**" + CodeSpan(side) + "**\n\n";
    if (!index) return emit_({heading + std::string(words_.nothing_about) + " " + CodeSpan(side) + ".\n\n", {}});
    const Passage& passage = passages_[*index];
    quoted_.insert(passage.text);
    const size_t lines = shared ? kSharedLines : options_.excerpt_lines;
    EmitExcerpt(*index, Defines(passage, side) ? ChooseDefinition(passage, stems_, lines) : ChooseExcerpt(passage, StemsOf(side), lines), heading);
  }

  void EmitTable(uint32_t a, uint32_t b) {
    const Passage* sides[] = {&passages_[a], &passages_[b]};
    auto row = [&](std::string_view name, auto cell) { return "| " + std::string(name) + " | " + cell(*sides[0]) + " | " + cell(*sides[1]) + " |\n"; };
    std::string table = "| | " + Cell(form_.names[0]) + " | " + Cell(form_.names[1]) + " |\n|---|---|---|\n";
    table += row(words_.kind, [&](const Passage& passage) { return std::string(words_.KindName(passage.kind)); });
    table += row(words_.where, [](const Passage& passage) { return Cell(passage.path); });
    if (!sides[0]->signature.empty() || !sides[1]->signature.empty()) {
      table += row(words_.declaration, [](const Passage& passage) { return passage.signature.empty() ? std::string() : Cell(Utf8Prefix(passage.signature, kMaxLineBytes)); });
    }
    emit_({table + "\n", {}});
  }

  // ---- and what else was found

  void EmitFurther() const {
    std::string before(words_.see_also);
    size_t left = options_.max_further;
    for (uint32_t i = 0; i < passages_.size() && left > 0; ++i) {
      const Passage& passage = passages_[i];
      if (shown_[i] || (said_ && passage.kind != ChunkKind::kSection)) continue;  // the code is shown already: documents about it
      auto lines = static_cast<uint32_t>(std::max<size_t>(SplitLines(passage.text).size(), 1));
      emit_({before + "- " + Introduction(passage) + " [" + std::to_string(i + 1) + "] " + CodeSpan(passage.citation) + "\n",
             {{i, passage.start_line, passage.start_line + lines - 1}}});
      before.clear();
      --left;
    }
  }

  const std::span<const Passage> passages_;
  const ExtractiveOptions& options_;
  const QuestionForm form_;
  const AnswerWords& words_;
  const std::vector<std::string> stems_;
  const std::stop_token stop_;
  const Emit& emit_;
  std::vector<bool> shown_;        // by passage
  std::set<std::string> quoted_;   // texts
  bool said_ = false;              // the form has said what was asked
};

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
    AnswerSummary summary{.found = !request.passages.empty(), .generator = std::string(name())};
    if (!summary.found) {
      emit({std::string(WordsFor(FormOf(request.question).korean).nothing_found), {}});
      return summary;
    }
    if (stop.stop_requested()) return Unavailable("the answer was stopped");
    // Names and texts are other people's: what cannot be seen of them stays out.
    const Composer::Emit visible = [&](const AnswerPiece& piece) {
      AnswerPiece shown = piece;
      shown.text = VisibleText(piece.text);
      emit(shown);
    };
    RETURN_IF_ERROR(Composer(request, options_, std::move(stop), visible).Compose());
    return summary;
  }

 private:
  const ExtractiveOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeExtractiveGenerator(const ExtractiveOptions& options) {
  return std::make_unique<Extractive>(options);
}

}  // namespace codelore::generate
