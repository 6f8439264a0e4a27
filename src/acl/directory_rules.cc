// Path rules of the Directory.
#include <algorithm>
#include <tuple>
#include <utility>

#include "acl/edit.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxRules = 1000;

auto FindByHand(Source& source, std::string_view pattern) {
  return std::ranges::find_if(source.rules, [&](const PathRule& rule) { return rule.order == 0 && rule.pattern == pattern; });
}

}  // namespace

Status Directory::SetRule(SourceId id, std::string_view pattern, std::vector<std::string> principals) {
  RETURN_IF_ERROR(ValidateRulePattern(pattern));
  for (const std::string& principal : principals) RETURN_IF_ERROR(ValidatePrincipal(principal));
  SortUnique(principals);
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  Edit edit(*state);
  Source source = *found;
  auto rule = FindByHand(source, pattern);
  if (rule != source.rules.end()) {
    Label label{.id = rule->label, .tenant = source.tenant, .principals = std::move(principals)};
    edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
    return Commit(*state, std::move(edit));
  }
  if (source.rules.size() >= kMaxRules) return InvalidArgument("more than 1000 rules for one source");
  Label label{.id = {edit.NewId()}, .tenant = source.tenant, .principals = std::move(principals)};
  for (LabelPartition& each : source.partitions) each.also.push_back(label.id);  // any may hold files of the new rule
  source.partitions.push_back({label.id, {edit.NewId()}});
  source.rules.push_back({std::string(pattern), label.id});
  ++source.rules_version;
  edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

Status Directory::RemoveRule(SourceId id, std::string_view pattern) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  Source source = *found;
  auto rule = FindByHand(source, pattern);
  if (rule == source.rules.end()) return NotFound("there is no rule for '" + std::string(pattern) + "'");
  // Its files may go anywhere; they stay under its label, too, as long as they lie where they are.
  LabelPartition& own = *std::ranges::find(source.partitions, rule->label, &LabelPartition::label);
  source.rules.erase(rule);
  own.also.push_back(source.label);
  for (const PathRule& other : source.rules) own.also.push_back(other.label);
  SortUnique(own.also);
  ++source.rules_version;
  Edit edit(*state);
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

// Which files move is not worked out: until they are sorted, who reads any of the source must be named by every rule.
Status Directory::ImportRules(SourceId id, std::vector<ImportedRule> rules) {
  for (ImportedRule& rule : rules) {
    RETURN_IF_ERROR(ValidateRulePattern(rule.pattern));
    for (const std::string& principal : rule.principals) RETURN_IF_ERROR(ValidatePrincipal(principal));
    SortUnique(rule.principals);
  }
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  Edit edit(*state);
  Source source = *found;
  std::vector<PathRule> before;
  for (const PathRule& rule : source.rules) {
    if (rule.order != 0) before.push_back(rule);
  }
  std::erase_if(source.rules, [](const PathRule& rule) { return rule.order != 0; });
  if (source.rules.size() + rules.size() > kMaxRules) return InvalidArgument("more than 1000 rules for one source");
  for (uint32_t order = 1; const ImportedRule& rule : rules) {
    Label label{.id = {}, .tenant = source.tenant, .principals = rule.principals};
    auto same = std::ranges::find_if(before, [&](const PathRule& each) { return each.pattern == rule.pattern && each.exact == rule.exact; });
    if (same != before.end()) {
      label.id = same->label;  // its files may stay where they are
      before.erase(same);
    } else {
      label.id = {edit.NewId()};
      source.partitions.push_back({label.id, {edit.NewId()}});
    }
    source.rules.push_back({rule.pattern, label.id, order++, rule.exact});
    edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  }
  bool moves = !std::ranges::equal(found->rules, source.rules, [](const PathRule& a, const PathRule& b) {
    return a.pattern == b.pattern && a.label == b.label && a.order == b.order && a.exact == b.exact;
  });
  if (moves) {
    ++source.rules_version;
    for (LabelPartition& each : source.partitions) {
      each.also.push_back(source.label);
      for (const PathRule& rule : source.rules) each.also.push_back(rule.label);
      SortUnique(each.also);
      std::erase(each.also, each.label);
    }
  }
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

Result<std::vector<Directory::NamedRule>> Directory::RulesOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  std::vector<NamedRule> rules;
  for (const PathRule& rule : source->rules) rules.push_back({rule.pattern, state->FindLabel(rule.label)->principals, rule.order});
  std::ranges::sort(rules, {}, [](const NamedRule& rule) { return std::tie(rule.order, rule.pattern); });
  return rules;
}

Status Directory::SettleRules(SourceId id, uint32_t rules_version, const std::function<Status(std::span<const PartitionId>)>& remove) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  std::vector<PartitionId> dropped;
  bool unsorted = std::ranges::any_of(found->partitions, [](const LabelPartition& each) { return !each.also.empty(); });
  if (found->rules_version != rules_version || !unsorted) return OkStatus();
  Edit edit(*state);
  Source source = *found;
  std::erase_if(source.partitions, [&](const LabelPartition& each) {
    bool used = each.label == source.label || std::ranges::find(source.rules, each.label, &PathRule::label) != source.rules.end();
    if (!used) {
      dropped.push_back(each.partition);
      edit.Delete(RecordKey(kLabelPrefix, each.label.value));
    }
    return !used;
  });
  for (LabelPartition& each : source.partitions) each.also.clear();
  // First: as long as the partitions are on record, the next run comes here again.
  if (!dropped.empty()) RETURN_IF_ERROR(remove(dropped));
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

}  // namespace codelore::acl
