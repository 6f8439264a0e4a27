#include "index/query/compiled_condition.h"

#include <algorithm>

#include "index/query/query_tokens.h"

namespace codelore::index {
namespace {

enum Cost { kBySource, kByLanguage, kByPath, kByTerm, kByPhrase, kBySymbol, kByText };

float EvidenceOf(QueryKind kind) { return kind == QueryKind::kSymbol ? 4.0f : kind == QueryKind::kPhrase ? 2.0f : 1.0f; }

// A negation does not see what evidence there is.
ConditionContext WithoutEvidence(const ConditionContext& context) {
  return {context.snapshot, context.store, context.request, context.world, nullptr, context.budget};
}

}  // namespace

Result<std::unique_ptr<CompiledCondition>> CompiledCondition::Compile(const QueryNode& node, const SearchRequest& request) {
  std::unique_ptr<CompiledCondition> compiled(new CompiledCondition(node));
  if (IsAtom(node.kind)) {
    RETURN_IF_ERROR(compiled->CompileAtom(request));
    return compiled;
  }
  for (const QueryNode& child : node.children) {
    ASSIGN_OR_RETURN(auto part, Compile(child, request));
    compiled->cost_ = std::max(compiled->cost_, part->cost_);
    compiled->children_.push_back(std::move(part));
  }
  std::ranges::stable_sort(compiled->children_, {}, [](const auto& child) { return child->cost_; });
  return compiled;
}

Status CompiledCondition::CompileAtom(const SearchRequest& request) {
  const std::string& text = node_->text;
  switch (node_->kind) {
    case QueryKind::kSource:
      cost_ = kBySource;
      name_.emplace(text, NamePattern::Case::kIgnored);
      return OkStatus();
    case QueryKind::kBranch:
      cost_ = kBySource;
      return OkStatus();
    case QueryKind::kLanguage:
      cost_ = kByLanguage;
      language_ = request.canonical_language ? request.canonical_language(text) : LowerAscii(text);
      return OkStatus();
    case QueryKind::kPath:
      cost_ = kByPath;
      if (text.find_first_of("*?[") != std::string::npos) path_.emplace(text);
      name_.emplace(text);
      return OkStatus();
    case QueryKind::kSymbol:
      cost_ = kBySymbol;
      symbol_.emplace(text);
      return OkStatus();
    case QueryKind::kRegex: return CompileExact(request, /*regex=*/true);
    case QueryKind::kPhrase:
      if (IsCode(text)) return CompileExact(request, /*regex=*/false);
      [[fallthrough]];
    default:
      cost_ = node_->kind == QueryKind::kPhrase ? kByPhrase : kByTerm;
      phrase_.emplace(text);
      return phrase_->empty() ? CompileExact(request, /*regex=*/false) : OkStatus();
  }
}

Status CompiledCondition::CompileExact(const SearchRequest& request, bool regex) {
  cost_ = kByText;
  phrase_.reset();
  auto exact = ExactCondition::Compile(node_->text, regex);
  if (!exact.ok()) return QueryError(request.text, node_->offset, exact.status().message());
  exact_ = std::move(*exact);
  return OkStatus();
}

void CompiledCondition::CollectExact(bool negated, std::vector<const ExactCondition*>& exact, bool& about_content) const {
  if (node_->kind == QueryKind::kNot) negated = !negated;
  for (const auto& child : children_) child->CollectExact(negated, exact, about_content);
  if (negated || !IsAtom(node_->kind)) return;
  if (exact_) exact.push_back(exact_.get());
  about_content = about_content || exact_ || phrase_ || symbol_;
}

void CompiledCondition::ForEachAtom(const std::function<void(const CompiledCondition&)>& visit) const {
  if (IsAtom(node_->kind)) visit(*this);
  for (const auto& child : children_) child->ForEachAtom(visit);
}

Result<FileSet> CompiledCondition::Select(const FileSet& among, const ConditionContext& context) const {
  if (node_->kind == QueryKind::kNot) {
    ASSIGN_OR_RETURN(FileSet out, children_[0]->Select(among, WithoutEvidence(context)));
    FileSet rest = among;
    rest.RemoveAll(out);
    return rest;
  }
  if (node_->kind == QueryKind::kAnd) {
    FileSet all = among;
    for (const auto& child : children_) {
      ASSIGN_OR_RETURN(all, child->Select(all, context));
    }
    return all;
  }
  if (node_->kind != QueryKind::kOr) return SelectAtom(among, context);
  FileSet any = FileSet::None(context.world), rest = among;
  for (const auto& child : children_) {
    ASSIGN_OR_RETURN(FileSet found, child->Select(rest, context));
    any.AddAll(found);
    rest.RemoveAll(found);
  }
  return any;
}

Result<FileSet> CompiledCondition::SelectAtom(const FileSet& among, const ConditionContext& context) const {
  if (phrase_ || symbol_) return SelectByChunk(among, context);
  if (!exact_) return SelectByRow(among, context);
  auto found = exact_->FilesWithMatch(context.world, context.store, among, context.budget);
  if (!found.ok() && found.status().code() == StatusCode::kResourceExhausted) {
    return QueryError(context.request.text, node_->offset, found.status().message());
  }
  return found;
}

bool CompiledCondition::SelectsSegment(const VisibleSegment& segment, const ConditionContext& context) const {
  SourceId source = segment.partition().source;
  return std::ranges::any_of(context.request.source_names,
                             [&](const auto& named) { return named.first == source && name_->Matches(named.second); });
}

BranchSet CompiledCondition::SelectedBranches(SourceId source, const ConditionContext& context) const {
  auto state = context.snapshot.sources.find(source);
  return state == context.snapshot.sources.end() ? 0 : BranchesNamed(state->second, {node_->text});
}

FileSet CompiledCondition::SelectByRow(const FileSet& among, const ConditionContext& context) const {
  FileSet selected = FileSet::None(context.world);
  bool by_branch = node_->kind == QueryKind::kBranch;
  bool by_source = node_->kind == QueryKind::kSource;
  for (size_t s = 0; s < context.world.segments().size(); ++s) {
    const VisibleSegment& segment = context.world.segments()[s];
    if (by_source && !SelectsSegment(segment, context)) continue;
    BranchSet branches = by_branch ? SelectedBranches(segment.partition().source, context) : 0;
    if (by_branch && branches == 0) continue;
    for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
      if (!among.Has(s, file)) continue;
      FileStrings strings = cost_ == kBySource ? FileStrings() : segment.reader().StringsOf(segment.reader().file(file));
      bool yes = by_source || (by_branch && (segment.live().BranchesOf(file) & branches) != 0);
      if (cost_ == kByLanguage) yes = !language_.empty() && strings.language == language_;
      if (cost_ == kByPath) yes = path_ ? path_->Matches(strings.path) : name_->IsPartOf(strings.path);
      if (yes) selected.Add(s, file);
    }
  }
  return selected;
}

FileSet CompiledCondition::SelectByChunk(const FileSet& among, const ConditionContext& context) const {
  FileSet selected = FileSet::None(context.world);
  for (size_t s = 0; s < context.world.segments().size(); ++s) {
    if (!among.HasAnyOf(s)) continue;
    const SegmentReader& reader = context.world.segments()[s].reader();
    auto wanted = [&](uint32_t chunk) { return among.Has(s, reader.chunk(chunk).file); };
    auto visit = [&](uint32_t chunk) {
      selected.Add(s, reader.chunk(chunk).file);
      if (context.evidence != nullptr) context.evidence->Add(context.world, s, chunk, EvidenceOf(node_->kind));
    };
    phrase_ ? phrase_->ForEachChunk(reader, wanted, visit) : symbol_->ForEachChunk(reader, wanted, visit);
  }
  return selected;
}

}  // namespace codelore::index
