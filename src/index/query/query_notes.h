// QueryNotes: sentences that say why a query found nothing, from what its viewer may see and nothing else.
#ifndef CODELORE_INDEX_QUERY_QUERY_NOTES_H_
#define CODELORE_INDEX_QUERY_QUERY_NOTES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/query/compiled_condition.h"

namespace codelore::index {

class QueryNotes {
 public:
  QueryNotes(const ConditionContext& context, const std::vector<std::unique_ptr<CompiledCondition>>& conditions)
      : context_(context), conditions_(conditions) {}

  // Languages, sources and branches that the query names and that are not there.
  void AddUnknownNames();
  // The offset skips all of `hits`.
  void AddOffset(uint64_t hits);
  // True when there is nothing to search at all, which it then says.
  bool AddEmptyWorld();
  // `allowed`: what passes the request's filters; `matching`: and the query's conditions; `ranked`: what ranks.
  Status AddWhyNothing(const FileSet& allowed, const FileSet& matching, std::string_view ranked);
  // How operators were read, if they may not have been meant as such.
  void AddReading(const QueryNode& tree);

  std::vector<std::string> Take() { return std::move(notes_); }

 private:
  bool AddUnknownName(const CompiledCondition& atom);  // false: the name is known
  std::vector<std::string> LanguagesInSight() const;
  Status AddCondition(size_t index, const FileSet& allowed);

  ConditionContext context_;
  const std::vector<std::unique_ptr<CompiledCondition>>& conditions_;
  std::vector<std::string> notes_;
  std::vector<const QueryNode*> unknown_;  // nodes that were noted
};

// Whether `a` becomes `b` by changing, adding, leaving out or swapping neighbouring letters at most `limit` times.
bool WithinEdits(std::string_view a, std::string_view b, size_t limit);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_QUERY_NOTES_H_
