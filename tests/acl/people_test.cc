// Users, service accounts, nested teams, found grants and imported rules of the Directory.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "support/memory_store.h"

namespace codelore::acl {
namespace {

using ::codelore::testing::MemoryStore;
using Names = std::vector<std::string>;

class PeopleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Reopen();
    tenant_ = directory_->FindTenant(kDefaultTenant).value();
  }
  void Reopen() {
    directory_.reset();
    directory_ = Directory::Open(store_, {.now_unix_ms = [this] { return now_; }}).value();
  }
  Source Add(const std::string& name, Names readers = {}) {
    return directory_->AddSource({.tenant = tenant_, .name = name, .location = "/x", .readers = std::move(readers)}).value();
  }
  Names SeesBy(const Identity& identity) {
    auto visible = directory_->VisibleSources(directory_->ViewerFor(identity).value()).value();
    Names names;
    for (const VisibleSource& each : visible) names.push_back(each.name);
    return names;
  }
  Names Sees(const std::string& user, const Names& teams = {}) { return SeesBy({.tenant = tenant_, .user = user, .teams = teams}); }
  void Team(const std::string& name, const Names& members) {
    ASSERT_TRUE(directory_->CreateTeam(tenant_, name).ok());
    for (const std::string& member : members) ASSERT_TRUE(directory_->AddMember(tenant_, name, member).ok()) << member;
  }

  MemoryStore store_;
  int64_t now_ = 1'000'000;
  std::unique_ptr<Directory> directory_;
  TenantId tenant_;
};

TEST_F(PeopleTest, TeamsWithinTeamsReadWhatTheOuterOnesRead) {
  Add("app", {"team:engineering"});
  Team("ops", {"user:ola"});
  Team("backend", {"user:ann", "team:ops"});
  Team("engineering", {"team:backend"});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Sees("ann"), Names{"app"});
    EXPECT_EQ(Sees("ola"), Names{"app"});
    EXPECT_EQ(Sees("eve"), Names{});
    EXPECT_EQ(Sees("eve", {"ops"}), Names{"app"});  // a token that says so
    EXPECT_EQ(Sees("engineering"), Names{});
    Reopen();
  }
  ASSERT_TRUE(directory_->RemoveMember(tenant_, "engineering", "team:backend").ok());
  EXPECT_EQ(Sees("ann"), Names{});
  EXPECT_EQ(directory_->RemoveMember(tenant_, "engineering", "team:backend").code(), StatusCode::kNotFound);
}

TEST_F(PeopleTest, ATeamIsNeverWithinItself) {
  Team("a", {});
  Team("b", {"team:a"});
  Team("c", {"team:b"});
  for (auto [team, member] : {std::pair{"a", "team:a"}, {"a", "team:b"}, {"a", "team:c"}, {"b", "team:c"}}) {
    Status refused = directory_->AddMember(tenant_, team, member);
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << team << " " << member;
    EXPECT_NE(refused.message().find("within"), std::string::npos);
  }
  EXPECT_TRUE(directory_->AddMember(tenant_, "c", "team:a").ok());  // twice, no cycle
  EXPECT_EQ(directory_->AddMember(tenant_, "c", "team:none").code(), StatusCode::kNotFound);
  EXPECT_EQ(directory_->AddMember(tenant_, "c", "everyone").code(), StatusCode::kInvalidArgument);
}

TEST_F(PeopleTest, TeamsOfAnotherTenantAreOthers) {
  TenantId other = directory_->CreateTenant("other").value();
  Add("app", {"team:core"});
  ASSERT_TRUE(directory_->CreateTeam(other, "core").ok());
  ASSERT_TRUE(directory_->AddMember(other, "core", "user:ann").ok());
  EXPECT_EQ(Sees("ann"), Names{});
  EXPECT_EQ(directory_->AddMember(tenant_, "core", "user:ann").code(), StatusCode::kNotFound);
}

TEST_F(PeopleTest, Attack058_WhoGetsANameLaterHasNothingOfIt) {
  Source app = Add("app", {"user:ann", "team:core"});
  Team("core", {"user:ann"});
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann", .role = Role::kAdministrator}).ok());
  std::string token = directory_->CreateToken({.tenant = tenant_, .user = "ann", .teams = {"core"}})->text;
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, {.origin = "forge", .principals = {"user:ann"}, .valid_ms = 1000}).ok());
  std::string of_bob = directory_->CreateToken({.tenant = tenant_, .user = "bob", .teams = {"core"}})->text;
  ASSERT_TRUE(directory_->RemoveUser(tenant_, "ann").ok());
  Reopen();
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann"}).ok());
  EXPECT_FALSE(directory_->Authenticate(token).ok());
  EXPECT_EQ(Sees("ann"), Names{});
  EXPECT_EQ(directory_->FindUser(tenant_, "ann")->value().role, Role::kReader);
  EXPECT_EQ(SeesBy(directory_->Authenticate(of_bob).value()), Names{"app"});
  ASSERT_TRUE(directory_->RemoveTeam(tenant_, "core").ok());
  ASSERT_TRUE(directory_->CreateTeam(tenant_, "core").ok());
  ASSERT_TRUE(directory_->Grant(app.id, "team:core").ok());  // the new team's
  EXPECT_EQ(SeesBy(directory_->Authenticate(of_bob).value()), Names{});
  EXPECT_EQ(directory_->RemoveUser(tenant_, "nobody").code(), StatusCode::kNotFound);
}

TEST_F(PeopleTest, ARoleEndsAtItsUsers) {
  std::string early = directory_->CreateToken({.tenant = tenant_, .user = "ann", .role = Role::kAdministrator})->text;
  EXPECT_EQ(directory_->Authenticate(early)->role, Role::kAdministrator);
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann", .role = Role::kAuditor}).ok());
  EXPECT_EQ(directory_->Authenticate(early)->role, Role::kAuditor);
  EXPECT_EQ(directory_->CreateToken({.tenant = tenant_, .user = "ann", .role = Role::kAdministrator}).status().code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(directory_->ChangeUser(tenant_, "ann", {.role = Role::kPlatform}).ok());
  EXPECT_EQ(directory_->Authenticate(early)->role, Role::kAdministrator);
  EXPECT_FALSE(directory_->CreateUser({.tenant = tenant_, .name = "x", .role = Role::kOperator}).ok());
  EXPECT_FALSE(directory_->CreateToken({.tenant = tenant_, .user = "x", .role = Role::kOperator}).ok());
}

TEST_F(PeopleTest, ADisabledUserIsRefusedAtOnce) {
  Add("app", {"user:ann"});
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann"}).ok());
  std::string token = directory_->CreateToken({.tenant = tenant_, .user = "ann"})->text;
  Identity held = directory_->Authenticate(token).value();
  Viewer viewer = directory_->ViewerFor(held).value();
  EXPECT_TRUE(directory_->StillHolds(held, viewer));
  ASSERT_TRUE(directory_->ChangeUser(tenant_, "ann", {.disabled = true}).ok());
  EXPECT_FALSE(directory_->StillHolds(held, viewer));
  EXPECT_EQ(directory_->Authenticate(token).status().ToString(), "permission denied: unknown or expired token");
  EXPECT_FALSE(directory_->Vouched(tenant_, "ann", {}, 0).ok());
  EXPECT_FALSE(directory_->CreateToken({.tenant = tenant_, .user = "ann"}).ok());
  ASSERT_TRUE(directory_->ChangeUser(tenant_, "ann", {.disabled = false}).ok());
  EXPECT_TRUE(directory_->Authenticate(token).ok());
}

TEST_F(PeopleTest, ServiceAccountsHaveTokensOnly) {
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ci", .kind = UserKind::kService}).ok());
  EXPECT_TRUE(directory_->CreateToken({.tenant = tenant_, .user = "ci"}).ok());
  EXPECT_EQ(directory_->Vouched(tenant_, "ci", {}, 0).status().code(), StatusCode::kPermissionDenied);
  EXPECT_TRUE(directory_->Vouched(tenant_, "ann", {}, 0).ok());
}

// ---- tokens ----------------------------------------------------------------------------------------------

TEST_F(PeopleTest, ATokenForSomeSourcesReadsNoOther) {
  Source a = Add("a", {"user:ann"}), b = Add("b", {"user:ann"}), c = Add("c");
  auto made = directory_->CreateToken({.tenant = tenant_, .user = "ann", .scope = {.some_sources = true, .sources = {b.id, c.id}}});
  Reopen();
  Identity ann = directory_->Authenticate(made->text).value();
  EXPECT_EQ(SeesBy(ann), Names{"b"});
  ASSERT_TRUE(directory_->RemoveSource(b.id).ok());
  Add("b", {"user:ann"});  // another one of that name
  EXPECT_EQ(SeesBy(directory_->Authenticate(made->text).value()), Names{});
  auto none = directory_->CreateToken({.tenant = tenant_, .user = "ann", .scope = {.some_sources = true}});
  EXPECT_EQ(SeesBy(directory_->Authenticate(none->text).value()), Names{});
  TenantId other = directory_->CreateTenant("other").value();
  EXPECT_FALSE(directory_->CreateToken({.tenant = other, .user = "ann", .scope = {.some_sources = true, .sources = {a.id}}}).ok());
}

TEST_F(PeopleTest, Attack143_RotationHasTwoLivingTokens) {
  auto first = directory_->CreateToken({.tenant = tenant_, .user = "ann", .teams = {"web"}, .expires_unix_ms = now_ + 1000}).value();
  now_ += 400;
  auto second = directory_->RotateToken(tenant_, first.id, 100).value();
  EXPECT_TRUE(directory_->Authenticate(first.text).ok());
  Identity next = directory_->Authenticate(second.text).value();
  EXPECT_EQ(next.teams, Names{"web"});
  EXPECT_EQ(next.expires_unix_ms, now_ + 1000);
  EXPECT_EQ(directory_->RotateToken(tenant_, second.id, 100).status().code(), StatusCode::kInvalidArgument);  // a third
  now_ += 100;
  EXPECT_FALSE(directory_->Authenticate(first.text).ok());
  auto third = directory_->RotateToken(tenant_, second.id, 0).value();
  EXPECT_FALSE(directory_->Authenticate(second.text).ok());
  EXPECT_TRUE(directory_->Authenticate(third.text).ok());
  EXPECT_EQ(directory_->RotateToken(tenant_, first.id, 0).status().code(), StatusCode::kInvalidArgument);  // it has ended
  EXPECT_EQ(directory_->RotateToken(directory_->CreateTenant("other").value(), third.id, 0).status().code(), StatusCode::kNotFound);
}

TEST_F(PeopleTest, TheLastUseIsKnownAlsoAfterARestart) {
  auto made = directory_->CreateToken({.tenant = tenant_, .user = "ann"}).value();
  EXPECT_EQ(directory_->LastUseOf(made.id), 0);
  ASSERT_TRUE(directory_->Authenticate(made.text).ok());
  int64_t first = now_;
  now_ += 5000;
  ASSERT_TRUE(directory_->Authenticate(made.text).ok());
  EXPECT_EQ(directory_->LastUseOf(made.id), first + 5000);
  Reopen();
  EXPECT_EQ(directory_->LastUseOf(made.id), first + 5000);
  ASSERT_TRUE(directory_->RevokeToken(tenant_, made.id).ok());
  EXPECT_EQ(directory_->LastUseOf(made.id), 0);
}

TEST_F(PeopleTest, ATokenOfAnOlderBuildHasItsRole) {
  for (bool administrator : {false, true}) {
    Token old{.id = {7}, .tenant = tenant_, .user = "ann", .teams = {"web"}};
    ByteWriter fields;
    fields.String("hash").Varint(tenant_.value).String("ann").Varint(1).String("web");
    fields.Fixed(static_cast<uint8_t>(administrator)).Fixed(int64_t{5}).Fixed(int64_t{0});
    Token read{.id = {7}};
    std::string hash;
    ASSERT_TRUE(Decode(fields.view(), read, hash));
    EXPECT_EQ(read.role, administrator ? Role::kAdministrator : Role::kReader);
    EXPECT_EQ(read.family, read.id);
    EXPECT_TRUE(read.scope.Allows(Protocol::kMcp));
  }
}

// ---- found grants ----------------------------------------------------------------------------------------

TEST_F(PeopleTest, AFoundGrantCountsUntilItIsNotFoundAgain) {
  Source app = Add("app", {"user:hand"});
  FoundGrants found{.origin = "github", .principals = {"user:ann", "team:core"}, .valid_ms = 1000};
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, found).ok());
  EXPECT_EQ(Sees("ann"), Names{"app"});
  EXPECT_EQ(Sees("bob", {"core"}), Names{"app"});
  EXPECT_EQ(directory_->PrincipalsOf(app.id).value(), (Names{"team:core", "user:ann", "user:hand"}));
  Reopen();
  now_ += 999;
  EXPECT_EQ(Sees("ann"), Names{"app"});
  Identity ann{.tenant = tenant_, .user = "ann", .generation = 0};
  Viewer viewer = directory_->ViewerFor(ann).value();
  EXPECT_TRUE(directory_->StillHolds(ann, viewer));
  now_ += 1;  // nobody has looked since
  EXPECT_EQ(Sees("ann"), Names{});
  EXPECT_FALSE(directory_->StillHolds(ann, viewer));
  EXPECT_EQ(Sees("hand"), Names{"app"});
  EXPECT_EQ(directory_->PrincipalsOf(app.id).value(), Names{"user:hand"});
  ASSERT_EQ(directory_->GrantsOf(app.id)->size(), 3u);
  EXPECT_EQ(directory_->GrantsOf(app.id)->at(1).valid_until_unix_ms, now_);
  found.principals = {"user:ann"};
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, found).ok());
  EXPECT_EQ(Sees("ann"), Names{"app"});
  EXPECT_EQ(Sees("bob", {"core"}), Names{});
  found.principals = {};
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, found).ok());
  EXPECT_EQ(Sees("ann"), Names{});
}

TEST_F(PeopleTest, FoundGrantsOfSeveralOriginsStandSideBySide) {
  Source app = Add("app");
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, {.origin = "a", .principals = {"user:ann"}, .valid_ms = 100}).ok());
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, {.origin = "b", .principals = {"user:ann"}, .valid_ms = 200}).ok());
  now_ += 150;
  EXPECT_EQ(Sees("ann"), Names{"app"});
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, {.origin = "b", .principals = {}, .valid_ms = 200}).ok());
  EXPECT_EQ(Sees("ann"), Names{});
  ASSERT_TRUE(directory_->SetFoundGrants(app.id, {.origin = "b", .principals = {"user:ann"}, .valid_ms = 200}).ok());
  ASSERT_TRUE(directory_->Revoke(app.id, "user:ann").ok());  // at once, whoever granted it
  EXPECT_EQ(Sees("ann"), Names{});
  EXPECT_FALSE(directory_->SetFoundGrants(app.id, {.origin = "b", .principals = {"ann"}, .valid_ms = 200}).ok());
  EXPECT_FALSE(directory_->SetFoundGrants(app.id, {.origin = "b", .principals = {}, .valid_ms = 0}).ok());
  EXPECT_FALSE(directory_->SetFoundGrants(app.id, {.origin = "", .principals = {}, .valid_ms = 5}).ok());
}

// ---- the store fails -------------------------------------------------------------------------------------

// Attack056: a change that may or may not have been written shows what the store holds; a store that cannot be asked, nothing.
TEST_F(PeopleTest, Attack056_AChangeThatFailsNeverWidens) {
  Source app = Add("app", {"team:core", "user:hand"});
  Team("core", {"user:ann"});
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann"}).ok());
  std::vector<std::function<Status()>> changes = {
      [&] { return directory_->AddMember(tenant_, "core", "user:eve"); },
      [&] { return directory_->RemoveMember(tenant_, "core", "user:ann"); },
      [&] { return directory_->RemoveTeam(tenant_, "core"); },
      [&] { return directory_->ChangeUser(tenant_, "ann", {.disabled = true}); },
      [&] { return directory_->SetFoundGrants(app.id, {.origin = "forge", .principals = {"user:eve"}, .valid_ms = 100}); },
      [&] { return directory_->ImportRules(app.id, {{.pattern = "x", .exact = false, .principals = {"user:eve"}}}); },
      [&] { return directory_->RemoveUser(tenant_, "ann"); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    MemoryStore before(store_);
    store_.set_fault(MemoryStore::Fault::kFailAndDrop);
    EXPECT_FALSE(changes[i]().ok()) << i;
    EXPECT_EQ(Sees("eve"), Names{}) << i;
    EXPECT_EQ(Sees("ann"), Names{"app"}) << i;
    store_.set_fault(MemoryStore::Fault::kDown);
    EXPECT_FALSE(changes[i]().ok()) << i;
    EXPECT_FALSE(directory_->ViewerForUser(tenant_, "ann", {}).ok()) << i;
    EXPECT_FALSE(directory_->Vouched(tenant_, "ann", {}, 0).ok()) << i;
    EXPECT_FALSE(directory_->GrantsOf(app.id).ok()) << i;
    store_.set_fault(MemoryStore::Fault::kNone);
    Reopen();
    EXPECT_EQ(Sees("ann"), Names{"app"}) << i;
  }
}

TEST_F(PeopleTest, DamagedRecordsOfPeopleDeny) {
  Add("app", {"team:core"});
  Team("core", {"user:ann"});
  ASSERT_TRUE(directory_->CreateUser({.tenant = tenant_, .name = "ann"}).ok());
  for (const auto& [key, value] : store_.rows(Table::kMeta)) {
    if (!key.starts_with(kUserPrefix) && !key.starts_with(kTeamPrefix)) continue;
    for (size_t i = 0; i < value.size(); ++i) {
      MemoryStore damaged(store_), cut(store_);
      damaged.rows(Table::kMeta)[key][i] ^= 0x10;
      cut.rows(Table::kMeta)[key].resize(i);
      EXPECT_EQ(Directory::Open(damaged).status().code(), StatusCode::kCorruption);
      EXPECT_EQ(Directory::Open(cut).status().code(), StatusCode::kCorruption);
    }
  }
}

// ---- imported rules --------------------------------------------------------------------------------------

TEST_F(PeopleTest, ImportedRulesStandBelowThoseMadeByHand) {
  Source app = Add("app", {"everyone"});
  auto label_of = [&](const std::string& path) { return directory_->PartitionFor(app.id, path).value(); };
  auto reads = [&](const std::string& user, const std::string& path) {
    return directory_->ViewerForUser(tenant_, user, {})->MayRead(label_of(path));
  };
  auto settle = [&] {
    ASSERT_TRUE(directory_->SettleRules(app.id, directory_->FindSource(app.id)->rules_version, [](auto) { return OkStatus(); }).ok());
  };
  ASSERT_TRUE(directory_->ImportRules(app.id, {{"*", false, {"user:all"}}, {"docs/*", true, {"user:doc"}}, {"docs/secret", false, {}}}).ok());
  EXPECT_FALSE(reads("all", "a.cc"));  // until the files are sorted
  settle();
  EXPECT_TRUE(reads("all", "a.cc"));
  EXPECT_FALSE(reads("eve", "a.cc"));
  EXPECT_TRUE(reads("doc", "docs/a.md"));
  EXPECT_TRUE(reads("all", "docs/deep/a.md"));
  EXPECT_FALSE(reads("doc", "docs/deep/a.md"));
  EXPECT_FALSE(reads("doc", "docs/secret"));  // the last line counts, and names nobody
  EXPECT_FALSE(reads("all", "docs/secret"));
  ASSERT_TRUE(directory_->SetRule(app.id, "docs", {"user:hand"}).ok());
  settle();
  EXPECT_TRUE(reads("hand", "docs/a.md"));
  EXPECT_FALSE(reads("doc", "docs/a.md"));
  Reopen();
  EXPECT_EQ(directory_->RulesOf(app.id)->size(), 4u);
  EXPECT_EQ(directory_->RemoveRule(app.id, "*").code(), StatusCode::kNotFound);  // not made by hand
  ASSERT_TRUE(directory_->ImportRules(app.id, {}).ok());
  settle();
  EXPECT_TRUE(reads("eve", "a.cc"));
  EXPECT_TRUE(reads("hand", "docs/a.md"));
  ASSERT_TRUE(directory_->ImportRules(app.id, {{"*", false, {"user:x"}}}).ok());
  settle();
  uint32_t version = directory_->FindSource(app.id)->rules_version;
  ASSERT_TRUE(directory_->ImportRules(app.id, {{"*", false, {"user:y"}}}).ok());  // other readers move no file
  EXPECT_EQ(directory_->FindSource(app.id)->rules_version, version);
  EXPECT_TRUE(reads("y", "a.cc"));
}

}  // namespace
}  // namespace codelore::acl
