#include "index/exact/exact_count.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace codelore::index {
namespace {

constexpr uint64_t kSliceBytes = 256 << 10;   // of text that a thread takes at a time
constexpr uint64_t kShareBytes = 16 << 20;    // from here on it is worth a second thread
constexpr unsigned kMaxThreads = 4;

// Files [begin, end) of the candidates.
struct Slice {
  size_t begin = 0, end = 0;
  uint64_t bytes = 0;
  bool done = false;
};

class Counter {
 public:
  Counter(World& world, const PatternMatcher& matcher, uint64_t max_matches, ExactBudget& budget, std::vector<CountedFile>& files)
      : world_(world), matcher_(matcher), max_matches_(max_matches), files_(files), budget_(budget) {
    for (size_t i = 0; i < files.size(); ++i) {
      if (slices_.empty() || slices_.back().bytes >= kSliceBytes) slices_.push_back({.begin = i, .end = i});
      slices_.back().end = i + 1;
      for (uint32_t block : files[i].blocks) slices_.back().bytes += IndexOf(files[i]).SizeOf(block);
    }
  }

  // Slices are begun in order and finished, so those that are done are the first ones.
  Status Run() {
    uint64_t bytes = 0;
    for (const Slice& slice : slices_) bytes += slice.bytes;
    size_t threads = bytes < kShareBytes ? 1 : std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
    {
      std::vector<std::jthread> others;
      for (size_t i = 1; i < threads; ++i) others.emplace_back([this] { Work(); });
      Work();
    }
    if (lines_left_out_) budget_.Skip("lines too long for this regular expression were left out");
    return status_;
  }

  // Keeps what was counted, up to the limit; true if there is more.
  bool Cut() {
    std::vector<CountedFile> found;
    uint64_t left = max_matches_;
    bool capped = false;
    for (const Slice& slice : slices_) {
      for (size_t i = slice.begin; slice.done && i < slice.end && !capped; ++i) {
        CountedFile& file = files_[i];
        for (size_t b = 0; b < file.blocks.size(); ++b) {
          capped |= file.counts[b] > left;
          uint64_t count = std::min(file.counts[b], left);
          left -= count;
          file.matches += count;
          if (count == 0) file.blocks.resize(b);
        }
        if (file.matches > 0) found.push_back(std::move(file));
      }
    }
    files_ = std::move(found);
    return capped;
  }

 private:
  const ExactIndex& IndexOf(const CountedFile& file) const { return world_.segments()[file.segment].reader().exact(); }

  // The next slice, as far as budget and limit allow.
  Slice* Take() {
    std::lock_guard lock(mutex_);
    if (next_ == slices_.size() || !status_.ok() || counted_ > max_matches_ || !budget_.Take(slices_[next_].bytes)) return nullptr;
    return &slices_[next_++];
  }

  void Work() {
    std::string buffer;
    while (Slice* slice = Take()) {
      Status status;
      for (size_t i = slice->begin; status.ok() && i < slice->end; ++i) status = Count(files_[i], buffer);
      slice->done = true;
      std::lock_guard lock(mutex_);
      if (status_.ok()) status_ = status;
    }
  }

  Status Count(CountedFile& file, std::string& buffer) {
    const ExactIndex& index = IndexOf(file);
    std::vector<uint32_t> blocks;
    for (uint32_t block : file.blocks) {
      if (!matcher_.CanSearch(index.SizeOf(block))) {
        lines_left_out_ = true;
        continue;
      }
      ASSIGN_OR_RETURN(std::string_view text, index.Read(block, buffer));
      uint64_t count = matcher_.Count(text, max_matches_ + 1);
      if (count == 0) continue;
      blocks.push_back(block);
      file.counts.push_back(count);
    }
    file.blocks = std::move(blocks);
    for (uint64_t count : file.counts) counted_ += count;
    return OkStatus();
  }

  World& world_;
  const PatternMatcher& matcher_;
  const uint64_t max_matches_;
  std::vector<CountedFile>& files_;
  std::atomic<uint64_t> counted_ = 0;
  std::atomic<bool> lines_left_out_ = false;
  std::mutex mutex_;  // of what follows
  ExactBudget& budget_;
  std::vector<Slice> slices_;
  size_t next_ = 0;
  Status status_;
};

}  // namespace

bool ExactBudget::Take(uint64_t bytes) {
  if (ended_) return false;
  if (bytes > bytes_left_) {
    Skip("as much text as one search may read was read");
    ended_ = true;
  } else if (std::chrono::steady_clock::now() > deadline_) {
    Skip("the time for one search was used up");
    ended_ = true;
  }
  bytes_left_ -= ended_ ? 0 : bytes;
  return !ended_;
}

std::vector<CountedFile> Candidates(World& world, const PatternMatcher& matcher) {
  std::vector<CountedFile> files;
  for (uint32_t s = 0; s < world.segments().size(); ++s) {
    VisibleSegment& segment = world.segments()[s];
    const ExactIndex& index = segment.reader().exact();
    matcher.condition().Evaluate(index.trigrams()).ForEach([&](uint32_t block) {
      const TextBlockRow& row = index.row(block);
      if (!segment.Allows(row.file)) return;
      if (files.empty() || files.back().segment != s || files.back().file != row.file) {
        files.push_back({.segment = s, .file = row.file, .secondary = row.secondary != 0});
      }
      files.back().blocks.push_back(block);
    });
  }
  std::stable_partition(files.begin(), files.end(), [](const CountedFile& file) { return !file.secondary; });
  return files;
}

Status CountMatches(World& world, const PatternMatcher& matcher, uint64_t max_matches, ExactBudget& budget,
                    std::vector<CountedFile>& files, bool& capped) {
  Counter counter(world, matcher, max_matches, budget, files);
  RETURN_IF_ERROR(counter.Run());
  capped = counter.Cut();
  return OkStatus();
}

}  // namespace codelore::index
