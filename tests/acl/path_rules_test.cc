#include "acl/path_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "acl/directory.h"
#include "support/memory_store.h"

namespace codelore::acl {
namespace {

uint32_t LabelOf(const std::vector<std::string>& patterns, std::string_view path) {
  std::vector<PathRule> rules;
  for (const std::string& pattern : patterns) rules.push_back({pattern, {static_cast<uint32_t>(rules.size() + 1)}});
  return PathRules(rules).LabelOf(path).value_or(LabelId{0}).value;
}

TEST(PathRulesTest, TheLongestPrefixOrGlobCounts) {
  const std::vector<std::string> rules = {"infra", "infra/secrets/**", "*.pem", "infra/secrets/public", "infra/**/x"};
  EXPECT_EQ(LabelOf(rules, "README"), 0u);
  EXPECT_EQ(LabelOf(rules, "infra/a"), 1u);
  EXPECT_EQ(LabelOf(rules, "infra/secrets/a"), 2u);
  EXPECT_EQ(LabelOf(rules, "infra/secrets/public/a"), 4u);
  EXPECT_EQ(LabelOf(rules, "infra/secrets/public"), 4u);
  EXPECT_EQ(LabelOf(rules, "infra/b/x"), 5u);
  EXPECT_EQ(LabelOf(rules, "a/b.pem"), 3u);
  EXPECT_EQ(LabelOf(rules, "infrastructure/a"), 0u);
  EXPECT_EQ(LabelOf(rules, "Infra/a"), 0u);
  EXPECT_EQ(LabelOf({"infra/secrets/"}, "infra/secrets/deep/a"), 1u);
  EXPECT_EQ(LabelOf({"**"}, "a"), 1u);
}

TEST(PathRulesTest, RefusesPatternsThatMeanNothing) {
  for (const char* pattern : {"", "../x", "a/../b", "./a", "a\nb", "\xff"}) EXPECT_FALSE(ValidateRulePattern(pattern).ok()) << pattern;
  EXPECT_FALSE(ValidateRulePattern(std::string(2000, 'a')).ok());
  EXPECT_TRUE(ValidateRulePattern("infra/secrets/**").ok());
}

// Random changes of rules and grants against a reference that looks at every file anew: before the files are sorted
// nobody reads what the rules in force forbid, and afterwards everybody reads exactly what they allow.
class RuleModelTest : public ::testing::Test {
 protected:
  const std::vector<std::string> paths_ = {"a", "x/a", "x/b", "x/y/a", "x/y/z.pem", "z.pem", "w/x/a"};
  const std::vector<std::string> patterns_ = {"x", "x/y/**", "*.pem", "x/*", "**", "x/y/z.pem"};
  const std::vector<std::string> principals_ = {"user:u0", "user:u1", "team:t0", "team:t1", "everyone"};

  uint32_t Pick(size_t below) { return static_cast<uint32_t>(random_() % below); }
  static bool Names(const std::set<std::string>& label, const std::set<std::string>& asker) {
    return std::ranges::any_of(asker, [&](const std::string& principal) { return label.contains(principal); });
  }
  const std::set<std::string>& ReadersOf(const std::string& path) const {
    std::vector<PathRule> rules;
    std::vector<const std::set<std::string>*> readers;
    for (const auto& [pattern, label] : rules_) {
      rules.push_back({pattern, {static_cast<uint32_t>(readers.size())}});
      readers.push_back(&label);
    }
    auto label = PathRules(rules).LabelOf(path);
    return label ? *readers[label->value] : source_readers_;
  }
  void Sort() {
    uint32_t version = directory_->FindSource(source_)->rules_version;
    for (const std::string& path : paths_) placed_[path] = directory_->PartitionFor(source_, path).value();
    std::set<uint32_t> removed;
    ASSERT_TRUE(directory_->SettleRules(source_, version, [&](std::span<const PartitionId> partitions) {
      for (PartitionId each : partitions) removed.insert(each.value);
      return OkStatus();
    }).ok());
    for (const auto& [path, partition] : placed_) ASSERT_FALSE(removed.contains(partition.value));
    sorted_ = true;
  }
  void Change() {
    std::string pattern = patterns_[Pick(patterns_.size())], principal = principals_[Pick(principals_.size())];
    switch (Pick(8)) {
      case 0: case 1: {
        std::set<std::string> readers;
        for (size_t n = Pick(3); n > 0; --n) readers.insert(principals_[Pick(principals_.size())]);
        ASSERT_TRUE(directory_->SetRule(source_, pattern, {readers.begin(), readers.end()}).ok());
        sorted_ = sorted_ && rules_.contains(pattern);
        rules_[pattern] = readers;
        break;
      }
      case 2:
        ASSERT_EQ(directory_->RemoveRule(source_, pattern).ok(), rules_.contains(pattern));
        sorted_ = sorted_ && rules_.erase(pattern) == 0;
        rules_.erase(pattern);
        break;
      case 3:
        ASSERT_TRUE(directory_->Grant(source_, principal).ok());
        source_readers_.insert(principal);
        break;
      case 4: ASSERT_EQ(directory_->Revoke(source_, principal).ok(), source_readers_.erase(principal) == 1); break;
      case 5: directory_ = Directory::Open(store_).value(); break;
      case 6: ASSERT_TRUE(directory_->SettleRules(source_, 1u << 30, [](auto) { return Internal("not of this version"); }).ok()); break;
      default: Sort();
    }
  }
  void Compare() {
    for (uint32_t user = 0; user < 3; ++user) {
      for (uint32_t teams = 0; teams < 4; ++teams) {
        std::vector<std::string> names;
        std::set<std::string> asker = {"user:u" + std::to_string(user), "everyone"};
        for (uint32_t t = 0; t < 2; ++t) {
          if (teams & 1u << t) names.push_back("t" + std::to_string(t)), asker.insert("team:t" + std::to_string(t));
        }
        Viewer viewer = directory_->ViewerForUser(tenant_, "u" + std::to_string(user), names).value();
        for (const auto& [path, partition] : placed_) {
          bool reads = viewer.MayRead(partition), may = Names(ReadersOf(path), asker);
          ASSERT_LE(reads, may) << path;
          ASSERT_TRUE(!sorted_ || reads == may) << path;
        }
      }
    }
  }

  testing::MemoryStore store_;
  std::unique_ptr<Directory> directory_ = Directory::Open(store_).value();
  TenantId tenant_ = directory_->FindTenant(kDefaultTenant).value();
  SourceId source_ = directory_->AddSource({.tenant = tenant_, .name = "s", .location = "/x"})->id;
  std::set<std::string> source_readers_;
  std::map<std::string, std::set<std::string>> rules_;
  std::map<std::string, PartitionId> placed_;
  bool sorted_ = true;
  std::mt19937 random_{7};
};

TEST_F(RuleModelTest, NeverShowsMoreThanTheRulesInForce) {
  Sort();
  for (int step = 0; step < 5'000; ++step) {
    Change();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    Compare();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
  }
}

}  // namespace
}  // namespace codelore::acl
