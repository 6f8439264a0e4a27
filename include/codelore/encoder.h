// TextEncoder: texts in, vectors out. The contract between the models in embed (or a remote server) and
// everyone who needs vectors.
#ifndef CODELORE_ENCODER_H_
#define CODELORE_ENCODER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore {

enum class TextRole { kPassage, kQuery };  // some models prefix the two differently

struct EncoderInfo {
  std::string name;      // "all-MiniLM-L6-v2"
  Hash256 fingerprint;   // weights, vocabulary, pooling, precision, prefixes: vectors of two fingerprints
                         // are never compared
  uint32_t dimension = 0;
  uint32_t max_tokens = 0;  // longer texts are cut there
  bool has_sparse = false;  // lexical weights per token id
  bool has_multi = false;   // one vector per token (late interaction)
  bool has_token_head = false;  // from a head that was trained for it: good enough to score hits by
};

struct EncodeOptions {
  TextRole role = TextRole::kPassage;
  bool sparse = false;  // ask for heads the model has; asking for one it lacks is an invalid argument
  bool multi = false;
  bool background = false;  // nobody waits for it: it gives way to calls that somebody waits for
};

// The heads of one text. Dense and multi vectors have Euclidean length 1.
struct Encoding {
  std::vector<float> dense;                            // [dimension]
  std::vector<std::pair<uint32_t, float>> sparse;      // token id, weight > 0; ascending ids
  std::vector<float> multi;                            // [vectors, dimension], row-major; one per token, or
                                                       // per token but the first
  uint32_t tokens = 0;                                 // encoded tokens, special ones included
};

// Thread-safe. A failed call gives no vectors at all: a text is never answered with zeros.
class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  virtual const EncoderInfo& info() const = 0;
  // One Encoding per text, in order. Any bytes are accepted; broken UTF-8 is replaced by U+FFFD.
  virtual Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts,
                                               const EncodeOptions& options) const = 0;
};

}  // namespace codelore

#endif  // CODELORE_ENCODER_H_
