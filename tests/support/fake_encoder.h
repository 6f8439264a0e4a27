// An encoder whose vectors are bags of hashed words: texts that share words are similar. Deterministic and quick.
#ifndef CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_
#define CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_

#include <atomic>
#include <cctype>
#include <cmath>
#include <functional>
#include <string>

#include "codelore/encoder.h"

namespace codelore::testing {

class FakeEncoder final : public TextEncoder {
 public:
  explicit FakeEncoder(uint8_t fingerprint = 1) {
    info_.name = "fake";
    info_.fingerprint.bytes[0] = fingerprint;
    info_.dimension = 64;
    info_.max_tokens = 256;
  }
  const EncoderInfo& info() const override { return info_; }

  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts,
                                       const EncodeOptions&) const override {
    if (fail_after_texts >= 0 && encoded + static_cast<int>(texts.size()) > fail_after_texts) {
      return Unavailable("the fake encoder is down");
    }
    std::vector<Encoding> encodings;
    for (std::string_view text : texts) encodings.push_back(EncodeOne(text));
    encoded += static_cast<int>(texts.size());
    return encodings;
  }

  mutable std::atomic<int> encoded{0};
  int fail_after_texts = -1;  // from then on every call fails

 private:
  Encoding EncodeOne(std::string_view text) const {
    Encoding encoding;
    encoding.dense.assign(info_.dimension, 0.01f);
    std::string word;
    for (size_t i = 0; i <= text.size(); ++i) {
      if (i < text.size() && std::isalnum(static_cast<unsigned char>(text[i]))) {
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
      } else if (!word.empty()) {
        encoding.dense[std::hash<std::string>()(word) % info_.dimension] += 1;
        ++encoding.tokens;
        word.clear();
      }
    }
    float length = 0;
    for (float x : encoding.dense) length += x * x;
    for (float& x : encoding.dense) x /= std::sqrt(length);
    return encoding;
  }

  EncoderInfo info_;
};

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_SUPPORT_FAKE_ENCODER_H_
