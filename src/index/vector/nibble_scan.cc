#include "index/vector/nibble_scan.h"

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

namespace codelore::index {
namespace {

constexpr size_t kScanRows = 512;  // at a time
constexpr size_t kLanes = 4;
using Floats = float __attribute__((vector_size(16)));
using Integers = int32_t __attribute__((vector_size(16)));
using Doubles = double __attribute__((vector_size(32)));

struct Quantized {
  double error = 0, product = 0;  // of vector and codes
};

Quantized Quantize(std::span<const float> vector, float step, std::vector<uint8_t>& codes) {
  double squares = 0, code_squares = 0, product = 0;
  for (size_t i = 0; i < vector.size(); ++i) {
    codes[i] = static_cast<uint8_t>(std::clamp(vector[i] / step + 7.5f, 0.0f, 15.0f) + 0.5f);
    double value = codes[i] - 7.5;
    squares += double{vector[i]} * vector[i];
    code_squares += value * value;
    product += value * vector[i];
  }
  return {squares - product * product / code_squares, product};  // at the best multiple of the codes
}

// Takes rows by number, so that short ranges cost no more than long ones.
class NibbleScanner {
 public:
  NibbleScanner(const NibbleRows& rows, const Int8Vector& query, BestRows& best, ScoreSums* sums)
      : rows_(rows), query_(query.codes), query_scale_(query.scale), best_(best), sums_(sums) {
    query_.resize(2 * rows.stride);
    excess_ = 15 * std::accumulate(query_.begin(), query_.end(), 0);
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
    BestInt8Kernel().dot_nibbles(query_.data(), rows_.codes, rows_.stride, numbers_.data(), count, dots.data());
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) OfferFour(&numbers_[i], &dots[i]);
    for (; i < count; ++i) {
      float score = static_cast<float>(2 * dots[i] - excess_) * (rows_.scales[numbers_[i]] * query_scale_);
      if (score > best_.threshold()) best_.Add(numbers_[i], score);
      sum_[0] += score;
      squares_[0] += double{score} * score;
    }
    if (sums_ != nullptr) sums_->count += count;
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
    Integers mask = scores > best_.threshold();
    std::memcpy(over.data(), &mask, sizeof mask);
    if ((over[0] | over[1]) == 0) return;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (scores[lane] > best_.threshold()) best_.Add(numbers[lane], scores[lane]);
    }
  }

  const NibbleRows& rows_;
  std::vector<int8_t> query_;
  const float query_scale_;
  int32_t excess_ = 0;  // of twice a dot product, because codes are not centred
  BestRows& best_;
  ScoreSums* sums_;
  Doubles sum_{}, squares_{};
  std::array<uint32_t, kScanRows + kRowsAhead> numbers_;
  size_t count_ = 0;
};

}  // namespace

float EncodeNibbles(std::span<const float> vector, std::string& codes) {
  size_t bytes = NibbleBytes(vector.size());
  float largest = 0;
  for (float value : vector) largest = std::max(largest, std::abs(value));
  std::vector<uint8_t> values(2 * bytes), tried(2 * bytes);
  Quantized best;
  float step = largest / 7.5f;
  for (int i = 0; i < 8 && largest > 0; ++i, step *= 0.92f) {  // a few large values would make the others coarse
    Quantized quantized = Quantize(vector, step, tried);
    if (i > 0 && quantized.error >= best.error) continue;
    best = quantized;
    values.swap(tried);
  }
  for (size_t i = 0; i < bytes; ++i) {
    size_t at = i / 64 * 128 + i % 64;
    codes += static_cast<char>(values[at] | values[at + 64] << 4);
  }
  if (best.product <= 0) return 0;
  double squares = 0;
  for (float value : vector) squares += double{value} * value;
  return static_cast<float>(squares / best.product / 2);
}

void ScanNibbles(const NibbleRows& rows, const Int8Vector& query, std::span<const RowRange> allowed, BestRows& best, ScoreSums* sums) {
  NibbleScanner scanner(rows, query, best, sums);
  for (RowRange range : allowed) scanner.Add(range);
  scanner.Finish();
}

}  // namespace codelore::index
