#include "index/query/query_notes.h"

#include <algorithm>
#include <set>

#include "codelore/utf8.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxConditionsNoted = 8;

std::string Counted(uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}
std::string Files(uint64_t number) { return Counted(number, "file", "files"); }

std::string Shown(const QueryNode& node) {
  std::string text = PrintQuery(node);
  if (node.kind == QueryKind::kOr) text = "(" + text + ")";
  return text.size() <= 120 ? text : std::string(Utf8Prefix(text, 120)) + "…";
}

// The closest of `names` within two edits; empty if there is none.
std::string Closest(std::string_view name, const std::vector<std::string>& names) {
  for (size_t limit = 1; limit <= 2; ++limit) {
    for (const std::string& candidate : names) {
      if (candidate.size() > limit + 1 && WithinEdits(LowerAscii(name), LowerAscii(candidate), limit)) return candidate;
    }
  }
  return "";
}

std::string Suggestion(std::string_view name, const std::vector<std::string>& names) {
  std::string closest = Closest(name, names);
  return closest.empty() ? "" : "; did you mean " + closest + "?";
}

}  // namespace

bool WithinEdits(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > 64 || b.size() > 64 || std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return false;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()] <= limit;
}

std::vector<std::string> QueryNotes::LanguagesInSight() const {
  std::set<std::string, std::less<>> languages;
  for (const VisibleSegment& segment : context_.world.segments()) {
    for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
      if (segment.live().FileDeleted(file)) continue;
      std::string_view language = segment.reader().StringsOf(segment.reader().file(file)).language;
      if (!languages.contains(language)) languages.emplace(language);
    }
  }
  return {languages.begin(), languages.end()};
}

void QueryNotes::AddUnknownNames() {
  for (const auto& condition : conditions_) {
    condition->ForEachAtom([this](const CompiledCondition& atom) {
      if (AddUnknownName(atom)) unknown_.push_back(&atom.node());
    });
  }
}

bool QueryNotes::AddUnknownName(const CompiledCondition& atom) {
  const std::string& text = atom.node().text;
  if (atom.node().kind == QueryKind::kLanguage && atom.language().empty()) {
    notes_.push_back(Shown(atom.node()) + " is not a known language" + Suggestion(text, LanguagesInSight()));
  } else if (atom.node().kind == QueryKind::kSource) {
    std::vector<std::string> names;
    for (const auto& [id, name] : context_.request.source_names) names.push_back(name);
    if (std::ranges::any_of(names, [&](const std::string& name) { return atom.SelectsSource(name); })) return false;
    notes_.push_back("no source named '" + text + "' that you may read" + Suggestion(text, names));
  } else if (atom.node().kind == QueryKind::kBranch) {
    std::set<std::string> branches;
    const auto& sources = context_.request.filter.sources;
    for (const auto& [source, name] : context_.request.source_names) {
      if (!sources.empty() && std::ranges::find(sources, source) == sources.end()) continue;
      if (atom.SelectedBranches(source, context_) != 0) return false;
      auto state = context_.snapshot.sources.find(source);
      if (state == context_.snapshot.sources.end()) continue;
      for (std::string& branch : BranchNames(state->second, ~BranchSet{0})) branches.insert(std::move(branch));
    }
    std::string list;
    size_t listed = 0;
    for (const std::string& branch : branches) {
      if (++listed <= 5) list += (list.empty() ? "; indexed: " : ", ") + branch;
    }
    notes_.push_back("branch '" + text + "' is not indexed in any source searched" + list + (branches.size() > 5 ? ", ..." : ""));
  } else {
    return false;
  }
  return true;
}

void QueryNotes::AddOffset(uint64_t hits) {
  notes_.push_back("the offset skips all of the " + Counted(hits, "hit", "hits"));
}

bool QueryNotes::AddEmptyWorld() {
  if (context_.request.source_names.empty()) {
    notes_.push_back("there is no source that you may read");
  } else if (context_.world.live_chunks() == 0) {
    bool said = std::ranges::any_of(unknown_, [](const QueryNode* node) { return node->kind == QueryKind::kBranch; });
    if (!said) notes_.push_back("the sources searched have nothing indexed yet");
  } else {
    return false;
  }
  return true;
}

Status QueryNotes::AddWhyNothing(const FileSet& allowed, const FileSet& matching, std::string_view ranked) {
  if (allowed.count() == 0) {
    notes_.push_back("no file passes the filters (sources, paths, languages)");
    return OkStatus();
  }
  if (uint64_t count = matching.count(); count > 0) {
    bool all = conditions_.empty();
    std::string words(ranked.size() <= 120 ? ranked : Utf8Prefix(ranked, 120));
    notes_.push_back((all ? "no file has any word of: " : "of the " + Files(count) + " that satisfy the conditions, none has any word of: ") + words);
    return OkStatus();
  }
  if (conditions_.size() == 1) {
    if (unknown_.empty()) notes_.push_back("no file matches " + Shown(conditions_[0]->node()));
    return OkStatus();
  }
  for (size_t i = 0; i < std::min(conditions_.size(), kMaxConditionsNoted); ++i) RETURN_IF_ERROR(AddCondition(i, allowed));
  if (notes_.empty()) {
    notes_.push_back("no file satisfies all " + std::to_string(conditions_.size()) + " conditions together");
  }
  return OkStatus();
}

// Says what a condition excludes, if no file is left because of it.
Status QueryNotes::AddCondition(size_t index, const FileSet& allowed) {
  FileSet rest = allowed;
  for (size_t i = 0; i < conditions_.size(); ++i) {
    if (i == index) continue;
    auto selected = conditions_[i]->Select(rest, context_);
    if (!selected.ok()) return selected.status().code() == StatusCode::kInvalidArgument ? OkStatus() : selected.status();
    rest = std::move(*selected);
  }
  uint64_t others = rest.count();
  auto alone = conditions_[index]->Select(allowed, context_);
  if (!alone.ok()) return alone.status().code() == StatusCode::kInvalidArgument ? OkStatus() : alone.status();
  uint64_t count = alone->count();
  std::string shown = Shown(conditions_[index]->node());
  std::string others_text = Files(others) + (others == 1 ? " matches the rest" : " match the rest");
  if (std::ranges::find(unknown_, &conditions_[index]->node()) != unknown_.end()) {
    if (others > 0) notes_.push_back(others_text + " of the query");
  } else if (count == 0) {
    notes_.push_back("no file matches " + shown + "; " + others_text);
  } else if (others > 0) {
    notes_.push_back(Files(count) + (count == 1 ? " matches " : " match ") + shown + " and " + others_text + ", but none both");
  }
  return OkStatus();
}

void QueryNotes::AddReading(const QueryNode& tree) {
  auto field = [](const QueryNode& node) { return node.kind == QueryKind::kWord || !FieldPrefix(node.kind).empty(); };
  bool fields_only = tree.kind == QueryKind::kAnd ? std::ranges::all_of(tree.children, field) : field(tree);
  if (!fields_only) notes_.push_back("the query was read as: " + Shown(tree) + " (syntax plain searches its words as they are)");
}

}  // namespace codelore::index
