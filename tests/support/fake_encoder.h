// An encoder whose vectors are bags of hashed words: texts that share words are similar. Deterministic and quick.
#ifndef CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_
#define CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_

#include <atomic>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "codelore/encoder.h"

namespace codelore::testing {

class FakeEncoder final : public TextEncoder {
 public:
  // With `sparse` it has lexical weights, too: a token's id is a hash of the word, its weight how often it occurs, halved.
  explicit FakeEncoder(uint8_t fingerprint = 1, bool sparse = false) {
    info_.has_sparse = sparse;
    info_.name = "fake";
    info_.fingerprint.bytes[0] = fingerprint;
    info_.dimension = 64;
    info_.max_tokens = 256;
  }
  const EncoderInfo& info() const override { return info_; }

  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts,
                                       const EncodeOptions& options) const override {
    if (options.sparse && !info_.has_sparse) return InvalidArgument("no lexical weights");
    if (fail_after_texts >= 0 && encoded + static_cast<int>(texts.size()) > fail_after_texts) {
      return Unavailable("the fake encoder is down");
    }
    std::vector<Encoding> encodings;
    for (std::string_view text : texts) {
      encodings.push_back(EncodeOne(text));
      if (!options.sparse) encodings.back().sparse.clear();
    }
    encoded += static_cast<int>(texts.size());
    return encodings;
  }

  mutable std::atomic<int> encoded{0};
  int fail_after_texts = -1;  // from then on every call fails

 private:
  Encoding EncodeOne(std::string_view text) const {
    Encoding encoding;
    encoding.dense.assign(info_.dimension, 0.01f);
    std::map<uint32_t, float> weights;
    std::string word;
    for (size_t i = 0; i <= text.size(); ++i) {
      if (i < text.size() && std::isalnum(static_cast<unsigned char>(text[i]))) {
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
      } else if (!word.empty()) {
        encoding.dense[std::hash<std::string>()(word) % info_.dimension] += 1;
        weights[static_cast<uint32_t>(std::hash<std::string>()(word) % 100'000)] += 0.5f;
        ++encoding.tokens;
        word.clear();
      }
    }
    encoding.sparse.assign(weights.begin(), weights.end());
    float length = 0;
    for (float x : encoding.dense) length += x * x;
    for (float& x : encoding.dense) x /= std::sqrt(length);
    return encoding;
  }

  EncoderInfo info_;
};

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_
