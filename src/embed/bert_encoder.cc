#include "embed/bert_encoder.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "codelore/coding.h"
#include "embed/model_files.h"

namespace codelore::embed {

namespace {

// After so many tokens the pages of the word embeddings that were looked at are let go: else all of
// them would stay, a gigabyte of BGE-M3's.
constexpr size_t kReleaseTokens = 8192;
constexpr size_t kGroupTokens = 512;  // the network is as fast as it gets from about 100 on

// Scales to Euclidean length 1; false if there is no such vector.
bool Normalise(std::span<float> vector) {
  double squares = 0;
  for (float x : vector) squares += static_cast<double>(x) * x;
  if (!(squares > 0) || !std::isfinite(squares)) return false;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& x : vector) x *= scale;
  return true;
}

}  // namespace

// The token ids of a call's texts, end to end.
struct BertEncoder::Batch {
  std::vector<uint32_t> ids;
  std::vector<size_t> starts;  // of each text in ids, and the end of the last

  uint32_t length(size_t text) const {
    return static_cast<uint32_t>(starts[text + 1] - starts[text]);
  }
  std::span<const uint32_t> text(size_t i) const {
    return std::span(ids).subspan(starts[i], length(i));
  }
};

Result<std::unique_ptr<BertEncoder>> BertEncoder::Open(ModelFolder folder,
                                                       const BertEncoderOptions& options) {
  ASSIGN_OR_RETURN(ModelConfig config, ModelConfig::Read(folder));
  if (options.well_known_prefixes && !config.has_prompts) {
    config.query_prefix = WellKnownPrefixes(folder.name()).query;
    config.passage_prefix = WellKnownPrefixes(folder.name()).passage;
  }
  config.query_prefix = options.query_prefix.value_or(config.query_prefix);
  config.passage_prefix = options.passage_prefix.value_or(config.passage_prefix);
  config.max_tokens = options.max_tokens.value_or(config.max_tokens);
  if (config.max_tokens < 3 || config.max_tokens > config.shape.positions) {
    return InvalidArgument("max_tokens of model " + folder.name() + ": expected 3 to " +
                           std::to_string(config.shape.positions) + ", found " +
                           std::to_string(config.max_tokens));
  }
  const Precision precision = options.precision.value_or(FastestPrecision());
  std::unique_ptr<BertEncoder> encoder(
      new BertEncoder(std::move(folder), std::move(config), precision, options.gate));
  const ModelFolder& files = encoder->folder_;
  const BertShape& shape = encoder->config_.shape;
  ASSIGN_OR_RETURN(encoder->tokenizer_, ReadTokenizer(files, encoder->config_));
  ASSIGN_OR_RETURN(TensorSource tensors, ReadWeights(files));
  encoder->file_hashes_ = files.FileHashes();
  LoadOptions load = {.precision = precision, .loaded = [&] { files.ReleasePages(); }};
  if (options.packed_folder) {
    load.packed = {*options.packed_folder, files.name() + " " + std::string(ArithmeticName(precision)),
                   PackedKey(ModelFolder::FingerprintOf(encoder->file_hashes_), precision)};
  }
  ASSIGN_OR_RETURN(encoder->weights_, BertWeights::Load(tensors, encoder->config_.family, shape, load));
  ASSIGN_OR_RETURN(encoder->lexical_head_, LexicalHead::Load(files, shape.hidden));
  ASSIGN_OR_RETURN(encoder->token_vector_head_, TokenVectorHead::Load(files, shape.hidden));
  encoder->FillInfo();
  files.ReleasePages();  // all but the word embeddings is packed
  malloc_trim(0);        // and what it was packed from is given back
  return encoder;
}

void BertEncoder::FillInfo() {
  ByteWriter identity;
  identity.String("codelore encoder 1").Raw(ModelFolder::FingerprintOf(file_hashes_).view());
  identity.String(config_.pooling == Pooling::kMean ? "mean" : "first");
  identity.String(ArithmeticName(precision_));
  identity.Varint(config_.max_tokens).String(config_.query_prefix).String(config_.passage_prefix);
  // What is stored of a text holds them: segments from before they were kept have none.
  if (lexical_head_) identity.String("lexical weights");
  info_ = {.name = folder_.name(),
           .fingerprint = Sha256(identity.view()),
           .dimension = static_cast<uint32_t>(config_.shape.hidden),
           .max_tokens = config_.max_tokens,
           .has_sparse = lexical_head_.has_value(),
           .has_multi = true,
           .has_token_head = token_vector_head_.has_value()};
}

bool BertEncoder::ReadsKorean() const {
  constexpr std::string_view kText = "한국어 문서를 검색합니다";
  constexpr size_t kSyllables = 11;  // a vocabulary of letters needs two or three tokens for each
  std::vector<uint32_t> ids;
  tokenizer_->Tokenize(kText, 4 * kSyllables, &ids);
  return ids.size() <= kSyllables && std::ranges::find(ids, tokenizer_->special().unknown) == ids.end();
}

void BertEncoder::GiveWay(const EncodeOptions& options) const {
  if (gate_ && options.background) gate_->GiveWay();
}

BertEncoder::Batch BertEncoder::TokenizeAll(std::span<const std::string_view> texts,
                                            const EncodeOptions& options) const {
  const std::string& prefix =
      options.role == TextRole::kQuery ? config_.query_prefix : config_.passage_prefix;
  Batch batch;
  std::string prefixed;
  for (std::string_view text : texts) {
    GiveWay(options);
    batch.starts.push_back(batch.ids.size());
    batch.ids.push_back(tokenizer_->special().first);
    if (!prefix.empty()) text = prefixed.assign(prefix).append(text);
    tokenizer_->Tokenize(text, config_.max_tokens - 2, &batch.ids);
    batch.ids.push_back(tokenizer_->special().last);
  }
  batch.starts.push_back(batch.ids.size());
  return batch;
}

Result<std::vector<Encoding>> BertEncoder::Encode(std::span<const std::string_view> texts,
                                                  const EncodeOptions& options) const {
  if (options.sparse && !info_.has_sparse)
    return InvalidArgument("model " + info_.name + " has no lexical weights");
  std::optional<EncodeGate::Foreground> foreground;
  if (gate_ && !options.background) foreground.emplace(*gate_);
  const Batch batch = TokenizeAll(texts, options);
  std::vector<uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return batch.length(a) < batch.length(b); });
  std::vector<Encoding> encodings(texts.size());
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    size_t tokens = batch.length(order[begin]);
    for (end = begin + 1; end < order.size() && tokens + batch.length(order[end]) <= kGroupTokens;
         ++end) {
      tokens += batch.length(order[end]);
    }
    RETURN_IF_ERROR(
        EncodeGroup(batch, std::span(order).subspan(begin, end - begin), options, &encodings));
  }
  return encodings;
}

Status BertEncoder::EncodeGroup(const Batch& batch, std::span<const uint32_t> members,
                                const EncodeOptions& options,
                                std::vector<Encoding>* encodings) const {
  std::vector<uint32_t> ids, lengths;
  for (uint32_t member : members) {
    const std::span<const uint32_t> text = batch.text(member);
    ids.insert(ids.end(), text.begin(), text.end());
    lengths.push_back(batch.length(member));
  }
  std::unique_ptr<RunState> state = states_.Borrow();
  state->gate = options.background ? gate_.get() : nullptr;
  Rows vectors = Forward(config_.shape, weights_, ids, lengths, state.get());
  Status status;
  for (size_t i = 0; i < members.size() && status.ok(); ++i) {
    GiveWay(options);
    status = Pool(vectors, batch.text(members[i]), options, &(*encodings)[members[i]]);
    vectors.data += lengths[i] * vectors.stride;
  }
  states_.Return(std::move(state));
  if (tokens_since_release_.fetch_add(ids.size()) >= kReleaseTokens) {
    tokens_since_release_ = 0;
    folder_.ReleasePages();
  }
  return status;
}

Status BertEncoder::Pool(Rows vectors, std::span<const uint32_t> ids, const EncodeOptions& options,
                         Encoding* encoding) const {
  const size_t dimension = config_.shape.hidden, tokens = ids.size();
  encoding->tokens = static_cast<uint32_t>(tokens);
  encoding->dense.assign(vectors.data, vectors.data + dimension);
  // The length of a mean is normalised away, so a sum will do.
  for (size_t i = 1; i < tokens && config_.pooling == Pooling::kMean; ++i) {
    for (size_t j = 0; j < dimension; ++j) encoding->dense[j] += vectors.row(i)[j];
  }
  bool usable = Normalise(encoding->dense);
  if (options.multi) {
    if (token_vector_head_) {
      encoding->multi = token_vector_head_->Project(vectors, tokens);
    } else {
      encoding->multi.assign(vectors.data, vectors.data + tokens * dimension);
    }
    for (size_t i = 0; i < encoding->multi.size(); i += dimension) {
      usable = Normalise(std::span(encoding->multi).subspan(i, dimension)) && usable;
    }
  }
  if (options.sparse) encoding->sparse = lexical_head_->Weigh(ids, vectors, tokenizer_->special());
  if (usable) return OkStatus();
  return Corruption("model " + info_.name + ": a text's vector is not finite or all zeros");
}

}  // namespace codelore::embed
