#include "api/form_passages.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "generate/question_form.h"
#include "generate/steps.h"

namespace codelore::api {
namespace {

constexpr size_t kDefinitions = 2;        // of one name
constexpr size_t kCallers = 4;
constexpr size_t kPerSide = 2;            // passages about each side of a comparison
constexpr uint32_t kDefinitionLines = 60;  // of a definition that no hit holds
constexpr size_t kStepHits = 4;            // hits whose lists are looked at
constexpr uint32_t kStepLines = 60;        // around them
constexpr size_t kDocuments = 4;           // passages of documents for what one does
constexpr double kNearlyAsMuch = 0.75;     // of the best hit's share of the question's words

// Lines first..last (from 1) of a text.
std::string LinesOf(std::string_view text, uint32_t first, uint32_t last) {
  size_t begin = 0;
  for (uint32_t line = 1; line < first && begin < text.size(); ++line) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  size_t end = begin;
  for (uint32_t line = first; line <= last && end < text.size(); ++line) end = std::min(text.find('\n', end), text.size() - 1) + 1;
  return std::string(text.substr(begin, end - begin));
}

bool IsAt(const NamedHit& named, const SymbolPlace& place, uint32_t line) {
  return named.hit.source == place.source && named.hit.path == place.path && named.hit.start_line <= line && line <= named.hit.end_line;
}

class FormPassages {
 public:
  FormPassages(const Service& service, const Viewer& viewer, const AskQuestion& question, std::vector<NamedHit>& hits)
      : service_(service), viewer_(viewer), scope_{question.sources, question.paths, question.languages, question.branch}, hits_(hits), pool_(hits) {}

  // Whether there is one.
  Result<bool> AddDefinitions(const std::string& name, size_t limit) {
    ASSIGN_OR_RETURN(auto symbols, service_.FindSymbols(viewer_, {.name = name, .filter = {}, .limit = limit + kDefinitions}, scope_));
    auto& definitions = symbols.found.definitions;
    // Of several, those that the search found as well.
    std::ranges::stable_partition(definitions, [&](const FoundDefinition& found) { return InPool(found) != pool_.end(); });
    if (definitions.size() > limit) definitions.resize(limit);
    for (const FoundDefinition& found : definitions) RETURN_IF_ERROR(AddDefinition(found, symbols.sources));
    return !definitions.empty();
  }

  Status AddCallers(const std::string& name) {
    ReferenceRequest request{.name = name, .kinds = {}, .filter = {}, .limit = kCallers, .callers = true};
    ASSIGN_OR_RETURN(auto references, service_.FindReferences(viewer_, request, scope_));
    for (const FoundCaller& caller : references.found.callers) {
      const bool itself = generate::LastComponent(caller.symbol) == generate::LastComponent(name);
      if (caller.lines.empty() || itself || Has(caller.place, caller.lines[0])) continue;
      Hit hit{.kind = caller.symbol.empty() ? ChunkKind::kCode : caller.kind, .symbol = caller.symbol, .start_line = caller.lines[0], .end_line = caller.lines[0]};
      RETURN_IF_ERROR(AddRead(std::move(hit), caller.place, references.sources));
    }
    return OkStatus();
  }

  void Found(const std::vector<NamedHit>& hits) { pool_.insert(pool_.end(), hits.begin(), hits.end()); }

  void Add(NamedHit named) {
    auto same = [&](const NamedHit& other) { return other.citation == named.citation; };
    if (std::ranges::none_of(first_, same)) first_.push_back(std::move(named));
  }

  void Finish(size_t limit) {
    std::erase_if(hits_, [&](const NamedHit& named) {
      return std::ranges::any_of(first_, [&](const NamedHit& other) { return other.citation == named.citation; });
    });
    hits_.insert(hits_.begin(), std::make_move_iterator(first_.begin()), std::make_move_iterator(first_.end()));
    if (hits_.size() > limit) hits_.resize(limit);
  }

 private:
  bool Has(const SymbolPlace& place, uint32_t line) const {
    return std::ranges::any_of(first_, [&](const NamedHit& named) { return IsAt(named, place, line); });
  }

  std::vector<NamedHit>::const_iterator InPool(const FoundDefinition& found) const {
    return std::ranges::find_if(pool_, [&](const NamedHit& named) {
      return IsAt(named, found.place, found.line) && generate::LastComponent(named.hit.symbol) == found.name;
    });
  }

  Status AddDefinition(const FoundDefinition& found, const std::map<SourceId, std::string>& sources) {
    if (Has(found.place, found.line)) return OkStatus();
    if (auto at = InPool(found); at != pool_.end()) {
      Add(*at);
      return OkStatus();
    }
    Hit hit{.kind = found.kind, .symbol = found.qualified, .signature = found.text, .start_line = found.start_line,
            .end_line = std::max(found.line, std::min(found.end_line, found.start_line + kDefinitionLines - 1))};
    return AddRead(std::move(hit), found.place, sources);
  }

  // Fills in the rest from the file.
  Status AddRead(Hit hit, const SymbolPlace& place, const std::map<SourceId, std::string>& sources) {
    auto source = sources.find(place.source);
    if (source == sources.end()) return OkStatus();
    auto file = service_.ReadFile(viewer_, source->second, place.path, place.branch);
    if (!file.ok()) return file.status().code() == StatusCode::kNotFound ? OkStatus() : file.status();  // gone in this moment
    hit.text = LinesOf(file->text, hit.start_line, hit.end_line);
    if (hit.text.empty()) return OkStatus();  // another version, just now
    hit.source = place.source;
    hit.revision = file->revision;
    hit.branch = file->branch;
    hit.branches = {file->branch};
    hit.path = place.path;
    hit.language = file->language;
    hit.score = hits_.empty() ? 1 : hits_.front().hit.score;
    hit.coverage = 1;
    std::string citation = CitationOf(source->second, hit);
    Add({std::move(hit), source->second, std::move(citation)});
    return OkStatus();
  }

  const Service& service_;
  const Viewer& viewer_;
  const Scope scope_;
  std::vector<NamedHit>& hits_;
  std::vector<NamedHit> pool_;   // what was found so far
  std::vector<NamedHit> first_;  // what is put before it
};

// Something about each side. Half of a comparison is none, unless the question's own words found something.
Status AddSides(const Service& service, const Viewer& viewer, const AskQuestion& question, const generate::QuestionForm& form, const Fitting& fits,
                bool found_any, FormPassages& passages) {
  std::vector<std::vector<NamedHit>> sides;
  size_t found = 0;
  for (const std::string& name : form.names) {
    ASSIGN_OR_RETURN(SearchReply reply, service.Search(viewer, {.text = name, .sources = question.sources, .paths = question.paths, .languages = question.languages,
                                                                .limit = kPerSide, .branch = question.branch}));
    std::erase_if(reply.hits, [&](const NamedHit& named) { return !fits(named.hit, name); });
    passages.Found(reply.hits);
    ASSIGN_OR_RETURN(bool defined, passages.AddDefinitions(name, 1));
    found += defined || !reply.hits.empty() ? 1 : 0;
    sides.push_back(std::move(reply.hits));
  }
  if (found < form.names.size() && !found_any) return OkStatus();
  for (size_t i = 0; i < kPerSide; ++i) {
    for (auto& side : sides) {
      if (i < side.size()) passages.Add(std::move(side[i]));
    }
  }
  passages.Finish(std::max(question.passages, size_t{1}));
  return OkStatus();
}

// How something is done stands in documents: where they say as much of the question as code does, they go first. Code that has the
// same words is how it is made.
Status AddDocuments(const Service& service, const Viewer& viewer, const AskQuestion& question, const Fitting& fits, std::vector<NamedHit>& hits) {
  if (!question.languages.empty()) return OkStatus();
  const std::string& text = question.search_text.empty() ? question.text : question.search_text;
  ASSIGN_OR_RETURN(SearchReply reply, service.Search(viewer, {.text = text, .sources = question.sources, .paths = question.paths,
                                                              .languages = {"markdown", "restructuredtext", "asciidoc", "text"}, .limit = kDocuments,
                                                              .per_file = 2, .branch = question.branch}));
  double most = 0;
  for (const NamedHit& named : hits) most = std::max(most, named.hit.coverage);
  std::erase_if(reply.hits, [&](const NamedHit& named) {
    return named.hit.kind != ChunkKind::kSection || !fits(named.hit, question.text) || named.hit.coverage < kNearlyAsMuch * most;
  });
  FormPassages passages(service, viewer, question, hits);
  for (NamedHit& named : reply.hits) passages.Add(std::move(named));
  passages.Finish(std::max(question.passages, size_t{1}));
  return OkStatus();
}

// A numbered list that a chunk's border cuts, or that begins right behind it, belongs to the hit as a whole.
void CompleteSteps(NamedHit& named, const std::string& text) {
  Hit& hit = named.hit;
  const uint32_t first = hit.start_line > kStepLines ? hit.start_line - kStepLines : 1;
  const std::string window = LinesOf(text, first, hit.end_line + kStepLines);
  const std::vector<std::string_view> lines = generate::SplitLines(window);
  uint32_t begin = hit.start_line, end = hit.end_line;
  for (const generate::StepList& list : generate::FindSteps({.kind = ChunkKind::kSection, .text = window})) {
    uint32_t from = first + static_cast<uint32_t>(list.lines.first), to = first + static_cast<uint32_t>(list.lines.last) - 1;
    uint32_t next = end + 1;
    while (next < from && lines[next - first].find_first_not_of(" \t\r\n") == std::string_view::npos) ++next;
    if (to < begin || from > next) continue;
    begin = std::min(begin, from);
    end = std::max(end, to);
  }
  if (begin == hit.start_line && end == hit.end_line) return;
  hit.text = LinesOf(text, begin, end);
  hit.line_weights.insert(hit.line_weights.begin(), hit.start_line - begin, 0.0f);
  hit.line_weights.resize(end - begin + 1, 0.0f);
  hit.start_line = begin;
  hit.end_line = end;
  named.citation = CitationOf(named.source, hit);
}

}  // namespace

Status AddFormPassages(const Service& service, const Viewer& viewer, const AskQuestion& question, const Fitting& fits, std::vector<NamedHit>* hits) {
  const generate::QuestionForm form = generate::FormOf(question.text);
  if (form.form == generate::AnswerForm::kSteps) {
    RETURN_IF_ERROR(AddDocuments(service, viewer, question, fits, *hits));
    for (size_t i = 0; i < std::min(hits->size(), kStepHits); ++i) {
      NamedHit& named = (*hits)[i];
      if (named.hit.kind != ChunkKind::kSection) continue;
      auto file = service.ReadFile(viewer, named.source, named.hit.path, named.hit.branch);
      if (file.ok() && file->revision == named.hit.revision) CompleteSteps(named, file->text);
    }
    return OkStatus();
  }
  FormPassages passages(service, viewer, question, *hits);
  if (form.form == generate::AnswerForm::kDifference) return AddSides(service, viewer, question, form, fits, !hits->empty(), passages);
  if (form.form != generate::AnswerForm::kDefinition) return OkStatus();
  ASSIGN_OR_RETURN(bool defined, passages.AddDefinitions(form.names[0], kDefinitions));
  if (defined) RETURN_IF_ERROR(passages.AddCallers(form.names[0]));
  passages.Finish(std::max(question.passages, size_t{1}));
  return OkStatus();
}

}  // namespace codelore::api
