#include "embed/bert_scorer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "codelore/coding.h"
#include "embed/model_files.h"

namespace codelore::embed {

namespace {

constexpr size_t kGroupTokens = 512;  // as of BertEncoder
constexpr uint32_t kLeastTokens = 8;

}  // namespace

// The token ids of the pairs, end to end, and whether each is of the passage.
struct BertScorer::Pairs {
  std::vector<uint32_t> ids;
  std::vector<uint8_t> second;
  std::vector<size_t> starts;  // of each pair, and the end of the last

  size_t length(size_t pair) const { return starts[pair + 1] - starts[pair]; }
};

Result<std::unique_ptr<BertScorer>> BertScorer::Open(ModelFolder folder,
                                                     const BertScorerOptions& options) {
  ASSIGN_OR_RETURN(ModelConfig config, ModelConfig::Read(folder));
  config.max_tokens = options.max_tokens.value_or(config.max_tokens);
  if (config.max_tokens < kLeastTokens || config.max_tokens > config.shape.positions) {
    return InvalidArgument("max_tokens of model " + folder.name() + ": expected " +
                           std::to_string(kLeastTokens) + " to " +
                           std::to_string(config.shape.positions) + ", found " +
                           std::to_string(config.max_tokens));
  }
  if (config.family == Family::kNomicBert) {
    return InvalidArgument(
        "config.json: model_type: expected \"bert\" or \"xlm-roberta\" for a reranker, found "
        "\"nomic_bert\"");
  }
  const Precision precision = options.precision.value_or(FastestPrecision());
  std::unique_ptr<BertScorer> scorer(new BertScorer(std::move(folder), std::move(config)));
  ASSIGN_OR_RETURN(scorer->tokenizer_, ReadTokenizer(scorer->folder_, scorer->config_));
  ASSIGN_OR_RETURN(TensorSource tensors, ReadWeights(scorer->folder_));
  const Hash256 files = scorer->folder_.Fingerprint();
  LoadOptions load = {.precision = precision, .loaded = [&] { scorer->folder_.ReleasePages(); }};
  if (options.packed_folder) {
    load.packed = {*options.packed_folder, scorer->folder_.name() + " " + std::string(ArithmeticName(precision)),
                   PackedKey(files, precision)};
  }
  ASSIGN_OR_RETURN(scorer->weights_, BertWeights::Load(tensors, scorer->config_.family, scorer->config_.shape, load));
  RETURN_IF_ERROR(scorer->LoadHead(tensors));
  ByteWriter identity;
  identity.String("codelore scorer 1").Raw(files.view());
  identity.String(ArithmeticName(precision))
      .Varint(scorer->config_.max_tokens);
  scorer->info_ = {.name = scorer->folder_.name(),
                   .fingerprint = Sha256(identity.view()),
                   .max_tokens = scorer->config_.max_tokens};
  return scorer;
}

Status BertScorer::LoadHead(const TensorSource& tensors) {
  const bool bert = config_.family == Family::kBert;
  const std::string dense = bert ? "bert.pooler.dense" : "classifier.dense",
                    out = bert ? "classifier" : "classifier.out_proj";
  const uint64_t hidden = config_.shape.hidden;
  const uint64_t square[] = {hidden, hidden}, row[] = {hidden}, last[] = {1, hidden}, one[] = {1};
  ASSIGN_OR_RETURN(std::vector<float> weight, tensors.Floats(dense + ".weight", square));
  ASSIGN_OR_RETURN(std::vector<float> bias, tensors.Floats(dense + ".bias", row));
  head_.dense = Linear(weight, std::move(bias));
  ASSIGN_OR_RETURN(head_.weight, tensors.Floats(out + ".weight", last));
  ASSIGN_OR_RETURN(std::vector<float> out_bias, tensors.Floats(out + ".bias", one));
  head_.bias = out_bias[0];
  return OkStatus();
}

BertScorer::Pairs BertScorer::Tokenize(std::string_view query,
                                       std::span<const std::string_view> passages) const {
  const SpecialIds special = tokenizer_->special();
  const bool bert = config_.family == Family::kBert;
  std::vector<uint32_t> front = {special.first};
  const size_t around = bert ? 3 : 4;
  tokenizer_->Tokenize(query, (config_.max_tokens - around) * 3 / 4, &front);
  front.insert(front.end(), bert ? 1 : 2, special.last);
  Pairs pairs;
  for (std::string_view passage : passages) {
    pairs.starts.push_back(pairs.ids.size());
    pairs.ids.insert(pairs.ids.end(), front.begin(), front.end());
    pairs.second.resize(pairs.ids.size(), 0);
    tokenizer_->Tokenize(passage, config_.max_tokens - front.size() - 1, &pairs.ids);
    pairs.ids.push_back(special.last);
    pairs.second.resize(pairs.ids.size(), bert && config_.shape.token_types > 1 ? 1 : 0);
  }
  pairs.starts.push_back(pairs.ids.size());
  return pairs;
}

Result<std::vector<float>> BertScorer::Score(std::string_view query,
                                             std::span<const std::string_view> passages) const {
  const Pairs pairs = Tokenize(query, passages);
  std::vector<uint32_t> order(passages.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](uint32_t pair) { return pairs.length(pair); });
  std::vector<float> scores(passages.size());
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    size_t tokens = pairs.length(order[begin]);
    for (end = begin + 1; end < order.size() && tokens + pairs.length(order[end]) <= kGroupTokens;
         ++end) {
      tokens += pairs.length(order[end]);
    }
    RETURN_IF_ERROR(ScoreGroup(pairs, std::span(order).subspan(begin, end - begin), &scores));
  }
  return scores;
}

Status BertScorer::ScoreGroup(const Pairs& pairs, std::span<const uint32_t> members,
                              std::vector<float>* scores) const {
  std::vector<uint32_t> ids, lengths;
  std::vector<uint8_t> second;
  for (uint32_t member : members) {
    const auto begin = static_cast<ptrdiff_t>(pairs.starts[member]),
               end = static_cast<ptrdiff_t>(pairs.starts[member + 1]);
    ids.insert(ids.end(), pairs.ids.begin() + begin, pairs.ids.begin() + end);
    second.insert(second.end(), pairs.second.begin() + begin, pairs.second.begin() + end);
    lengths.push_back(static_cast<uint32_t>(pairs.length(member)));
  }
  std::unique_ptr<RunState> state = states_.Borrow();
  Rows vectors = Forward(config_.shape, weights_, ids, lengths, state.get(), second);
  std::vector<float> hidden(config_.shape.hidden);
  bool finite = true;
  for (size_t i = 0; i < members.size(); ++i) {
    const float score = Judge(vectors, &hidden);
    (*scores)[members[i]] = score;
    finite = finite && std::isfinite(score);
    vectors.data += lengths[i] * vectors.stride;
  }
  states_.Return(std::move(state));
  if (finite) return OkStatus();
  return Corruption("model " + info_.name + ": a pair's score is not finite");
}

float BertScorer::Judge(Rows vectors, std::vector<float>* hidden) const {
  head_.dense.Apply(vectors, 1, {hidden->data(), hidden->size()});
  double score = head_.bias;
  for (size_t i = 0; i < hidden->size(); ++i) {
    score += std::tanh(static_cast<double>((*hidden)[i])) * head_.weight[i];
  }
  return static_cast<float>(score);
}

}  // namespace codelore::embed
