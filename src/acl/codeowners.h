// CODEOWNERS: the file in which a repository says who owns which paths, as GitHub, GitLab and Gitea read it: a pattern and
// its owners on a line, the last line that matches counts. Read into rules of paths for permissions, so what is not
// understood is an error of the whole file and never a line left out: a rule that is missing lets more people read.
//
// Not understood: sections ("[Docs]", of GitLab), negation ("!a"), classes ("[a-z]"), which the forges do not agree on.
#ifndef CODELORE_ACL_CODEOWNERS_H_
#define CODELORE_ACL_CODEOWNERS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::acl {

struct OwnedPath {
  size_t line = 0;      // in the file, from 1
  std::string pattern;  // as PathRule has it
  bool exact = false;   // "docs/*": the files of that folder, none below
  std::vector<std::string> owners;  // "@name", "@group/team", "name@example.com"; none: nobody owns it
};

// In the order of the file. Of lines with one pattern only the last is kept, as it is the one that counts.
// kInvalidArgument names the first line that is not understood.
Result<std::vector<OwnedPath>> ParseCodeowners(std::string_view text);

// The principal an owner stands for: "@group/sub/team" is team:team, "@name" user:name, an address user:ADDRESS.
// Empty for what is none of them.
std::string PrincipalOfOwner(std::string_view owner);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_CODEOWNERS_H_
