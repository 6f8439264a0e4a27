#include "index/garbage.h"

#include <map>
#include <utility>

#include "codelore/coding.h"
#include "index/blobs.h"
#include "index/embed_pending.h"

namespace codelore::index {
namespace {

// In Table::kMeta: this, a letter and a key -> when it was found to be of no use.
constexpr std::string_view kNotePrefix = "unused/";
constexpr char kText = static_cast<char>(Shared::kText), kVector = static_cast<char>(Shared::kVector);
constexpr size_t kWriteAtOnce = 10'000;

Status Stopped() { return Unavailable("interrupted"); }

Status AddSegment(const KeyValueStore& store, TenantId tenant, const LiveSegment& segment, const Hash256& encoder,
                  const std::stop_token& stop, NeededKeys& needed) {
  const SegmentReader& reader = *segment.reader;
  for (uint32_t ordinal = 0; ordinal < reader.file_count(); ++ordinal) {
    if (segment.FileDeleted(ordinal)) continue;
    if (stop.stop_requested()) return Stopped();
    const FileRow& file = reader.file(ordinal);
    needed.insert(kText + BlobKey(tenant, file.blob));
    ASSIGN_OR_RETURN(std::string text, ReadBlob(store, tenant, file.blob));
    for (uint32_t i = 0; i < file.chunk_count; ++i) {
      const ChunkRow& chunk = reader.chunk(file.first_chunk + i);
      if (chunk.end > text.size()) return Corruption("blob " + file.blob.ToHex() + " is shorter than its chunks");
      std::string embedded = EmbeddedText(reader.StringsOf(file), reader.StringsOf(chunk), std::string_view(text).substr(chunk.begin, chunk.end - chunk.begin));
      needed.insert(kVector + EmbeddingKey(tenant, encoder, Sha256(embedded)));
    }
  }
  return OkStatus();
}

class Notes {
 public:
  explicit Notes(KeyValueStore& store) : store_(store) {}
  Status Put(const std::string& key, int64_t unix_ms) {
    batch_.Put(Table::kMeta, std::string(kNotePrefix) + key, ByteWriter().Fixed(unix_ms).Take());
    return Flush(kWriteAtOnce);
  }
  Status Erase(const std::string& key) {
    batch_.Delete(Table::kMeta, std::string(kNotePrefix) + key);
    return Flush(kWriteAtOnce);
  }
  Status Flush(size_t least = 1) {
    if (batch_.operations().size() < least) return OkStatus();
    return store_.Write(std::exchange(batch_, {}));
  }

 private:
  KeyValueStore& store_;
  WriteBatch batch_;
};

}  // namespace

Status ForgetNotes(const KeyValueStore& store, Shared what, const std::vector<std::string>& keys, WriteBatch& batch) {
  std::vector<std::string> notes;
  for (const std::string& key : keys) notes.push_back(std::string(kNotePrefix) + static_cast<char>(what) + key);
  ASSIGN_OR_RETURN(auto found, store.MultiGet(Table::kMeta, notes));
  for (size_t i = 0; i < notes.size(); ++i) {
    if (found[i]) batch.Delete(Table::kMeta, notes[i]);
  }
  return OkStatus();
}

Status AddNeeded(const KeyValueStore& store, const Snapshot& snapshot, const Snapshot* before, const Hash256& encoder,
                 const std::stop_token& stop, NeededKeys& needed) {
  for (const auto& [id, partition] : snapshot.partitions) {
    std::unordered_set<const LiveSegment*> known;
    if (before != nullptr) {
      auto at = before->partitions.find(id);
      for (size_t i = 0; at != before->partitions.end() && i < at->second->segments.size(); ++i) known.insert(at->second->segments[i].get());
    }
    for (const auto& segment : partition->segments) {
      if (!known.contains(segment.get())) RETURN_IF_ERROR(AddSegment(store, partition->tenant, *segment, encoder, stop, needed));
    }
  }
  return OkStatus();
}

Result<std::vector<std::string>> FindUnused(KeyValueStore& store, const NeededKeys& needed, int64_t now_unix_ms, int64_t since_unix_ms,
                                            const std::stop_token& stop) {
  std::map<std::string, int64_t> noted;
  RETURN_IF_ERROR(store.Scan(Table::kMeta, kNotePrefix, [&](std::string_view key, std::string_view value) {
    noted[std::string(key.substr(kNotePrefix.size()))] = ByteReader(value).Fixed<int64_t>();
    return true;
  }));
  std::vector<std::string> unused, fresh;
  for (auto [letter, table] : {std::pair(kText, Table::kBlobs), std::pair(kVector, Table::kEmbeddings)}) {
    RETURN_IF_ERROR(store.Scan(table, "", [&, letter = letter](std::string_view stored, std::string_view) {
      std::string key = letter + std::string(stored);
      if (needed.contains(key)) return !stop.stop_requested();
      auto at = noted.find(key);
      if (at == noted.end()) {
        fresh.push_back(std::move(key));
      } else {
        if (at->second <= since_unix_ms) unused.push_back(std::move(key));
        noted.erase(at);
      }
      return !stop.stop_requested();
    }));
    if (stop.stop_requested()) return Stopped();
  }
  Notes notes(store);
  for (const std::string& key : fresh) RETURN_IF_ERROR(notes.Put(key, now_unix_ms));
  for (const auto& [key, time] : noted) RETURN_IF_ERROR(notes.Erase(key));  // needed again, or gone
  RETURN_IF_ERROR(notes.Flush());
  return unused;
}

Result<uint64_t> RemoveUnused(KeyValueStore& store, const std::vector<std::string>& unused, const NeededKeys& needed) {
  uint64_t removed = 0;
  WriteBatch batch;
  for (const std::string& key : unused) {
    if (needed.contains(key)) continue;
    batch.Delete(key[0] == kText ? Table::kBlobs : Table::kEmbeddings, key.substr(1));
    batch.Delete(Table::kMeta, std::string(kNotePrefix) + key);
    ++removed;
    if (batch.operations().size() >= kWriteAtOnce) RETURN_IF_ERROR(store.Write(std::exchange(batch, {})));
  }
  if (!batch.empty()) RETURN_IF_ERROR(store.Write(batch));
  return removed;
}

}  // namespace codelore::index
