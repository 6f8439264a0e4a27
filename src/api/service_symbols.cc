// The parts of Service that answer about symbols.
#include <algorithm>
#include <utility>

#include "api/service.h"
#include "chunker/language.h"
#include "codelore/utf8.h"

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
  return filter;
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
  ASSIGN_OR_RETURN(answer.sources, SourceNames(viewer));
  return answer;
}

Result<WithSources<ReferenceResult>> Service::FindReferences(const Viewer& viewer, ReferenceRequest request,
                                                             const Scope& scope) const {
  RETURN_IF_ERROR(CheckName(request.name));
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, scope));
  WithSources<ReferenceResult> answer;
  ASSIGN_OR_RETURN(answer.found, index_->FindReferences(viewer, request));
  ASSIGN_OR_RETURN(answer.sources, SourceNames(viewer));
  return answer;
}

namespace {

Status NoSuchFile(const std::string& source, const std::string& path) {
  return NotFound("there is no file '" + path + "' in a source '" + source + "' that you may read");
}

}  // namespace

Result<FileOutline> Service::OutlineOf(const Viewer& viewer, const std::string& source, const std::string& path) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  if (at == visible.end()) return NoSuchFile(source, path);
  auto outline = index_->OutlineOf(viewer, at->id, path);
  if (!outline.ok() && outline.status().code() == StatusCode::kNotFound) return NoSuchFile(source, path);
  return outline;
}

Result<FileText> Service::ReadFile(const Viewer& viewer, const std::string& source, const std::string& path) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  if (at == visible.end()) return NoSuchFile(source, path);
  auto file = index_->ReadFile(viewer, at->id, path);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return NoSuchFile(source, path);
  return file;
}

Result<FileInsight> Service::ExplainFile(const Viewer& viewer, const std::string& source, const std::string& path) const {
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(visible, source, &acl::VisibleSource::name);
  Status missing = NotFound("no source '" + source + "' that you may read has a file '" + path +
                            "': it is not at the indexed commit, it is spelled otherwise, or it is not yours to read");
  if (at == visible.end()) return missing;
  auto insight = index_->Explain(viewer, at->id, path, encoders_->serving()->info().fingerprint);
  if (!insight.ok() && insight.status().code() == StatusCode::kNotFound) return missing;
  return insight;
}

}  // namespace codelore::api
