// Symbols: definitions and references by name, and the outline of a file, as the parse gave them.
//
// References are matched by name, not by type: nothing here knows which of two classes a variable holds. What stands
// around a reference says how well it fits (ReferenceFit), and the best come first.
#ifndef CODELORE_SYMBOLS_H_
#define CODELORE_SYMBOLS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/ids.h"
#include "codelore/index.h"

namespace codelore {

// A file as a viewer sees it.
struct SymbolPlace {
  SourceId source;
  std::string revision;
  std::string branch;
  std::string path;
  std::string language;
};

struct SymbolRequest {
  // A name ("route"), one with what encloses it ("Flask.route", "Flask::route", "Flask#route"), with * and ? for any
  // characters ("*Controller"). Case counts if there is a capital in it.
  std::string name;
  bool prefix = false;           // names that begin so
  std::vector<ChunkKind> kinds;  // any of; empty: all but sections of documents
  SearchFilter filter;
  size_t limit = 50;
};

struct FoundDefinition {
  SymbolPlace place;
  std::string name;
  std::string qualified;
  ChunkKind kind = ChunkKind::kVariable;
  uint32_t line = 1;                      // where the name stands
  uint32_t start_line = 1, end_line = 1;  // with comments and decorators
  std::string inherited_by;  // not empty: the class asked for has it from a base class (by name)
  std::string text;          // the line of the name, without its indentation
};

struct SymbolResult {
  std::vector<FoundDefinition> definitions;  // best first
  uint64_t total = 0;     // how many match, of which `definitions` are the first
  bool complete = true;   // false: there are more than `total`
  std::vector<std::string> nearest;  // when nothing was found: names that are nearly so
};

struct ReferenceRequest {
  std::string name;  // as in SymbolRequest
  std::vector<ReferenceKind> kinds;  // any of; empty: all
  SearchFilter filter;
  size_t limit = 100;
  bool callers = false;  // calls only, grouped by the definition that makes them
};

// How well a reference fits what was asked for, best first.
enum class ReferenceFit : uint8_t {
  kQualifier,  // what stands before the name names the class, or a variable made from it
  kMember,     // inside of the class: self.f, this.f, f
  kFile,       // in a file that defines the name
  kImport,     // in a file that imports the name or the class
  kName,       // nothing but the name
};
inline std::string_view ReferenceFitName(ReferenceFit fit) {
  static constexpr std::string_view kNames[] = {"qualifier", "member", "file", "import", "name"};
  return kNames[static_cast<size_t>(fit)];
}

struct FoundReference {
  SymbolPlace place;
  std::string name;
  std::string qualifier;
  ReferenceKind kind = ReferenceKind::kCall;
  ReferenceFit fit = ReferenceFit::kName;
  uint32_t line = 1;
  std::string enclosing;  // qualified name of the definition around it; empty at file level
  std::string text;       // its line, without indentation
};

// A definition that calls the name.
struct FoundCaller {
  SymbolPlace place;
  std::string symbol;  // qualified; empty: calls at file level
  ChunkKind kind = ChunkKind::kCode;
  ReferenceFit fit = ReferenceFit::kName;  // of its best call
  uint32_t start_line = 1;
  std::vector<uint32_t> lines;  // of the calls
  std::string text;             // of the first of them
};

struct ReferenceResult {
  std::vector<FoundReference> references;  // best first; empty if callers were asked for
  std::vector<FoundCaller> callers;
  uint64_t total = 0;    // of references, or of callers
  bool complete = true;  // false: there are more than `total`
  std::vector<std::string> nearest;
};

struct OutlineEntry {
  std::string name;
  std::string qualified;
  ChunkKind kind = ChunkKind::kVariable;
  uint32_t depth = 0;  // how many entries enclose it
  uint32_t line = 1;
  uint32_t start_line = 1, end_line = 1;
  std::string text;
};

struct FileOutline {
  SymbolPlace place;
  std::vector<OutlineEntry> entries;  // in order of position
  uint64_t total = 0;                 // of which `entries` are the first 5,000
};

}  // namespace codelore

#endif  // CODELORE_SYMBOLS_H_
