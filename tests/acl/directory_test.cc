#include "acl/directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include "support/memory_store.h"

namespace codelore::acl {
namespace {

using ::codelore::testing::MemoryStore;

class DirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Reopen();
    tenant_ = directory_->FindTenant(kDefaultTenant).value();
  }
  void Reopen() {
    directory_.reset();
    auto opened = Directory::Open(store_, {.now_unix_ms = [this] { return now_; }});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    directory_ = std::move(opened).value();
  }
  Source Add(std::string name, std::vector<std::string> readers = {}) {
    auto source = directory_->AddSource({.tenant = tenant_, .name = std::move(name), .location = "/srv/repo",
                                         .readers = std::move(readers)});
    EXPECT_TRUE(source.ok()) << source.status().ToString();
    return source.value();
  }
  std::vector<std::string> Sees(const Viewer& viewer) {
    std::vector<std::string> names;
    std::vector<VisibleSource> sources = directory_->VisibleSources(viewer).value();
    for (const VisibleSource& each : sources) names.push_back(each.name);
    return names;
  }
  std::vector<std::string> Sees(std::string_view user, std::vector<std::string> teams = {}) {
    return Sees(directory_->ViewerForUser(tenant_, user, teams).value());
  }

  using Names = std::vector<std::string>;
  MemoryStore store_;
  int64_t now_ = 1'000'000;
  std::unique_ptr<Directory> directory_;
  TenantId tenant_;
};

TEST_F(DirectoryTest, NewSourceIsSeenByTheOperatorAlone) {
  Source source = Add("flask");
  EXPECT_EQ(Sees("alice", {"core"}), Names{});
  EXPECT_EQ(Sees(directory_->OperatorViewer(tenant_).value()), Names{"flask"});
  EXPECT_EQ(directory_->PartitionsOf(source.id).value(),
            std::vector{directory_->PartitionFor(source.id, "a/b.py").value()});
}

TEST_F(DirectoryTest, GrantsToUsersTeamsAndEveryone) {
  Source a = Add("a"), b = Add("b"), c = Add("c");
  ASSERT_TRUE(directory_->Grant(a.id, "user:alice").ok());
  ASSERT_TRUE(directory_->Grant(b.id, "team:core").ok());
  ASSERT_TRUE(directory_->Grant(b.id, "team:core").ok());
  ASSERT_TRUE(directory_->Grant(c.id, "everyone").ok());
  EXPECT_EQ(Sees("alice"), (Names{"a", "c"}));
  EXPECT_EQ(Sees("bob", {"core"}), (Names{"b", "c"}));
  EXPECT_EQ(Sees("core", {"alice"}), Names{"c"});
  EXPECT_EQ(Sees("stranger"), Names{"c"});
  Reopen();
  EXPECT_EQ(Sees("alice", {"core"}), (Names{"a", "b", "c"}));
  ASSERT_TRUE(directory_->Revoke(c.id, "everyone").ok());
  EXPECT_EQ(directory_->Revoke(c.id, "everyone").code(), StatusCode::kNotFound);
  EXPECT_EQ(Sees("stranger"), Names{});
}

TEST_F(DirectoryTest, WithinATeamIsNeverMoreThanTheViewer) {
  Add("own", {"user:alice"}), Add("core", {"team:core"}), Add("both", {"user:alice", "team:core"}), Add("all", {"everyone"}), Add("lab", {"team:lab"});
  auto within = [&](const Viewer& viewer, const char* team) { return Sees(directory_->WithinTeam(viewer, team).value()); };
  Viewer member = directory_->ViewerForUser(tenant_, "alice", {"core"}).value(), other = directory_->ViewerForUser(tenant_, "alice", {}).value();
  EXPECT_EQ(within(member, "core"), (Names{"all", "both", "core"}));
  EXPECT_EQ(within(other, "core"), (Names{"all", "both"}));
  EXPECT_EQ(within(other, "lab"), Names{"all"});
  EXPECT_EQ(within(directory_->OperatorViewer(tenant_).value(), "lab"), (Names{"all", "lab"}));
  EXPECT_EQ(directory_->WithinTeam(member, "core")->name(), "user:alice");
  EXPECT_FALSE(directory_->WithinTeam(member, "a\nb").ok());
}

TEST_F(DirectoryTest, ViewerHoldsEachPartitionOnceInOrder) {
  Source a = Add("a", {"everyone", "user:alice", "team:core"});
  Source b = Add("b", {"team:core", "team:web"});
  Viewer viewer = directory_->ViewerForUser(tenant_, "alice", {"web", "core"}).value();
  ASSERT_EQ(viewer.partitions().size(), 2u);
  EXPECT_EQ(viewer.partitions()[0], (ReadablePartition{a.partitions[0].partition, a.id}));
  EXPECT_EQ(viewer.partitions()[1], (ReadablePartition{b.partitions[0].partition, b.id}));
  EXPECT_EQ(viewer.name(), "user:alice");
}

TEST_F(DirectoryTest, HiddenAndMissingSourcesAreOneAnswer) {
  Source hidden = Add("hidden");
  Viewer viewer = directory_->ViewerForUser(tenant_, "alice", {}).value();
  Status on_hidden = directory_->SourceName(viewer, hidden.id).status();
  Status on_missing = directory_->SourceName(viewer, SourceId{999}).status();
  EXPECT_EQ(on_hidden.ToString(), on_missing.ToString());
  EXPECT_EQ(directory_->SourceName(directory_->OperatorViewer(tenant_).value(), hidden.id).value(), "hidden");
}

TEST_F(DirectoryTest, RefusesBadInput) {
  Add("taken");
  auto add = [&](NewSource source) { return directory_->AddSource(source).status().code(); };
  EXPECT_EQ(add({.tenant = tenant_, .name = "taken", .location = "/x"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(add({.tenant = tenant_, .name = "a\nb", .location = "/x"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(add({.tenant = tenant_, .name = "a", .location = "/x\n"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(add({.tenant = tenant_, .name = "a", .location = "/x", .readers = {"bob"}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(add({.tenant = TenantId{99}, .name = "a", .location = "/x"}), StatusCode::kNotFound);
  EXPECT_EQ(directory_->Grant(SourceId{99}, "everyone").code(), StatusCode::kNotFound);
  EXPECT_EQ(directory_->CreateTenant(kDefaultTenant).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(directory_->ViewerForUser(TenantId{99}, "alice", {}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(directory_->ViewerForUser(tenant_, "", {}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(DirectoryTest, Attack052_RecreatedSourceKeepsNoReaders) {
  Source old = Add("wiki", {"user:alice"});
  Viewer before = directory_->ViewerForUser(tenant_, "alice", {}).value();
  ASSERT_TRUE(directory_->RemoveSource(old.id).ok());
  Reopen();
  Source again = Add("wiki");
  EXPECT_EQ(Sees("alice"), Names{});
  EXPECT_EQ(Sees(before), Names{});  // an old viewer finds nothing of the new one either
  EXPECT_NE(again.id, old.id);
  EXPECT_NE(again.partitions[0].partition, old.partitions[0].partition);
  EXPECT_EQ(directory_->RemoveSource(old.id).code(), StatusCode::kNotFound);
}

TEST_F(DirectoryTest, Attack056_UnknownGroupAndEmptyListDeny) {
  Source source = Add("a", {"user:alice"});
  ASSERT_TRUE(directory_->Revoke(source.id, "user:alice").ok());
  EXPECT_EQ(directory_->PrincipalsOf(source.id).value(), Names{});
  EXPECT_EQ(Sees("alice", {"no-such-team"}), Names{});
}

TEST_F(DirectoryTest, Attack056_StoreThatIsDownDenies) {
  Add("a", {"everyone"});
  store_.set_fault(MemoryStore::Fault::kDown);
  EXPECT_EQ(Directory::Open(store_).status().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(directory_->Grant(SourceId{3}, "user:bob").ok());
  // What the store holds now is unknown, so nobody is told anything.
  EXPECT_FALSE(directory_->ViewerForUser(tenant_, "alice", {}).ok());
  EXPECT_FALSE(directory_->OperatorViewer(tenant_).ok());
}

TEST_F(DirectoryTest, FailedWriteLeavesWhatTheStoreHolds) {
  Source source = Add("a", {"user:alice"});
  store_.set_fault(MemoryStore::Fault::kFailAndDrop);
  EXPECT_FALSE(directory_->Revoke(source.id, "user:alice").ok());
  EXPECT_EQ(Sees("alice"), Names{"a"});
  store_.set_fault(MemoryStore::Fault::kFailButKeep);
  EXPECT_FALSE(directory_->Revoke(source.id, "user:alice").ok());
  EXPECT_EQ(Sees("alice"), Names{});
}

TEST_F(DirectoryTest, Attack058_UserOfTwoTenantsCarriesNothingOver) {
  TenantId other = directory_->CreateTenant("other").value();
  Source ours = Add("ours", {"user:alice", "everyone", "team:core"});
  NewSource theirs{.tenant = other, .name = "ours", .location = "/x", .readers = {"user:alice"}};
  ASSERT_TRUE(directory_->AddSource(theirs).ok());
  EXPECT_EQ(Sees(directory_->ViewerForUser(other, "alice", {"core"}).value()), Names{"ours"});
  EXPECT_FALSE(directory_->ViewerForUser(other, "alice", {"core"}).value().MayRead(ours.partitions[0].partition));
  EXPECT_EQ(directory_->ViewerForUser(other, "bob", {"core"}).value().partitions().size(), 0u);
  EXPECT_EQ(directory_->ListSources(other).value().size(), 1u);
  EXPECT_FALSE(directory_->OperatorViewer(other).value().MayRead(ours.partitions[0].partition));
}

TEST_F(DirectoryTest, Attack059_LookalikesAreOthers) {
  Add("a", {"user:Admin", "team:caf\u00E9"});
  EXPECT_EQ(Sees("admin"), Names{});
  EXPECT_EQ(Sees("\uFF21dmin"), Names{});
  EXPECT_EQ(Sees("x", {"cafe\u0301"}), Names{});
  EXPECT_FALSE(directory_->ViewerForUser(tenant_, "Admin\u200B", {}).ok());
  EXPECT_EQ(Sees("Admin"), Names{"a"});
}

TEST_F(DirectoryTest, Attack067_NamesCannotForgeLogLines) {
  EXPECT_FALSE(directory_->CreateToken({.tenant = tenant_, .user = "x\nadmin login ok"}).ok());
  EXPECT_FALSE(directory_->CreateToken({.tenant = tenant_, .user = "x", .teams = {"a\rb"}}).ok());
}

TEST_F(DirectoryTest, TokenSaysWhoComes) {
  auto created = directory_->CreateToken(
      {.tenant = tenant_, .user = "alice", .teams = {"web", "core", "web"}, .role = Role::kAdministrator});
  ASSERT_TRUE(created.ok());
  Reopen();
  Identity who = directory_->Authenticate(created->text).value();
  EXPECT_EQ(who.tenant, tenant_);
  EXPECT_EQ(who.user, "alice");
  EXPECT_EQ(who.teams, (Names{"core", "web"}));
  EXPECT_EQ(who.role, Role::kAdministrator);
  EXPECT_EQ(who.token, created->id);
  std::vector<Token> tokens = directory_->ListTokens(tenant_).value();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens[0].created_unix_ms, now_);
}

TEST_F(DirectoryTest, AdministratorsReadOnlyWhatIsGranted) {
  Add("secret");
  auto created = directory_->CreateToken({.tenant = tenant_, .user = "root", .role = Role::kAdministrator});
  Viewer viewer = directory_->ViewerFor(directory_->Authenticate(created->text).value()).value();
  EXPECT_EQ(Sees(viewer), Names{});
}

TEST_F(DirectoryTest, DeadTokensAreOneAnswer) {
  auto expiring = directory_->CreateToken({.tenant = tenant_, .user = "a", .expires_unix_ms = now_ + 10});
  auto revoked = directory_->CreateToken({.tenant = tenant_, .user = "a"});
  TenantId other = directory_->CreateTenant("other").value();
  EXPECT_EQ(directory_->RevokeToken(other, revoked->id).code(), StatusCode::kNotFound);
  ASSERT_TRUE(directory_->Authenticate(revoked->text).ok());
  ASSERT_TRUE(directory_->RevokeToken(tenant_, revoked->id).ok());
  EXPECT_EQ(directory_->RevokeToken(tenant_, revoked->id).code(), StatusCode::kNotFound);
  ASSERT_TRUE(directory_->Authenticate(expiring->text).ok());
  now_ += 10;
  std::string unknown = expiring->text;
  unknown[5] = unknown[5] == 'x' ? 'y' : 'x';
  for (std::string text : {expiring->text, revoked->text, unknown, std::string(), std::string("clr_"),
                           std::string(100'000, 'x'), std::string("\0\xFF", 2)}) {
    Status status = directory_->Authenticate(text).status();
    EXPECT_EQ(status.ToString(), "permission denied: unknown or expired token");
  }
  EXPECT_FALSE(directory_->CreateToken({.tenant = tenant_, .user = "a", .expires_unix_ms = now_}).ok());
}

TEST_F(DirectoryTest, Attack143_TokenTextIsNowhereInTheStore) {
  std::string text = directory_->CreateToken({.tenant = tenant_, .user = "alice"})->text;
  for (auto& [key, value] : store_.rows(Table::kMeta)) {
    EXPECT_EQ(value.find(text.substr(4, 16)), std::string::npos) << key;
    EXPECT_EQ(value.find(text.substr(20, 16)), std::string::npos) << key;
  }
}

// Any damage to any byte of any record, a record cut short, lost, or put in another's place: no viewer.
TEST_F(DirectoryTest, DamagedRecordsDeny) {
  Source a = Add("a", {"user:alice", "team:core"});
  Add("b", {"everyone"});
  ASSERT_TRUE(directory_->CreateToken({.tenant = tenant_, .user = "alice"}).ok());
  MemoryStore& good = store_;
  auto refuses = [](MemoryStore& damaged) {
    return Directory::Open(damaged).status().code() == StatusCode::kCorruption;
  };
  for (const auto& [key, value] : good.rows(Table::kMeta)) {
    for (size_t i = 0; i < value.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        MemoryStore damaged(good);
        damaged.rows(Table::kMeta)[key][i] ^= static_cast<char>(1 << bit);
        EXPECT_TRUE(refuses(damaged)) << key << " byte " << i << " bit " << bit;
      }
      MemoryStore cut(good);
      cut.rows(Table::kMeta)[key].resize(i);
      EXPECT_TRUE(refuses(cut)) << key << " cut at " << i;
    }
    for (const auto& [other, other_value] : good.rows(Table::kMeta)) {
      if (other == key) continue;
      MemoryStore swapped(good);
      swapped.rows(Table::kMeta)[key] = other_value;
      EXPECT_TRUE(refuses(swapped)) << key << " holds " << other;
    }
  }
}

TEST_F(DirectoryTest, LostRecordsNeverWiden) {
  Source a = Add("a", {"user:alice", "team:core"});
  Add("b", {"everyone"});
  ASSERT_TRUE(directory_->CreateToken({.tenant = tenant_, .user = "alice"}).ok());
  for (const auto& [key, value] : store_.rows(Table::kMeta)) {
    MemoryStore lossy(store_);
    lossy.rows(Table::kMeta).erase(key);
    auto opened = Directory::Open(lossy);
    if (!opened.ok()) continue;
    auto viewer = (*opened)->ViewerForUser(tenant_, "alice", {});
    if (!viewer.ok()) continue;
    for (const ReadablePartition& each : viewer->partitions()) {
      EXPECT_TRUE(directory_->ViewerForUser(tenant_, "alice", {})->MayRead(each.partition)) << key;
    }
    EXPECT_EQ((*opened)->ViewerForUser(tenant_, "bob", {})->partitions().size(),
              (*opened)->FindSource(tenant_, "b").ok() ? 1u : 0u);
  }
}

TEST_F(DirectoryTest, GrantActsForTheNextViewerOfAnyThread) {
  Source source = Add("a");
  // Modulo 4: 0 revoked, 1 a grant is under way, 2 granted, 3 a revocation is under way.
  std::atomic<int> epoch = 0;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        int before = epoch;
        bool sees = directory_->ViewerForUser(tenant_, "alice", {})->partitions().size() == 1;
        if (before == epoch && before % 2 == 0 && sees != (before % 4 == 2)) ++wrong;
      }
    });
  }
  for (int round = 0; round < 200; ++round) {
    ++epoch;
    EXPECT_TRUE(directory_->Grant(source.id, "user:alice").ok());
    ++epoch;
    EXPECT_EQ(Sees("alice"), Names{"a"});
    ++epoch;
    EXPECT_TRUE(directory_->Revoke(source.id, "user:alice").ok());
    ++epoch;
    EXPECT_EQ(Sees("alice"), Names{});
  }
  done = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(DirectoryTest, ResolvesAThousandPartitionsQuickly) {
  std::vector<std::string> readers = {"team:core", "everyone"};
  for (int i = 0; i < 98; ++i) readers.push_back("user:someone-" + std::to_string(i));
  for (int i = 0; i < 1000; ++i) {
    readers[0] = "team:t" + std::to_string(i % 10);
    Add("source-" + std::to_string(i), readers);
  }
  std::vector<std::string> teams = {"t0", "t1", "t2"};
  double best_us = 1e9;
  for (int i = 0; i < 200; ++i) {
    auto start = std::chrono::steady_clock::now();
    Viewer viewer = directory_->ViewerForUser(tenant_, "someone-3", teams).value();
    std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    best_us = std::min(best_us, took.count());
    ASSERT_EQ(viewer.partitions().size(), 1000u);
  }
#ifdef NDEBUG
  EXPECT_LT(best_us, 100);
#endif
  std::cout << "viewer over 1,000 partitions: " << best_us << " us\n";
}

}  // namespace
}  // namespace codelore::acl
