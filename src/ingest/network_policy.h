// NetworkPolicy: which machines git may be sent to. Public addresses, and what an operator has allowed: nothing inside a
// company's network is reached because somebody named it as a source.
//
// A name is resolved here, once; every address it has is judged, and git is bound to those, so that a name which means
// something else a moment later (DNS rebinding) leads nowhere else. A value; thread-safe as such.
#ifndef CODELORE_INGEST_NETWORK_POLICY_H_
#define CODELORE_INGEST_NETWORK_POLICY_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "ingest/process.h"

namespace codelore::ingest {

// 16 bytes in network order; IPv4 as ::ffff:a.b.c.d.
using IpAddress = std::array<uint8_t, 16>;

// False for what is not of the public internet: loopback, private, link-local, carrier-grade NAT, documentation, multicast
// and reserved ranges, and IPv6 forms that carry such an IPv4 address (mapped, NAT64) or hide one (6to4, Teredo).
bool IsPublic(const IpAddress& address);

// "10.1.2.3", "::1".
std::string TextOf(const IpAddress& address);

class NetworkPolicy {
 public:
  // All addresses of a host name or of a number in any spelling that the system understands.
  using Resolver = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;
  static Result<std::vector<IpAddress>> Resolve(const std::string& host);

  // `allowed`: "10.0.0.0/8", "fd00::/8", "192.168.1.7", or "all".
  static Result<NetworkPolicy> Parse(const std::vector<std::string>& allowed);

  bool Allows(const IpAddress& address) const;
  // Within what was named, however public it is. False for what is no address.
  bool Names(const std::string& address) const;

  // All addresses of the host. kPermissionDenied when one of them is not allowed, kUnavailable when there is none.
  Result<std::vector<IpAddress>> AddressesOf(const std::string& host, const Resolver& resolve = Resolve) const;

  // Lets `command`, a git of git_command.h, reach the host of `url` (a valid location) and no other, by that URL's
  // protocol alone. kPermissionDenied when one of the host's addresses is not allowed, kUnavailable when it has none.
  Status Bind(const std::string& url, Command& command, const Resolver& resolve = Resolve) const;

 private:
  struct Range {
    IpAddress first{};
    int bits = 0;
  };
  static Result<Range> ParseRange(const std::string& text);
  std::vector<Range> allowed_;
  bool all_ = false;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_NETWORK_POLICY_H_
