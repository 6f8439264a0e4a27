// Classification: whether a file is indexed, indexed by lines only, or skipped, and why.
//
// First by path, size and attributes, which needs no reading; then, for what is left, by its bytes. Reasons are
// short fixed words for the ledger: "empty", "too large", "binary", "lfs pointer", "vendored", "generated",
// "minified", "lock file", "source map". What .gitattributes says wins in both directions: linguist-generated and
// linguist-vendored skip a file, set to false they index what the rules would have skipped.
//
// The rules err towards indexing. Dependencies are vendored where a package manager puts them; a team's own
// `src/vendor/` or `third_party/BUILD` is not. Tests, examples and documentation are files like others.
#ifndef CODELORE_INGEST_CLASSIFY_H_
#define CODELORE_INGEST_CLASSIFY_H_

#include <cstdint>
#include <string_view>

#include "ingest/attributes.h"

namespace codelore::ingest {

// Above max_bytes nothing is indexed; above max_parsed_bytes by lines only, which is linear in time. Data (JSON,
// CSV, XML, SQL dumps, logs, ...) has a smaller limit: large tables answer no question and would cost most of the
// encoder's time.
struct ClassifyLimits {
  uint64_t max_parsed_bytes = 2 << 20;
  uint64_t max_data_bytes = 512 << 10;
  uint64_t max_bytes = 20 << 20;
};

enum class Treatment : uint8_t { kIndex, kIndexByLines, kSkip };

struct Classification {
  Treatment treatment = Treatment::kIndex;
  std::string_view reason;  // empty for kIndex; static
};

Classification ClassifyPath(std::string_view path, uint64_t size_bytes, const FileAttributes& attributes,
                            const ClassifyLimits& limits = {});

// `bytes`: the file as stored, not decoded yet.
Classification ClassifyContent(std::string_view path, std::string_view bytes, const FileAttributes& attributes);

// "py" of "a/B.PY"; empty if there is none.
std::string LowerExtension(std::string_view path);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_CLASSIFY_H_
