// PathRules: which label the files of a source stand under, by their paths.
//
// A rule's pattern is a path or a glob (codelore/glob.h); it stands for what it matches and for all below it. Of the
// rules that match a path, the one with the longest beginning without wildcards counts; of those, the longest pattern;
// then the last in byte order. Imported rules count only where none made by hand matches, and of them the last in their
// list. Immutable and thread-safe.
#ifndef CODELORE_ACL_PATH_RULES_H_
#define CODELORE_ACL_PATH_RULES_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "acl/records.h"
#include "codelore/glob.h"
#include "codelore/status.h"

namespace codelore::acl {

class PathRules {
 public:
  explicit PathRules(std::span<const PathRule> rules);
  // None: no rule matches.
  std::optional<LabelId> LabelOf(std::string_view path) const;

 private:
  struct Compiled {
    PathPattern itself;
    std::optional<PathPattern> below;
    LabelId label;
  };
  std::vector<Compiled> rules_;  // the first that matches counts
};

// 1 to 1024 bytes of UTF-8 without control characters, relative to the source's root.
Status ValidateRulePattern(std::string_view pattern);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_PATH_RULES_H_
