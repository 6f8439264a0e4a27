#include "ingest/git_location.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>

#include "codelore/utf8.h"

namespace codelore::ingest {
namespace {

constexpr size_t kMaxLocationBytes = 4096;
constexpr size_t kMaxBranchBytes = 255;
constexpr std::array<std::string_view, 5> kSchemes = {"https", "http", "ssh", "git", "file"};

bool IsControl(char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; }

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._[]:").find(c) != std::string_view::npos;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// "user@host:port", "host", "[::1]:22".
Status ValidateAuthority(std::string_view authority, bool user_allowed) {
  size_t at = authority.rfind('@');
  std::string_view user = at == std::string_view::npos ? "" : authority.substr(0, at);
  std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (at != std::string_view::npos && !user_allowed) {
    return InvalidArgument("repository URL: put no user or password into it");
  }
  bool odd_user = user.starts_with('-') || user.find_first_of(":/\\'\"$`%;&|<>()") != std::string_view::npos;
  if (host.empty() || host.starts_with('-') || !std::ranges::all_of(host, IsHostCharacter) || odd_user) {
    return InvalidArgument("repository URL: the host or the user in it is not one");
  }
  return OkStatus();
}

Status ValidateUrl(std::string_view scheme, std::string_view rest) {
  std::string lower = Lower(scheme);
  if (std::ranges::find(kSchemes, lower) == kSchemes.end()) {
    return InvalidArgument("repository URL: the scheme is none of https, http, ssh, git, file");
  }
  size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return InvalidArgument("repository URL: it names no path");
  std::string_view authority = rest.substr(0, slash);
  if (lower == "file") {
    return authority.empty() ? OkStatus() : InvalidArgument("repository URL: file:// takes an absolute path");
  }
  return ValidateAuthority(authority, lower == "ssh");
}

// Where "host:path" is cut; npos if the location is a path. As in git: a slash before the colon makes it a path.
size_t ScpColon(std::string_view location) {
  size_t from = location.find('[') == 0 || location.find("@[") != std::string_view::npos ? location.find(']') : 0;
  size_t colon = from == std::string_view::npos ? from : location.find(':', from);
  return colon != std::string_view::npos && location.find('/') > colon ? colon : std::string_view::npos;
}

}  // namespace

Status ValidateLocation(std::string_view location) {
  if (location.empty() || location.size() > kMaxLocationBytes || !IsValidUtf8(location)) {
    return InvalidArgument("repository location: not 1 to 4096 bytes of UTF-8");
  }
  if (location.starts_with('-')) return InvalidArgument("repository location: it looks like an option");
  if (std::ranges::any_of(location, IsControl) || location.starts_with(' ') || location.ends_with(' ')) {
    return InvalidArgument("repository location: it holds control characters or outer white space");
  }
  if (!IsRemote(location)) return OkStatus();
  if (location.find(' ') != std::string_view::npos) return InvalidArgument("repository URL: it holds white space");
  size_t scheme_end = location.find("://");
  size_t colon = location.find(':');
  if (scheme_end != std::string_view::npos && scheme_end == colon) {
    return ValidateUrl(location.substr(0, scheme_end), location.substr(scheme_end + 3));
  }
  if (location.find("::") == colon && location.substr(0, colon).find('[') == std::string_view::npos) {
    return InvalidArgument("repository location: the form transport::address is not allowed");
  }
  colon = ScpColon(location);
  std::string_view path = location.substr(colon + 1);
  if (path.empty() || path.starts_with('-')) return InvalidArgument("repository location: no path after the host");
  return ValidateAuthority(location.substr(0, colon), true);
}

bool IsRemote(std::string_view location) {
  size_t scheme_end = location.find("://");
  return (scheme_end != std::string_view::npos && location.find('/') > scheme_end) ||
         ScpColon(location) != std::string_view::npos;
}

bool IsFileUrl(std::string_view location) {
  size_t scheme_end = location.find("://");
  return scheme_end != std::string_view::npos && Lower(location.substr(0, scheme_end)) == "file";
}

Status ValidateBranch(std::string_view name) {
  auto refuse = [](const char* why) { return InvalidArgument(std::string("branch name: ") + why); };
  if (name.empty() || name.size() > kMaxBranchBytes || !IsValidUtf8(name)) {
    return refuse("not 1 to 255 bytes of UTF-8");
  }
  if (name.starts_with('-')) return refuse("it looks like an option");
  if (std::ranges::any_of(name, IsControl) || name.find_first_of(" ~^:?*[\\") != std::string_view::npos) {
    return refuse("it holds a character that git does not allow");
  }
  bool odd = name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos ||
             name == "@" || name == "HEAD" || name.ends_with('.');
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find('/', begin), name.size());
    std::string_view part = name.substr(begin, end - begin);
    odd = odd || part.empty() || part.starts_with('.') || part.ends_with(".lock");
    begin = end + 1;
  }
  return odd ? refuse("git does not allow it") : OkStatus();
}

}  // namespace codelore::ingest
