// Definitions by name, over what a viewer sees.
#ifndef CODELORE_INDEX_SYMBOLS_DEFINITIONS_H_
#define CODELORE_INDEX_SYMBOLS_DEFINITIONS_H_

#include <span>
#include <string>
#include <vector>

#include "index/rank/world.h"
#include "index/symbols/symbol_pattern.h"

namespace codelore::index {

inline constexpr size_t kMaxDefinitionMatches = 10'000;

// A definition in one of the world's segments; views borrow from there.
struct DefinitionMatch {
  size_t segment = 0;  // index into World::segments()
  uint32_t file = 0;
  DefinedSymbol symbol;
  bool inherited = false;  // its class is a base of the one asked for
};

struct DefinitionMatches {
  std::vector<DefinitionMatch> list;
  bool complete = true;  // false: stopped at kMaxDefinitionMatches
};

// In order of segment, file and position. Kinds: any of; empty: all but sections. A member that its class does not
// define itself is looked for in the bases of that class, by their names.
DefinitionMatches FindDefinitions(World& world, const SymbolPattern& pattern, std::span<const ChunkKind> kinds);

// The chunk that holds a line of a file.
uint32_t ChunkAt(const SegmentReader& reader, uint32_t file, uint32_t line);

// Names that the world defines and that are nearly `name`, nearest first, at most five.
std::vector<std::string> NearestNames(World& world, const std::string& name);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SYMBOLS_DEFINITIONS_H_
