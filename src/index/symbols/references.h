// References by name, over what a viewer sees. By name, not by type: what fits best comes first.
#ifndef CODELORE_INDEX_SYMBOLS_REFERENCES_H_
#define CODELORE_INDEX_SYMBOLS_REFERENCES_H_

#include <span>
#include <string_view>
#include <vector>

#include "codelore/symbols.h"
#include "index/rank/world.h"
#include "index/symbols/symbol_pattern.h"

namespace codelore::index {

inline constexpr size_t kMaxReferenceMatches = 20'000;

// A reference in one of the world's segments; views borrow from there.
struct ReferenceMatch {
  size_t segment = 0;
  UsedSymbol used;
  std::string_view name;
  ReferenceFit fit = ReferenceFit::kName;
};

struct ReferenceMatches {
  std::vector<ReferenceMatch> list;
  bool complete = true;  // false: stopped at kMaxReferenceMatches
};

// Best fit first, then in order of segment, file and line.
ReferenceMatches FindReferences(World& world, const SymbolPattern& pattern, std::span<const ReferenceKind> kinds);

// A file's definitions, by the lines they stand around.
class EnclosingLines {
 public:
  EnclosingLines() = default;
  explicit EnclosingLines(std::vector<DefinedSymbol> definitions);

  // The innermost one around a line, which is the last one of those that are; null if there is none.
  const DefinedSymbol* At(uint32_t line) const;
  const std::vector<DefinedSymbol>& definitions() const { return definitions_; }

 private:
  std::vector<DefinedSymbol> definitions_;
  std::vector<uint32_t> innermost_;  // by line: 1 + index into definitions_, 0 for none
};

// In how many of the world's files the name is used (exact case). One look-up per segment.
uint32_t ReferencingFiles(World& world, std::string_view name);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SYMBOLS_REFERENCES_H_
