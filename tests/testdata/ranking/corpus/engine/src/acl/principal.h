// Principals: who a label can name. Exact byte strings: "user:NAME", "team:NAME", or "everyone", which is every
// user of the label's own tenant. Two names are the same principal only if their bytes are equal: no case
// folding, no Unicode equivalence. That is safe because names hold nothing that cannot be seen.
#ifndef CODELORE_ACL_PRINCIPAL_H_
#define CODELORE_ACL_PRINCIPAL_H_

#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore::acl {

inline constexpr std::string_view kEveryone = "everyone";
inline constexpr size_t kMaxNameBytes = 128;

inline std::string UserPrincipal(std::string_view name) { return "user:" + std::string(name); }
inline std::string TeamPrincipal(std::string_view name) { return "team:" + std::string(name); }

// Names of tenants, sources, users and teams: 1 to 128 bytes of valid UTF-8; no control, invisible or
// unassigned-by-Unicode (private use) characters; no white space but single-byte spaces between others.
// `what` names the thing in the message: "user", "source".
Status ValidateName(std::string_view what, std::string_view name);

Status ValidatePrincipal(std::string_view principal);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_PRINCIPAL_H_
