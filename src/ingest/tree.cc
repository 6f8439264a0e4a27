#include "ingest/tree.h"

#include <openssl/evp.h>
#include <strings.h>

#include <algorithm>
#include <utility>

#include "codelore/ids.h"
#include "codelore/utf8.h"

namespace codelore::ingest {
namespace {

constexpr size_t kShortenedBytes = 200;

std::string SpellAsUtf8(std::string_view raw) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  while (!raw.empty()) {
    size_t length = Utf8SequenceLength(raw);
    if (length > 0) {
      text += raw.substr(0, length);
    } else {
      auto byte = static_cast<uint8_t>(raw[0]);
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    raw.remove_prefix(length > 0 ? length : 1);
  }
  return text;
}

std::string Shorten(std::string_view path, std::string_view raw) {
  return std::string(Utf8Prefix(path, kShortenedBytes)) + "..." + Sha256Of(raw).ToHex().substr(0, 16);
}

bool IsUnsafe(std::string_view path) {
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return true;
    if (part.size() == 4 && strncasecmp(part.data(), ".git", 4) == 0) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

Hash256 Sha256Of(std::string_view bytes) {
  Hash256 hash;
  EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

TreeEntry EntryAt(std::string raw_path, const TreeLimits& limits) {
  TreeEntry entry;
  entry.path = SpellAsUtf8(raw_path);
  if (IsUnsafe(raw_path)) entry.skip = "unsafe path";
  if (raw_path.size() > limits.max_path_bytes) {
    entry.skip = "path too long";
    entry.path = Shorten(entry.path, raw_path);
  }
  entry.raw_path = std::move(raw_path);
  return entry;
}

}  // namespace codelore::ingest
