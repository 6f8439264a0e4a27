// A Service with the built-in encoder over a temporary data folder, and callers of all kinds.
#ifndef CODELORE_TESTS_API_SERVICE_FIXTURE_H_
#define CODELORE_TESTS_API_SERVICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "api/operations.h"
#include "api/service.h"
#include "ingest/scratch_repository.h"
#include "support/temp_folder.h"

namespace codelore::api {

using testing::ScratchRepository;
using testing::TempFolder;
using Json = nlohmann::ordered_json;
using Params = std::vector<std::pair<std::string, std::string>>;

// One data folder with its service.
class World {
 public:
  // `networks`: see ServiceOptions; `folder`: of the data, empty: one that goes away with the world.
  explicit World(std::vector<std::string> networks = {}, std::string folder = {})
      : networks_(std::move(networks)), folder_(folder.empty() ? data_.path() : std::move(folder)) {
    Open();
  }

  Service& service() { return *service_; }
  acl::Directory& directory() { return service_->directory(); }
  const std::string& folder() const { return folder_; }
  void Close() { service_.reset(); }
  void Open() {
    service_.reset();
    auto opened = Service::Open({.data_folder = folder_, .threads = 1, .precision = embed::Precision::kFloat32,
                                 .allowed_networks = networks_});  // the same rankings everywhere
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = std::move(*opened);
  }

  TenantId Tenant(const std::string& name = std::string(acl::kDefaultTenant)) {
    auto found = directory().FindTenant(name);
    return found.ok() ? *found : directory().CreateTenant(name).value();
  }

  // Indexes what stands at `location` and lets `readers` see it.
  acl::Source Index(const std::string& location, const std::string& name, const std::vector<std::string>& readers = {},
                    const std::string& tenant = std::string(acl::kDefaultTenant)) {
    acl::Source source = service_->FindOrAddSource(Tenant(tenant), location, name).value().source;
    auto report = service_->IndexSource(source, {}, [](const ingest::IndexProgress&) {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    for (const std::string& reader : readers) EXPECT_TRUE(directory().Grant(source.id, reader).ok());
    return source;
  }

  Caller Operator(const std::string& tenant = "") { return MakeLocalCaller(*service_, tenant, {}).value(); }
  Caller User(const std::string& name, const std::vector<std::string>& teams = {}, const std::string& tenant = "") {
    std::vector<std::string> as = {"user:" + name};
    for (const std::string& team : teams) as.push_back("team:" + team);
    return MakeLocalCaller(*service_, tenant, as).value();
  }
  Caller Administrator(const std::string& tenant = std::string(acl::kDefaultTenant)) {
    TenantId id = Tenant(tenant);
    return {id, Role::kAdministrator, directory().ViewerForUser(id, "root", {}).value()};
  }

  Result<std::string> TryCall(const Caller& caller, std::string_view operation, const Json& body = Json::object(),
                              const Params& params = {}, IndexQueue* queue = nullptr) {
    OperationInput input{.body = body.dump(), .params = params};
    OperationContext context{.service = *service_, .queue = queue, .caller = caller, .input = input, .stop = {}, .emit = {}};
    return Run(OperationNamed(operation), context);
  }
  // The answer; a failure is one of the test.
  Json Call(const Caller& caller, std::string_view operation, const Json& body = Json::object(), const Params& params = {}) {
    auto result = TryCall(caller, operation, body, params);
    EXPECT_TRUE(result.ok()) << operation << ": " << result.status().ToString();
    return result.ok() ? Json::parse(*result) : Json::object();
  }
  // "permission denied: ..." or the answer's bytes.
  std::string Outcome(const Caller& caller, std::string_view operation, const Json& body = Json::object(), const Params& params = {}) {
    auto result = TryCall(caller, operation, body, params);
    return result.ok() ? *result : result.status().ToString();
  }

 private:
  TempFolder data_;
  const std::vector<std::string> networks_;
  const std::string folder_;
  std::unique_ptr<Service> service_;
};

inline std::vector<std::string> PathsIn(const Json& reply) {
  std::vector<std::string> paths;
  for (const Json& hit : reply["hits"]) paths.push_back(hit["source"].get<std::string>() + ":" + hit["path"].get<std::string>());
  return paths;
}

// A small repository about invoices.
inline void FillBilling(ScratchRepository& repository) {
  repository.Write("src/invoice.py",
                   "\"\"\"Invoices.\"\"\"\n\n\ndef round_total(amount):\n    \"\"\"Rounds the total of an invoice to whole cents.\"\"\"\n"
                   "    return round(amount, 2)\n");
  repository.Write("docs/billing.md",
                   "# Billing\n\nCustomers are billed each month.\n\n## Refunds\n\nA refund is paid back within three days after a "
                   "cancelled invoice.\n");
  repository.Write("src/tax.go", "package tax\n\n// Rate is the rate of the value added tax.\nfunc Rate() float64 { return 0.19 }\n");
  repository.Commit();
}

// Another one, about robots.
inline void FillRobots(ScratchRepository& repository) {
  repository.Write("arm.cc", "// Moves the robot arm to a position.\nint MoveArm(int x, int y) { return x + y; }\n");
  repository.Write("safety.md", "# Safety\n\nThe emergency stop cuts the power of all motors within ten milliseconds.\n");
  repository.Write("invoice.py", "def round_total(amount):\n    \"\"\"Rounds the total of a robot's invoice, secretly.\"\"\"\n    return 0\n");
  repository.Commit();
}

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_SERVICE_FIXTURE_H_
