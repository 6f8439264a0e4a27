// Random operations on a Directory and on a model that is too simple to be wrong; they must agree on who reads
// what after every one of them, and again after a restart.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "acl/directory.h"
#include "support/memory_store.h"

namespace codelore::acl {
namespace {

struct ModelSource {
  uint32_t tenant;
  std::string name;
  std::set<std::string> principals;
};

struct Asker {
  uint32_t tenant;
  std::string user;
  std::vector<std::string> teams;
};

class Model {
 public:
  bool Reads(const Asker& asker, const ModelSource& source) const {
    if (source.tenant != asker.tenant) return false;
    if (source.principals.contains("everyone") || source.principals.contains("user:" + asker.user)) return true;
    for (const std::string& team : asker.teams) {
      if (source.principals.contains("team:" + team)) return true;
    }
    return false;
  }
  std::map<uint32_t, ModelSource> sources;  // by id
};

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Reopen();
    tenants_ = {directory_->FindTenant("default").value(), directory_->CreateTenant("second").value()};
  }
  void Reopen() { directory_ = Directory::Open(store_).value(); }

  uint32_t Pick(uint32_t below) { return std::uniform_int_distribution<uint32_t>(0, below - 1)(random_); }
  std::string RandomPrincipal() {
    uint32_t kind = Pick(10);
    if (kind == 0) return "everyone";
    return (kind < 6 ? "user:u" : "team:t") + std::to_string(Pick(6));
  }
  // An id that is there, mostly.
  SourceId RandomSource() {
    if (model_.sources.empty() || Pick(20) == 0) return {Pick(5000)};
    return {std::next(model_.sources.begin(), Pick(static_cast<uint32_t>(model_.sources.size())))->first};
  }

  void AddSource() {
    TenantId tenant = tenants_[Pick(2)];
    std::string name = "s" + std::to_string(Pick(12));
    std::vector<std::string> readers(Pick(3));
    for (std::string& reader : readers) reader = RandomPrincipal();
    bool taken = false;
    for (auto& [id, source] : model_.sources) taken |= source.tenant == tenant.value && source.name == name;
    auto added = directory_->AddSource({.tenant = tenant, .name = name, .location = "/x", .readers = readers});
    ASSERT_EQ(added.ok(), !taken);
    if (taken) return;
    ASSERT_TRUE(used_ids_.insert(added->id.value).second);
    ASSERT_TRUE(used_partitions_.insert(added->partitions[0].partition.value).second);
    model_.sources[added->id.value] = {tenant.value, name, {readers.begin(), readers.end()}};
  }
  void RemoveSource() {
    SourceId id = RandomSource();
    ASSERT_EQ(directory_->RemoveSource(id).ok(), model_.sources.erase(id.value) == 1);
  }
  void Grant() {
    SourceId id = RandomSource();
    std::string principal = RandomPrincipal();
    auto at = model_.sources.find(id.value);
    ASSERT_EQ(directory_->Grant(id, principal).ok(), at != model_.sources.end());
    if (at != model_.sources.end()) at->second.principals.insert(principal);
  }
  void Revoke() {
    SourceId id = RandomSource();
    std::string principal = RandomPrincipal();
    auto at = model_.sources.find(id.value);
    bool had = at != model_.sources.end() && at->second.principals.erase(principal) == 1;
    ASSERT_EQ(directory_->Revoke(id, principal).ok(), had);
  }

  void Compare(const Asker& asker) {
    auto viewer = directory_->ViewerForUser({asker.tenant}, asker.user, asker.teams);
    ASSERT_TRUE(viewer.ok());
    std::set<uint32_t> expected, actual;
    for (auto& [id, source] : model_.sources) {
      if (model_.Reads(asker, source)) expected.insert(id);
    }
    for (const ReadablePartition& each : viewer->partitions()) {
      ASSERT_TRUE(actual.insert(each.source.value).second);
      ASSERT_EQ(directory_->PartitionFor(each.source, "x").value(), each.partition);
    }
    ASSERT_EQ(actual, expected);
    ASSERT_EQ(directory_->VisibleSources(*viewer)->size(), expected.size());
  }
  void CompareSome() {
    Asker asker{tenants_[Pick(2)].value, "u" + std::to_string(Pick(7)), {}};  // u6 has no grant of their own
    for (uint32_t team = 0; team < 6; ++team) {
      if (Pick(4) == 0) asker.teams.push_back("t" + std::to_string(team));
    }
    Compare(asker);
  }

  testing::MemoryStore store_;
  std::unique_ptr<Directory> directory_;
  std::vector<TenantId> tenants_;
  Model model_;
  std::set<uint32_t> used_ids_, used_partitions_;
  std::mt19937 random_{20240607};
};

TEST_F(ModelTest, AgreesOverRandomOperations) {
  for (int step = 0; step < 20'000; ++step) {
    uint32_t kind = Pick(100);
    if (kind < 8) {
      AddSource();
    } else if (kind < 12) {
      RemoveSource();
    } else if (kind < 60) {
      Grant();
    } else if (kind < 99) {
      Revoke();
    } else {
      Reopen();
    }
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    CompareSome();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
  }
}

}  // namespace
}  // namespace codelore::acl
