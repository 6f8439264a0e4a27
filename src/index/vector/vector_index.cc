#include "index/vector/vector_index.h"

#include <faiss/IndexFlatCodes.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/FaissAssert.h>
#include <faiss/impl/IDSelector.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "codelore/coding.h"
#include "index/vector/best_rows.h"
#include "index/vector/int8_kernels.h"
#include "index/vector/coarse_scan.h"

namespace codelore::index {
namespace {

constexpr size_t kHeaderBytes = 64;
constexpr uint32_t kVersion = 5, kVersionWithWeights = 6, kOldVersion = 3, kOldVersionWithWeights = 4;
constexpr size_t kScanRows = 256;      // dot products at a time
constexpr size_t kRescoreExtra = 24;   // rows beyond k that are scored again
constexpr float kInt8Error = 0.02f;    // more than codes move a cosine
constexpr size_t kManyRows = 2048;     // from here on the 2-bit codes are scanned first


size_t RoundUp64(size_t bytes) { return (bytes + 63) / 64 * 64; }

faiss::IndexScalarQuantizer MakeHalfIndex(uint32_t dimension) {
  return {static_cast<int>(dimension), faiss::ScalarQuantizer::QT_fp16, faiss::METRIC_INNER_PRODUCT};
}

template <typename T>
faiss::MaybeOwnedVector<uint8_t> ViewOf(const T* data, size_t bytes) {
  // FAISS takes a mutable pointer for a view; it only reads through it.
  return faiss::MaybeOwnedVector<uint8_t>::create_view(const_cast<T*>(data), bytes, nullptr);
}

// A FAISS index over int8 rows with a scale each: a flat-codes index with a distance computer and a scan of its own,
// so that whatever takes one of these (HNSW over the same codes, among them) works on it. Beside the rows it has their
// 2-bit codes, for a first look at many. Borrows all.
class Int8FlatIndex final : public faiss::IndexFlatCodes {
 public:
  Int8FlatIndex(uint32_t dimension, uint32_t rows, const int8_t* row_codes, const float* scales, const CoarseRows& coarse)
      : faiss::IndexFlatCodes(PaddedBytes(dimension), static_cast<faiss::idx_t>(dimension), faiss::METRIC_INNER_PRODUCT),
        scales_(scales), coarse_(coarse) {
    codes = ViewOf(row_codes, PaddedBytes(dimension) * rows);
    ntotal = rows;
    is_trained = true;
  }

  Int8Row row(uint32_t number) const { return {{row_codes() + size_t{number} * code_size, code_size}, scales_[number]}; }
  const int8_t* row_codes() const { return reinterpret_cast<const int8_t*>(codes.data()); }

  // The k best of the allowed rows and some `extra`, best first; of those below `floor` some may be left out.
  std::vector<ScoredChunk> Best(const Int8Vector& query, size_t k, size_t extra, std::span<const RowRange> allowed, ScoreSums* sums, float floor) const {
    size_t rows = 0;
    for (RowRange range : allowed) rows += range.end - range.begin;
    BestRows best(k + extra, floor - kInt8Error);
    if (rows >= kManyRows && rows > 8 * (k + extra)) {
      // More than one error: the k-th best estimate is high by chance.
      const float error = CoarseError(coarse_.dimension);
      LookAgain(query, ScanCoarse(coarse_, query, allowed, k, 1.4f * error, floor - 1.6f * error, sums), k, extra, best);
      return best.Take();
    }
    for (size_t i = 0; i < allowed.size(); ++i) {
      if (i + 1 < allowed.size()) Prefetch(allowed[i + 1]);
      Scan(query, allowed[i], best, sums);
    }
    return best.Take();
  }

  void search(faiss::idx_t n, const float* x, faiss::idx_t k, float* distances, faiss::idx_t* labels,
              const faiss::SearchParameters* parameters) const override {
    FAISS_THROW_IF_NOT(k > 0);
    const faiss::IDSelector* selector = parameters != nullptr ? parameters->sel : nullptr;
    for (faiss::idx_t q = 0; q < n; ++q) {
      Int8Vector query = QuantizeInt8(std::span(x + q * d, static_cast<size_t>(d)));
      std::vector<RowRange> allowed;
      ForEachSelected(selector, [&](RowRange range) { allowed.push_back(range); });
      std::vector<ScoredChunk> found = Best(query, static_cast<size_t>(k), 0, allowed, nullptr, -std::numeric_limits<float>::infinity());
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

  // The best by their estimates show what the k-th best has at least; of the others those are looked at that may have it, too.
  void LookAgain(const Int8Vector& query, std::vector<EstimatedRow> rows, size_t k, size_t extra, BestRows& best) const {
    auto first = rows.begin() + static_cast<ptrdiff_t>(std::min(k + extra, rows.size()));
    std::nth_element(rows.begin(), first, rows.end(),
                     [](const EstimatedRow& a, const EstimatedRow& b) { return a.estimate != b.estimate ? a.estimate > b.estimate : a.row < b.row; });
    ScanRows(query, {rows.begin(), first}, best);
    if (best.empty()) return;
    const float least = best.ScoreOf(k) - CoarseError(coarse_.dimension);
    ScanRows(query, {first, std::partition(first, rows.end(), [&](const EstimatedRow& row) { return row.estimate >= least; })}, best);
  }

  void ScanRows(const Int8Vector& query, std::span<const EstimatedRow> rows, BestRows& best) const {
    constexpr size_t kAhead = 12;
    auto range = [&](size_t i) { return RowRange{rows[i].row, rows[i].row + 1}; };
    for (size_t i = 0; i < std::min(kAhead, rows.size()); ++i) Prefetch(range(i));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size()) Prefetch(range(i + kAhead));
      Scan(query, range(i), best, nullptr);
    }
  }

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
  const CoarseRows coarse_;
};

// Where the parts of a file begin.
class Layout {
 public:
  Layout(uint32_t version, uint32_t dimension, uint32_t rows) : version_(version), dimension_(dimension), rows_(rows) {}

  bool known() const { return version_ >= kOldVersion && version_ <= kVersionWithWeights; }
  bool old() const { return version_ < kVersion; }
  bool with_weights() const { return version_ == kVersionWithWeights || version_ == kOldVersionWithWeights; }
  uint32_t dimension() const { return dimension_; }
  uint32_t rows() const { return rows_; }
  size_t codes() const { return kHeaderBytes + RoundUp64(size_t{rows_} * dimension_ * 2); }
  size_t coarse() const { return codes() + size_t{rows_} * PaddedBytes(dimension_); }
  size_t scales() const { return coarse() + size_t{rows_} * CoarseBytes(dimension_) * (old() ? 2 : 1); }
  size_t coarse_scales() const { return scales() + size_t{rows_} * sizeof(float); }
  size_t end() const { return coarse_scales() + size_t{rows_} * sizeof(float); }

 private:
  uint32_t version_, dimension_, rows_;
};

}  // namespace

std::string EncodeRow(std::span<const float> vector) {
  std::string row(2 * vector.size(), '\0');
  MakeHalfIndex(static_cast<uint32_t>(vector.size()))
      .sa_encode(1, vector.data(), reinterpret_cast<uint8_t*>(row.data()));
  return row;
}

static void AppendWeights(size_t half_bytes, std::span<const std::string> rows, std::string& out) {
  std::vector<std::string_view> weights;
  for (const std::string& row : rows) weights.push_back(std::string_view(row).substr(half_bytes));
  out.resize(RoundUp64(out.size()));
  out += BuildTokenWeights(weights);
}

std::string BuildVectorFile(uint32_t dimension, std::span<const std::string> rows) {
  size_t half_bytes = 2 * size_t{dimension}, padded = PaddedBytes(dimension);
  const bool weights = !rows.empty() && rows[0].size() > half_bytes;
  std::string out = ByteWriter().Raw("CLVC").Fixed(weights ? kVersionWithWeights : kVersion).Fixed(dimension)
                        .Fixed(static_cast<uint32_t>(rows.size())).Take();
  out.resize(kHeaderBytes);
  out.reserve(kHeaderBytes + RoundUp64(rows.size() * half_bytes) + rows.size() * (padded + CoarseBytes(dimension) + 2 * sizeof(float)));
  for (const std::string& row : rows) out.append(row, 0, half_bytes);
  out.resize(kHeaderBytes + RoundUp64(rows.size() * half_bytes));
  faiss::IndexScalarQuantizer halves = MakeHalfIndex(dimension);
  std::vector<float> vector(dimension), scales, coarse_scales;
  std::string coarse;
  for (const std::string& row : rows) {
    halves.sa_decode(1, reinterpret_cast<const uint8_t*>(row.data()), vector.data());
    Int8Vector quantized = QuantizeInt8(vector);
    out.append(reinterpret_cast<const char*>(quantized.codes.data()), padded);
    scales.push_back(quantized.scale);
    coarse_scales.push_back(EncodeCoarse(vector, coarse));
  }
  out += coarse;
  out.append(reinterpret_cast<const char*>(scales.data()), scales.size() * sizeof(float));
  out.append(reinterpret_cast<const char*>(coarse_scales.data()), coarse_scales.size() * sizeof(float));
  if (weights) AppendWeights(half_bytes, rows, out);
  return out;
}

class VectorIndex::Implementation {
 public:
  Implementation(const Layout& layout, std::string_view bytes, std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), size_bytes_(bytes.size()), halves_(MakeHalfIndex(layout.dimension())) {
    halves_.codes = ViewOf(bytes.data() + kHeaderBytes, size_t{layout.rows()} * layout.dimension() * 2);
    halves_.ntotal = layout.rows();
    halves_.is_trained = true;
    if (layout.old()) MakeCoarse();
    auto floats = [&](size_t at) { return reinterpret_cast<const float*>(bytes.data() + at); };
    codes_.emplace(layout.dimension(), layout.rows(), reinterpret_cast<const int8_t*>(bytes.data() + layout.codes()), floats(layout.scales()),
                   CoarseRows{reinterpret_cast<const uint8_t*>(layout.old() ? made_.data() : bytes.data() + layout.coarse()),
                              layout.old() ? made_scales_.data() : floats(layout.coarse_scales()), layout.dimension()});
  }

  const faiss::IndexScalarQuantizer& halves() const { return halves_; }
  const Int8FlatIndex& codes() const { return *codes_; }
  const TokenWeights* weights() const { return weights_ ? &*weights_ : nullptr; }
  void SetWeights(TokenWeights weights) { weights_ = weights; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  void MakeCoarse() {
    std::vector<float> vector(static_cast<size_t>(halves_.d));
    for (faiss::idx_t row = 0; row < halves_.ntotal; ++row) {
      halves_.reconstruct(row, vector.data());
      made_scales_.push_back(EncodeCoarse(vector, made_));
    }
  }

  std::shared_ptr<const void> owner_;
  size_t size_bytes_;
  faiss::IndexScalarQuantizer halves_;
  std::string made_;  // the 2-bit codes of an old file
  std::vector<float> made_scales_;
  std::optional<Int8FlatIndex> codes_;
  std::optional<TokenWeights> weights_;
};

VectorIndex::VectorIndex(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
VectorIndex::~VectorIndex() = default;

Result<std::shared_ptr<const VectorIndex>> VectorIndex::Open(std::string_view bytes,
                                                             std::shared_ptr<const void> owner) {
  ByteReader header(bytes);
  if (header.Raw(4) != "CLVC") return Corruption("vectors: do not start like a vector file");
  auto version = header.Fixed<uint32_t>(), dimension = header.Fixed<uint32_t>(), rows = header.Fixed<uint32_t>();
  const Layout layout(version, dimension, rows);
  if (!header.ok() || !layout.known() || dimension == 0 || dimension > 1 << 16) return Corruption("vectors: header of an unknown kind");
  const size_t weights_begin = RoundUp64(layout.end());
  if (layout.with_weights() ? bytes.size() < weights_begin : bytes.size() != layout.end()) return Corruption("vectors: wrong file size");
  auto implementation = std::make_unique<Implementation>(layout, bytes, std::move(owner));
  if (layout.with_weights()) {
    ASSIGN_OR_RETURN(TokenWeights weights, TokenWeights::Open(bytes.substr(weights_begin), rows));
    implementation->SetWeights(weights);
  }
  return std::shared_ptr<const VectorIndex>(new VectorIndex(std::move(implementation)));
}

const TokenWeights* VectorIndex::token_weights() const { return implementation_->weights(); }

std::string_view VectorIndex::RowBytes(uint32_t ordinal) const {
  size_t row_bytes = 2 * size_t{dimension()};
  return {reinterpret_cast<const char*>(implementation_->halves().codes.data()) + ordinal * row_bytes, row_bytes};
}

Int8Row VectorIndex::CodesOf(uint32_t ordinal) const {
  if (ordinal >= rows()) return {};
  return implementation_->codes().row(ordinal);
}

uint32_t VectorIndex::dimension() const { return static_cast<uint32_t>(implementation_->halves().d); }
uint32_t VectorIndex::rows() const { return static_cast<uint32_t>(implementation_->halves().ntotal); }
size_t VectorIndex::size_bytes() const { return implementation_->size_bytes(); }

std::vector<ScoredChunk> VectorIndex::Search(std::span<const float> query, size_t k, std::span<const RowRange> allowed,
                                             ScoreSums* sums, float floor) const {
  k = std::min<size_t>(k, rows());
  if (k == 0) return {};
  Int8Vector quantized = QuantizeInt8(query);
  std::vector<RowRange> present;
  for (RowRange range : allowed) {
    if (range.begin < std::min(range.end, rows())) present.push_back({range.begin, std::min(range.end, rows())});
  }
  std::vector<ScoredChunk> found = implementation_->codes().Best(quantized, k, kRescoreExtra, present, sums, floor);
  std::vector<uint32_t> ordinals;
  for (const ScoredChunk& each : found) ordinals.push_back(each.ordinal);
  std::vector<float> exact = Scores(query, ordinals);
  for (size_t i = 0; i < found.size(); ++i) found[i].score = exact[i];
  std::ranges::sort(found, IsBetterRow());
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
  constexpr size_t kAhead = 4, kLine = 64;
  for (size_t i = 0; i < ordinals.size(); ++i) {
    if (i + kAhead < ordinals.size() && ordinals[i + kAhead] < rows()) {
      std::string_view row = RowBytes(ordinals[i + kAhead]);
      for (size_t at = 0; at < row.size(); at += kLine) __builtin_prefetch(row.data() + at);
    }
    scores.push_back(ordinals[i] < rows() ? (*computer)(ordinals[i]) : 0.0f);
  }
  return scores;
}

}  // namespace codelore::index
