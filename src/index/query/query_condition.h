// QueryCondition: a query of the query language at work on a World.
//
// Prepare parses the request's text, finds the files that satisfy its conditions, and restricts the world to them
// before anything is ranked or counted. Conditions are tested set by set over all files, cheap ones first: sources,
// languages, paths, words by postings, phrases by positions, definitions, and expressions over the text last.
// A plain query costs nothing here. Not thread-safe; borrows everything it is made from.
#ifndef CODELORE_INDEX_QUERY_QUERY_CONDITION_H_
#define CODELORE_INDEX_QUERY_QUERY_CONDITION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/exact/exact_count.h"
#include "index/query/exact_condition.h"
#include "index/query/file_set.h"
#include "index/query/query_parser.h"
#include "index/snapshot.h"

namespace codelore::index {

// How well chunks satisfy the conditions on content: 0 for those that do not.
class ChunkEvidence {
 public:
  void Add(World& world, size_t segment, uint32_t chunk, float amount);
  float Of(size_t segment, uint32_t chunk) const {
    return segment < amounts_.size() && !amounts_[segment].empty() ? amounts_[segment][chunk] : 0;
  }

 private:
  std::vector<std::vector<float>> amounts_;  // by segment and chunk; empty: all 0
};

class CompiledCondition;

class QueryCondition {
 public:
  static Result<std::unique_ptr<QueryCondition>> Prepare(const Snapshot& snapshot, const KeyValueStore& store,
                                                         const SearchRequest& request, World& world);
  ~QueryCondition();

  bool plain() const { return query_.plain; }
  // The request with the text that ranks in place of the query.
  const SearchRequest& ranked() const { return ranked_; }
  // Nothing ranks: the files that satisfy the conditions are listed, source before tests, by path.
  bool lists_only() const { return !query_.plain && ranked_.text.empty(); }
  std::string ReadAs() const { return query_.plain ? "" : PrintQuery(query_.tree); }

  struct FoundFile {
    uint32_t segment = 0, file = 0;
  };
  // Files that are candidates whatever they score: those whose content satisfies a condition, or all when nothing
  // ranks. At most kMaxFound.
  std::vector<FoundFile> Found() const;
  static constexpr size_t kMaxFound = 1200;

  float Evidence(size_t segment, uint32_t chunk) const { return evidence_.Of(segment, chunk); }

  // Whether a condition is about a file's very bytes.
  bool has_exact() const { return !exact_.empty(); }
  // Where a file's text matches such conditions: bytes [begin, end), up to a cap.
  Result<std::vector<std::pair<size_t, size_t>>> ExactMatches(size_t segment, uint32_t file) const;

  // What is worth saying of the query itself ("no language 'pyton'"), and, when there are no hits, why.
  // `hits` is how many there would be without limit and offset.
  Result<std::vector<std::string>> Notes(uint64_t hits, bool any_shown) const;

 private:
  QueryCondition(const Snapshot& snapshot, const KeyValueStore& store, const SearchRequest& request, World& world);
  Status Compile();
  Status Restrict();

  const Snapshot& snapshot_;
  const KeyValueStore& store_;
  const SearchRequest& request_;
  World& world_;
  SearchRequest ranked_;
  ParsedQuery query_;
  std::vector<std::unique_ptr<CompiledCondition>> conditions_;  // of the top level; all must hold
  std::vector<const ExactCondition*> exact_;                    // those that are not negated; owned by conditions_
  FileSet allowed_;   // before the conditions
  FileSet matching_;  // with them
  ChunkEvidence evidence_;
  ExactBudget budget_;
  bool about_content_ = false;  // a condition that is not negated tests what is in files
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_QUERY_CONDITION_H_
