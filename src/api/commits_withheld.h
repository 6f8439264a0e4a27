// Who reads only a part of a source is told none of its commits, nor when it was updated: a push that touches nothing but files
// hidden from them changes these, and must not change one byte of what they get. Citations then name the file alone.
#ifndef CODELORE_API_COMMITS_WITHHELD_H_
#define CODELORE_API_COMMITS_WITHHELD_H_

#include <string>

#include "acl/directory.h"
#include "codelore/index.h"

namespace codelore::api {

// Things found, each with its source and revision.
template <typename Found>
void WithholdCommits(const acl::Directory& directory, const Viewer& viewer, Found& found) {
  for (auto& each : found) {
    if (!each.revision.empty() && !directory.ReadsWhole(viewer, each.source)) each.revision.clear();
  }
}

// The same of what has a place.
template <typename Found>
void WithholdCommitsOfPlaces(const acl::Directory& directory, const Viewer& viewer, Found& found) {
  for (auto& each : found) {
    if (!directory.ReadsWhole(viewer, each.place.source)) each.place.revision.clear();
  }
}

// What is left does not change with a push of hidden files.
inline void WithholdCommits(const acl::Directory& directory, const Viewer& viewer, SourceId source, SourceState& state) {
  if (!directory.ReadsWhole(viewer, source)) state = {.branch = state.branch};
}

// "NAME@COMMIT:PATH", without "@COMMIT" where there is none to tell.
inline std::string CitedPath(std::string_view source, std::string_view revision, std::string_view path) {
  return std::string(source) + (revision.empty() ? "" : "@") + std::string(revision) + ":" + std::string(path);
}

}  // namespace codelore::api

#endif  // CODELORE_API_COMMITS_WITHHELD_H_
