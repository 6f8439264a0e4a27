#include "index/vector/vector_index.h"

#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/IDSelector.h>
#include <omp.h>

#include <utility>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr size_t kHeaderBytes = 64;
constexpr uint32_t kVersion = 1;

faiss::IndexScalarQuantizer MakeQuantizer(uint32_t dimension) {
  return {static_cast<int>(dimension), faiss::ScalarQuantizer::QT_fp16, faiss::METRIC_INNER_PRODUCT};
}

struct PredicateSelector final : faiss::IDSelector {
  explicit PredicateSelector(const std::function<bool(uint32_t)>& f) : allowed(f) {}
  bool is_member(faiss::idx_t id) const override { return allowed(static_cast<uint32_t>(id)); }
  const std::function<bool(uint32_t)>& allowed;
};

}  // namespace

std::string EncodeRow(std::span<const float> vector) {
  std::string row(2 * vector.size(), '\0');
  MakeQuantizer(static_cast<uint32_t>(vector.size()))
      .sa_encode(1, vector.data(), reinterpret_cast<uint8_t*>(row.data()));
  return row;
}

std::string BuildVectorFile(uint32_t dimension, std::span<const std::string> rows) {
  std::string out = ByteWriter().Raw("CLVC").Fixed(kVersion).Fixed(dimension)
                        .Fixed(static_cast<uint32_t>(rows.size())).Take();
  out.resize(kHeaderBytes);
  out.reserve(kHeaderBytes + rows.size() * dimension * 2);
  for (const std::string& row : rows) out += row;
  return out;
}

class VectorIndex::Implementation {
 public:
  Implementation(uint32_t dimension, uint32_t rows, std::string_view halves, std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), index_(MakeQuantizer(dimension)) {
    // FAISS takes a mutable pointer for a view; it only reads through it.
    index_.codes = faiss::MaybeOwnedVector<uint8_t>::create_view(const_cast<char*>(halves.data()), halves.size(), nullptr);
    index_.ntotal = rows;
    index_.is_trained = true;
  }

  const faiss::IndexScalarQuantizer& index() const { return index_; }

 private:
  std::shared_ptr<const void> owner_;
  faiss::IndexScalarQuantizer index_;
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
  if (bytes.size() != kHeaderBytes + uint64_t{rows} * dimension * 2) return Corruption("vectors: wrong file size");
  return std::shared_ptr<const VectorIndex>(new VectorIndex(
      std::make_unique<Implementation>(dimension, rows, bytes.substr(kHeaderBytes), std::move(owner))));
}

uint32_t VectorIndex::dimension() const { return static_cast<uint32_t>(implementation_->index().d); }
uint32_t VectorIndex::rows() const { return static_cast<uint32_t>(implementation_->index().ntotal); }
size_t VectorIndex::size_bytes() const { return kHeaderBytes + size_t{rows()} * dimension() * 2; }

std::vector<ScoredChunk> VectorIndex::Search(std::span<const float> query, size_t k,
                                             const std::function<bool(uint32_t)>& allowed) const {
  const auto& index = implementation_->index();
  k = std::min<size_t>(k, rows());
  if (k == 0) return {};
  // FAISS starts a team of threads per call; a server answers many queries at once, one thread each.
  if (omp_get_max_threads() != 1) omp_set_num_threads(1);
  PredicateSelector selector(allowed);
  faiss::SearchParameters parameters;
  parameters.sel = &selector;
  std::vector<float> scores(k);
  std::vector<faiss::idx_t> ids(k);
  index.search(1, query.data(), static_cast<faiss::idx_t>(k), scores.data(), ids.data(), &parameters);
  std::vector<ScoredChunk> found;
  for (size_t i = 0; i < k && ids[i] >= 0; ++i) found.push_back({static_cast<uint32_t>(ids[i]), scores[i]});
  return found;
}

std::vector<float> VectorIndex::Scores(std::span<const float> query, std::span<const uint32_t> ordinals) const {
  std::unique_ptr<faiss::FlatCodesDistanceComputer> computer(implementation_->index().get_FlatCodesDistanceComputer());
  computer->set_query(query.data());
  std::vector<float> scores;
  scores.reserve(ordinals.size());
  for (uint32_t ordinal : ordinals) scores.push_back(ordinal < rows() ? (*computer)(ordinal) : 0.0f);
  return scores;
}

}  // namespace codelore::index
