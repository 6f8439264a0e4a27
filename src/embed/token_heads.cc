#include "embed/token_heads.h"

#include <algorithm>
#include <string_view>

#include "embed/torch_file.h"

namespace codelore::embed {

Result<std::optional<LexicalHead>> LexicalHead::Load(const ModelFolder& folder, size_t hidden) {
  constexpr std::string_view kFile = "sparse_linear.pt";
  if (!folder.Has(kFile)) return std::optional<LexicalHead>();
  ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(kFile));
  ASSIGN_OR_RETURN(TensorSource tensors, ParseTorchFile(kFile, bytes));
  LexicalHead head;
  const uint64_t shape[] = {1, hidden}, one[] = {1};
  ASSIGN_OR_RETURN(head.weight_, tensors.Floats("weight", shape));
  ASSIGN_OR_RETURN(std::vector<float> bias, tensors.Floats("bias", one));
  head.bias_ = bias[0];
  return std::optional(std::move(head));
}

std::vector<std::pair<uint32_t, float>> LexicalHead::Weigh(std::span<const uint32_t> ids,
                                                           Rows vectors,
                                                           const SpecialIds& special) const {
  std::vector<std::pair<uint32_t, float>> weights;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == special.first || ids[i] == special.last || ids[i] == special.padding ||
        ids[i] == special.unknown) {
      continue;
    }
    double weight = bias_;
    for (size_t j = 0; j < weight_.size(); ++j)
      weight += static_cast<double>(weight_[j]) * vectors.row(i)[j];
    if (weight > 0) weights.emplace_back(ids[i], static_cast<float>(weight));
  }
  // The greatest weight of each id comes first and stays.
  std::ranges::sort(weights, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second > b.second;
  });
  weights.erase(std::unique(weights.begin(), weights.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                weights.end());
  return weights;
}

Result<std::optional<TokenVectorHead>> TokenVectorHead::Load(const ModelFolder& folder,
                                                             size_t hidden) {
  constexpr std::string_view kFile = "colbert_linear.pt";
  if (!folder.Has(kFile)) return std::optional<TokenVectorHead>();
  ASSIGN_OR_RETURN(std::string_view bytes, folder.Read(kFile));
  ASSIGN_OR_RETURN(TensorSource tensors, ParseTorchFile(kFile, bytes));
  TokenVectorHead head;
  const uint64_t shape[] = {hidden, hidden}, size[] = {hidden};
  ASSIGN_OR_RETURN(std::vector<float> weight, tensors.Floats("weight", shape));
  ASSIGN_OR_RETURN(std::vector<float> bias, tensors.Floats("bias", size));
  head.hidden_ = hidden;
  head.linear_ = Linear(weight, std::move(bias));
  return std::optional(std::move(head));
}

std::vector<float> TokenVectorHead::Project(Rows vectors, size_t tokens) const {
  std::vector<float> result((tokens - 1) * hidden_);
  linear_.Apply({vectors.row(1), vectors.stride}, tokens - 1, {result.data(), hidden_});
  return result;
}

}  // namespace codelore::embed
