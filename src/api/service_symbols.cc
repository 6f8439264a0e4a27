// The parts of Service that answer about symbols.
#include <algorithm>
#include <set>
#include <utility>

#include "api/commits_withheld.h"
#include "api/service.h"
#include "chunker/language.h"
#include "codelore/utf8.h"
#include "index/snapshot.h"

namespace codelore::api {
namespace {

Status CheckName(const std::string& name) {
  return IsValidUtf8(name) ? OkStatus() : InvalidArgument("the name is not valid UTF-8");
}

}  // namespace

Result<SearchFilter> Service::MakeFilter(const Viewer& viewer, const Scope& scope) const {
  SearchFilter filter;
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  for (const std::string& name : scope.sources) {
    auto at = std::ranges::find(visible, name, &acl::VisibleSource::name);
    if (at == visible.end()) return NotFound("there is no source '" + name + "' that you may read");
    filter.sources.push_back(at->id);
  }
  filter.paths = scope.paths;
  for (const std::string& language : scope.languages) {
    std::string name(chunker::CanonicalLanguage(language));
    if (name.empty()) return InvalidArgument("'" + language + "' is not a language Codelore knows");
    filter.languages.push_back(std::move(name));
  }
  RETURN_IF_ERROR(ChooseBranch(viewer, scope.branch, filter));
  return filter;
}

// Of other sources nothing is told: names of branches come from those that the viewer sees.
Status Service::ChooseBranch(const Viewer& viewer, const std::string& branch, SearchFilter& filter) const {
  constexpr size_t kNamed = 10;
  if (branch.empty()) return OkStatus();
  if (!IsValidUtf8(branch)) return InvalidArgument("the branch is not valid UTF-8");
  filter.branches = {branch};
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  std::set<std::string> followed;
  for (const acl::VisibleSource& source : visible) {
    if (!filter.sources.empty() && std::ranges::find(filter.sources, source.id) == filter.sources.end()) continue;
    ASSIGN_OR_RETURN(SourceState state, index_->StateOf(source.id));
    if (index::BranchesNamed(state, filter.branches) != 0) return OkStatus();
    for (std::string& name : index::BranchNames(state, ~BranchSet{0})) followed.insert(std::move(name));
  }
  std::string list;
  for (const std::string& name : followed) list += list.empty() ? "; followed: " + name : ", " + name;
  if (followed.size() > kNamed) list = "; " + std::to_string(followed.size()) + " branches are followed";
  return NotFound("no source searched has a branch '" + branch + "' that is followed" + list);
}

Result<std::vector<NamedSeen>> Service::NameSeen(const Viewer& viewer, std::vector<SeenBranch> seen) const {
  ASSIGN_OR_RETURN(auto names, SourceNames(viewer));
  std::vector<NamedSeen> named;
  for (SeenBranch& one : seen) {
    if (!directory_->ReadsWhole(viewer, one.source)) one = {.source = one.source, .branch = std::move(one.branch), .revision = {}};
    if (auto at = names.find(one.source); at != names.end()) named.push_back({std::move(one), at->second});
  }
  std::ranges::stable_sort(named, {}, &NamedSeen::source);
  return named;
}

Result<std::map<SourceId, std::string>> Service::SourceNames(const Viewer& viewer) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  std::map<SourceId, std::string> names;
  for (const acl::VisibleSource& source : visible) names[source.id] = source.name;
  return names;
}

Result<WithSources<SymbolResult>> Service::FindSymbols(const Viewer& viewer, SymbolRequest request, const Scope& scope) const {
  RETURN_IF_ERROR(CheckName(request.name));
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, scope));
  WithSources<SymbolResult> answer;
  ASSIGN_OR_RETURN(answer.found, index_->FindSymbols(viewer, request));
  WithholdCommitsOfPlaces(*directory_, viewer, answer.found.definitions);
  ASSIGN_OR_RETURN(answer.sources, SourceNames(viewer));
  return answer;
}

Result<WithSources<ReferenceResult>> Service::FindReferences(const Viewer& viewer, ReferenceRequest request,
                                                             const Scope& scope) const {
  RETURN_IF_ERROR(CheckName(request.name));
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, scope));
  WithSources<ReferenceResult> answer;
  ASSIGN_OR_RETURN(answer.found, index_->FindReferences(viewer, request));
  WithholdCommitsOfPlaces(*directory_, viewer, answer.found.references);
  WithholdCommitsOfPlaces(*directory_, viewer, answer.found.callers);
  ASSIGN_OR_RETURN(answer.sources, SourceNames(viewer));
  return answer;
}

namespace {

Status NoSuchFile(const std::string& source, const std::string& path, const std::string& branch) {
  std::string where = branch.empty() ? "" : " on a branch '" + branch + "'";
  return NotFound("there is no file '" + path + "'" + where + " in a source '" + source + "' that you may read");
}

}  // namespace

Result<FileOutline> Service::OutlineOf(const Viewer& viewer, const std::string& source, const std::string& path,
                                       const std::string& branch) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  if (at == visible.end()) return NoSuchFile(source, path, branch);
  auto outline = index_->OutlineOf(viewer, at->id, path, branch);
  if (!outline.ok() && outline.status().code() == StatusCode::kNotFound) return NoSuchFile(source, path, branch);
  if (outline.ok() && !directory_->ReadsWhole(viewer, at->id)) outline->place.revision.clear();
  return outline;
}

Result<FileText> Service::ReadFile(const Viewer& viewer, const std::string& source, const std::string& path,
                                       const std::string& branch) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  if (at == visible.end()) return NoSuchFile(source, path, branch);
  auto file = index_->ReadFile(viewer, at->id, path, branch);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return NoSuchFile(source, path, branch);
  if (file.ok() && !directory_->ReadsWhole(viewer, at->id)) file->revision.clear();
  return file;
}

Result<FileInsight> Service::ExplainFile(const Viewer& viewer, const std::string& source, const std::string& path,
                                       const std::string& branch) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  Status missing = NotFound("no source '" + source + "' that you may read has a file '" + path +
                            "': it is not at the indexed commit, it is spelled otherwise, or it is not yours to read");
  if (at == visible.end()) return missing;
  auto insight = index_->Explain(viewer, at->id, path, encoders_->serving()->info().fingerprint, branch);
  if (!insight.ok() && insight.status().code() == StatusCode::kNotFound) return missing;
  if (insight.ok() && !directory_->ReadsWhole(viewer, at->id)) {
    insight->revision.clear();
    insight->state = {.branch = insight->state.branch};
  }
  return insight;
}

}  // namespace codelore::api
