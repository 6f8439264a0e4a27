// Random changes of teams, grants (by hand and found), path rules, file names, token scopes, users and time, on a Directory
// and on a model that is too simple to be wrong. After every change somebody's right to some file is compared; never may the
// Directory show more than the model allows, and where files are where they belong, it must show exactly that.
// CODELORE_RIGHTS_OPERATIONS=1000000 for more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "acl/directory.h"
#include "codelore/glob.h"
#include "support/memory_store.h"

namespace codelore::acl {
namespace {

using Names = std::set<std::string>;

struct Grants {
  Names by_hand;
  std::map<std::string, std::map<std::string, int64_t>> found;  // origin -> principal -> until
  bool Name(const Names& who, int64_t now) const {
    for (const std::string& principal : who) {
      if (by_hand.contains(principal)) return true;
      for (const auto& [origin, principals] : found) {
        auto at = principals.find(principal);
        if (at != principals.end() && now < at->second) return true;
      }
    }
    return false;
  }
};

struct ModelSource {
  uint32_t tenant = 0;
  std::string name;
  Grants grants;
  std::map<std::string, Names> rules;  // by hand, by pattern
  std::vector<ImportedRule> imported;
  Names files;
  bool sorted = true;
};

struct ModelToken {
  CreatedToken made;
  uint32_t tenant = 0;
  std::string user;
  Names teams;
  Role role = Role::kReader;
  bool some_sources = false;
  std::set<uint32_t> sources;
  int64_t expires = 0;
};

struct ModelUser {
  Role role = Role::kReader;
  bool disabled = false;
};

class RightsModel : public ::testing::Test {
 protected:
  using Owned = std::pair<uint32_t, std::string>;  // tenant and name

  void SetUp() override {
    Reopen();
    tenants_ = {directory_->FindTenant(kDefaultTenant).value(), directory_->CreateTenant("second").value()};
  }
  void Reopen() {
    directory_.reset();
    directory_ = Directory::Open(store_, {.now_unix_ms = [this] { return now_; }}).value();
  }
  uint32_t Pick(size_t below) { return static_cast<uint32_t>(random_() % below); }
  TenantId Tenant() { return tenants_[Pick(2)]; }
  std::string User() { return "u" + std::to_string(Pick(5)); }
  std::string Team() { return "t" + std::to_string(Pick(5)); }
  std::string Principal() { return Pick(12) == 0 ? "everyone" : Pick(2) == 0 ? "user:" + User() : "team:" + Team(); }
  std::string Path() {
    static const char* const kPaths[] = {"a", "x/a", "x/b.pem", "x/y/a", "x/y/z.pem", "z.pem", "w/x/a", "w/a.md"};
    return kPaths[Pick(8)];
  }
  std::string Pattern() {
    static const char* const kPatterns[] = {"x", "x/y/**", "*.pem", "x/*", "**", "x/y/z.pem", "w/"};
    return kPatterns[Pick(7)];
  }
  template <typename Map>
  auto Any(Map& map) { return std::next(map.begin(), Pick(map.size())); }

  // ---- the model's judgement
  Names Closure(uint32_t tenant, const std::string& user, const Names& stated) const {
    Names all = {"user:" + user, "everyone"};
    for (const std::string& team : stated) all.insert("team:" + team);
    for (bool grown = true; grown;) {
      grown = false;
      for (const auto& [owned, members] : teams_) {
        if (owned.first != tenant || all.contains("team:" + owned.second)) continue;
        for (const std::string& member : members) {
          if (all.contains(member)) grown = all.insert("team:" + owned.second).second;
          if (grown) break;
        }
      }
    }
    return all;
  }
  // By trying the patterns one by one; what a pattern matches is PathRules' own test.
  static bool Fits(const std::string& pattern, bool exact, const std::string& path) {
    return PathPattern(pattern).Matches(path) || (!exact && PathPattern(pattern.ends_with('/') ? pattern : pattern + "/").Matches(path));
  }
  static size_t Fixed(const std::string& pattern) { return std::min(pattern.find_first_of("*?[\\"), pattern.size()); }
  bool MayRead(const ModelSource& source, const std::string& path, const Names& who) const {
    const std::pair<const std::string, Names>* best = nullptr;
    for (const auto& rule : source.rules) {
      if (!Fits(rule.first, false, path)) continue;
      auto rank = [](const auto& each) { return std::tuple(Fixed(each.first), each.first.size(), each.first); };
      if (best == nullptr || rank(rule) > rank(*best)) best = &rule;
    }
    if (best != nullptr) return Grants{best->second, {}}.Name(who, now_);
    for (auto rule = source.imported.rbegin(); rule != source.imported.rend(); ++rule) {
      if (Fits(rule->pattern, rule->exact, path)) return Grants{{rule->principals.begin(), rule->principals.end()}, {}}.Name(who, now_);
    }
    return source.grants.Name(who, now_);
  }

  // ---- one random change, made on both
  void ChangeTeams() {
    TenantId tenant = Tenant();
    Owned owned{tenant.value, Team()};
    auto at = teams_.find(owned);
    switch (Pick(5)) {
      case 0:
        ASSERT_EQ(directory_->CreateTeam(tenant, owned.second).ok(), at == teams_.end());
        if (at == teams_.end()) teams_[owned];
        break;
      case 1:
        if (Pick(4) != 0) break;
        ASSERT_EQ(directory_->RemoveTeam(tenant, owned.second).ok(), at != teams_.end());
        if (at != teams_.end()) ForgetPrincipal(tenant.value, "team:" + owned.second), teams_.erase(owned), ForgetInTokens(owned);
        break;
      case 2: {
        std::string member = Pick(2) == 0 ? "user:" + User() : "team:" + Team();
        bool had = at != teams_.end() && at->second.erase(member) == 1;
        ASSERT_EQ(directory_->RemoveMember(tenant, owned.second, member).ok(), had);
        break;
      }
      default: {
        std::string member = Pick(2) == 0 ? "user:" + User() : "team:" + Team();
        bool good = at != teams_.end();
        if (member.starts_with("team:")) {
          good = good && teams_.contains({tenant.value, member.substr(5)}) && !Closure(tenant.value, "-", {owned.second}).contains(member);
        }
        ASSERT_EQ(directory_->AddMember(tenant, owned.second, member).ok(), good);
        if (good) at->second.insert(member);
      }
    }
  }
  void ForgetPrincipal(uint32_t tenant, const std::string& principal) {
    for (auto& [owned, members] : teams_) {
      if (owned.first == tenant) members.erase(principal);
    }
    for (auto& [id, source] : sources_) {
      if (source.tenant != tenant) continue;
      source.grants.by_hand.erase(principal);
      for (auto& [origin, principals] : source.grants.found) principals.erase(principal);
      for (auto& [pattern, readers] : source.rules) readers.erase(principal);
      for (ImportedRule& rule : source.imported) std::erase(rule.principals, principal);
    }
  }
  void ForgetInTokens(const Owned& team) {
    for (auto& [id, token] : tokens_) {
      if (token.tenant == team.first) token.teams.erase(team.second);
    }
  }
  void ChangeUsers() {
    TenantId tenant = Tenant();
    Owned owned{tenant.value, User()};
    auto at = users_.find(owned);
    Role role = static_cast<Role>(Pick(3));
    switch (Pick(8)) {
      case 0: {
        bool any = at != users_.end();
        for (const auto& [id, token] : tokens_) any = any || (token.tenant == tenant.value && token.user == owned.second);
        any = any || Named(tenant.value, "user:" + owned.second);
        bool removed = directory_->RemoveUser(tenant, owned.second).ok();
        ASSERT_LE(any, removed);  // a rule that is gone may name the user until the files are sorted
        ForgetPrincipal(tenant.value, "user:" + owned.second);
        users_.erase(owned);
        std::erase_if(tokens_, [&](const auto& entry) { return entry.second.tenant == tenant.value && entry.second.user == owned.second; });
        break;
      }
      case 1: case 2:
        ASSERT_EQ(directory_->CreateUser({.tenant = tenant, .name = owned.second, .role = role}).ok(), at == users_.end());
        if (at == users_.end()) users_[owned] = {role, false};
        break;
      default: {
        bool disabled = Pick(3) == 0;
        ASSERT_EQ(directory_->ChangeUser(tenant, owned.second, {.role = role, .disabled = disabled}).ok(), at != users_.end());
        if (at != users_.end()) at->second = {role, disabled};
      }
    }
  }
  bool Named(uint32_t tenant, const std::string& principal) const {
    for (const auto& [owned, members] : teams_) {
      if (owned.first == tenant && members.contains(principal)) return true;
    }
    for (const auto& [id, source] : sources_) {
      if (source.tenant != tenant) continue;
      if (source.grants.by_hand.contains(principal)) return true;
      for (const auto& [origin, principals] : source.grants.found) {
        if (principals.contains(principal)) return true;
      }
      for (const auto& [pattern, readers] : source.rules) {
        if (readers.contains(principal)) return true;
      }
      for (const ImportedRule& rule : source.imported) {
        if (std::ranges::find(rule.principals, principal) != rule.principals.end()) return true;
      }
    }
    return false;
  }
  void ChangeSources() {
    if (sources_.size() > 3 && Pick(2) == 0) {
      auto at = Any(sources_);
      ASSERT_TRUE(directory_->RemoveSource({at->first}).ok());
      std::erase_if(placed_, [&](const auto& entry) { return entry.first.first == at->first; });
      sources_.erase(at);
      return;
    }
    if (sources_.size() > 5) return;
    ModelSource source{.tenant = Tenant().value, .name = "s" + std::to_string(next_name_++)};
    Names readers;
    for (uint32_t n = Pick(3); n > 0; --n) readers.insert(Principal());
    source.grants.by_hand = readers;
    for (int n = 0; n < 4; ++n) source.files.insert(Path());
    auto added = directory_->AddSource({.tenant = {source.tenant}, .name = source.name, .location = "/x", .readers = {readers.begin(), readers.end()}});
    ASSERT_TRUE(added.ok());
    ASSERT_FALSE(sources_.contains(added->id.value));
    sources_[added->id.value] = source;
    Sort(added->id);
  }
  void ChangeGrants(SourceId id, ModelSource& source) {
    std::string who = Principal();
    uint32_t kind = Pick(6);
    if (kind < 2) {
      ASSERT_TRUE(directory_->Grant(id, who).ok());
      source.grants.by_hand.insert(who);
    } else if (kind < 5) {
      bool had = source.grants.by_hand.erase(who) == 1;
      for (auto& [origin, principals] : source.grants.found) had = principals.erase(who) == 1 || had;
      ASSERT_EQ(directory_->Revoke(id, who).ok(), had);
    } else {
      FoundGrants found{.origin = Pick(2) == 0 ? "github" : "gitea", .principals = {}, .valid_ms = 1 + Pick(200)};
      std::map<std::string, int64_t> expected;
      for (uint32_t n = Pick(4); n > 0; --n) found.principals.push_back(Principal()), expected[found.principals.back()] = now_ + found.valid_ms;
      ASSERT_TRUE(directory_->SetFoundGrants(id, found).ok());
      source.grants.found[found.origin] = expected;
    }
  }
  void ChangeRules(SourceId id, ModelSource& source) {
    std::string pattern = Pattern();
    Names readers;
    for (uint32_t n = Pick(3); n > 0; --n) readers.insert(Principal());
    uint32_t kind = Pick(5);
    if (kind < 2) {
      ASSERT_TRUE(directory_->SetRule(id, pattern, {readers.begin(), readers.end()}).ok());
      source.sorted = source.sorted && source.rules.contains(pattern);
      source.rules[pattern] = readers;
    } else if (kind < 4) {
      bool had = source.rules.erase(pattern) == 1;
      ASSERT_EQ(directory_->RemoveRule(id, pattern).ok(), had);
      source.sorted = source.sorted && !had;
    } else {
      std::vector<ImportedRule> rules;
      for (uint32_t n = Pick(4); n > 0; --n) {
        ImportedRule rule{.pattern = Pattern(), .exact = false, .principals = {}};
        rule.exact = rule.pattern.ends_with("/*");
        for (uint32_t m = Pick(3); m > 0; --m) rule.principals.push_back(Principal());
        std::erase_if(rules, [&](const ImportedRule& each) { return each.pattern == rule.pattern; });
        rules.push_back(rule);
      }
      uint32_t before = directory_->FindSource(id)->rules_version;
      ASSERT_TRUE(directory_->ImportRules(id, rules).ok());
      source.imported = rules;
      source.sorted = source.sorted && directory_->FindSource(id)->rules_version == before;
    }
  }
  // What a run does: every file goes where it belongs.
  void Sort(SourceId id) {
    ModelSource& source = sources_.at(id.value);
    std::erase_if(placed_, [&](const auto& entry) { return entry.first.first == id.value; });
    for (const std::string& path : source.files) placed_[{id.value, path}] = directory_->PartitionFor(id, path).value();
    ASSERT_TRUE(directory_->SettleRules(id, directory_->FindSource(id)->rules_version, [](auto) { return OkStatus(); }).ok());
    source.sorted = true;
  }
  // A push renames a file: the run that follows puts the new name where it belongs.
  void RenameFile(SourceId id, ModelSource& source) {
    if (source.files.empty()) return;
    auto from = Any(source.files);
    placed_.erase({id.value, *from});
    source.files.erase(from);
    std::string to = Path();
    source.files.insert(to);
    placed_[{id.value, to}] = directory_->PartitionFor(id, to).value();
  }
  void ChangeTokens() {
    if (tokens_.size() > 12 || (!tokens_.empty() && Pick(4) == 0)) {
      auto at = Any(tokens_);
      ASSERT_TRUE(directory_->RevokeToken({at->second.tenant}, at->second.made.id).ok());
      tokens_.erase(at);
      return;
    }
    if (!tokens_.empty() && Pick(5) == 0) return RotateToken();
    ModelToken token{.made = {}, .tenant = Tenant().value, .user = User(), .teams = {}, .role = static_cast<Role>(Pick(3)), .some_sources = Pick(3) == 0, .sources = {}};
    for (uint32_t n = Pick(3); n > 0; --n) token.teams.insert(Team());
    if (Pick(3) == 0) token.expires = now_ + 1 + Pick(500);
    NewToken wanted{.tenant = {token.tenant}, .user = token.user, .teams = {token.teams.begin(), token.teams.end()}, .role = token.role, .expires_unix_ms = token.expires};
    wanted.scope.some_sources = token.some_sources;
    bool good = true;
    if (token.some_sources && !sources_.empty()) {
      auto source = Any(sources_);
      token.sources.insert(source->first);
      wanted.scope.sources = {{source->first}};
      good = source->second.tenant == token.tenant;
    }
    if (auto user = users_.find({token.tenant, token.user}); user != users_.end()) good = good && !user->second.disabled && token.role <= user->second.role;
    auto made = directory_->CreateToken(wanted);
    ASSERT_EQ(made.ok(), good);
    if (!good) return;
    token.made = *made;
    tokens_[made->id.value] = token;
  }
  void RotateToken() {
    auto at = Any(tokens_);
    ModelToken old = at->second;
    int64_t overlap = Pick(100);
    auto made = directory_->RotateToken({old.tenant}, old.made.id, overlap);
    if (!made.ok()) return;  // ended, or two are alive: people_test
    ASSERT_TRUE(old.expires == 0 || now_ < old.expires);
    int64_t ends = now_ + overlap;
    ModelToken next = old;
    next.made = *made;
    if (old.expires == 0 || ends < old.expires) at->second.expires = ends;
    auto listed = directory_->ListTokens({old.tenant}).value();
    for (const acl::Token& token : listed) {
      if (token.id == made->id) next.expires = token.expires_unix_ms;
    }
    ASSERT_EQ(next.expires == 0, old.expires == 0);
    tokens_[made->id.value] = next;
  }
  void Change() {
    uint32_t kind = Pick(100);
    if (sources_.empty() || kind < 4) return ChangeSources();
    auto source = Any(sources_);
    if (kind < 34) return ChangeGrants({source->first}, source->second);
    if (kind < 44) return ChangeRules({source->first}, source->second);
    if (kind < 56) return Sort({source->first});
    if (kind < 62) return RenameFile({source->first}, source->second);
    if (kind < 80) return ChangeTeams();
    if (kind < 86) return ChangeUsers();
    if (kind < 96) return ChangeTokens();
    if (kind < 99) now_ += Pick(40);
    else if (Pick(20) == 0) Reopen();
  }

  // ---- the comparison
  void CompareRights(const Viewer& viewer, uint32_t tenant, const Names& who, const ModelToken* token) {
    for (const auto& [file, partition] : placed_) {
      auto at = sources_.find(file.first);
      if (at == sources_.end()) continue;
      const ModelSource& source = at->second;
      bool may = source.tenant == tenant && MayRead(source, file.second, who) && (token == nullptr || !token->some_sources || token->sources.contains(file.first));
      bool reads = viewer.MayRead(partition);
      ASSERT_LE(reads, may) << source.name << " " << file.second;
      ASSERT_TRUE(!source.sorted || reads == may) << source.name << " " << file.second;
    }
  }
  void Compare() {
    if (!tokens_.empty() && Pick(2) == 0) {
      const ModelToken& token = Any(tokens_)->second;
      auto user = users_.find({token.tenant, token.user});
      bool alive = (token.expires == 0 || now_ < token.expires) && (user == users_.end() || !user->second.disabled);
      auto identity = directory_->Authenticate(token.made.text);
      ASSERT_EQ(identity.ok(), alive);
      if (!alive) return;
      ASSERT_EQ(identity->role, user == users_.end() ? token.role : std::min(token.role, user->second.role));
      CompareRights(directory_->ViewerFor(*identity).value(), token.tenant, Closure(token.tenant, token.user, token.teams), &token);
      return;
    }
    TenantId tenant = Tenant();
    std::string user = Pick(8) == 0 ? "stranger" : User();
    Names stated;
    for (uint32_t n = Pick(2); n > 0; --n) stated.insert(Team());
    CompareRights(directory_->ViewerForUser(tenant, user, {stated.begin(), stated.end()}).value(), tenant.value, Closure(tenant.value, user, stated), nullptr);
  }

  testing::MemoryStore store_;
  int64_t now_ = 1'000'000;
  std::unique_ptr<Directory> directory_;
  std::vector<TenantId> tenants_;
  std::map<uint32_t, ModelSource> sources_;
  std::map<std::pair<uint32_t, std::string>, PartitionId> placed_;
  std::map<Owned, Names> teams_;
  std::map<Owned, ModelUser> users_;
  std::map<uint32_t, ModelToken> tokens_;
  uint32_t next_name_ = 0;
  std::mt19937 random_{20261121};
};

TEST_F(RightsModel, AgreesOverRandomOperations) {
  const char* asked = std::getenv("CODELORE_RIGHTS_OPERATIONS");
  const uint64_t operations = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 20'000;
  for (uint64_t step = 0; step < operations; ++step) {
    Change();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    Compare();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
  }
  std::cout << operations << " operations, 0 disagreements\n";
}

}  // namespace
}  // namespace codelore::acl
