#include <algorithm>
#include <numeric>

#include "codelore/coding.h"
#include "index/segment/symbol_table.h"

namespace codelore::index {
namespace {

// Lines of ascending positions.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) {
    for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
      breaks_.push_back(static_cast<uint32_t>(at));
    }
  }
  uint32_t LineOf(uint32_t byte) const {
    return static_cast<uint32_t>(std::ranges::lower_bound(breaks_, byte) - breaks_.begin()) + 1;
  }

 private:
  std::vector<uint32_t> breaks_;
};

std::string_view ScopeOf(const Definition& definition) {
  std::string_view scope = definition.qualified;
  if (scope.size() <= definition.name.size() || !scope.ends_with(definition.name)) return {};
  scope.remove_suffix(definition.name.size());
  if (scope.ends_with('.')) scope.remove_suffix(1);
  return scope;
}

bool HasBases(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum || kind == ChunkKind::kModule;
}

template <typename T>
std::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

int CompareFolded(std::string_view a, std::string_view b) {
  auto fold = [](char c) { return static_cast<uint8_t>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); };
  size_t size = std::min(a.size(), b.size());
  for (size_t i = 0; i < size; ++i) {
    uint8_t x = fold(a[i]), y = fold(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

uint32_t SymbolTableBuilder::IdOf(std::string_view text, Texts& texts) {
  if (auto at = texts.ids.find(text); at != texts.ids.end()) return at->second;
  auto id = static_cast<uint32_t>(texts.texts.size());
  texts.ids.emplace(texts.texts.emplace_back(text), id);
  return id;
}

void SymbolTableBuilder::AddFile(const ChunkedFile& file, std::string_view text) {
  uint32_t number = file_count_++;
  if (file.definitions.empty() && file.references.empty()) return;
  LineCounter lines(text);
  size_t first_row = rows_.size();
  for (const Definition& d : file.definitions) {
    uint32_t line = lines.LineOf(d.name_begin);
    uint32_t last = d.extent.end > d.extent.begin ? d.extent.end - 1 : d.extent.begin;
    rows_.push_back({.file = number,
                     .name = IdOf(d.name, names_),
                     .scope = IdOf(ScopeOf(d), scopes_),
                     .line = line,
                     .start_line = std::min(line, lines.LineOf(d.extent.begin)),
                     .end_line = std::max(line, lines.LineOf(last)),
                     .kind = d.kind,
                     .bases = {}});
  }
  for (const Reference& r : file.references) {
    uses_.push_back({.file = number,
                     .name = IdOf(r.name, names_),
                     .line = lines.LineOf(r.begin),
                     .scope_and_kind = IdOf(r.qualifier, scopes_) << 3 | static_cast<uint32_t>(r.kind)});
    if (r.kind == ReferenceKind::kInherit) AddBase(file, r, first_row);
  }
}

void SymbolTableBuilder::AddTable(const SymbolTable& table, std::span<const uint32_t> new_files) {
  constexpr uint32_t kGone = 0xFFFFFFFFu;
  for (uint32_t file = 0; file < new_files.size(); ++file) {
    if (new_files[file] == kGone) continue;
    file_count_ = new_files[file] + 1;
    for (const DefinedSymbol& symbol : table.DefinitionsIn(file)) {
      rows_.push_back({.file = new_files[file], .name = IdOf(symbol.name, names_), .scope = IdOf(symbol.scope, scopes_), .line = symbol.line,
                       .start_line = symbol.start_line, .end_line = symbol.end_line, .kind = symbol.kind, .bases = {}});
      for (uint32_t base : symbol.bases) rows_.back().bases.push_back(IdOf(table.Name(base), names_));
    }
  }
  // A name's uses come in order of their files, which is all that is asked of them.
  for (uint32_t name = 0; name < table.name_count(); ++name) {
    table.VisitReferences(name, [&](const UsedSymbol& used) {
      if (new_files[used.file] == kGone) return true;
      uses_.push_back({.file = new_files[used.file], .name = IdOf(table.Name(name), names_), .line = used.line,
                       .scope_and_kind = IdOf(used.qualifier, scopes_) << 3 | static_cast<uint32_t>(used.kind)});
      return true;
    });
  }
}

// The innermost type around the reference has it as a base.
void SymbolTableBuilder::AddBase(const ChunkedFile& file, const Reference& reference, size_t first_row) {
  constexpr size_t kMaxBases = 16, kMaxSteps = 64;
  auto behind = std::ranges::upper_bound(file.definitions, reference.begin, {}, &Definition::name_begin);
  auto index = static_cast<size_t>(behind - file.definitions.begin());
  for (size_t steps = 0; index > 0 && steps < kMaxSteps; ++steps) {
    const Definition& around = file.definitions[--index];
    if (!HasBases(around.kind) || reference.begin >= around.extent.end) continue;
    std::vector<uint32_t>& bases = rows_[first_row + index].bases;
    if (bases.size() < kMaxBases) bases.push_back(IdOf(reference.name, names_));
    return;
  }
}

// Gives every name its place in the order, and returns the old numbers in that order.
std::vector<uint32_t> SymbolTableBuilder::SortNames() {
  std::vector<uint32_t> order(names_.texts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    int folded = CompareFolded(names_.texts[a], names_.texts[b]);
    return folded != 0 ? folded < 0 : names_.texts[a] < names_.texts[b];
  });
  std::vector<uint32_t> place(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (Row& row : rows_) {
    row.name = place[row.name];
    for (uint32_t& base : row.bases) base = place[base];
  }
  for (Use& use : uses_) use.name = place[use.name];
  return order;
}

std::string SymbolTableBuilder::RowBytes(std::vector<uint32_t>& offsets) const {
  ByteWriter out;
  size_t next = 0;
  for (uint32_t file = 0; file < file_count_; ++file) {
    offsets.push_back(static_cast<uint32_t>(out.size()));
    size_t end = next;
    while (end < rows_.size() && rows_[end].file == file) ++end;
    out.Varint(end - next);
    for (uint32_t line = 0; next < end; ++next) {
      const Row& row = rows_[next];
      out.Fixed(static_cast<uint8_t>(row.kind)).Varint(row.name).Varint(row.scope);
      out.Varint(row.line - line).Varint(row.line - row.start_line).Varint(row.end_line - row.line).Varint(row.bases.size());
      for (uint32_t base : row.bases) out.Varint(base);
      line = row.line;
    }
  }
  offsets.push_back(static_cast<uint32_t>(out.size()));
  return out.Take();
}

std::string SymbolTableBuilder::ListBytes(std::vector<uint32_t>& offsets) {
  struct Place {
    uint32_t name, file, ordinal;
  };
  std::vector<Place> places;
  for (size_t i = 0, first = 0; i < rows_.size(); ++i) {
    if (rows_[i].file != rows_[first].file) first = i;
    places.push_back({rows_[i].name, rows_[i].file, static_cast<uint32_t>(i - first)});
  }
  std::ranges::stable_sort(places, {}, &Place::name);
  std::ranges::stable_sort(uses_, {}, &Use::name);
  ByteWriter out;
  size_t place = 0, use = 0;
  for (uint32_t name = 0; name < names_.texts.size(); ++name) {
    offsets.push_back(static_cast<uint32_t>(out.size()));
    size_t end = place;
    while (end < places.size() && places[end].name == name) ++end;
    out.Varint(end - place);
    for (uint32_t file = 0, ordinal = 0; place < end; ++place) {
      if (places[place].file != file) ordinal = 0;
      out.Varint(places[place].file - file).Varint(places[place].ordinal - ordinal);
      file = places[place].file;
      ordinal = places[place].ordinal;
    }
    size_t uses_end = use, files = 0;
    for (; uses_end < uses_.size() && uses_[uses_end].name == name; ++uses_end) {
      files += uses_end == use || uses_[uses_end].file != uses_[uses_end - 1].file;
    }
    out.Varint(files);
    for (uint32_t file = 0; use < uses_end;) {
      size_t group = use;
      while (group < uses_end && uses_[group].file == uses_[use].file) ++group;
      out.Varint(uses_[use].file - file).Varint(group - use);
      file = uses_[use].file;
      for (uint32_t line = 0; use < group; ++use) {
        out.Varint(uses_[use].line - line).Varint(uses_[use].scope_and_kind);
        line = uses_[use].line;
      }
    }
  }
  offsets.push_back(static_cast<uint32_t>(out.size()));
  return out.Take();
}

std::string SymbolTableBuilder::Finish() {
  std::vector<uint32_t> order = SortNames();
  std::vector<uint32_t> list_begins, row_begins, names, scopes;
  std::string rows = RowBytes(row_begins), lists = ListBytes(list_begins);
  std::string name_texts, scope_texts;
  for (size_t i = 0; i < order.size(); ++i) {
    names.push_back(static_cast<uint32_t>(name_texts.size()));
    names.push_back(list_begins[i]);
    name_texts += names_.texts[order[i]];
  }
  names.push_back(static_cast<uint32_t>(name_texts.size()));
  names.push_back(list_begins.back());
  for (const std::string& scope : scopes_.texts) {
    scopes.push_back(static_cast<uint32_t>(scope_texts.size()));
    scope_texts += scope;
  }
  scopes.push_back(static_cast<uint32_t>(scope_texts.size()));
  ByteWriter out;
  out.Fixed(static_cast<uint32_t>(order.size())).Fixed(static_cast<uint32_t>(scopes_.texts.size())).Fixed(file_count_);
  out.Fixed(static_cast<uint32_t>(name_texts.size())).Fixed(static_cast<uint32_t>(scope_texts.size()));
  out.Fixed(static_cast<uint32_t>(lists.size())).Fixed(static_cast<uint32_t>(rows.size())).Fixed(uint32_t{0});
  out.Raw(BytesOf(names)).Raw(BytesOf(scopes)).Raw(BytesOf(row_begins));
  out.Raw(name_texts).Raw(scope_texts).Raw(lists).Raw(rows);
  return out.Take();
}

}  // namespace codelore::index
