#include "ingest/git_tree.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "ingest/git_command.h"

namespace codelore::ingest {
namespace {

constexpr size_t kMaxRecordBytes = 1 << 20;    // of a listing: longer paths end it
constexpr size_t kMaxHeaderBytes = 1024;
constexpr size_t kPathsPerCommand = 200;  // of up to 4 KiB each: within what a command line may hold
// An object may be a few bytes that differ from gigabytes, which git makes to see them.
constexpr uint64_t kMaxReaderHeap = 512 << 20;
constexpr uint64_t kMaxListingBytes = uint64_t{8} << 30;

bool IsObjectId(std::string_view id) {
  return (id.size() == 40 || id.size() == 64) &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The next word of `rest`, and the blanks before it, are taken from it.
std::string_view TakeWord(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

bool ParseSize(std::string_view text, uint64_t& size) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view SkipByMode(std::string_view mode) {
  if (mode == "120000") return "symlink";
  if (mode == "160000") return "submodule";
  return mode.starts_with("100") ? "" : "not a regular file";
}

void Judge(TreeEntry& entry, std::string_view mode) {
  if (std::string_view skip = SkipByMode(mode); !skip.empty()) entry.skip = skip;
}

// "MODE TYPE ID    SIZE\tPATH"; the size of a submodule is "-".
std::optional<TreeEntry> ParseListed(const std::string& record, const TreeLimits& limits) {
  size_t tab = record.find('\t');
  if (tab == std::string::npos) return std::nullopt;
  std::string_view fields = std::string_view(record).substr(0, tab);
  std::string_view mode = TakeWord(fields);
  TakeWord(fields);
  std::string_view id = TakeWord(fields);
  std::string_view size = TakeWord(fields);
  TreeEntry entry = EntryAt(record.substr(tab + 1), limits);
  Judge(entry, mode);
  entry.version = id;
  if (!IsObjectId(id) || (!ParseSize(size, entry.size_bytes) && size != "-")) return std::nullopt;
  return entry;
}

// ":OLDMODE NEWMODE OLDID NEWID STATUS", followed by a record that is the path.
std::optional<TreeChange> ParseChange(std::string_view fields, std::string path, const TreeLimits& limits) {
  if (!fields.starts_with(':')) return std::nullopt;
  TakeWord(fields);
  std::string_view mode = TakeWord(fields);
  TakeWord(fields);
  std::string_view id = TakeWord(fields);
  TreeChange change{EntryAt(std::move(path), limits), TakeWord(fields) == "D"};
  if (!change.removed) Judge(change.entry, mode);
  change.entry.version = id;
  if (!IsObjectId(id)) return std::nullopt;
  return change;
}

Status Strange() { return Internal("git's output is not of the form it documents"); }

Status TooLarge(const TreeEntry& entry, uint64_t max_bytes) {
  return ResourceExhausted(entry.path + " is larger than " + std::to_string(max_bytes) + " bytes");
}

// Reads the records of a listing, and counts them.
class Listing {
 public:
  Listing(Process& process, uint64_t max_records) : process_(process), max_records_(max_records) {}

  Result<std::optional<std::string>> Next() {
    process_.RestartClock();  // the limit is on git's silence, not on what the caller does between
    auto record = process_.ReadUntil('\0', kMaxRecordBytes);
    if (record.ok() && *record && ++count_ > max_records_) {
      return ResourceExhausted("the tree holds more than " + std::to_string(max_records_) + " paths");
    }
    return record;
  }
  Status Finish() {
    ASSIGN_OR_RETURN(int exit_code, process_.Finish());
    return exit_code == 0 ? OkStatus() : Corruption(Complaint(process_.errors()));
  }

 private:
  Process& process_;
  const uint64_t max_records_;
  uint64_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Process>> GitTree::Start(std::vector<std::string> arguments) {
  if (!IsObjectId(head_.commit)) return InvalidArgument("not a commit id: " + head_.commit);
  Command command = LocalGit(git_folder_, std::move(arguments));
  command.stop = options_.stop;
  command.max_heap_bytes = kMaxReaderHeap;
  if (command.arguments.back() != "--batch-command") command.max_output_bytes = kMaxListingBytes;
  return Process::Start(std::move(command));
}

Status GitTree::List(const std::function<Status(TreeEntry)>& visit) {
  return ReadListing({"ls-tree", "-r", "-z", "--long", "--full-tree", head_.commit}, visit);
}

Result<std::vector<TreeEntry>> GitTree::Find(const std::vector<std::string>& raw_paths) {
  std::vector<TreeEntry> entries;
  for (size_t begin = 0; begin < raw_paths.size(); begin += kPathsPerCommand) {
    std::vector<std::string> arguments = {"ls-tree", "-z", "--long", "--full-tree", head_.commit, "--"};
    size_t end = std::min(begin + kPathsPerCommand, raw_paths.size());
    arguments.insert(arguments.end(), raw_paths.begin() + static_cast<ptrdiff_t>(begin), raw_paths.begin() + static_cast<ptrdiff_t>(end));
    RETURN_IF_ERROR(ReadListing(std::move(arguments), [&](TreeEntry entry) {
      entries.push_back(std::move(entry));
      return OkStatus();
    }));
  }
  return entries;
}

Status GitTree::ReadListing(std::vector<std::string> arguments, const std::function<Status(TreeEntry)>& visit) {
  ASSIGN_OR_RETURN(auto process, Start(std::move(arguments)));
  Listing listing(*process, options_.limits.max_entries);
  for (;;) {
    ASSIGN_OR_RETURN(std::optional<std::string> record, listing.Next());
    if (!record) return listing.Finish();
    std::optional<TreeEntry> entry = ParseListed(*record, options_.limits);
    if (!entry) return record->find(" BAD") != std::string::npos ? Corruption("missing object: " + *record) : Strange();
    RETURN_IF_ERROR(visit(std::move(*entry)));
  }
}

Status GitTree::ListChanges(std::string_view old_commit, const std::function<Status(TreeChange)>& visit) {
  if (!IsObjectId(old_commit)) return InvalidArgument("not a commit id: " + std::string(old_commit));
  if (old_commit == head_.commit) return OkStatus();
  ASSIGN_OR_RETURN(auto process, Start({"diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev",
                                        std::string(old_commit), head_.commit}));
  Listing listing(*process, 2 * options_.limits.max_entries);
  for (;;) {
    ASSIGN_OR_RETURN(std::optional<std::string> fields, listing.Next());
    if (!fields) return listing.Finish();
    ASSIGN_OR_RETURN(std::optional<std::string> path, listing.Next());
    if (!path) return Strange();
    std::optional<TreeChange> change = ParseChange(*fields, std::move(*path), options_.limits);
    if (!change) return Strange();
    if (!change->removed && change->entry.skip.empty()) {
      ASSIGN_OR_RETURN(Object object, Ask("info", change->entry.version));
      change->entry.size_bytes = object.size_bytes;
    }
    RETURN_IF_ERROR(visit(std::move(*change)));
  }
}

// What cat-file says of an object before its content: "ID TYPE SIZE", or "ID missing".
Result<GitTree::Object> GitTree::Ask(std::string_view request, const std::string& id) {
  if (!IsObjectId(id)) return InvalidArgument("not an object id: " + id);
  if (!objects_) {
    ASSIGN_OR_RETURN(objects_, Start({"cat-file", "--batch-command"}));
  }
  objects_->RestartClock();
  RETURN_IF_ERROR(objects_->Write(std::string(request) + " " + id + "\n"));
  ASSIGN_OR_RETURN(std::optional<std::string> header, objects_->ReadUntil('\n', kMaxHeaderBytes));
  if (!header) return Corruption(Complaint(objects_->errors()));
  std::string_view rest = *header;
  if (TakeWord(rest) != id) return Strange();
  Object object;
  object.type = TakeWord(rest);
  if (object.type == "missing") return Corruption("object " + id + " is missing in " + git_folder_);
  if (!ParseSize(TakeWord(rest), object.size_bytes)) return Strange();
  return object;
}

Result<std::string> GitTree::Read(const TreeEntry& entry, uint64_t max_bytes) {
  if (entry.size_bytes > max_bytes) return TooLarge(entry, max_bytes);
  auto bytes = ReadBlob(entry, max_bytes);
  if (bytes.ok()) return bytes;
  objects_.reset();  // it may be in the middle of a sentence
  bool memory = bytes.status().message().find("ut of memory") != std::string::npos;
  return memory ? ResourceExhausted(entry.path + " takes git too much memory to read") : bytes.status();
}

Result<std::string> GitTree::ReadBlob(const TreeEntry& entry, uint64_t max_bytes) {
  ASSIGN_OR_RETURN(Object object, Ask("contents", entry.version));
  if (object.type != "blob") return Corruption("object " + entry.version + " is a " + object.type + ", not a blob");
  if (object.size_bytes > max_bytes) return TooLarge(entry, max_bytes);
  ASSIGN_OR_RETURN(std::string bytes, objects_->ReadBytes(object.size_bytes + 1));
  bytes.pop_back();  // the line end behind the content
  return bytes;
}

}  // namespace codelore::ingest
