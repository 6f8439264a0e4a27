// Operations: what Codelore can be asked to do, as JSON in and JSON out. Each has a name for the command line and a
// method and path for HTTP; both call the same function.
#ifndef CODELORE_API_OPERATIONS_H_
#define CODELORE_API_OPERATIONS_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/index_queue.h"
#include "api/service.h"

namespace codelore::api {

class Follower;
class Lookout;

// What a caller may do besides reading, smallest first; see acl/records.h.
using acl::Role;
std::string_view RoleName(Role role);  // "member", "auditor", "administrator", "platform", "operator"
Result<Role> RoleNamed(std::string_view name);

struct Caller {
  TenantId tenant;
  Role role = Role::kReader;
  Viewer viewer;
  // Whether the token and the rights behind `viewer` are still there; empty: they cannot go away.
  std::function<bool()> still = {};
  std::vector<std::string> teams = {};  // of the caller; the operator is in none
  std::optional<std::vector<SourceId>> only_sources = {};  // what the caller's token is good for, sorted; none: all that the user may
  std::shared_ptr<FairShare::Place> place = {};  // among the requests worked on; none: not counted

  // What follows is a model's work, or an administrator's.
  void GivePlaceBack() const {
    if (place) place->GiveBack();
  }

  // kPermissionDenied once they are not. Answers that take long ask before each piece.
  Status CheckStill() const {
    return !still || still() ? OkStatus() : PermissionDenied("rights that this answer rests on were taken back; ask again");
  }
};

// Who holds the data folder: the operator of `tenant` (empty: the default one), or, with `as` ("user:NAME",
// "team:NAME"...), a reader with just that user's rights.
Result<Caller> MakeLocalCaller(Service& service, const std::string& tenant, const std::vector<std::string>& as);

struct OperationInput {
  std::string body;                                         // JSON object; empty: {}
  std::vector<std::pair<std::string, std::string>> params;  // what the path's ":name" segments stand for
};

struct OperationContext {
  Service& service;
  IndexQueue* queue = nullptr;  // of a server; none: indexing runs before the call returns
  Follower* follower = nullptr;  // of a server
  Lookout* permissions = nullptr;  // at forges, of a server
  const Caller& caller;
  const OperationInput& input;
  std::stop_token stop;
  // Events of a streaming call, as JSON; false: nobody listens any more. Empty: no stream.
  std::function<bool(std::string_view event, const std::string& json)> emit;
  // For the audit log: the peer's address and the request's id. Empty: this process.
  std::string from = {}, request = {};

  std::string Param(std::string_view name) const;
};

struct Operation {
  std::string_view name;
  std::string_view method;
  std::string_view path;
  Role needs = Role::kReader;
  bool streams = false;  // a body with "stream": true asks for events
  std::string_view summary;
  Result<std::string> (*run)(OperationContext& context);
  size_t max_body_bytes = 1 << 20;
};

std::span<const Operation> Operations();
const Operation& OperationNamed(std::string_view name);  // of a name that is in the table

// Checks the role, then runs, and puts on record what was changed, denied, or read with more rights than a reader's. What
// cannot be put on record fails, though a change may have been made. The result is a JSON object.
Result<std::string> Run(const Operation& operation, OperationContext& context);

}  // namespace codelore::api

#endif  // CODELORE_API_OPERATIONS_H_
