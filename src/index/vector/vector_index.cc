#include "index/vector/vector_index.h"

#include <faiss/IndexFlatCodes.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/FaissAssert.h>
#include <faiss/impl/IDSelector.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "codelore/coding.h"
#include "index/vector/int8_kernels.h"

namespace codelore::index {
namespace {

constexpr size_t kHeaderBytes = 64;
constexpr uint32_t kVersion = 2;
constexpr size_t kScanRows = 256;      // dot products at a time
constexpr size_t kRescoreExtra = 64;   // rows beyond k that are scored again
constexpr float kInt8Error = 0.02f;    // more than codes move a cosine

size_t RoundUp64(size_t bytes) { return (bytes + 63) / 64 * 64; }

faiss::IndexScalarQuantizer MakeHalfIndex(uint32_t dimension) {
  return {static_cast<int>(dimension), faiss::ScalarQuantizer::QT_fp16, faiss::METRIC_INNER_PRODUCT};
}

template <typename T>
faiss::MaybeOwnedVector<uint8_t> ViewOf(const T* data, size_t bytes) {
  // FAISS takes a mutable pointer for a view; it only reads through it.
  return faiss::MaybeOwnedVector<uint8_t>::create_view(const_cast<T*>(data), bytes, nullptr);
}

// The k rows with the largest scores; of equal ones the first.
class BestRows {
 public:
  explicit BestRows(size_t k, float threshold = -std::numeric_limits<float>::infinity()) : k_(k), threshold_(threshold) {
    rows_.reserve(k + 1);
  }
  float threshold() const { return threshold_; }
  void Add(uint32_t row, float score) {
    if (rows_.size() == k_) {
      std::pop_heap(rows_.begin(), rows_.end(), Better);
      rows_.pop_back();
    }
    rows_.push_back({row, score});
    std::push_heap(rows_.begin(), rows_.end(), Better);
    if (rows_.size() == k_) threshold_ = rows_.front().score;
  }
  std::vector<ScoredChunk> Take() {
    std::ranges::sort(rows_, Better);
    return std::move(rows_);
  }
  static bool Better(const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.ordinal < b.ordinal;
  }

 private:
  const size_t k_;
  std::vector<ScoredChunk> rows_;
  float threshold_;  // scores must exceed it
};

// A FAISS index over int8 rows with a scale each: a flat-codes index with a distance computer and a scan of its own,
// so that whatever takes one of these (HNSW over the same codes, among them) works on it. Borrows the rows.
class Int8FlatIndex final : public faiss::IndexFlatCodes {
 public:
  Int8FlatIndex(uint32_t dimension, uint32_t rows, const int8_t* row_codes, const float* scales)
      : faiss::IndexFlatCodes(PaddedBytes(dimension), static_cast<faiss::idx_t>(dimension), faiss::METRIC_INNER_PRODUCT),
        scales_(scales) {
    codes = ViewOf(row_codes, PaddedBytes(dimension) * rows);
    ntotal = rows;
    is_trained = true;
  }

  const int8_t* row_codes() const { return reinterpret_cast<const int8_t*>(codes.data()); }

  // Short ranges far apart would wait for memory each time.
  void Prefetch(RowRange range) const {
    constexpr size_t kLine = 64, kAhead = 48 * kLine;
    size_t bytes = std::min(kAhead, (range.end - range.begin) * code_size);
    if (range.begin >= ntotal) return;
    const int8_t* first = row_codes() + size_t{range.begin} * code_size;
    for (size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(first + i);
  }

  // Offers every row of the range to `best`.
  void Scan(const Int8Vector& query, RowRange range, BestRows& best, ScoreSums* sums) const {
    DotRows dot_rows = BestInt8Kernel().dot_rows;
    int32_t dots[kScanRows];
    for (uint32_t begin = range.begin; begin < range.end;) {
      uint32_t count = std::min<uint32_t>(kScanRows, range.end - begin);
      dot_rows(query.codes.data(), row_codes() + size_t{begin} * code_size, code_size, code_size, count, dots);
      float scores[kScanRows];
      for (uint32_t i = 0; i < count; ++i) scores[i] = static_cast<float>(dots[i]) * (scales_[begin + i] * query.scale);
      for (uint32_t i = 0; i < count; ++i) {
        if (scores[i] > best.threshold()) best.Add(begin + i, scores[i]);
      }
      if (sums != nullptr) {
        sums->count += count;
        for (uint32_t i = 0; i < count; ++i) {
          sums->sum += scores[i];
          sums->squares += double{scores[i]} * scores[i];
        }
      }
      begin += count;
    }
  }

  void search(faiss::idx_t n, const float* x, faiss::idx_t k, float* distances, faiss::idx_t* labels,
              const faiss::SearchParameters* parameters) const override {
    const faiss::IDSelector* selector = parameters != nullptr ? parameters->sel : nullptr;
    for (faiss::idx_t q = 0; q < n; ++q) {
      Int8Vector query = QuantizeInt8(std::span(x + q * d, static_cast<size_t>(d)));
      BestRows best(static_cast<size_t>(k));
      ForEachSelected(selector, [&](RowRange range) { Scan(query, range, best, nullptr); });
      std::vector<ScoredChunk> found = best.Take();
      for (faiss::idx_t i = 0; i < k; ++i) {
        bool any = static_cast<size_t>(i) < found.size();
        distances[q * k + i] = any ? found[static_cast<size_t>(i)].score : -std::numeric_limits<float>::infinity();
        labels[q * k + i] = any ? static_cast<faiss::idx_t>(found[static_cast<size_t>(i)].ordinal) : -1;
      }
    }
  }

  faiss::FlatCodesDistanceComputer* get_FlatCodesDistanceComputer() const override {
    class Computer final : public faiss::FlatCodesDistanceComputer {
     public:
      explicit Computer(const Int8FlatIndex& index)
          : faiss::FlatCodesDistanceComputer(index.codes.data(), index.code_size), index_(index) {}
      void set_query(const float* x) override { query_ = QuantizeInt8(std::span(x, static_cast<size_t>(index_.d))); }
      float operator()(faiss::idx_t i) override { return Product(query_.codes.data(), i) * index_.scales_[i] * query_.scale; }
      float symmetric_dis(faiss::idx_t i, faiss::idx_t j) override {
        return Product(index_.row_codes() + static_cast<size_t>(j) * index_.code_size, i) * index_.scales_[i] * index_.scales_[j];
      }
      float distance_to_code(const uint8_t* code) override { return (*this)(static_cast<faiss::idx_t>((code - codes) / static_cast<ptrdiff_t>(code_size))); }

     private:
      float Product(const int8_t* with, faiss::idx_t row) const {
        int32_t dot = 0;
        BestInt8Kernel().dot_rows(with, index_.row_codes() + static_cast<size_t>(row) * index_.code_size, index_.code_size,
                                  index_.code_size, 1, &dot);
        return static_cast<float>(dot);
      }
      const Int8FlatIndex& index_;
      Int8Vector query_;
    };
    return new Computer(*this);
  }

 private:
  // Calls visit for maximal ranges of selected rows.
  template <typename Visit>
  void ForEachSelected(const faiss::IDSelector* selector, Visit visit) const {
    auto rows = static_cast<uint32_t>(ntotal);
    if (selector == nullptr) return visit(RowRange{0, rows});
    for (uint32_t begin = 0; begin < rows;) {
      if (!selector->is_member(begin)) {
        ++begin;
        continue;
      }
      uint32_t end = begin + 1;
      while (end < rows && selector->is_member(end)) ++end;
      visit(RowRange{begin, end});
      begin = end + 1;
    }
  }

  const float* scales_;
};

}  // namespace

std::string EncodeRow(std::span<const float> vector) {
  std::string row(2 * vector.size(), '\0');
  MakeHalfIndex(static_cast<uint32_t>(vector.size()))
      .sa_encode(1, vector.data(), reinterpret_cast<uint8_t*>(row.data()));
  return row;
}

std::string BuildVectorFile(uint32_t dimension, std::span<const std::string> rows) {
  size_t half_bytes = 2 * size_t{dimension}, padded = PaddedBytes(dimension);
  std::string out = ByteWriter().Raw("CLVC").Fixed(kVersion).Fixed(dimension)
                        .Fixed(static_cast<uint32_t>(rows.size())).Take();
  out.resize(kHeaderBytes);
  out.reserve(kHeaderBytes + RoundUp64(rows.size() * half_bytes) + rows.size() * (padded + sizeof(float)));
  for (const std::string& row : rows) out += row;
  out.resize(kHeaderBytes + RoundUp64(rows.size() * half_bytes));
  faiss::IndexScalarQuantizer halves = MakeHalfIndex(dimension);
  std::vector<float> vector(dimension), scales;
  for (const std::string& row : rows) {
    halves.sa_decode(1, reinterpret_cast<const uint8_t*>(row.data()), vector.data());
    Int8Vector quantized = QuantizeInt8(vector);
    out.append(reinterpret_cast<const char*>(quantized.codes.data()), padded);
    scales.push_back(quantized.scale);
  }
  out.append(reinterpret_cast<const char*>(scales.data()), scales.size() * sizeof(float));
  return out;
}

class VectorIndex::Implementation {
 public:
  Implementation(uint32_t dimension, uint32_t rows, std::string_view bytes, std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), size_bytes_(bytes.size()), halves_(MakeHalfIndex(dimension)),
        codes_(dimension, rows, CodesIn(dimension, rows, bytes), ScalesIn(dimension, rows, bytes)) {
    halves_.codes = ViewOf(bytes.data() + kHeaderBytes, size_t{rows} * dimension * 2);
    halves_.ntotal = rows;
    halves_.is_trained = true;
  }

  static size_t SizeOf(uint32_t dimension, uint32_t rows) {
    return CodesBegin(dimension, rows) + size_t{rows} * (PaddedBytes(dimension) + sizeof(float));
  }
  const faiss::IndexScalarQuantizer& halves() const { return halves_; }
  const Int8FlatIndex& codes() const { return codes_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  static size_t CodesBegin(uint32_t dimension, uint32_t rows) { return kHeaderBytes + RoundUp64(size_t{rows} * dimension * 2); }
  static const int8_t* CodesIn(uint32_t dimension, uint32_t rows, std::string_view bytes) {
    return reinterpret_cast<const int8_t*>(bytes.data() + CodesBegin(dimension, rows));
  }
  static const float* ScalesIn(uint32_t dimension, uint32_t rows, std::string_view bytes) {
    return reinterpret_cast<const float*>(CodesIn(dimension, rows, bytes) + size_t{rows} * PaddedBytes(dimension));
  }

  std::shared_ptr<const void> owner_;
  size_t size_bytes_;
  faiss::IndexScalarQuantizer halves_;
  Int8FlatIndex codes_;
};

VectorIndex::VectorIndex(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
VectorIndex::~VectorIndex() = default;

Result<std::shared_ptr<const VectorIndex>> VectorIndex::Open(std::string_view bytes,
                                                             std::shared_ptr<const void> owner) {
  ByteReader header(bytes);
  if (header.Raw(4) != "CLVC") return Corruption("vectors: do not start like a vector file");
  auto version = header.Fixed<uint32_t>(), dimension = header.Fixed<uint32_t>(), rows = header.Fixed<uint32_t>();
  if (!header.ok() || version != kVersion || dimension == 0 || dimension > 1 << 16) {
    return Corruption("vectors: header of an unknown kind");
  }
  if (bytes.size() != Implementation::SizeOf(dimension, rows)) return Corruption("vectors: wrong file size");
  return std::shared_ptr<const VectorIndex>(
      new VectorIndex(std::make_unique<Implementation>(dimension, rows, bytes, std::move(owner))));
}

std::string_view VectorIndex::RowBytes(uint32_t ordinal) const {
  size_t row_bytes = 2 * size_t{dimension()};
  return {reinterpret_cast<const char*>(implementation_->halves().codes.data()) + ordinal * row_bytes, row_bytes};
}

uint32_t VectorIndex::dimension() const { return static_cast<uint32_t>(implementation_->halves().d); }
uint32_t VectorIndex::rows() const { return static_cast<uint32_t>(implementation_->halves().ntotal); }
size_t VectorIndex::size_bytes() const { return implementation_->size_bytes(); }

std::vector<ScoredChunk> VectorIndex::Search(std::span<const float> query, size_t k, std::span<const RowRange> allowed,
                                             ScoreSums* sums, float floor) const {
  k = std::min<size_t>(k, rows());
  if (k == 0) return {};
  Int8Vector quantized = QuantizeInt8(query);
  BestRows best(k + kRescoreExtra, floor - kInt8Error);
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (i + 1 < allowed.size()) implementation_->codes().Prefetch(allowed[i + 1]);
    RowRange range{allowed[i].begin, std::min(allowed[i].end, rows())};
    if (range.begin < range.end) implementation_->codes().Scan(quantized, range, best, sums);
  }
  std::vector<ScoredChunk> found = best.Take();
  std::vector<uint32_t> ordinals;
  for (const ScoredChunk& each : found) ordinals.push_back(each.ordinal);
  std::vector<float> exact = Scores(query, ordinals);
  for (size_t i = 0; i < found.size(); ++i) found[i].score = exact[i];
  std::ranges::sort(found, BestRows::Better);
  found.resize(std::min(k, found.size()));
  return found;
}

bool VectorIndex::AddRow(uint32_t ordinal, std::span<float> sum) const {
  if (ordinal >= rows()) return false;
  std::vector<float> row(dimension());
  implementation_->halves().reconstruct(ordinal, row.data());
  for (size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
  return true;
}

std::vector<float> VectorIndex::Scores(std::span<const float> query, std::span<const uint32_t> ordinals) const {
  std::unique_ptr<faiss::FlatCodesDistanceComputer> computer(implementation_->halves().get_FlatCodesDistanceComputer());
  computer->set_query(query.data());
  std::vector<float> scores;
  scores.reserve(ordinals.size());
  for (uint32_t ordinal : ordinals) scores.push_back(ordinal < rows() ? (*computer)(ordinal) : 0.0f);
  return scores;
}

}  // namespace codelore::index
