// EncoderChoice: a model as an operator names it; and how it is opened.
#ifndef CODELORE_API_MODEL_OPENING_H_
#define CODELORE_API_MODEL_OPENING_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/http/tls.h"
#include "codelore/encoder.h"
#include "embed/encode_gate.h"
#include "embed/precision.h"

namespace codelore::api {

inline constexpr char kBuiltInModel[] = "built-in";

struct EncoderChoice {
  // That, a folder as downloaded from Hugging Face, or the settings of a server, "url=http://127.0.0.1:8000/v1 model=bge-m3
  // dimensions=1024 [name=N] [key-file=F] [batch=32]".
  std::string model = kBuiltInModel;
  std::optional<embed::Precision> precision = {};  // without it: what is fastest on this processor

  bool operator==(const EncoderChoice&) const = default;
};

// A model as it was when its vectors were begun.
struct ModelIdentity {
  EncoderChoice choice;  // with its precision, so that it stays the same on another processor
  std::string name;
  Hash256 fingerprint;
  uint32_t dimension = 0;
  std::map<std::string, Hash256> files;  // SHA-256 of each
};

struct OpenedModel {
  ModelIdentity identity;
  std::shared_ptr<const TextEncoder> encoder;
};

// Whether it is the settings of a server.
bool IsRemote(const EncoderChoice& choice);
// Names the same model from any folder: paths become absolute. Nothing is looked at.
EncoderChoice Normalised(EncoderChoice choice);
// What models are opened with.
struct ModelSurroundings {
  std::shared_ptr<embed::EncodeGate> gate = {};          // as embed::BertEncoderOptions'
  std::shared_ptr<const TlsContext> trust = {};          // of an https server; none: the system's authorities
  std::optional<std::string> packed_folder = {};         // as embed::BertEncoderOptions'
};
Result<OpenedModel> OpenModel(const EncoderChoice& choice, const ModelSurroundings& around);
// The hashes of a model's files as they are now; none of a server's.
Result<std::map<std::string, Hash256>> HashModel(const EncoderChoice& choice);

std::string_view PrecisionName(const EncoderChoice& choice);  // "f32", "int8", or empty
// Of one of these names. kInvalidArgument for another.
Result<std::optional<embed::Precision>> PrecisionNamed(std::string_view name);

}  // namespace codelore::api

#endif  // CODELORE_API_MODEL_OPENING_H_
