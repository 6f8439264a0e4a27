// Tips of branches read from a repository's own files, without a process of git: a poll without news costs two small
// reads.
#ifndef CODELORE_INGEST_GIT_REFS_H_
#define CODELORE_INGEST_GIT_REFS_H_

#include <optional>
#include <string>
#include <string_view>

namespace codelore::ingest {

// What git itself writes most of the time: one ref in one file.
struct LooseTip {
  std::string commit, branch;
};

// The tip of `branch`, by default of the branch that HEAD names. Nothing where it takes more than a loose ref (packed
// refs, linked work trees, detached or symbolic ones, other formats): git is asked then. Whether there is such an object
// is not looked at.
std::optional<LooseTip> ReadLooseTip(const std::string& git_folder, std::string_view branch);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_GIT_REFS_H_
