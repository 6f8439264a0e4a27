#include "acl/codeowners.h"

#include <algorithm>
#include <utility>

#include "acl/path_rules.h"
#include "acl/principal.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxTextBytes = 3 << 20;  // what GitHub reads

Status Wrong(size_t line, std::string_view why) { return InvalidArgument("line " + std::to_string(line) + ": " + std::string(why)); }

// The words of a line up to a comment; a backslash takes the next character into the word.
std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= line.size(); ++i) {
    bool blank = i == line.size() || line[i] == ' ' || line[i] == '\t';
    if (blank && !word.empty()) words.push_back(std::exchange(word, ""));
    if (blank) continue;
    if (line[i] == '#' && word.empty()) break;
    word += line[i];
    if (line[i] == '\\' && i + 1 < line.size()) word += line[++i];
  }
  return words;
}

Status CheckPattern(size_t line, const std::string& pattern) {
  if (pattern.starts_with('[') || pattern.starts_with("^[")) return Wrong(line, "sections are not understood here; write the rules without them");
  if (pattern.starts_with('!')) return Wrong(line, "a pattern that begins with '!' takes back what another gives; write the rules without it");
  if (pattern.find('[') != pattern.npos) return Wrong(line, "classes of characters are not understood in a CODEOWNERS file");
  Status valid = ValidateRulePattern(pattern);
  return valid.ok() ? OkStatus() : Wrong(line, valid.message());
}

}  // namespace

Result<std::vector<OwnedPath>> ParseCodeowners(std::string_view text) {
  if (text.size() > kMaxTextBytes) return InvalidArgument("the file has more than 3 MiB");
  std::vector<OwnedPath> paths;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::vector<std::string> words = WordsOf(line);
    if (words.empty()) continue;
    OwnedPath path{.line = number, .pattern = words[0], .exact = words[0].ends_with("/*"), .owners = {words.begin() + 1, words.end()}};
    RETURN_IF_ERROR(CheckPattern(number, path.pattern));
    for (const std::string& owner : path.owners) {
      if (PrincipalOfOwner(owner).empty()) return Wrong(number, "an owner is @name, @group/team or an address");
    }
    std::erase_if(paths, [&](const OwnedPath& before) { return before.pattern == path.pattern; });
    paths.push_back(std::move(path));
  }
  return paths;
}

std::string PrincipalOfOwner(std::string_view owner) {
  std::string principal;
  if (owner.starts_with('@')) {
    owner.remove_prefix(1);
    size_t slash = owner.rfind('/');
    principal = slash == owner.npos ? UserPrincipal(owner) : TeamPrincipal(owner.substr(slash + 1));
  } else if (owner.find('@') != owner.npos) {
    principal = UserPrincipal(owner);
  }
  return ValidatePrincipal(principal).ok() ? principal : "";
}

}  // namespace codelore::acl
