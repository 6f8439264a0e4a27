// Filtered top 10 of 100,000 x 384 vectors: VectorIndex against FAISS's flat index with a bitmap selector and FAISS's
// HNSW, interleaved query by query in one thread. Allowed rows come as runs of eight, as files' chunks do.
//
//   vector_bench [ROWS] [QUERIES]   vectors around random centres
//   vector_bench DATA [QUERIES]     the vectors of a data folder, each once: texts' own; as many as QUERIES are left
//                                   out and asked for
//   ... flat                        without HNSW, which takes long to build and leaves other things in the caches
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/IDSelector.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/store/rocks_store.h"
#include "index/vector/int8_kernels.h"
#include "index/vector/vector_index.h"

namespace codelore::index {
namespace {

constexpr uint32_t kDimension = 384, kRun = 8;
constexpr size_t kTop = 10;

using Vectors = std::vector<float>;

// Around random centres, as embeddings of similar texts are.
Vectors Clustered(std::mt19937& random, const Vectors& centres, uint32_t rows) {
  std::normal_distribution<float> normal;
  Vectors vectors(size_t{rows} * kDimension);
  size_t count = centres.size() / kDimension;
  for (uint32_t r = 0; r < rows; ++r) {
    const float* centre = &centres[random() % count * kDimension];
    float* row = &vectors[size_t{r} * kDimension], length = 0;
    for (uint32_t i = 0; i < kDimension; ++i) {
      row[i] = centre[i] + normal(random);
      length += row[i] * row[i];
    }
    for (uint32_t i = 0; i < kDimension; ++i) row[i] /= std::sqrt(length);
  }
  return vectors;
}

std::shared_ptr<const VectorIndex> Build(const Vectors& vectors, uint32_t rows) {
  std::vector<std::string> encoded;
  for (uint32_t r = 0; r < rows; ++r) encoded.push_back(EncodeRow({&vectors[size_t{r} * kDimension], kDimension}));
  std::string file = BuildVectorFile(kDimension, encoded);
  std::shared_ptr<char> bytes(static_cast<char*>(std::aligned_alloc(64, (file.size() + 63) / 64 * 64)), std::free);
  std::memcpy(bytes.get(), file.data(), file.size());
  return VectorIndex::Open({bytes.get(), file.size()}, bytes).value();
}

struct Allowed {
  std::vector<RowRange> ranges;
  std::vector<uint8_t> bitmap;
};

Allowed Allow(std::mt19937& random, uint32_t rows, double share) {
  Allowed allowed;
  allowed.bitmap.resize((rows + 7) / 8);
  std::uniform_real_distribution<double> chance;
  for (uint32_t begin = 0; begin < rows; begin += kRun) {
    if (chance(random) >= share) continue;
    uint32_t end = std::min(rows, begin + kRun);
    if (!allowed.ranges.empty() && allowed.ranges.back().end == begin) {
      allowed.ranges.back().end = end;
    } else {
      allowed.ranges.push_back({begin, end});
    }
    for (uint32_t r = begin; r < end; ++r) allowed.bitmap[r / 8] |= static_cast<uint8_t>(1 << r % 8);
  }
  return allowed;
}

double Microseconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Contender {
  std::vector<double> times_us;
  double found = 0;
};

void Compare(const VectorIndex& ours, const faiss::IndexFlatIP& flat, const faiss::IndexHNSWFlat* hnsw, const Vectors& queries,
             const Allowed& allowed, double share) {
  Contender mine, theirs, graph;
  faiss::IDSelectorBitmap selector(allowed.bitmap.size(), allowed.bitmap.data());
  size_t count = queries.size() / kDimension, all = 0;
  for (size_t q = 0; q < count; ++q) {
    const float* query = &queries[q * kDimension];
    std::vector<float> distances(kTop);
    std::vector<faiss::idx_t> exact(kTop), approximate(kTop);
    std::vector<ScoredChunk> found;
    faiss::SearchParameters flat_parameters;
    faiss::SearchParametersHNSW hnsw_parameters;
    hnsw_parameters.efSearch = 64;
    if (share < 1) flat_parameters.sel = hnsw_parameters.sel = &selector;
    mine.times_us.push_back(Microseconds([&] { found = ours.Search({query, kDimension}, kTop, allowed.ranges); }));
    theirs.times_us.push_back(Microseconds([&] { flat.search(1, query, kTop, distances.data(), exact.data(), &flat_parameters); }));
    graph.times_us.push_back(hnsw == nullptr ? 0 : Microseconds([&] { hnsw->search(1, query, kTop, distances.data(), approximate.data(), &hnsw_parameters); }));
    std::set<faiss::idx_t> truth(exact.begin(), exact.end());
    truth.erase(-1);
    all += truth.size();
    for (const ScoredChunk& chunk : found) mine.found += truth.contains(chunk.ordinal);
    for (faiss::idx_t row : approximate) graph.found += truth.contains(row);
  }
  double total = static_cast<double>(all);
  std::printf("%6.1f %%  %8.1f us %.4f   %9.1f us   %8.1f us %.4f   %5.1fx   %5.1fx\n", share * 100, Median(mine.times_us), mine.found / total,
              Median(theirs.times_us), Median(graph.times_us), graph.found / total,
              Median(theirs.times_us) / Median(mine.times_us), Median(graph.times_us) / Median(mine.times_us));
}

// How far a graph must be searched to find what a scan finds.
void SearchFurther(const faiss::IndexFlatIP& flat, const faiss::IndexHNSWFlat& hnsw, const Vectors& queries) {
  size_t count = queries.size() / kDimension;
  std::vector<float> distances(kTop);
  for (int ef : {64, 128, 256, 512, 1024}) {
    faiss::SearchParametersHNSW parameters;
    parameters.efSearch = ef;
    std::vector<double> times;
    size_t found = 0;
    for (size_t q = 0; q < count; ++q) {
      std::vector<faiss::idx_t> exact(kTop), approximate(kTop);
      flat.search(1, &queries[q * kDimension], kTop, distances.data(), exact.data());
      times.push_back(Microseconds([&] { hnsw.search(1, &queries[q * kDimension], kTop, distances.data(), approximate.data(), &parameters); }));
      std::set<faiss::idx_t> truth(exact.begin(), exact.end());
      for (faiss::idx_t row : approximate) found += truth.contains(row);
    }
    std::printf("HNSW ef %4d  %8.1f us %.4f\n", ef, Median(times), static_cast<double>(found) / static_cast<double>(kTop * count));
  }
}

void Run(const Vectors& vectors, const Vectors& queries, bool with_hnsw) {
  std::mt19937 random(7);
  auto rows = static_cast<uint32_t>(vectors.size() / kDimension);
  auto ours = Build(vectors, rows);
  faiss::IndexFlatIP flat(kDimension);
  flat.add(rows, vectors.data());
  faiss::IndexHNSWFlat hnsw(kDimension, 32, faiss::METRIC_INNER_PRODUCT);
  if (with_hnsw) std::printf("HNSW built in %.1f s\n", Microseconds([&] { hnsw.add(rows, vectors.data()); }) / 1e6);
  std::printf("%u x %u, %zu queries, top %zu, one thread, kernel %s\n", rows, kDimension, queries.size() / kDimension, kTop,
              std::string(BestInt8Kernel().name).c_str());
  std::printf("allowed   VectorIndex  recall   FAISS Flat     FAISS HNSW ef 64  recall  Flat/ours HNSW/ours\n");
  for (double share : {1.0, 0.1, 0.01, 0.001}) Compare(*ours, flat, with_hnsw ? &hnsw : nullptr, queries, Allow(random, rows, share), share);
  if (with_hnsw) SearchFurther(flat, hnsw, queries);
}

// As a data folder keeps them.
void RoundToHalves(Vectors& vectors) {
  faiss::IndexScalarQuantizer halves(kDimension, faiss::ScalarQuantizer::QT_fp16, faiss::METRIC_INNER_PRODUCT);
  std::string row;
  for (size_t at = 0; at < vectors.size(); at += kDimension) {
    row = EncodeRow({&vectors[at], kDimension});
    halves.sa_decode(1, reinterpret_cast<const uint8_t*>(row.data()), &vectors[at]);
  }
}

void RunMade(uint32_t rows, uint32_t query_count, bool with_hnsw) {
  std::mt19937 random(7);
  Vectors centres = Clustered(random, Vectors(kDimension), 200);
  for (float& x : centres) x *= 30;
  Vectors vectors = Clustered(random, centres, rows);
  RoundToHalves(vectors);
  Run(vectors, Clustered(random, centres, query_count), with_hnsw);
}

// The embeddings that a data folder keeps: halves.
void RunStored(const std::string& folder, uint32_t query_count, bool with_hnsw) {
  auto store = OpenRocksStore(folder + "/store").value();
  Vectors vectors, queries;
  faiss::IndexScalarQuantizer halves(kDimension, faiss::ScalarQuantizer::QT_fp16, faiss::METRIC_INNER_PRODUCT);
  std::set<std::string> seen;  // of equal rows none is better than the others
  Status status = store->Scan(Table::kEmbeddings, "", [&](std::string_view, std::string_view row) {
    if (row.size() != 2 * kDimension || !seen.emplace(row).second) return true;
    vectors.resize(vectors.size() + kDimension);
    halves.sa_decode(1, reinterpret_cast<const uint8_t*>(row.data()), &vectors[vectors.size() - kDimension]);
    return true;
  });
  size_t rows = vectors.size() / kDimension;
  if (!status.ok() || rows < 2 * size_t{query_count}) return void(std::fprintf(stderr, "%zu vectors: too few\n", rows));
  Vectors left;
  for (size_t r = 0; r < rows; ++r) {
    Vectors& to = r % (rows / query_count) == 0 && queries.size() < size_t{query_count} * kDimension ? queries : left;
    to.insert(to.end(), &vectors[r * kDimension], &vectors[r * kDimension] + kDimension);
  }
  Run(left, queries, with_hnsw);
}

}  // namespace
}  // namespace codelore::index

int main(int count, char** arguments) {
  omp_set_num_threads(1);
  std::string what = count > 1 ? arguments[1] : "100000";
  uint32_t queries = count > 2 ? static_cast<uint32_t>(std::atoi(arguments[2])) : 200;
  bool with_hnsw = count <= 3 || std::strcmp(arguments[3], "flat") != 0;
  if (what.find_first_not_of("0123456789") == std::string::npos) {
    codelore::index::RunMade(static_cast<uint32_t>(std::atoi(what.c_str())), queries, with_hnsw);
  } else {
    codelore::index::RunStored(what, queries, with_hnsw);
  }
}
