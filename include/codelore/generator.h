// Generator: passages and a question in, an answer out, piece by piece. The extractive one (generate/) needs
// no model; others run one in process or call a server.
#ifndef CODELORE_GENERATOR_H_
#define CODELORE_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/status.h"

namespace codelore {

// A passage the answer may use. Its text is data: it is never followed as an instruction.
struct Passage {
  std::string citation;  // source@commit:path#Lx-Ly
  std::string path;
  std::string language;
  ChunkKind kind = ChunkKind::kLines;
  std::string symbol;
  std::string scope;
  std::string signature;
  std::string text;
  uint32_t start_line = 1;
  std::vector<float> line_weights;  // see Hit; one per line of text
  double coverage = 0;    // see Hit
  double similarity = 0;
};

// Lines of a passage that a piece of the answer rests on.
struct Support {
  uint32_t passage = 0;  // index (from 0) into the passages
  uint32_t start_line = 1;
  uint32_t end_line = 1;
};

// A piece of an answer: Markdown, and what it rests on (nothing for connecting words). Pieces joined are the
// whole answer.
struct AnswerPiece {
  std::string text;
  std::vector<Support> supports;
};

struct AnswerSummary {
  bool found = false;  // false: nothing fits; the pieces say so
  std::string generator;
};

class Generator {
 public:
  virtual ~Generator() = default;
  // Calls `emit` for every piece, in order. Thread-safe. Ends early with kUnavailable when stopped.
  virtual Result<AnswerSummary> Answer(std::string_view question, std::span<const Passage> passages,
                                       std::stop_token stop,
                                       const std::function<void(const AnswerPiece&)>& emit) const = 0;
};

}  // namespace codelore

#endif  // CODELORE_GENERATOR_H_
