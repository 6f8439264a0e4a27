#include "index/symbols/definitions.h"

#include <algorithm>
#include <map>
#include <set>

namespace codelore::index {
namespace {

constexpr size_t kMaxClasses = 64;          // followed for an inherited member
constexpr size_t kMaxNamesCompared = 500'000;
constexpr size_t kMaxNearest = 5;

bool KindFits(ChunkKind kind, std::span<const ChunkKind> kinds) {
  if (kinds.empty()) return kind != ChunkKind::kSection;
  return std::ranges::find(kinds, kind) != kinds.end();
}

std::string_view PathOf(const SegmentReader& reader, uint32_t file) { return reader.StringsOf(reader.file(file)).path; }

// Collects what fits, segment by segment.
class DefinitionSearch {
 public:
  DefinitionSearch(World& world, std::span<const ChunkKind> kinds) : world_(world), kinds_(kinds) {}

  void Run(const SymbolPattern& pattern, bool inherited) {
    for (size_t i = 0; i < world_.segments().size() && found_.complete; ++i) {
      VisibleSegment& segment = world_.segments()[i];
      pattern.VisitNames(segment.reader().symbols(), [&](uint32_t name, bool whole) {
        AddName(i, name, whole ? nullptr : &pattern, inherited);
      });
    }
  }
  bool empty() const { return found_.list.empty(); }

  DefinitionMatches Take() {
    auto key = [](const DefinitionMatch& m) { return std::tuple(m.segment, m.file, m.symbol.line, m.symbol.name, m.symbol.scope); };
    std::ranges::sort(found_.list, {}, key);
    auto same = [&](const DefinitionMatch& a, const DefinitionMatch& b) { return key(a) == key(b); };
    found_.list.erase(std::unique(found_.list.begin(), found_.list.end(), same), found_.list.end());
    return std::move(found_);
  }

 private:
  void AddName(size_t segment_index, uint32_t name, const SymbolPattern* pattern, bool inherited) {
    VisibleSegment& segment = world_.segments()[segment_index];
    const SymbolTable& table = segment.reader().symbols();
    std::vector<DefinedSymbol> symbols;
    uint32_t symbols_of = UINT32_MAX;
    for (auto [file, ordinal] : table.DefinitionsOf(name)) {
      if (!segment.Allows(file)) continue;
      if (file != symbols_of) symbols = table.DefinitionsIn(symbols_of = file);
      if (ordinal >= symbols.size() || !KindFits(symbols[ordinal].kind, kinds_)) continue;
      if (pattern != nullptr && !pattern->OwnerFits(symbols[ordinal].scope, PathOf(segment.reader(), file))) continue;
      if (found_.list.size() == kMaxDefinitionMatches) {
        found_.complete = false;
        return;
      }
      found_.list.push_back({segment_index, file, symbols[ordinal], inherited});
    }
  }

  World& world_;
  std::span<const ChunkKind> kinds_;
  DefinitionMatches found_;
};

constexpr ChunkKind kTypes[] = {ChunkKind::kClass, ChunkKind::kInterface, ChunkKind::kEnum, ChunkKind::kModule};

// The bases of the types named `owner`, and theirs, nearest first.
std::vector<std::string> BasesOf(World& world, const std::string& owner) {
  std::vector<std::string> names = {owner};
  std::set<std::string> seen = {owner};
  for (size_t next = 0; next < names.size() && names.size() < kMaxClasses; ++next) {
    auto pattern = SymbolPattern::Parse(names[next], false);
    if (!pattern.ok()) continue;
    DefinitionSearch search(world, kTypes);
    search.Run(*pattern, false);
    for (const DefinitionMatch& type : search.Take().list) {
      const SymbolTable& table = world.segments()[type.segment].reader().symbols();
      for (uint32_t base : type.symbol.bases) {
        std::string name(table.Name(base));
        if (names.size() < kMaxClasses && seen.insert(name).second) names.push_back(std::move(name));
      }
    }
  }
  names.erase(names.begin());
  return names;
}

// How many single-character changes make b of a, without ASCII case; more than `most` counts as most + 1. Looks at the
// diagonal band of that width only.
size_t Distance(std::string_view a, std::string_view b, size_t most) {
  auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > most) return most + 1;
  std::vector<size_t> row(a.size() + 1, most + 1);
  for (size_t i = 0; i <= std::min(a.size(), most); ++i) row[i] = i;
  for (size_t j = 1; j <= b.size(); ++j) {
    size_t first = j > most ? j - most : 1, last = std::min(a.size(), j + most), least = most + 1;
    size_t diagonal = row[first - 1];
    row[first - 1] = first == 1 && j <= most ? j : most + 1;
    for (size_t i = first; i <= last; ++i) {
      size_t changed = diagonal + (fold(a[i - 1]) != fold(b[j - 1]));
      diagonal = row[i];
      row[i] = std::min({changed, row[i] + 1, row[i - 1] + 1});
      least = std::min(least, row[i]);
    }
    if (least > most && row[first - 1] > most) return most + 1;
  }
  return std::min(row[a.size()], most + 1);
}

bool DefinesVisibly(VisibleSegment& segment, uint32_t name) {
  for (auto place : segment.reader().symbols().DefinitionsOf(name)) {
    if (segment.Allows(place.file)) return true;
  }
  return false;
}

}  // namespace

DefinitionMatches FindDefinitions(World& world, const SymbolPattern& pattern, std::span<const ChunkKind> kinds) {
  DefinitionSearch search(world, kinds);
  search.Run(pattern, false);
  if (!search.empty() || pattern.owner().empty()) return search.Take();
  for (const std::string& base : BasesOf(world, pattern.owner().back())) {
    auto inherited = SymbolPattern::Parse(base + "." + pattern.name(), false);
    if (inherited.ok()) search.Run(*inherited, true);
    if (!search.empty()) break;
  }
  return search.Take();
}

uint32_t ChunkAt(const SegmentReader& reader, uint32_t file, uint32_t line) {
  const FileRow& row = reader.file(file);
  uint32_t low = row.first_chunk, high = row.first_chunk + row.chunk_count;
  while (low + 1 < high) {
    uint32_t middle = low + (high - low) / 2;
    (reader.chunk(middle).start_line <= line ? low : high) = middle;
  }
  return low;
}

std::vector<std::string> NearestNames(World& world, const std::string& name) {
  size_t most = name.size() <= 3 ? 1 : name.size() <= 8 ? 2 : 3;
  std::set<std::pair<size_t, std::string>> nearest;
  size_t compared = 0;
  for (VisibleSegment& segment : world.segments()) {
    const SymbolTable& table = segment.reader().symbols();
    for (uint32_t i = 0; i < table.name_count() && ++compared <= kMaxNamesCompared; ++i) {
      std::string_view other = table.Name(i);
      size_t distance = Distance(name, other, most);
      bool goes_on = name.size() >= 3 && CompareFolded(other.substr(0, name.size()), name) == 0;
      if ((distance > most && !goes_on) || !DefinesVisibly(segment, i)) continue;
      nearest.emplace(2 * distance + !goes_on, other);
      if (nearest.size() > kMaxNearest) nearest.erase(std::prev(nearest.end()));
    }
  }
  std::vector<std::string> names;
  for (const auto& [distance, text] : nearest) names.push_back(text);
  return names;
}

}  // namespace codelore::index
