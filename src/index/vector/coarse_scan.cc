#include "index/vector/coarse_scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace codelore::index {
namespace {

constexpr size_t kScanRows = 512;  // at a time
constexpr size_t kLanes = 4;
// The variance of an estimate's error, times the dimension: four levels take .1175 of a normal distribution's variance (Max, 1960), and
// codes are scaled up by what they lack.
constexpr double kErrorVariance = .1175 / (1 - .1175);
using Floats = float __attribute__((vector_size(16)));
using Integers = int32_t __attribute__((vector_size(16)));
using Doubles = double __attribute__((vector_size(32)));

struct Quantized {
  double error = 0, product = 0;  // of vector and codes
};

Quantized Quantize(std::span<const float> vector, float step, std::vector<uint8_t>& codes) {
  double squares = 0, code_squares = 0, product = 0;
  for (size_t i = 0; i < vector.size(); ++i) {
    codes[i] = static_cast<uint8_t>(std::clamp(vector[i] / step + 1.5f, 0.0f, 3.0f) + 0.5f);
    double value = codes[i] - 1.5;
    squares += double{vector[i]} * vector[i];
    code_squares += value * value;
    product += value * vector[i];
  }
  return {squares - product * product / code_squares, product};  // at the best multiple of the codes
}

// The rows whose estimates are not far below the k-th best so far. A count of each estimate, rounded down, tells which that is: cheaper
// than keeping hundreds of rows in order.
class BestEstimates {
 public:
  BestEstimates(size_t k, float gap, float floor) : k_(k), gap_(static_cast<size_t>(std::ceil(gap * kInOne))), counts_(kPlaces), kth_(0), least_(PlaceOf(floor)) {
    SetThreshold();
  }

  // Estimates must reach it.
  float threshold() const { return threshold_; }
  void Add(uint32_t row, float estimate) {
    size_t place = PlaceOf(estimate);
    rows_.push_back({row, static_cast<uint32_t>(place)});
    ++counts_[place];
    if (place >= kth_) ++count_;
    if (count_ - counts_[kth_] < k_) return;
    do {
      count_ -= counts_[kth_++];
    } while (count_ - counts_[kth_] >= k_);
    if (kth_ <= least_ + gap_) return;
    least_ = kth_ - gap_;
    SetThreshold();
  }
  std::vector<EstimatedRow> Take() const {
    std::vector<EstimatedRow> rows;
    for (const Row& row : rows_) {
      if (row.place >= least_) rows.push_back({row.number, EstimateAt(row.place)});
    }
    return rows;
  }

 private:
  static constexpr float kInOne = 256;
  static constexpr size_t kPlaces = 2 * 256 + 1;  // from -1 to 1
  struct Row {
    uint32_t number, place;
  };
  static size_t PlaceOf(float estimate) { return static_cast<size_t>((std::clamp(estimate, -1.0f, 1.0f) + 1) * kInOne); }
  static float EstimateAt(size_t place) { return static_cast<float>(place) / kInOne - 1; }
  void SetThreshold() { threshold_ = least_ == 0 ? -std::numeric_limits<float>::infinity() : EstimateAt(least_); }

  const size_t k_, gap_;
  std::vector<Row> rows_;
  std::vector<uint32_t> counts_;  // by place
  size_t kth_;                    // the place of the k-th best
  size_t count_ = 0;              // from there on
  size_t least_;                  // the lowest place that is kept
  float threshold_ = 0;
};

// Takes rows by number, so that short ranges cost no more than long ones.
class CoarseScanner {
 public:
  CoarseScanner(const CoarseRows& rows, const Int8Vector& query, BestEstimates& best, ScoreSums* sums)
      : rows_(rows), stride_(CoarseBytes(rows.dimension)), query_(query.codes), query_scale_(query.scale), best_(best), sums_(sums) {
    query_.resize(4 * stride_);
    excess_ = 3 * std::accumulate(query_.begin(), query_.end(), 0);
  }

  void Add(RowRange range) {
    while (range.begin < range.end) {
      size_t added = std::min<size_t>(range.end - range.begin, numbers_.size() - count_);
      for (size_t i = 0; i < added; ++i) numbers_[count_++] = range.begin++;
      if (count_ == numbers_.size()) Scan(kScanRows);
    }
  }
  void Finish() {
    while (count_ > 0) {
      std::fill(numbers_.begin() + static_cast<ptrdiff_t>(count_), numbers_.end(), numbers_[count_ - 1]);
      Scan(std::min(count_, kScanRows));
    }
    if (sums_ == nullptr) return;
    for (size_t i = 0; i < kLanes; ++i) {
      sums_->sum += sum_[i];
      sums_->squares += squares_[i];
    }
  }

 private:
  // The first `count`; the others move up.
  void Scan(size_t count) {
    std::array<int32_t, kScanRows> dots;
    BestInt8Kernel().dot_coarse(query_.data(), rows_.codes, stride_, numbers_.data(), count, dots.data());
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) OfferFour(&numbers_[i], &dots[i]);
    for (; i < count; ++i) {
      float score = static_cast<float>(2 * dots[i] - excess_) * (rows_.scales[numbers_[i]] * query_scale_);
      if (score >= best_.threshold()) best_.Add(numbers_[i], score);
      sum_[0] += score;
      squares_[0] += double{score} * score;
    }
    if (sums_ != nullptr) {
      sums_->count += count;
      sums_->squares -= static_cast<double>(count) * kErrorVariance / static_cast<double>(rows_.dimension);
    }
    std::copy(numbers_.begin() + static_cast<ptrdiff_t>(count), numbers_.begin() + static_cast<ptrdiff_t>(count_), numbers_.begin());
    count_ -= count;
  }

  void OfferFour(const uint32_t* numbers, const int32_t* dots) {
    Integers products;
    std::memcpy(&products, dots, sizeof products);
    Floats scales;
    if (numbers[3] - numbers[0] == 3) {
      std::memcpy(&scales, rows_.scales + numbers[0], sizeof scales);
    } else {
      for (size_t lane = 0; lane < kLanes; ++lane) scales[lane] = rows_.scales[numbers[lane]];
    }
    Floats scores = __builtin_convertvector(2 * products - excess_, Floats) * (scales * query_scale_);
    if (sums_ != nullptr) {
      Doubles wide = __builtin_convertvector(scores, Doubles);
      sum_ += wide;
      squares_ += wide * wide;
    }
    std::array<uint64_t, 2> over;
    Integers mask = scores >= best_.threshold();
    std::memcpy(over.data(), &mask, sizeof mask);
    if ((over[0] | over[1]) == 0) return;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (scores[lane] >= best_.threshold()) best_.Add(numbers[lane], scores[lane]);
    }
  }

  const CoarseRows& rows_;
  const size_t stride_;
  std::vector<int8_t> query_;
  const float query_scale_;
  int32_t excess_ = 0;  // of twice a dot product, because codes are not centred
  BestEstimates& best_;
  ScoreSums* sums_;
  Doubles sum_{}, squares_{};
  std::array<uint32_t, kScanRows + kRowsAhead> numbers_;
  size_t count_ = 0;
};

}  // namespace

float EncodeCoarse(std::span<const float> vector, std::string& codes) {
  size_t bytes = CoarseBytes(vector.size());
  float squares = 0;
  for (float value : vector) squares += value * value;
  std::vector<uint8_t> values(4 * bytes), tried(4 * bytes);
  Quantized best;
  // For values of a normal distribution the best step is their deviation (Max, 1960).
  float step = 1.3f * std::sqrt(squares / static_cast<float>(vector.size()));
  for (int i = 0; i < 8 && squares > 0; ++i, step *= 0.92f) {
    Quantized quantized = Quantize(vector, step, tried);
    if (i > 0 && quantized.error >= best.error) continue;
    best = quantized;
    values.swap(tried);
  }
  for (size_t i = 0; i < bytes; ++i) {
    size_t at = i / 32 * 128 + i % 32;
    codes += static_cast<char>(values[at] | values[at + 32] << 2 | values[at + 64] << 4 | values[at + 96] << 6);
  }
  if (best.product <= 0) return 0;
  return static_cast<float>(squares / best.product / 2);
}

std::vector<EstimatedRow> ScanCoarse(const CoarseRows& rows, const Int8Vector& query, std::span<const RowRange> allowed, size_t k, float gap, float floor,
                                     ScoreSums* sums) {
  BestEstimates best(k, gap, floor);
  CoarseScanner scanner(rows, query, best, sums);
  for (RowRange range : allowed) scanner.Add(range);
  scanner.Finish();
  return best.Take();
}

}  // namespace codelore::index
