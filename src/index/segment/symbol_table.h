// The symbols of a segment: which names its files define and use, and where.
//
//   symbols := Header, name*(names + 1), scope*(scopes + 1), file*(files + 1), name texts, scope texts, lists, rows
//   name    := where its text begins (4), where its list begins (4); ascending by text without ASCII case, then by text.
//              The last one, like those of the next two, only ends the one before it
//   scope   := where its text begins (4): what stands before a name, in a definition or a reference; 0 is ""
//   file    := where its rows begin (4)
//   list    := definition count, (file delta, ordinal among the file's rows, or the delta to the one before)*,
//              count of files that refer to it, (file delta, reference count, (line delta, scope << 3 | kind)*)*
//   rows    := count, (kind, name, scope, line delta, lines from the begin of the definition, lines to its end, count of
//              bases, name of each)*; in order of the names' positions
//
// All numbers of lists and rows are varints. A look-up is a binary search over the names; a name's references cost a
// few bytes each. The text of a place is in the blob, its chunk follows from the line.
#ifndef CODELORE_INDEX_SEGMENT_SYMBOL_TABLE_H_
#define CODELORE_INDEX_SEGMENT_SYMBOL_TABLE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/status.h"

namespace codelore::index {

// Names by their text without ASCII case, then by their text.
int CompareFolded(std::string_view a, std::string_view b);

class SymbolTable;

// Collects files in order. Not thread-safe.
class SymbolTableBuilder {
 public:
  SymbolTableBuilder() { (void)IdOf("", scopes_); }

  void AddFile(const ChunkedFile& file, std::string_view text);
  // The files of a table, where new_files (ascending) gives them a number; not those it gives 0xFFFFFFFF.
  void AddTable(const SymbolTable& table, std::span<const uint32_t> new_files);
  std::string Finish();

 private:
  struct Texts {
    std::deque<std::string> texts;  // by id
    std::unordered_map<std::string_view, uint32_t> ids;
  };
  struct Row {
    uint32_t file, name, scope, line, start_line, end_line;
    ChunkKind kind;
    std::vector<uint32_t> bases;
  };
  struct Use {
    uint32_t file, name, line, scope_and_kind;
  };
  void AddBase(const ChunkedFile& file, const Reference& reference, size_t first_row);
  static uint32_t IdOf(std::string_view text, Texts& texts);
  std::vector<uint32_t> SortNames();
  std::string RowBytes(std::vector<uint32_t>& offsets) const;
  std::string ListBytes(std::vector<uint32_t>& offsets);

  Texts names_, scopes_;
  std::vector<Row> rows_;
  std::vector<Use> uses_;
  uint32_t file_count_ = 0;
};

// A definition as its file lists it. Views borrow from the table.
struct DefinedSymbol {
  std::string_view name, scope;  // scope: what encloses it, joined by "."; may be empty
  ChunkKind kind = ChunkKind::kVariable;
  uint32_t line = 1;  // where the name stands
  uint32_t start_line = 1, end_line = 1;
  std::vector<uint32_t> bases;  // names of what it extends or implements

  std::string Qualified() const { return scope.empty() ? std::string(name) : std::string(scope) + "." + std::string(name); }
};

struct UsedSymbol {
  uint32_t file = 0;
  uint32_t line = 1;
  ReferenceKind kind = ReferenceKind::kCall;
  std::string_view qualifier;
};

// Borrows the section; thread-safe. Open checks every offset; lists are checked while they are read, and end where
// they stop making sense.
class SymbolTable {
 public:
  static Result<SymbolTable> Open(std::string_view section, uint32_t file_count);
  SymbolTable() = default;

  uint32_t name_count() const { return name_count_; }
  std::string_view Name(uint32_t name) const;

  struct Range {
    uint32_t begin = 0, end = 0;
  };
  // The names that begin with `prefix`, or are equal to it, without ASCII case.
  Range NamesWithPrefix(std::string_view prefix) const;
  Range NamesEqualTo(std::string_view text) const;

  struct DefinitionPlace {
    uint32_t file, ordinal;  // ordinal: index into DefinitionsIn(file)
  };
  std::vector<DefinitionPlace> DefinitionsOf(uint32_t name) const;
  std::vector<DefinedSymbol> DefinitionsIn(uint32_t file) const;

  // In order of file and line, until `visit` returns false.
  void VisitReferences(uint32_t name, const std::function<bool(const UsedSymbol&)>& visit) const;
  // The files that refer to the name.
  void VisitReferringFiles(uint32_t name, const std::function<void(uint32_t file)>& visit) const;

 private:
  struct NameEntry {
    uint32_t text, list;
  };
  template <typename Before>
  uint32_t FirstNot(Before before) const;
  std::string_view ScopeText(uint64_t scope) const;
  Status CheckOffsets() const;

  std::span<const NameEntry> names_;
  std::span<const uint32_t> scopes_, files_;
  std::string_view name_texts_, scope_texts_, lists_, rows_;
  uint32_t name_count_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SEGMENT_SYMBOL_TABLE_H_
