// GlossingEncoder: an encoder that knows no Korean, given Korean in English words. Questions and passages alike are
// read through gloss::InEnglish, so Korean text lies where its English meaning lies, and either language finds the
// other. Text without Hangul, and text of which no word is known, goes through unchanged.
#ifndef CODELORE_GLOSS_GLOSSING_ENCODER_H_
#define CODELORE_GLOSS_GLOSSING_ENCODER_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "codelore/encoder.h"

namespace codelore::gloss {

class GlossingEncoder final : public TextEncoder {
 public:
  explicit GlossingEncoder(std::unique_ptr<TextEncoder> encoder);

  const EncoderInfo& info() const override { return info_; }
  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts, const EncodeOptions& options) const override;

 private:
  const std::unique_ptr<TextEncoder> encoder_;
  EncoderInfo info_;
};

}  // namespace codelore::gloss

#endif  // CODELORE_GLOSS_GLOSSING_ENCODER_H_
