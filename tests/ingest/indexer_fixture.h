// The write path over real parts: a Directory and an EmbeddedIndex on a MemoryStore, and an encoder of hashed words.
#ifndef CODELORE_TESTS_INGEST_INDEXER_FIXTURE_H_
#define CODELORE_TESTS_INGEST_INDEXER_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "acl/directory.h"
#include "index/embedded_index.h"
#include "ingest/indexer.h"
#include "ingest/scratch_repository.h"
#include "support/fake_encoder.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"

namespace codelore::ingest {

using testing::FakeEncoder;
using testing::MemoryStore;
using testing::ScratchRepository;
using testing::TempFolder;

// What the ledger says of one file, in one string: "indexed python", "skipped binary", "failed ...".
inline std::string Outcome(const FileRecord& record) {
  if (record.state == FileState::kSkipped) return "skipped " + record.reason;
  if (record.state == FileState::kFailed) return "failed " + record.reason;
  return "indexed " + record.language + (record.reason.empty() ? "" : "; " + record.reason);
}

class IndexerTest : public ::testing::Test {
 protected:
  using Paths = std::vector<std::string>;

  void SetUp() override { Reopen(); }
  void Reopen() {
    index_.reset();
    directory_.reset();
    directory_ = acl::Directory::Open(store_).value();
    index_ = index::OpenEmbeddedIndex(data_ / "segments", store_).value();
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
  }

  acl::Source Add(const std::string& location, const std::string& name = "source") {
    Location resolved = ResolveLocation(location).value();
    return directory_->AddSource({.tenant = tenant_, .name = name, .location = resolved.text, .kind = resolved.kind}).value();
  }

  Result<IndexReport> TryRun(const acl::Source& source, std::stop_token stop = {}, const Indexer::Progress& progress = {}) {
    Indexer indexer(*index_, *directory_, encoder_,
                    {.repositories_folder = data_ / "repositories", .threads = 2, .limits = limits_});
    return indexer.Run(source, std::move(stop), progress ? progress : [](const IndexProgress&) {});
  }
  IndexReport Run(const acl::Source& source) {
    auto report = TryRun(source);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : IndexReport();
  }

  // Path -> outcome; a path with two records is a failure.
  std::map<std::string, std::string> Ledger(const acl::Source& source) {
    std::map<std::string, std::string> outcomes;
    Status status = index_->ScanLedger(source.id, [&](const FileRecord& record) {
      EXPECT_TRUE(outcomes.emplace(record.path, Outcome(record)).second) << record.path << " has two records";
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return outcomes;
  }

  std::vector<Hit> Search(const std::string& words) {
    Viewer viewer = directory_->OperatorViewer(tenant_).value();
    auto result = index_->Search(viewer, {.text = words, .mode = SearchMode::kLexical, .limit = 100}, {}, {});
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->hits : std::vector<Hit>();
  }
  // The files that hold one of the words, sorted.
  Paths Find(const std::string& words) {
    std::set<std::string> paths;
    for (const Hit& hit : Search(words)) paths.insert(hit.path);
    return {paths.begin(), paths.end()};
  }

  SourceStatus Describe(const acl::Source& source) {
    return index_->Describe(directory_->OperatorViewer(tenant_).value(), source.id, encoder_.info().fingerprint).value();
  }

  TempFolder data_;
  MemoryStore store_;
  FakeEncoder encoder_;
  std::unique_ptr<acl::Directory> directory_;
  std::unique_ptr<Index> index_;
  TenantId tenant_;
  BatchLimits limits_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_TESTS_INGEST_INDEXER_FIXTURE_H_
