#include "index/query/query_condition.h"

#include <algorithm>
#include <tuple>

#include "index/blobs.h"
#include "index/query/compiled_condition.h"
#include "index/query/query_notes.h"

namespace codelore::index {
namespace {

constexpr uint32_t kExactBudgetMilliseconds = 2'000, kNotesBudgetMilliseconds = 500;
constexpr uint64_t kExactBudgetBytes = 256u << 20;
constexpr uint64_t kNotesBudgetBytes = 32u << 20;  // notes are a courtesy
constexpr size_t kMaxMatchesPerFile = 1000;

}  // namespace

void ChunkEvidence::Add(World& world, size_t segment, uint32_t chunk, float amount) {
  if (amounts_.empty()) amounts_.resize(world.segments().size());
  std::vector<float>& of_segment = amounts_[segment];
  if (of_segment.empty()) of_segment.resize(world.segments()[segment].reader().chunk_count());
  of_segment[chunk] += amount;
}

QueryCondition::QueryCondition(const Snapshot& snapshot, const KeyValueStore& store, const SearchRequest& request, World& world)
    : snapshot_(snapshot), store_(store), request_(request), world_(world), ranked_(request), budget_(kExactBudgetMilliseconds, kExactBudgetBytes) {}
QueryCondition::~QueryCondition() = default;

Result<std::unique_ptr<QueryCondition>> QueryCondition::Prepare(const Snapshot& snapshot, const KeyValueStore& store,
                                                                const SearchRequest& request, World& world) {
  std::unique_ptr<QueryCondition> condition(new QueryCondition(snapshot, store, request, world));
  ASSIGN_OR_RETURN(condition->query_, ParseQuery(request.text, request.syntax));
  if (condition->plain()) return condition;
  condition->ranked_.text = RankedTextOf(request.text, condition->query_);
  RETURN_IF_ERROR(condition->Compile());
  RETURN_IF_ERROR(condition->Restrict());
  return condition;
}

Status QueryCondition::Compile() {
  auto add = [this](const QueryNode& node) -> Status {
    if (node.kind == QueryKind::kWord) return OkStatus();  // it ranks
    ASSIGN_OR_RETURN(auto compiled, CompiledCondition::Compile(node, request_));
    compiled->CollectExact(/*negated=*/false, exact_, about_content_);
    conditions_.push_back(std::move(compiled));
    return OkStatus();
  };
  if (query_.tree.kind != QueryKind::kAnd) return add(query_.tree);
  for (const QueryNode& child : query_.tree.children) RETURN_IF_ERROR(add(child));
  return OkStatus();
}

Status QueryCondition::Restrict() {
  ConditionContext context{snapshot_, store_, request_, world_, &evidence_, budget_};
  allowed_ = FileSet::Allowed(world_);
  matching_ = allowed_;
  std::vector<const CompiledCondition*> by_cost;
  for (const auto& condition : conditions_) by_cost.push_back(condition.get());
  std::ranges::stable_sort(by_cost, {}, [](const auto* condition) { return condition->cost(); });
  for (const CompiledCondition* condition : by_cost) {
    ASSIGN_OR_RETURN(matching_, condition->Select(matching_, context));
  }
  for (size_t s = 0; s < world_.segments().size(); ++s) world_.segments()[s].Restrict(matching_.flags(s));
  return OkStatus();
}

std::vector<QueryCondition::FoundFile> QueryCondition::Found() const {
  std::vector<FoundFile> found;
  if (plain() || (!about_content_ && !lists_only())) return found;
  FileSet::ForEach(matching_, [&](size_t s, uint32_t file) {
    bool empty = world_.segments()[s].reader().file(file).chunk_count == 0;  // nothing to show
    if (!empty) found.push_back({static_cast<uint32_t>(s), file});
  });
  if (found.size() <= kMaxFound) return found;
  auto key = [this](const FoundFile& each) {
    const SegmentReader& reader = world_.segments()[each.segment].reader();
    const FileRow& row = reader.file(each.file);
    float evidence = 0;
    for (uint32_t c = 0; c < row.chunk_count; ++c) evidence = std::max(evidence, Evidence(each.segment, row.first_chunk + c));
    std::string_view path = reader.StringsOf(row).path;
    return std::tuple(-evidence, std::ranges::count(path, '/'), path);
  };
  std::vector<std::pair<decltype(key(found[0])), FoundFile>> keyed;
  for (const FoundFile& each : found) keyed.emplace_back(key(each), each);
  std::ranges::nth_element(keyed, keyed.begin() + kMaxFound, {}, [](const auto& each) { return each.first; });
  found.resize(kMaxFound);
  for (size_t i = 0; i < kMaxFound; ++i) found[i] = keyed[i].second;
  return found;
}

Result<std::vector<std::pair<size_t, size_t>>> QueryCondition::ExactMatches(size_t segment, uint32_t file) const {
  std::vector<std::pair<size_t, size_t>> matches;
  const VisibleSegment& visible = world_.segments()[segment];
  ASSIGN_OR_RETURN(std::string text, ReadBlob(store_, visible.partition().tenant, visible.reader().file(file).blob));
  for (const ExactCondition* exact : exact_) {
    auto found = exact->Matches(text, kMaxMatchesPerFile);
    matches.insert(matches.end(), found.begin(), found.end());
  }
  return matches;
}

Result<std::vector<std::string>> QueryCondition::Notes(uint64_t hits, bool any_shown) const {
  ExactBudget budget(kNotesBudgetMilliseconds, kNotesBudgetBytes);
  ConditionContext context{snapshot_, store_, request_, world_, nullptr, budget};
  QueryNotes notes(context, conditions_);
  notes.AddUnknownNames();
  if (any_shown) return notes.Take();
  if (hits > 0) {
    notes.AddOffset(hits);
  } else if (!notes.AddEmptyWorld()) {
    FileSet all = plain() ? FileSet::Allowed(world_) : allowed_;
    RETURN_IF_ERROR(notes.AddWhyNothing(all, plain() ? all : matching_, ranked_.text));
    if (!plain() && request_.syntax == QuerySyntax::kAuto) notes.AddReading(query_.tree);
  }
  return notes.Take();
}

}  // namespace codelore::index
