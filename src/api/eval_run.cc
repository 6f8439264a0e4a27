#include "api/eval_run.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace codelore::api {

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound(path + ": cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<std::vector<ingest::Document>> ReadTree(const std::string& root_folder, const std::string& folder) {
  const std::filesystem::path root(root_folder);
  std::vector<ingest::Document> documents;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(root / folder, error), end;
  for (; !error && it != end; it.increment(error)) {
    if (it->path().filename() == ".git") it.disable_recursion_pending();
    if (!it->is_regular_file(error) || it->is_symlink(error)) continue;
    ASSIGN_OR_RETURN(std::string bytes, ReadText(it->path().string()));
    documents.push_back({it->path().lexically_relative(root).generic_string(), std::move(bytes)});
  }
  if (error) return NotFound((root / folder).string() + ": " + error.message());
  std::ranges::sort(documents, {}, &ingest::Document::path);
  return documents;
}

const char* ModeName(SearchMode mode) {
  static constexpr const char* kModes[] = {"hybrid", "lexical", "vector"};
  return kModes[static_cast<size_t>(mode)];
}

Status EvalIndex::With(const std::string& name, const std::vector<ingest::Document>& documents, const Ask& ask) {
  auto tenant = service_.directory().FindTenant("evaluation");
  if (!tenant.ok()) tenant = service_.directory().CreateTenant("evaluation");
  RETURN_IF_ERROR(tenant.status());
  // A source of that name is what an interrupted evaluation left behind.
  (void)service_.RemoveSource(*tenant, name).ok();
  ASSIGN_OR_RETURN(acl::Source source, service_.directory().AddSource({.tenant = *tenant, .name = name, .location = "evaluation",
                                                                       .kind = acl::SourceKind::kFolder}));
  Status asked = IndexAndAsk(source, documents, ask);
  Status removed = service_.RemoveSource(*tenant, name);
  return asked.ok() ? removed : asked;
}

Status EvalIndex::IndexAndAsk(const acl::Source& source, const std::vector<ingest::Document>& documents, const Ask& ask) {
  hooks_.progress(source.name + ": indexing " + std::to_string(documents.size()) + " documents");
  auto show = [&](const ingest::IndexProgress& progress) {
    if (progress.stage != ingest::IndexStage::kVectors) return;
    hooks_.progress(source.name + ": vectors " + std::to_string(progress.vectors.chunks_done) + "/" +
                    std::to_string(progress.vectors.chunks_total));
  };
  ASSIGN_OR_RETURN(auto report, service_.indexer().RunDocuments(source, documents, mode_ != SearchMode::kLexical, hooks_.stop, show));
  indexed_ += report.files_indexed;
  skipped_ += report.files_seen - report.files_indexed;
  ASSIGN_OR_RETURN(Viewer viewer, service_.directory().OperatorViewer(source.tenant));
  return ask(viewer);
}

}  // namespace codelore::api
