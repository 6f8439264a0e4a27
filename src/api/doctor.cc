#include "api/doctor.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "embed/bert_encoder.h"
#include "ingest/git.h"

namespace codelore::api {
namespace {

Finding CheckEncoder() {
  Finding finding{.what = "built-in encoder"};
  auto encoder = embed::BertEncoder::Open(embed::ModelFolder::BuiltIn());
  if (!encoder.ok()) {
    finding.detail = encoder.status().message();
    return finding;
  }
  std::vector<std::string_view> texts = {"read a file line by line", "iterate over the lines of a file", "bake a cake"};
  auto encodings = (*encoder)->Encode(texts, {});
  if (!encodings.ok()) {
    finding.detail = encodings.status().message();
    return finding;
  }
  auto cosine = [&](size_t a, size_t b) {
    double sum = 0;
    for (size_t i = 0; i < (*encodings)[a].dense.size(); ++i) sum += (*encodings)[a].dense[i] * (*encodings)[b].dense[i];
    return sum;
  };
  finding.ok = cosine(0, 1) > cosine(0, 2) + 0.2 && std::abs(cosine(0, 0) - 1) < 1e-3;
  finding.detail = (*encoder)->info().name + ", fingerprint " + (*encoder)->info().fingerprint.ToHex().substr(0, 16);
  if (!finding.ok) finding.detail += ": gives wrong vectors on this processor";
  return finding;
}

Finding CheckSpace(const std::string& folder) {
  std::error_code error;
  auto space = std::filesystem::space(folder, error);
  if (error) return {.what = "disk space", .ok = false, .detail = folder + ": " + error.message()};
  auto free_mb = space.available / 1'000'000;
  return {.what = "disk space", .ok = free_mb > 500, .detail = std::to_string(free_mb) + " MB free"};
}

void CheckData(const ServiceOptions& options, std::vector<Finding>& findings) {
  auto service = Service::Open(options);
  findings.push_back({.what = "data folder", .ok = service.ok(), .detail = service.ok() ? options.data_folder : service.status().message()});
  if (!service.ok()) return;
  auto sessions = (*service)->sessions().Examine();
  findings.push_back({.what = "sessions", .ok = sessions.ok() && sessions->damaged == 0,
                      .detail = sessions.ok() ? std::to_string(sessions->records) + " records, " + std::to_string(sessions->damaged) + " of them damaged"
                                              : sessions.status().message()});
  auto tenants = (*service)->directory().ListTenants();
  findings.push_back({.what = "tenants", .ok = tenants.ok(), .detail = tenants.ok() ? std::to_string(tenants->size()) : tenants.status().message()});
  if (!tenants.ok()) return;
  for (const acl::Tenant& tenant : *tenants) {
    std::vector<std::string> damaged;
    Status feedback = (*service)->feedback().Scan(tenant.id, [](const Feedback&) { return true; }, &damaged);
    if (!damaged.empty()) feedback = Corruption(std::to_string(damaged.size()) + " records cannot be read; feedback.list names them, and they can be deleted");
    if (!feedback.ok()) findings.push_back({.what = "feedback of tenant " + tenant.name, .ok = false, .detail = feedback.message()});
    auto viewer = (*service)->directory().OperatorViewer(tenant.id);
    if (!viewer.ok()) {
      findings.push_back({.what = "tenant " + tenant.name, .ok = false, .detail = viewer.status().message()});
      continue;
    }
    auto report = (*service)->Describe(*viewer);
    if (!report.ok()) {
      findings.push_back({.what = "tenant " + tenant.name, .ok = false, .detail = report.status().message()});
      continue;
    }
    for (const NamedStatus& named : *report) {
      const SourceStatus& status = named.status;
      bool branches = std::ranges::all_of(status.state.others, [](const BranchState& branch) { return !branch.revision.empty() && branch.target_revision.empty(); });
      bool complete = status.files_failed == 0 && status.chunks_with_vectors == status.chunks && status.state.target_revision.empty() && branches;
      findings.push_back({.what = "source " + named.source, .ok = complete,
                          .detail = std::to_string(status.files_indexed) + " files, " + std::to_string(status.files_failed) + " failed, " +
                                    std::to_string(status.chunks_with_vectors) + " of " + std::to_string(status.chunks) + " chunks with vectors" +
                                    (complete ? "" : "; index it again")});
    }
  }
}

}  // namespace

std::vector<Finding> Examine(const ServiceOptions& options) {
  std::vector<Finding> findings;
  auto git = ingest::GitVersion();
  findings.push_back({.what = "git", .ok = git.ok(), .detail = git.ok() ? *git : git.status().message()});
  findings.push_back(CheckEncoder());
  CheckData(options, findings);
  findings.push_back(CheckSpace(options.data_folder));
  return findings;
}

}  // namespace codelore::api
