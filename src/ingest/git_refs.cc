#include "ingest/git_refs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "ingest/descriptor.h"
#include "ingest/git_location.h"

namespace codelore::ingest {
namespace {

constexpr size_t kMaxRefBytes = 512;  // "ref: refs/heads/" and the longest name

// The first line of a small regular file. A pipe in its place must not make us wait, nor a link lead elsewhere.
std::optional<std::string> ReadLine(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat found {};
  if (!file.open() || fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  std::string text(kMaxRefBytes, '\0');
  ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got <= 0) return std::nullopt;
  text.resize(static_cast<size_t>(got));
  if (!text.ends_with('\n')) return std::nullopt;
  text.pop_back();
  return text;
}

bool IsObjectId(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<LooseTip> ReadLooseTip(const std::string& git_folder, std::string_view branch) {
  constexpr std::string_view kToBranch = "ref: refs/heads/";
  std::string name(branch);
  if (name.empty()) {
    auto head = ReadLine(git_folder + "/HEAD");
    if (!head || !head->starts_with(kToBranch)) return std::nullopt;
    name = head->substr(kToBranch.size());
  }
  if (!ValidateBranch(name).ok()) return std::nullopt;
  auto commit = ReadLine(git_folder + "/refs/heads/" + name);
  if (!commit || !IsObjectId(*commit)) return std::nullopt;
  return LooseTip{*std::move(commit), std::move(name)};
}

}  // namespace codelore::ingest
