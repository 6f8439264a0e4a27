#include "api/audit_log.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api/time_text.h"
#include "codelore/crash_point.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHashField = ",\"hash\":\"";
constexpr size_t kMaxLineBytes = 16 * 1024;
constexpr size_t kMaxTextBytes = 512;  // of one value
constexpr size_t kMaxSeen = 100'000;   // callers told apart in an hour

const std::string kNoHash(64, '0');

std::string HexSha256(std::string_view bytes) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : hash) hex.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return hex;
}

Status SystemError(const std::string& path) { return Unavailable("audit log " + path + ": " + std::strerror(errno)); }

// Oldest first: names hold the number of their first record, with leading zeros.
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename();
    if (name.starts_with("audit-") && name.ends_with(".jsonl")) files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

std::string FileName(const std::string& folder, uint64_t first) {
  char name[64];
  std::snprintf(name, sizeof name, "/audit-%012llu.jsonl", static_cast<unsigned long long>(first));
  return folder + name;
}

struct Record {
  uint64_t number = 0;
  std::string previous, hash;
  Json json;
};

// What is wrong with it, or nothing.
std::string ReadRecord(const std::string& line, Record& record) {
  size_t at = line.rfind(kHashField);
  if (at == std::string::npos || !line.ends_with("\"}")) return "it is not a whole record";
  record.hash = line.substr(at + kHashField.size(), line.size() - at - kHashField.size() - 2);
  if (HexSha256(std::string_view(line).substr(0, at)) != record.hash) return "its content does not have its hash";
  record.json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.json.is_object()) return "it is not a record";
  record.number = record.json.value("n", uint64_t{0});
  record.previous = record.json.value("previous", "");
  return "";
}

std::string Short(const std::string& text) { return text.size() <= kMaxTextBytes ? text : text.substr(0, kMaxTextBytes) + "..."; }

}  // namespace

AuditLog::~AuditLog() {
  {
    std::lock_guard lock(mutex_);
    (void)FlushNoise(Now() + 60'000).ok();
  }
  if (file_ >= 0) ::close(file_);
}

int64_t AuditLog::Now() const {
  if (options_.now_unix_ms) return options_.now_unix_ms();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& folder, Options options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  std::unique_ptr<AuditLog> log(new AuditLog(folder, std::move(options)));
  std::lock_guard lock(log->mutex_);
  RETURN_IF_ERROR(log->OpenNewest());
  return log;
}

// Goes on behind the last whole line of the newest file. One that is no record any more is left for Verify to name; the
// chain starts anew from its bytes.
Status AuditLog::OpenNewest() {
  last_hash_ = kNoHash;
  auto files = FilesIn(folder_);
  if (files.empty()) return Rotate();
  std::ifstream in(files.back(), std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  file_ = ::open(files.back().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ < 0) return SystemError(files.back());
  if (whole < text.size() && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) return SystemError(files.back());
  file_bytes_ = whole;
  next_ = std::strtoull(std::filesystem::path(files.back()).filename().string().substr(6).c_str(), nullptr, 10);
  if (whole == 0) {
    if (files.size() == 1) return OkStatus();
    std::ifstream before(files[files.size() - 2], std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(before), {});
    whole = text.size();
    if (whole == 0) return OkStatus();
  } else {
    next_ += static_cast<uint64_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(whole), '\n'));
  }
  size_t begin = whole < 2 ? 0 : text.rfind('\n', whole - 2) == std::string::npos ? 0 : text.rfind('\n', whole - 2) + 1;
  std::string line = text.substr(begin, whole - 1 - begin);
  Record record;
  last_hash_ = ReadRecord(line, record).empty() ? record.hash : HexSha256(line);
  return OkStatus();
}

Status AuditLog::Rotate() {
  if (file_ >= 0) ::close(file_);
  std::string path = FileName(folder_, next_);
  file_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) return SystemError(path);
  file_bytes_ = 0;
  int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || ::fsync(folder) != 0) return SystemError(folder_);
  ::close(folder);
  auto files = FilesIn(folder_);
  std::error_code ignored;
  for (size_t i = 0; i + options_.max_files < files.size(); ++i) std::filesystem::remove(files[i], ignored);
  return OkStatus();
}

Status AuditLog::Write(const AuditEvent& event, int64_t now) {
  if (file_ < 0 || file_bytes_ >= options_.max_file_bytes) RETURN_IF_ERROR(Rotate());
  Json about = Json::object();
  for (const auto& [name, value] : event.about) about[name] = Short(value);
  Json json = {{"n", next_}, {"at", TimeText(now)}, {"unix_ms", now}, {"tenant", event.tenant.value}, {"who", Short(event.who)},
               {"what", event.what}, {"result", Short(event.result)}, {"about", about}, {"from", event.from},
               {"request", event.request}, {"previous", last_hash_}};
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (line.size() > kMaxLineBytes) {
    json["about"] = Json::object();
    line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  line.pop_back();  // "}"
  std::string hash = HexSha256(line);
  line += std::string(kHashField) + hash + "\"}\n";
  CrashPoint("audit-before-write");
  ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(file_) != 0) {
    Status failed = SystemError(folder_);
    if (::ftruncate(file_, static_cast<off_t>(file_bytes_)) != 0) file_ = (::close(file_), -1);
    return failed;
  }
  CrashPoint("audit-written");
  file_bytes_ += line.size();
  last_hash_ = std::move(hash);
  ++next_;
  return OkStatus();
}

// The minute before is over: what was not written of it becomes one record.
Status AuditLog::FlushNoise(int64_t now) {
  if (now / 60'000 == noise_minute_) return OkStatus();
  size_t left_out = noise_ > options_.noise_per_minute ? noise_ - options_.noise_per_minute : 0;
  noise_minute_ = now / 60'000;
  noise_ = 0;
  if (left_out == 0) return OkStatus();
  return Write({.tenant = {}, .who = "", .what = "left-out", .about = {{"refusals", std::to_string(left_out)}}}, now);
}

Status AuditLog::Append(const AuditEvent& event) {
  std::lock_guard lock(mutex_);
  int64_t now = Now();
  RETURN_IF_ERROR(FlushNoise(now));
  return Write(event, now);
}

Status AuditLog::AppendNoise(const AuditEvent& event) {
  std::lock_guard lock(mutex_);
  int64_t now = Now();
  RETURN_IF_ERROR(FlushNoise(now));
  return ++noise_ > options_.noise_per_minute ? OkStatus() : Write(event, now);
}

Status AuditLog::AppendHourly(const std::string& key, const AuditEvent& event) {
  std::lock_guard lock(mutex_);
  int64_t now = Now();
  if (now / 3'600'000 != hour_ || seen_this_hour_.size() >= kMaxSeen) seen_this_hour_.clear();
  hour_ = now / 3'600'000;
  std::string seen = key + "\n" + event.what;
  if (seen_this_hour_.contains(seen)) return OkStatus();
  RETURN_IF_ERROR(FlushNoise(now));
  RETURN_IF_ERROR(Write(event, now));
  seen_this_hour_.insert(std::move(seen));
  return OkStatus();
}

Result<std::vector<std::string>> AuditLog::ListIn(const std::string& folder, const Selection& selection) {
  std::vector<std::string> lines;
  size_t matching = 0;
  for (const std::string& path : FilesIn(folder)) {
    std::ifstream in(path, std::ios::binary);
    for (std::string line; std::getline(in, line) && !in.eof();) {
      Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!json.is_object()) continue;  // Verify names it
      auto number = [&](const char* field) { return json.contains(field) && json[field].is_number_unsigned() ? json[field].get<uint64_t>() : 0; };
      if (selection.tenant && (number("tenant") != selection.tenant->value || selection.tenant->value == 0)) continue;
      if (number("unix_ms") < static_cast<uint64_t>(selection.since_unix_ms) || ++matching <= selection.skip) continue;
      lines.push_back(line);
      if (lines.size() >= selection.limit) return lines;
    }
  }
  return lines;
}

Result<AuditLog::Verdict> AuditLog::Verify(const std::string& folder) {
  Verdict verdict;
  for (const std::string& path : FilesIn(folder)) {
    std::ifstream in(path, std::ios::binary);
    size_t line_number = 0;
    for (std::string line; std::getline(in, line) && !in.eof();) {  // one without its end was never acknowledged
      ++line_number;
      Record record;
      std::string wrong = ReadRecord(line, record);
      bool first = verdict.records == 0;
      if (first) verdict.first = record.number;
      if (wrong.empty() && !first && record.previous != verdict.last_hash) wrong = "the record before it is not the one it was written after";
      if (wrong.empty() && record.number != verdict.first + verdict.records) wrong = "records are missing before it";
      if (wrong.empty() && record.number == 1 && record.previous != kNoHash) wrong = "it is not the first record";
      if (!wrong.empty()) {
        verdict.altered = std::filesystem::path(path).filename().string() + " line " + std::to_string(line_number) + ": " + wrong;
        return verdict;
      }
      verdict.last_hash = record.hash;
      ++verdict.records;
    }
  }
  return verdict;
}

}  // namespace codelore::api
