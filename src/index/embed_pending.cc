#include "index/embed_pending.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <thread>

#include "codelore/coding.h"
#include "codelore/crash_point.h"
#include "codelore/utf8.h"
#include "index/blobs.h"
#include "index/garbage.h"

namespace codelore::index {
namespace {

constexpr uint32_t kWindow = 1024;     // chunks whose texts are in memory at once
constexpr size_t kBatch = 32;          // texts per call of the encoder
constexpr size_t kMaxTextBytes = 8192; // beyond what a chunk can hold by the chunker's limits
constexpr auto kCommitEvery = std::chrono::seconds(15);

std::string CachePrefix(TenantId tenant, const Hash256& encoder) { return ByteWriter().Key32(tenant.value).Raw(encoder.view()).Take(); }

// One window of a segment's chunks on its way to vectors.
struct Window {
  uint32_t begin = 0, end = 0;
  std::vector<std::string> texts;  // empty for chunks of deleted files
  std::vector<std::string> keys;
  std::vector<uint32_t> missing;   // indexes into texts, to be encoded
};

class Embedder {
 public:
  Embedder(KeyValueStore& store, const TextEncoder& encoder, TenantId tenant, int threads, std::stop_token stop,
           const std::function<void(const EmbedProgress&)>& progress, VectorSink& sink)
      : store_(store), encoder_(encoder), tenant_(tenant), threads_(std::max(threads, 1)), stop_(std::move(stop)),
        report_(progress), sink_(sink) {}

  void Count(const LiveSegment& segment) {
    progress_.chunks_total += segment.reader->chunk_count();
    progress_.chunks_done += Rows(segment);
  }

  Status EmbedSegment(PartitionId partition, const LiveSegment& segment) {
    uint32_t total = segment.reader->chunk_count();
    uint32_t done = Rows(segment);
    if (done == total) return OkStatus();
    // Rows that were committed before an interruption come back from the cache.
    progress_.chunks_done -= done;
    std::vector<std::string> rows;
    rows.reserve(total);
    auto last_commit = std::chrono::steady_clock::now();
    while (rows.size() < total) {
      RETURN_IF_ERROR(EmbedWindow(segment, rows));
      auto now = std::chrono::steady_clock::now();
      if (rows.size() > done && (rows.size() == total || now - last_commit > kCommitEvery)) {
        RETURN_IF_ERROR(sink_.CommitVectors(partition, segment.entry.id, encoder_.info().fingerprint,
                                            encoder_.info().dimension, rows));
        last_commit = now;
      }
    }
    return OkStatus();
  }

  void Report() const { report_(progress_); }

 private:
  uint32_t Rows(const LiveSegment& segment) const {
    const VectorIndex* vectors = segment.VectorsOf(encoder_.info().fingerprint);
    return vectors != nullptr ? vectors->rows() : 0;
  }

  Status EmbedWindow(const LiveSegment& segment, std::vector<std::string>& rows) {
    Window window;
    window.begin = static_cast<uint32_t>(rows.size());
    window.end = std::min(window.begin + kWindow, segment.reader->chunk_count());
    RETURN_IF_ERROR(ReadTexts(segment, window));
    ASSIGN_OR_RETURN(auto cached, store_.MultiGet(Table::kEmbeddings, window.keys));
    WriteBatch needed_again;
    RETURN_IF_ERROR(ForgetNotes(store_, Shared::kVector, window.keys, needed_again));
    if (!needed_again.empty()) RETURN_IF_ERROR(store_.Write(needed_again));
    const size_t row_bytes = 2 * size_t{encoder_.info().dimension};
    const std::string nothing = std::string(row_bytes, '\0') + Weights({});
    for (uint32_t i = 0; i < window.texts.size(); ++i) {
      bool known = cached[i] && IsRow(*cached[i]);
      if (window.texts[i].empty()) {
        rows.push_back(nothing);  // of a deleted file: never looked at
      } else if (known) {
        rows.push_back(std::move(*cached[i]));
      } else {
        rows.emplace_back();
        window.missing.push_back(i);
      }
    }
    progress_.chunks_done += window.texts.size() - window.missing.size();
    return EncodeMissing(window, std::span(rows).subspan(window.begin));
  }

  // What stands behind a row's vector.
  std::string Weights(std::span<const TokenWeight> weights) const {
    return encoder_.info().has_sparse ? EncodeWeights(weights) : std::string();
  }
  bool IsRow(std::string_view bytes) const {
    const size_t row_bytes = 2 * size_t{encoder_.info().dimension};
    std::vector<TokenWeight> weights;
    if (!encoder_.info().has_sparse || bytes.size() <= row_bytes) return bytes.size() == row_bytes && !encoder_.info().has_sparse;
    return DecodeWeights(bytes.substr(row_bytes), weights);
  }

  Status ReadTexts(const LiveSegment& segment, Window& window) const {
    const SegmentReader& reader = *segment.reader;
    std::string text;
    uint32_t text_of = UINT32_MAX;
    for (uint32_t ordinal = window.begin; ordinal < window.end; ++ordinal) {
      const ChunkRow& chunk = reader.chunk(ordinal);
      const FileRow& file = reader.file(chunk.file);
      window.texts.emplace_back();
      if (!segment.FileDeleted(chunk.file)) {
        if (text_of != chunk.file) {
          ASSIGN_OR_RETURN(text, ReadBlob(store_, tenant_, file.blob));
          text_of = chunk.file;
        }
        if (chunk.end > text.size()) return Corruption("blob " + file.blob.ToHex() + " is shorter than its chunks");
        window.texts.back() = EmbeddedText(reader.StringsOf(file), reader.StringsOf(chunk),
                                           std::string_view(text).substr(chunk.begin, chunk.end - chunk.begin));
      }
      window.keys.push_back(EmbeddingKey(tenant_, encoder_.info().fingerprint, Sha256(window.texts.back())));
    }
    return OkStatus();
  }

  // Texts of like length go together; the workers take batches from a shared counter.
  Status EncodeMissing(Window& window, std::span<std::string> rows) {
    std::ranges::sort(window.missing, {}, [&](uint32_t i) { return window.texts[i].size(); });
    std::atomic<size_t> next{0};
    auto work = [&] {
      for (;;) {
        size_t begin = next.fetch_add(kBatch);
        if (begin >= window.missing.size() || stop_.stop_requested() || Failed()) return;
        size_t count = std::min(kBatch, window.missing.size() - begin);
        Note(EncodeBatch(window, std::span(window.missing).subspan(begin, count), rows));
      }
    };
    {
      std::vector<std::jthread> others;
      for (int i = 1; i < threads_; ++i) others.emplace_back(work);
      work();
    }
    if (stop_.stop_requested()) return Unavailable("interrupted");
    std::lock_guard lock(mutex_);
    return failure_;
  }

  Status EncodeBatch(const Window& window, std::span<const uint32_t> batch, std::span<std::string> rows) {
    std::vector<std::string_view> texts;
    for (uint32_t i : batch) texts.emplace_back(window.texts[i]);
    ASSIGN_OR_RETURN(auto encodings, encoder_.Encode(texts, {.role = TextRole::kPassage, .sparse = encoder_.info().has_sparse, .background = true}));
    WriteBatch writes;
    uint64_t tokens = 0;
    for (size_t i = 0; i < batch.size(); ++i) {
      rows[batch[i]] = EncodeRow(encodings[i].dense) + Weights(encodings[i].sparse);
      writes.Put(Table::kEmbeddings, window.keys[batch[i]], rows[batch[i]]);
      tokens += encodings[i].tokens;
    }
    RETURN_IF_ERROR(store_.Write(writes));
    std::lock_guard lock(mutex_);
    progress_.chunks_done += batch.size();
    progress_.chunks_encoded += batch.size();
    progress_.tokens_encoded += tokens;
    report_(progress_);
    return OkStatus();
  }

  bool Failed() {
    std::lock_guard lock(mutex_);
    return !failure_.ok();
  }
  void Note(Status status) {
    std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = std::move(status);
  }

  KeyValueStore& store_;
  const TextEncoder& encoder_;
  const TenantId tenant_;
  const int threads_;
  const std::stop_token stop_;
  const std::function<void(const EmbedProgress&)>& report_;
  VectorSink& sink_;
  std::mutex mutex_;
  EmbedProgress progress_;  // guarded by mutex_ while workers run
  Status failure_;          // guarded by mutex_
};

// A path that is only a number or a code says nothing, and moves the vector.
bool TellsSomething(std::string_view path) {
  std::string_view stem = path.substr(0, path.find('.', path.rfind('/') + 1));
  size_t letters = 0;
  for (char c : stem) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
    letters = letter ? letters + 1 : 0;
    if (letters >= 3) return true;
  }
  return false;
}

}  // namespace

std::string EmbeddingKey(TenantId tenant, const Hash256& encoder, const Hash256& text) {
  return CachePrefix(tenant, encoder).append(text.view());
}

std::string EmbeddedText(const FileStrings& file, const ChunkStrings& chunk, std::string_view text) {
  std::string out;
  if (TellsSomething(file.path)) out = file.path;
  if (!chunk.scope.empty()) out.append(" ").append(chunk.scope);
  std::string_view own = std::string_view(chunk.symbol).substr(chunk.symbol.rfind('.') + 1);
  bool shown = text.find(own) != std::string_view::npos;
  if (!chunk.symbol.empty() && !shown) out.append(" ").append(chunk.symbol);
  size_t named = 0;
  for (const DefinedName& definition : chunk.definitions) {
    if (chunk.symbol.ends_with(definition.name)) continue;
    if (++named > 3) break;
    out.append(" ").append(definition.name);
  }
  if (!out.empty()) out += '\n';
  if (!chunk.signature.empty() && text.find(chunk.signature.substr(0, 24)) == std::string_view::npos) {
    out.append(chunk.signature).append("\n");
  }
  out += chunk.search_text.empty() ? text : chunk.search_text;
  if (out.size() > kMaxTextBytes) out.resize(Utf8Prefix(out, kMaxTextBytes).size());
  return out;
}

Status EraseCachedVectors(KeyValueStore& store, TenantId tenant, const Hash256& encoder) {
  constexpr size_t kRowsAtOnce = 20'000;
  for (size_t rows = kRowsAtOnce; rows == kRowsAtOnce;) {
    WriteBatch batch;
    rows = 0;
    RETURN_IF_ERROR(store.Scan(Table::kEmbeddings, CachePrefix(tenant, encoder), [&](std::string_view key, std::string_view) {
      batch.Delete(Table::kEmbeddings, std::string(key));
      return ++rows < kRowsAtOnce;
    }));
    if (rows > 0) RETURN_IF_ERROR(store.Write(batch));
    CrashPoint("cached-vectors-erased");
  }
  return OkStatus();
}

Status EmbedPending(KeyValueStore& store, const Snapshot& snapshot, TenantId tenant,
                    std::span<const PartitionId> partitions, const TextEncoder& encoder, int threads,
                    std::stop_token stop, const std::function<void(const EmbedProgress&)>& progress,
                    VectorSink& sink) {
  Embedder embedder(store, encoder, tenant, threads, std::move(stop), progress, sink);
  std::vector<std::pair<PartitionId, std::shared_ptr<const LiveSegment>>> segments;
  for (PartitionId id : partitions) {
    auto at = snapshot.partitions.find(id);
    if (at == snapshot.partitions.end()) continue;
    for (const auto& segment : at->second->segments) {
      embedder.Count(*segment);
      segments.emplace_back(id, segment);
    }
  }
  embedder.Report();
  for (const auto& [id, segment] : segments) RETURN_IF_ERROR(embedder.EmbedSegment(id, *segment));
  embedder.Report();
  return OkStatus();
}

}  // namespace codelore::index
