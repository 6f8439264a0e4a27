// A git repository in a temporary folder, with fixed authors and dates, made and filled by git itself.
#ifndef CODELORE_TESTS_INGEST_SCRATCH_REPOSITORY_H_
#define CODELORE_TESTS_INGEST_SCRATCH_REPOSITORY_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/process.h"
#include "support/temp_folder.h"

namespace codelore::testing {

class ScratchRepository : public TempFolder {
 public:
  explicit ScratchRepository(std::vector<std::string> init_options = {}) {
    std::vector<std::string> arguments = {"init", "--quiet", "--initial-branch=main"};
    arguments.insert(arguments.end(), init_options.begin(), init_options.end());
    Git(std::move(arguments));
  }

  // Its output without the last line end.
  std::string Git(std::vector<std::string> arguments, std::string_view input = {}) const {
    ingest::Command command{.arguments = {"git", "-c", "core.protectNTFS=false", "-c", "core.protectHFS=false"},
                    .environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
                                    "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C",
                                    "GIT_COMMITTER_EMAIL=c@example.org", "GIT_AUTHOR_DATE=1700000000 +0000",
                                    "GIT_COMMITTER_DATE=1700000000 +0000", "GIT_ALLOW_PROTOCOL=file"},
                    .folder = path()};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    auto process = ingest::Process::Start(std::move(command)).value();
    EXPECT_TRUE(process->Write(input).ok());
    process->CloseInput();
    std::string output = process->ReadAll().value();
    int exit_code = process->Finish().value();
    EXPECT_EQ(exit_code, 0) << arguments[0] << ": " << process->errors();
    if (output.ends_with('\n')) output.pop_back();
    return output;
  }

  std::string Commit() const {
    Git({"add", "--all"});
    Git({"commit", "--quiet", "--allow-empty", "--message=change"});
    return Git({"rev-parse", "HEAD"});
  }
  std::string Blob(std::string_view content) const { return Git({"hash-object", "-w", "--stdin"}, content); }
  // `listing`: lines as `git mktree` takes them, or, ended by NUL, with any bytes in the names.
  std::string Tree(std::string_view listing) const {
    return Git(listing.ends_with('\0') ? std::vector<std::string>{"mktree", "-z"} : std::vector<std::string>{"mktree"},
               listing);
  }
  // The commit, which is also made the tip of main.
  std::string CommitTree(const std::string& tree) const {
    std::string commit = Git({"commit-tree", "-m", "change", tree});
    Git({"update-ref", "refs/heads/main", commit});
    return commit;
  }
};

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_INGEST_SCRATCH_REPOSITORY_H_
