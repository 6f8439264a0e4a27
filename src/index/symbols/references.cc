#include "index/symbols/references.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "index/symbols/definitions.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxOwners = 64;

std::string_view LastPart(std::string_view path) {
  size_t dot = path.find_last_of("./");
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

bool IsSelf(std::string_view word) {
  constexpr std::string_view kWords[] = {"self", "this", "$this", "cls", "super", "Self", "static", "me"};
  return std::ranges::find(kWords, word) != std::end(kWords);
}

// What is known about a segment's files before its references are judged.
struct SegmentFacts {
  std::unordered_set<uint32_t> defining, importing;  // files
  std::unordered_set<uint64_t> made;  // file << 32 | line: where something is made from the class, or typed as it
};

// Judges how well references fit, for one pattern.
class FitJudge {
 public:
  FitJudge(World& world, const SymbolPattern& pattern) : world_(world), pattern_(pattern), facts_(world.segments().size()) {
    DefinitionMatches definitions = FindDefinitions(world, pattern, {});
    for (const DefinitionMatch& match : definitions.list) {
      facts_[match.segment].defining.insert(match.file);
      if (!pattern.owner().empty() && !match.symbol.scope.empty()) AddOwner(std::string(LastPart(match.symbol.scope)));
    }
    if (!pattern.owner().empty()) AddOwner(pattern.owner().back());
    for (size_t i = 0; i < facts_.size(); ++i) {
      VisitNamed(i, pattern.name(), /*is_owner=*/false);
      for (const std::string& owner : owners_) VisitNamed(i, owner, /*is_owner=*/true);
    }
  }

  ReferenceFit Judge(size_t segment, const UsedSymbol& used) {
    const SegmentFacts& facts = facts_[segment];
    if (!owners_.empty()) {
      std::string_view last = LastPart(used.qualifier);
      if (!last.empty() && (IsOwner(last) || IsMade(segment, used.file, last))) return ReferenceFit::kQualifier;
      if ((last.empty() || IsSelf(last)) && IsInside(segment, used)) return ReferenceFit::kMember;
    }
    if (facts.defining.contains(used.file)) return ReferenceFit::kFile;
    return facts.importing.contains(used.file) ? ReferenceFit::kImport : ReferenceFit::kName;
  }

 private:
  void AddOwner(std::string owner) {
    if (owners_.size() < kMaxOwners) owners_.insert(std::move(owner));
  }
  bool IsOwner(std::string_view word) const {
    if (word.starts_with('$')) word.remove_prefix(1);
    return std::ranges::any_of(owners_, [&](const std::string& owner) { return CompareFolded(owner, word) == 0; });
  }

  void VisitNamed(size_t segment, const std::string& text, bool is_owner) {
    const SymbolTable& table = world_.segments()[segment].reader().symbols();
    SymbolTable::Range range = table.NamesEqualTo(text);
    for (uint32_t name = range.begin; name < range.end; ++name) {
      if (!pattern_.Equal(table.Name(name), text)) continue;
      table.VisitReferences(name, [&](const UsedSymbol& used) {
        if (used.kind == ReferenceKind::kImport) {
          facts_[segment].importing.insert(used.file);
        } else if (is_owner) {
          facts_[segment].made.insert(uint64_t{used.file} << 32 | used.line);
        }
        return true;
      });
    }
  }

  bool IsMade(size_t segment, uint32_t file, std::string_view variable) {
    const auto& made = FileAt(segment, file).made;
    return std::ranges::binary_search(made, variable);
  }

  // Whether the reference stands in a member of the class.
  bool IsInside(size_t segment, const UsedSymbol& used) {
    const DefinedSymbol* around = FileAt(segment, used.file).enclosing.At(used.line);
    if (around == nullptr) return false;
    for (std::string_view scope = around->scope; !scope.empty();) {
      std::string_view last = LastPart(scope);
      if (IsOwner(last)) return true;
      scope.remove_suffix(std::min(scope.size(), last.size() + 1));
    }
    return false;
  }

  // References come file by file: the last file is enough.
  struct FileFacts {
    EnclosingLines enclosing;
    std::vector<std::string_view> made;  // sorted: variables in lines that name the class: `app = Flask(...)`
  };
  const FileFacts& FileAt(size_t segment, uint32_t file) {
    if (segment == cached_segment_ && file == cached_file_) return cached_;
    cached_segment_ = segment;
    cached_file_ = file;
    cached_ = {EnclosingLines(world_.segments()[segment].reader().symbols().DefinitionsIn(file)), {}};
    for (const DefinedSymbol& symbol : cached_.enclosing.definitions()) {
      bool made = symbol.kind == ChunkKind::kVariable && facts_[segment].made.contains(uint64_t{file} << 32 | symbol.line);
      if (made) cached_.made.push_back(symbol.name);
    }
    std::ranges::sort(cached_.made);
    return cached_;
  }

  World& world_;
  const SymbolPattern& pattern_;
  std::set<std::string> owners_;
  std::vector<SegmentFacts> facts_;  // by segment
  FileFacts cached_;
  size_t cached_segment_ = SIZE_MAX;
  uint32_t cached_file_ = UINT32_MAX;
};

}  // namespace

EnclosingLines::EnclosingLines(std::vector<DefinedSymbol> definitions) : definitions_(std::move(definitions)) {
  constexpr uint32_t kMaxLine = 4'000'000;  // no indexed file has more
  std::vector<uint32_t> largest_first(definitions_.size());
  std::iota(largest_first.begin(), largest_first.end(), 0u);
  std::ranges::stable_sort(largest_first, std::greater<>(),
                           [&](uint32_t i) { return definitions_[i].end_line - definitions_[i].start_line; });
  for (uint32_t i : largest_first) {
    uint32_t end = std::min(definitions_[i].end_line, kMaxLine);
    if (innermost_.size() <= end) innermost_.resize(end + 1);
    for (uint32_t line = definitions_[i].start_line; line <= end; ++line) innermost_[line] = i + 1;
  }
}

const DefinedSymbol* EnclosingLines::At(uint32_t line) const {
  return line < innermost_.size() && innermost_[line] != 0 ? &definitions_[innermost_[line] - 1] : nullptr;
}

ReferenceMatches FindReferences(World& world, const SymbolPattern& pattern, std::span<const ReferenceKind> kinds) {
  ReferenceMatches found;
  FitJudge judge(world, pattern);
  for (size_t i = 0; i < world.segments().size() && found.complete; ++i) {
    VisibleSegment& segment = world.segments()[i];
    const SymbolTable& table = segment.reader().symbols();
    pattern.VisitNames(table, [&](uint32_t name, bool) {
      table.VisitReferences(name, [&](const UsedSymbol& used) {
        bool wanted = kinds.empty() || std::ranges::find(kinds, used.kind) != kinds.end();
        if (!wanted || !segment.Allows(used.file)) return true;
        found.complete = found.list.size() < kMaxReferenceMatches;
        if (found.complete) found.list.push_back({i, used, table.Name(name), judge.Judge(i, used)});
        return found.complete;
      });
    });
  }
  std::ranges::stable_sort(found.list, {}, [](const ReferenceMatch& m) { return std::tuple(m.fit, m.segment, m.used.file, m.used.line); });
  return found;
}

uint32_t ReferencingFiles(World& world, std::string_view name) {
  uint32_t files = 0;
  for (VisibleSegment& segment : world.segments()) {
    const SymbolTable& table = segment.reader().symbols();
    SymbolTable::Range range = table.NamesEqualTo(name);
    for (uint32_t i = range.begin; i < range.end; ++i) {
      if (table.Name(i) != name) continue;
      table.VisitReferringFiles(i, [&](uint32_t file) { files += segment.Allows(file); });
    }
  }
  return files;
}

}  // namespace codelore::index
