#include "ingest/network_policy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace codelore::ingest {
namespace {

struct Block {
  const char* first;
  int bits;
};
// IANA's special-purpose registries, as far as they are not globally reachable; 6to4 and Teredo lead to an IPv4 address
// of the sender's choice.
constexpr Block kNotPublic4[] = {{"0.0.0.0", 8},      {"10.0.0.0", 8},    {"100.64.0.0", 10},  {"127.0.0.0", 8},   {"169.254.0.0", 16},
                                 {"172.16.0.0", 12},  {"192.0.0.0", 24},  {"192.0.2.0", 24},   {"192.88.99.0", 24}, {"192.168.0.0", 16},
                                 {"198.18.0.0", 15},  {"198.51.100.0", 24}, {"203.0.113.0", 24}, {"224.0.0.0", 4},  {"240.0.0.0", 4}};
constexpr Block kNotPublic6[] = {{"::", 96},         {"64:ff9b:1::", 48}, {"100::", 64},  {"2001::", 23}, {"2001:db8::", 32}, {"2002::", 16},
                                 {"3fff::", 20},     {"5f00::", 16},      {"fc00::", 7},  {"fe80::", 10}, {"fec0::", 10},     {"ff00::", 8}};
constexpr const char* kNat64 = "64:ff9b::";  // /96: an IPv4 address in the last four bytes

IpAddress Mapped(const void* four) {
  IpAddress address{};
  address[10] = address[11] = 0xFF;
  std::memcpy(address.data() + 12, four, 4);
  return address;
}

// False if it is not written as a plain IPv4 or IPv6 address.
bool ParseAddress(const std::string& text, IpAddress& address) {
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
    address = Mapped(&four);
    return true;
  }
  return inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool SamePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  for (int i = 0; i < bits; ++i) {
    if (((a[static_cast<size_t>(i / 8)] ^ b[static_cast<size_t>(i / 8)]) >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

bool IsMapped(const IpAddress& address) {
  IpAddress first{};
  first[10] = first[11] = 0xFF;
  return SamePrefix(address, first, 96);
}

template <size_t count>
bool IsIn(const IpAddress& address, const Block (&blocks)[count], int offset) {
  return std::ranges::any_of(blocks, [&](const Block& block) {
    IpAddress first{};
    ParseAddress(block.first, first);
    return SamePrefix(address, first, offset + block.bits);
  });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return lower;
}

// Where a location leads: "https", "example.org", "443".
struct Target {
  std::string scheme, host, port;
};

Target TargetOf(const std::string& url) {
  size_t scheme_end = url.find("://");
  Target target;
  std::string authority;
  if (scheme_end != std::string::npos && url.find('/') > scheme_end) {
    target.scheme = Lower(url.substr(0, scheme_end));
    authority = url.substr(scheme_end + 3, url.find('/', scheme_end + 3) - scheme_end - 3);
  } else {  // user@host:path
    target.scheme = "ssh";
    size_t bracket = url.find(']');
    authority = url.substr(0, url.find(':', bracket == std::string::npos ? 0 : bracket));
  }
  authority = authority.substr(authority.rfind('@') + 1);
  size_t host_end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  target.host = authority.substr(authority.starts_with('[') ? 1 : 0, host_end - (authority.starts_with('[') ? 1 : 0));
  size_t colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  if (colon != std::string::npos) target.port = authority.substr(colon + 1);
  if (target.port.empty()) target.port = target.scheme == "https" ? "443" : target.scheme == "http" ? "80" : "";
  return target;
}

// A proxy resolves names by itself, perhaps some that this machine cannot.
bool HasProxy(const std::string& scheme) {
  auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (set("all_proxy") || set("ALL_PROXY")) return true;
  return scheme == "https" ? set("https_proxy") || set("HTTPS_PROXY") : scheme == "http" && set("http_proxy");
}

void Pin(const Target& target, const std::vector<IpAddress>& addresses, Command& command) {
  std::string list;
  for (const IpAddress& address : addresses) {
    std::string text = TextOf(address);
    list += (list.empty() ? "" : ",") + (text.find(':') == std::string::npos ? text : "[" + text + "]");
  }
  if (target.scheme == "https" || target.scheme == "http") {
    std::string setting = "http.curloptResolve=" + target.host + ":" + target.port + ":" + list;
    command.arguments.insert(command.arguments.begin() + 1, {"-c", setting});
  }
  if (target.scheme != "ssh") return;
  for (std::string& variable : command.environment) {
    if (!variable.starts_with("GIT_SSH_COMMAND=")) continue;
    // The host consists of letters, digits and "-._:" (git_location.h): nothing a shell would see.
    variable += " -oHostName=" + TextOf(addresses[0]) + " -oHostKeyAlias=" + target.host;
  }
}

}  // namespace

bool IsPublic(const IpAddress& address) {
  if (IsMapped(address)) return !IsIn(address, kNotPublic4, 96);
  IpAddress nat64{};
  ParseAddress(kNat64, nat64);
  if (SamePrefix(address, nat64, 96)) return IsPublic(Mapped(address.data() + 12));
  return !IsIn(address, kNotPublic6, 0);
}

std::string TextOf(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  bool four = IsMapped(address);
  inet_ntop(four ? AF_INET : AF_INET6, address.data() + (four ? 12 : 0), text, sizeof text);
  return text;
}

Result<std::vector<IpAddress>> NetworkPolicy::Resolve(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (error != 0) return Unavailable("the host " + host + " cannot be resolved: " + gai_strerror(error));
  std::vector<IpAddress> addresses;
  for (addrinfo* at = found; at != nullptr; at = at->ai_next) {
    IpAddress address{};
    if (at->ai_family == AF_INET) address = Mapped(&reinterpret_cast<sockaddr_in*>(at->ai_addr)->sin_addr);
    if (at->ai_family == AF_INET6) std::memcpy(address.data(), &reinterpret_cast<sockaddr_in6*>(at->ai_addr)->sin6_addr, 16);
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) addresses.push_back(address);
  }
  freeaddrinfo(found);
  if (addresses.empty()) return Unavailable("the host " + host + " has no address");
  return addresses;
}

Result<NetworkPolicy::Range> NetworkPolicy::ParseRange(const std::string& text) {
  Range range;
  size_t slash = text.find('/');
  bool sound = ParseAddress(text.substr(0, slash), range.first);
  int offset = text.find(':') == std::string::npos ? 96 : 0;  // IPv4's bits count from there
  range.bits = 128;
  if (slash != std::string::npos) {
    int bits = -1;
    auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
    sound = sound && error == std::errc() && end == text.data() + text.size() && bits >= 0 && bits + offset <= 128;
    range.bits = bits + offset;
  }
  if (!sound) return InvalidArgument("'" + text + "' is no network: give 10.0.0.0/8, fd00::/8, an address, or all");
  return range;
}

Result<NetworkPolicy> NetworkPolicy::Parse(const std::vector<std::string>& allowed) {
  NetworkPolicy policy;
  for (const std::string& text : allowed) {
    if (text == "all") {
      policy.all_ = true;
      continue;
    }
    ASSIGN_OR_RETURN(Range range, ParseRange(text));
    policy.allowed_.push_back(range);
  }
  return policy;
}

bool NetworkPolicy::Allows(const IpAddress& address) const {
  return all_ || IsPublic(address) ||
         std::ranges::any_of(allowed_, [&](const Range& range) { return SamePrefix(address, range.first, range.bits); });
}

bool NetworkPolicy::Names(const std::string& text) const {
  IpAddress address{};
  return ParseAddress(text, address) &&
         std::ranges::any_of(allowed_, [&](const Range& range) { return SamePrefix(address, range.first, range.bits); });
}

Result<std::vector<IpAddress>> NetworkPolicy::AddressesOf(const std::string& host, const Resolver& resolve) const {
  ASSIGN_OR_RETURN(auto addresses, resolve(host));
  for (const IpAddress& address : addresses) {
    if (Allows(address)) continue;
    return PermissionDenied("the host " + host + " has the address " + TextOf(address) +
                            ", which is not public; allow its network with --allow-network");
  }
  return addresses;
}

Status NetworkPolicy::Bind(const std::string& url, Command& command, const Resolver& resolve) const {
  Target target = TargetOf(url);
  for (std::string& variable : command.environment) {
    if (variable.starts_with("GIT_ALLOW_PROTOCOL=")) variable = "GIT_ALLOW_PROTOCOL=" + target.scheme;
  }
  if (target.scheme == "file") return OkStatus();
  auto addresses = AddressesOf(target.host, resolve);
  bool unknown = addresses.status().code() == StatusCode::kUnavailable;
  if (!addresses.ok()) return unknown && HasProxy(target.scheme) ? OkStatus() : addresses.status();
  Pin(target, *addresses, command);
  return OkStatus();
}

}  // namespace codelore::ingest
