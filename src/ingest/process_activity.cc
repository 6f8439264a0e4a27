// What the processes of a group do, as /proc tells.
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "ingest/process.h"

namespace codelore::ingest {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "PID (NAME) STATE PARENT GROUP ...": of the fields behind the name, which may hold anything.
bool ReadStat(const std::string& stat, int& group, uint64_t& ticks) {
  size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  fields >> skipped >> skipped >> group;
  for (int i = 0; i < 8; ++i) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  ticks = user + system;
  return !fields.fail();
}

uint64_t BytesMoved(const std::string& io) {
  std::istringstream lines(io);
  uint64_t sum = 0, value = 0;
  for (std::string name; lines >> name >> value;) {
    if (name == "rchar:" || name == "wchar:") sum += value;
  }
  return sum;
}

}  // namespace

std::map<int, GroupActivity> ActivityOfGroup(int group) {
  std::map<int, GroupActivity> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    int pid = 0, its_group = 0;
    auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    GroupActivity activity;
    if (!ReadStat(ReadText(at->path() / "stat"), its_group, activity.ticks) || its_group != group) continue;
    activity.bytes = BytesMoved(ReadText(at->path() / "io"));
    found[pid] = activity;
  }
  return found;
}

}  // namespace codelore::ingest
