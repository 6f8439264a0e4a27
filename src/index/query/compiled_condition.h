// CompiledCondition: one node of a query tree, ready to test files.
#ifndef CODELORE_INDEX_QUERY_COMPILED_CONDITION_H_
#define CODELORE_INDEX_QUERY_COMPILED_CONDITION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codelore/glob.h"
#include "index/exact/exact_count.h"
#include "index/query/name_pattern.h"
#include "index/query/phrase_match.h"
#include "index/query/query_condition.h"
#include "index/query/symbol_match.h"

namespace codelore::index {

// What tests need to know beside the files.
struct ConditionContext {
  const Snapshot& snapshot;
  const KeyValueStore& store;
  const SearchRequest& request;
  World& world;
  ChunkEvidence* evidence;   // is added to; null: not wanted
  ExactBudget& budget;       // of all exact conditions together
};

class CompiledCondition {
 public:
  // kInvalidArgument, pointing into the request's text, for an expression that is wrong.
  static Result<std::unique_ptr<CompiledCondition>> Compile(const QueryNode& node, const SearchRequest& request);

  // The files of `among` that satisfy it.
  Result<FileSet> Select(const FileSet& among, const ConditionContext& context) const;

  const QueryNode& node() const { return *node_; }
  int cost() const { return cost_; }
  // Of exact conditions beneath that are not negated; and whether there are any about content at all.
  void CollectExact(bool negated, std::vector<const ExactCondition*>& exact, bool& about_content) const;
  // Calls visit for each atom, negated or not.
  void ForEachAtom(const std::function<void(const CompiledCondition&)>& visit) const;

  // Of lang: the canonical name, empty when there is no such language.
  const std::string& language() const { return language_; }
  // Of repo:.
  bool SelectsSegment(const VisibleSegment& segment, const ConditionContext& context) const;
  // Of branch:.
  BranchSet SelectedBranches(SourceId source, const ConditionContext& context) const;
  bool SelectsSource(std::string_view name) const { return name_->Matches(name); }

 private:
  explicit CompiledCondition(const QueryNode& node) : node_(&node) {}
  Status CompileAtom(const SearchRequest& request);
  Status CompileExact(const SearchRequest& request, bool regex);
  Result<FileSet> SelectAtom(const FileSet& among, const ConditionContext& context) const;
  FileSet SelectByRow(const FileSet& among, const ConditionContext& context) const;
  FileSet SelectByChunk(const FileSet& among, const ConditionContext& context) const;

  const QueryNode* node_;
  int cost_ = 0;
  std::vector<std::unique_ptr<CompiledCondition>> children_;
  // Of an atom, one of these:
  std::optional<NamePattern> name_;
  std::optional<PathPattern> path_;
  std::optional<PhraseMatch> phrase_;
  std::optional<SymbolMatch> symbol_;
  std::unique_ptr<ExactCondition> exact_;
  std::string language_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_COMPILED_CONDITION_H_
