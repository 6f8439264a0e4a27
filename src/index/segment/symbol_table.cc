#include "index/segment/symbol_table.h"

#include <algorithm>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr size_t kHeaderBytes = 32;

template <typename T>
std::span<const T> TakeArray(std::string_view& bytes, uint64_t count) {
  std::span<const T> array(reinterpret_cast<const T*>(bytes.data()), count);
  bytes.remove_prefix(count * sizeof(T));
  return array;
}
std::string_view TakeBytes(std::string_view& bytes, uint64_t size) {
  std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

// Whether offsets ascend from 0 to `size`.
template <typename T, typename Member>
bool Ascends(std::span<const T> entries, Member member, size_t size) {
  uint64_t last = 0;
  for (const T& entry : entries) {
    if (member(entry) < last) return false;
    last = member(entry);
  }
  return last == size;
}

bool AddWithin(uint64_t delta, uint32_t& value, uint64_t limit) {
  if (delta >= limit || value + delta >= limit) return false;
  value += static_cast<uint32_t>(delta);
  return true;
}

constexpr uint64_t kMaxLines = UINT32_MAX;

}  // namespace

Result<SymbolTable> SymbolTable::Open(std::string_view section, uint32_t file_count) {
  if (section.size() < kHeaderBytes) return Corruption("symbols: shorter than their header");
  ByteReader header(section);
  uint64_t names = header.Fixed<uint32_t>(), scopes = header.Fixed<uint32_t>(), files = header.Fixed<uint32_t>();
  uint64_t name_bytes = header.Fixed<uint32_t>(), scope_bytes = header.Fixed<uint32_t>();
  uint64_t list_bytes = header.Fixed<uint32_t>(), row_bytes = header.Fixed<uint32_t>();
  uint64_t arrays = (names + 1) * sizeof(NameEntry) + (scopes + 1 + files + 1) * sizeof(uint32_t);
  if (kHeaderBytes + arrays + name_bytes + scope_bytes + list_bytes + row_bytes != section.size() || files != file_count ||
      scopes == 0) {
    return Corruption("symbols: their parts do not add up");
  }
  std::string_view rest = section.substr(kHeaderBytes);
  SymbolTable table;
  table.name_count_ = static_cast<uint32_t>(names);
  table.names_ = TakeArray<NameEntry>(rest, names + 1);
  table.scopes_ = TakeArray<uint32_t>(rest, scopes + 1);
  table.files_ = TakeArray<uint32_t>(rest, files + 1);
  table.name_texts_ = TakeBytes(rest, name_bytes);
  table.scope_texts_ = TakeBytes(rest, scope_bytes);
  table.lists_ = TakeBytes(rest, list_bytes);
  table.rows_ = TakeBytes(rest, row_bytes);
  RETURN_IF_ERROR(table.CheckOffsets());
  return table;
}

Status SymbolTable::CheckOffsets() const {
  auto same = [](uint32_t offset) { return offset; };
  bool sound = Ascends(names_, [](const NameEntry& e) { return e.text; }, name_texts_.size()) &&
               Ascends(names_, [](const NameEntry& e) { return e.list; }, lists_.size()) &&
               Ascends(scopes_, same, scope_texts_.size()) && Ascends(files_, same, rows_.size());
  return sound ? OkStatus() : Corruption("symbols: an offset is wrong");
}

std::string_view SymbolTable::Name(uint32_t name) const {
  return name_texts_.substr(names_[name].text, names_[name + 1].text - names_[name].text);
}

std::string_view SymbolTable::ScopeText(uint64_t scope) const {
  if (scope + 1 >= scopes_.size()) return {};
  return scope_texts_.substr(scopes_[scope], scopes_[scope + 1] - scopes_[scope]);
}

template <typename Before>
uint32_t SymbolTable::FirstNot(Before before) const {
  uint32_t low = 0, high = name_count_;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (before(Name(middle))) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

SymbolTable::Range SymbolTable::NamesWithPrefix(std::string_view prefix) const {
  return {FirstNot([&](std::string_view name) { return CompareFolded(name.substr(0, prefix.size()), prefix) < 0; }),
          FirstNot([&](std::string_view name) { return CompareFolded(name.substr(0, prefix.size()), prefix) <= 0; })};
}

SymbolTable::Range SymbolTable::NamesEqualTo(std::string_view text) const {
  return {FirstNot([&](std::string_view name) { return CompareFolded(name, text) < 0; }),
          FirstNot([&](std::string_view name) { return CompareFolded(name, text) <= 0; })};
}

std::vector<SymbolTable::DefinitionPlace> SymbolTable::DefinitionsOf(uint32_t name) const {
  ByteReader list(lists_.substr(names_[name].list, names_[name + 1].list - names_[name].list));
  std::vector<DefinitionPlace> places(list.Count(2));
  uint32_t file = 0, ordinal = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    uint64_t step = list.Varint();
    if (step != 0) ordinal = 0;
    if (!AddWithin(step, file, files_.size() - 1) || !AddWithin(list.Varint(), ordinal, UINT32_MAX) || !list.ok()) {
      places.resize(i);
      break;
    }
    places[i] = {file, ordinal};
  }
  return places;
}

std::vector<DefinedSymbol> SymbolTable::DefinitionsIn(uint32_t file) const {
  ByteReader input(rows_.substr(files_[file], files_[file + 1] - files_[file]));
  std::vector<DefinedSymbol> symbols(input.Count(7));
  uint32_t line = 0;
  for (size_t i = 0; i < symbols.size(); ++i) {
    DefinedSymbol& symbol = symbols[i];
    symbol.kind = static_cast<ChunkKind>(input.Fixed<uint8_t>());
    uint64_t name = input.Varint();
    symbol.scope = ScopeText(input.Varint());
    bool sound = AddWithin(input.Varint(), line, kMaxLines) && name < name_count_;
    uint64_t before = input.Varint();
    symbol.end_line = symbol.line = line;
    sound = sound && before <= line && AddWithin(input.Varint(), symbol.end_line, kMaxLines);
    symbol.bases.resize(input.Count());
    for (uint32_t& base : symbol.bases) {
      uint64_t number = input.Varint();
      sound = sound && number < name_count_;
      base = static_cast<uint32_t>(number);
    }
    sound = sound && input.ok();
    if (!sound) {
      symbols.resize(i);
      break;
    }
    symbol.name = Name(static_cast<uint32_t>(name));
    symbol.start_line = line - static_cast<uint32_t>(before);
  }
  return symbols;
}

void SymbolTable::VisitReferences(uint32_t name, const std::function<bool(const UsedSymbol&)>& visit) const {
  ByteReader list(lists_.substr(names_[name].list, names_[name + 1].list - names_[name].list));
  for (uint64_t i = list.Count(2); i > 0; --i) (void)list.Varint(), (void)list.Varint();
  UsedSymbol used;
  for (uint64_t groups = list.Count(4); groups > 0; --groups) {
    if (!AddWithin(list.Varint(), used.file, files_.size() - 1)) return;
    used.line = 0;
    for (uint64_t uses = list.Count(2); uses > 0; --uses) {
      if (!AddWithin(list.Varint(), used.line, kMaxLines)) return;
      uint64_t scope_and_kind = list.Varint();
      if (!list.ok()) return;
      used.kind = static_cast<ReferenceKind>(scope_and_kind & 7);
      used.qualifier = ScopeText(scope_and_kind >> 3);
      if (!visit(used)) return;
    }
  }
}

void SymbolTable::VisitReferringFiles(uint32_t name, const std::function<void(uint32_t file)>& visit) const {
  uint32_t last = UINT32_MAX;
  VisitReferences(name, [&](const UsedSymbol& used) {
    if (used.file != last) visit(used.file);
    last = used.file;
    return true;
  });
}

}  // namespace codelore::index
