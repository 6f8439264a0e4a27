#include "index/symbols/symbol_search.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "codelore/utf8.h"
#include "index/blobs.h"
#include "index/rank/provenance.h"
#include "index/rank/world.h"
#include "index/symbols/definitions.h"
#include "index/symbols/references.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxLineBytes = 300;  // of a line shown
constexpr size_t kMaxOutline = 5'000;
constexpr size_t kMaxLinesOfCaller = 200;

SymbolPlace PlaceOf(const Snapshot& snapshot, const VisibleSegment& segment, uint32_t file) {
  SymbolPlace place;
  Provenance provenance = ProvenanceOf(snapshot, segment, file);
  place.source = provenance.source;
  place.branch = std::move(provenance.branch);
  place.revision = std::move(provenance.revision);
  FileStrings strings = segment.reader().StringsOf(segment.reader().file(file));
  place.path = strings.path;
  place.language = strings.language;
  return place;
}

// Lines of stored texts; keeps the last text.
class LineReader {
 public:
  LineReader(const KeyValueStore& store, World& world) : store_(store), world_(world) {}

  // Without indentation and line end, cut after kMaxLineBytes.
  Result<std::string> Line(size_t segment, uint32_t file, uint32_t line) {
    if (segment != segment_ || file != file_) RETURN_IF_ERROR(Load(segment, file));
    if (line == 0 || line > begins_.size()) return std::string();
    std::string_view text = std::string_view(text_).substr(begins_[line - 1]);
    text = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text.size() <= kMaxLineBytes ? std::string(text) : std::string(Utf8Prefix(text, kMaxLineBytes)) + "…";
  }

 private:
  Status Load(size_t segment, uint32_t file) {
    VisibleSegment& visible = world_.segments()[segment];
    ASSIGN_OR_RETURN(text_, ReadBlob(store_, visible.partition().tenant, visible.reader().file(file).blob));
    begins_.assign(1, 0);
    for (size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) begins_.push_back(at + 1);
    segment_ = segment;
    file_ = file;
    return OkStatus();
  }

  const KeyValueStore& store_;
  World& world_;
  std::string text_;
  std::vector<size_t> begins_;
  size_t segment_ = SIZE_MAX;
  uint32_t file_ = UINT32_MAX;
};

// Types first, then what can be called, then the rest; names passed on and keys of configuration last.
int RankOfKind(ChunkKind kind, std::string_view language) {
  if (language == "json" || language == "yaml" || language == "toml" || kind == ChunkKind::kSection) return 4;
  switch (kind) {
    case ChunkKind::kClass:
    case ChunkKind::kInterface:
    case ChunkKind::kEnum:
    case ChunkKind::kType:
      return 0;
    case ChunkKind::kVariable:
      return 2;
    case ChunkKind::kReexport:
      return 3;
    default:
      return 1;
  }
}

std::vector<DefinitionMatch> Ordered(World& world, const SymbolPattern& pattern, DefinitionMatches found) {
  auto key = [&](const DefinitionMatch& match) {
    VisibleSegment& segment = world.segments()[match.segment];
    FileStrings file = segment.reader().StringsOf(segment.reader().file(match.file));
    bool declared_only = match.symbol.kind == ChunkKind::kFunction && match.symbol.start_line == match.symbol.end_line;
    return std::tuple(!pattern.Equal(match.symbol.name, pattern.name()), match.symbol.name != pattern.name(),
                      RankOfKind(match.symbol.kind, file.language), declared_only, match.symbol.name,
                      segment.partition().source.value, file.path, match.symbol.line);
  };
  std::vector<std::pair<decltype(key(found.list[0])), size_t>> keys;
  for (size_t i = 0; i < found.list.size(); ++i) keys.emplace_back(key(found.list[i]), i);
  std::ranges::sort(keys);
  std::vector<DefinitionMatch> ordered;
  for (const auto& [ignored, index] : keys) ordered.push_back(std::move(found.list[index]));
  return ordered;
}

// Segments follow one another as they were committed: people expect paths.
void SortByPath(World& world, std::vector<ReferenceMatch>& matches) {
  std::ranges::stable_sort(matches, {}, [&](const ReferenceMatch& match) {
    VisibleSegment& segment = world.segments()[match.segment];
    return std::tuple(match.fit, segment.partition().source.value,
                      segment.reader().StringsOf(segment.reader().file(match.used.file)).path, match.used.line);
  });
}

// What encloses references, file by file.
class EnclosingDefinitions {
 public:
  explicit EnclosingDefinitions(World& world) : world_(world) {}

  const DefinedSymbol* Of(const ReferenceMatch& match) { return FileOf(match).At(match.used.line); }

  // Its qualified name. Outside of any definition: the chunk's own name where that is none of the file's definitions
  // (a test case, an impl), or nothing.
  std::string NameOf(const ReferenceMatch& match) {
    if (const DefinedSymbol* around = Of(match)) return around->Qualified();
    const SegmentReader& reader = world_.segments()[match.segment].reader();
    if (reader.file(match.used.file).chunk_count == 0) return "";
    std::string symbol(reader.StringsOf(reader.chunk(ChunkAt(reader, match.used.file, match.used.line))).symbol);
    bool is_defined = std::ranges::any_of(FileOf(match).definitions(), [&](const DefinedSymbol& d) {
      return symbol.ends_with(d.name) && d.Qualified() == symbol;
    });
    return is_defined ? "" : symbol;
  }

 private:
  const EnclosingLines& FileOf(const ReferenceMatch& match) {
    auto [at, added] = files_.try_emplace({match.segment, match.used.file});
    if (added) at->second = EnclosingLines(world_.segments()[match.segment].reader().symbols().DefinitionsIn(match.used.file));
    return at->second;
  }

  World& world_;
  std::map<std::pair<size_t, uint32_t>, EnclosingLines> files_;
};

Status AddReferences(const Snapshot& snapshot, const KeyValueStore& store, World& world, const std::vector<ReferenceMatch>& matches,
                     size_t limit, ReferenceResult& result) {
  LineReader lines(store, world);
  EnclosingDefinitions enclosing(world);
  result.total = matches.size();
  for (size_t i = 0; i < matches.size() && i < limit; ++i) {
    const ReferenceMatch& match = matches[i];
    const VisibleSegment& segment = world.segments()[match.segment];
    FoundReference reference{.place = PlaceOf(snapshot, segment, match.used.file),
                             .name = std::string(match.name),
                             .qualifier = std::string(match.used.qualifier),
                             .kind = match.used.kind,
                             .fit = match.fit,
                             .line = match.used.line,
                             .enclosing = enclosing.NameOf(match),
                             .text = {}};
    ASSIGN_OR_RETURN(reference.text, lines.Line(match.segment, match.used.file, match.used.line));
    result.references.push_back(std::move(reference));
  }
  return OkStatus();
}

// Groups matches, best first, by the definition around them; a group stands where its best match stood.
Status AddCallers(const Snapshot& snapshot, const KeyValueStore& store, World& world, const std::vector<ReferenceMatch>& matches,
                  size_t limit, ReferenceResult& result) {
  LineReader lines(store, world);
  EnclosingDefinitions enclosing(world);
  std::map<std::tuple<size_t, uint32_t, std::string, uint32_t>, size_t> groups;
  for (const ReferenceMatch& match : matches) {
    const VisibleSegment& segment = world.segments()[match.segment];
    const DefinedSymbol* around = enclosing.Of(match);
    std::string symbol = enclosing.NameOf(match);
    uint32_t start = around != nullptr ? around->start_line : 1;
    auto [at, added] = groups.try_emplace({match.segment, match.used.file, symbol, start}, groups.size());
    if (at->second >= limit) continue;
    if (added) {
      result.callers.push_back({.place = PlaceOf(snapshot, segment, match.used.file),
                                .symbol = std::move(symbol),
                                .kind = around != nullptr ? around->kind : ChunkKind::kCode,
                                .fit = match.fit,
                                .start_line = start,
                                .lines = {},
                                .text = {}});
      ASSIGN_OR_RETURN(result.callers.back().text, lines.Line(match.segment, match.used.file, match.used.line));
    }
    auto& called = result.callers[at->second].lines;
    bool new_line = std::ranges::find(called, match.used.line) == called.end();
    if (new_line && called.size() < kMaxLinesOfCaller) called.push_back(match.used.line);
  }
  for (FoundCaller& caller : result.callers) std::ranges::sort(caller.lines);
  result.total = groups.size();
  return OkStatus();
}

// The live file of that path among the viewer's; nothing otherwise.
struct FileAt {
  size_t segment;
  uint32_t file;
};
std::optional<FileAt> FindFile(World& world, const std::string& path) {
  for (size_t i = 0; i < world.segments().size(); ++i) {
    VisibleSegment& segment = world.segments()[i];
    for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
      if (segment.reader().StringsOf(segment.reader().file(file)).path == path && segment.Allows(file)) return FileAt{i, file};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<SymbolResult> FindSymbolsIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                   const SymbolRequest& request) {
  ASSIGN_OR_RETURN(SymbolPattern pattern, SymbolPattern::Parse(request.name, request.prefix));
  World world(snapshot, viewer, request.filter);
  DefinitionMatches found = FindDefinitions(world, pattern, request.kinds);
  SymbolResult result;
  result.complete = found.complete;
  std::vector<DefinitionMatch> ordered = Ordered(world, pattern, std::move(found));
  result.total = ordered.size();
  LineReader lines(store, world);
  for (size_t i = 0; i < ordered.size() && i < request.limit; ++i) {
    const DefinitionMatch& match = ordered[i];
    FoundDefinition definition{.place = PlaceOf(snapshot, world.segments()[match.segment], match.file),
                               .name = std::string(match.symbol.name),
                               .qualified = match.symbol.Qualified(),
                               .kind = match.symbol.kind,
                               .line = match.symbol.line,
                               .start_line = match.symbol.start_line,
                               .end_line = match.symbol.end_line,
                               .inherited_by = match.inherited ? pattern.owner().back() : "",
                               .text = {}};
    ASSIGN_OR_RETURN(definition.text, lines.Line(match.segment, match.file, match.symbol.line));
    result.definitions.push_back(std::move(definition));
  }
  if (ordered.empty()) result.nearest = NearestNames(world, pattern.name());
  return result;
}

Result<ReferenceResult> FindReferencesIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                         const ReferenceRequest& request) {
  constexpr ReferenceKind kCalls[] = {ReferenceKind::kCall, ReferenceKind::kNew, ReferenceKind::kAnnotation};
  ASSIGN_OR_RETURN(SymbolPattern pattern, SymbolPattern::Parse(request.name, false));
  World world(snapshot, viewer, request.filter);
  bool only_calls = request.callers && request.kinds.empty();
  ReferenceMatches found = FindReferences(world, pattern, only_calls ? std::span<const ReferenceKind>(kCalls) : request.kinds);
  SortByPath(world, found.list);
  ReferenceResult result;
  result.complete = found.complete;
  auto add = request.callers ? AddCallers : AddReferences;
  RETURN_IF_ERROR(add(snapshot, store, world, found.list, request.limit, result));
  if (found.list.empty()) result.nearest = NearestNames(world, pattern.name());
  return result;
}

Result<FileOutline> OutlineIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer, SourceId source,
                              const std::string& path, const std::string& branch) {
  SearchFilter filter;
  filter.sources.push_back(source);
  if (!branch.empty()) filter.branches.push_back(branch);
  World world(snapshot, viewer, filter);
  std::optional<FileAt> at = FindFile(world, path);
  if (!at) return NotFound("there is no such file that you may read");
  FileOutline outline;
  outline.place = PlaceOf(snapshot, world.segments()[at->segment], at->file);
  std::vector<DefinedSymbol> symbols = world.segments()[at->segment].reader().symbols().DefinitionsIn(at->file);
  outline.total = symbols.size();
  if (symbols.size() > kMaxOutline) symbols.resize(kMaxOutline);
  LineReader lines(store, world);
  std::vector<const DefinedSymbol*> around;
  for (const DefinedSymbol& symbol : symbols) {
    while (!around.empty() && (around.back()->end_line < symbol.line || !symbol.Qualified().starts_with(around.back()->Qualified() + "."))) {
      around.pop_back();
    }
    OutlineEntry entry{.name = std::string(symbol.name),
                       .qualified = symbol.Qualified(),
                       .kind = symbol.kind,
                       .depth = static_cast<uint32_t>(around.size()),
                       .line = symbol.line,
                       .start_line = symbol.start_line,
                       .end_line = symbol.end_line,
                       .text = {}};
    ASSIGN_OR_RETURN(entry.text, lines.Line(at->segment, at->file, symbol.line));
    outline.entries.push_back(std::move(entry));
    around.push_back(&symbol);
  }
  return outline;
}

}  // namespace codelore::index
