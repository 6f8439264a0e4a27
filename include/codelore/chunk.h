// Chunks: what a file is cut into, what is embedded, ranked, shown and cited.
//
// Invariants, for every input: the chunks of a file, in order, joined give back the file's text byte for byte;
// no chunk is empty; none splits a UTF-8 character; start_line and end_line are the lines of its first and
// last byte, counted from 1, where a line ends after "\n".
#ifndef CODELORE_CHUNK_H_
#define CODELORE_CHUNK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codelore {

// Bytes [begin, end) of a file's UTF-8 text.
struct ByteSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const { return end - begin; }
  auto operator<=>(const ByteSpan&) const = default;
};

// What a definition is, or what a chunk mainly holds. Values are stored: append only.
enum class ChunkKind : uint8_t {
  kLines = 0,      // lines without structure: no grammar, or a parse that failed
  kCode = 1,       // code outside of definitions: imports, statements, configuration
  kFunction = 2,
  kMethod = 3,
  kClass = 4,      // class, struct, object, record, union
  kInterface = 5,  // interface, trait, protocol, type class
  kEnum = 6,
  kType = 7,       // type alias, newtype
  kModule = 8,     // module, namespace, package
  kVariable = 9,   // constant, variable, field at file or type level
  kSection = 10,   // a section of a document, under its heading
  kMacro = 11,
  kReexport = 12,  // a name that a module passes on: `pub use`, `export {A} from`
};

// "function", "section", ...: the "kind" of a hit.
inline std::string_view ChunkKindName(ChunkKind kind) {
  static constexpr std::string_view kNames[] = {
      "lines", "code",   "function", "method",   "class",   "interface",
      "enum",  "type",   "module",   "variable", "section", "macro", "re-export"};
  auto index = static_cast<size_t>(kind);
  return index < std::size(kNames) ? kNames[index] : "lines";
}

// A name the file defines. For documents: a heading.
struct Definition {
  std::string name;       // as written: "route"
  std::string qualified;  // with its enclosing definitions, joined by ".": "Flask.route"
  ChunkKind kind = ChunkKind::kVariable;
  ByteSpan extent;         // the whole definition, with its leading comments and decorators
  uint32_t name_begin = 0; // where the name stands in the text
};

// How a name is used. Values are stored: append only.
enum class ReferenceKind : uint8_t {
  kCall = 0,        // a call, also of a macro; a constructor where a language does not mark it
  kType = 1,        // in the type of something
  kInherit = 2,     // extended, implemented, mixed in
  kAnnotation = 3,  // a decorator, an annotation, an attribute
  kImport = 4,      // imported or exported again: a name, a module, a header
  kNew = 5,         // a constructor: `new Foo`, `Foo { ... }`, `<Foo/>`
};

// "call", "type", ...
inline std::string_view ReferenceKindName(ReferenceKind kind) {
  static constexpr std::string_view kNames[] = {"call", "type", "inherit", "annotation", "import", "new"};
  auto index = static_cast<size_t>(kind);
  return index < std::size(kNames) ? kNames[index] : "call";
}

// A place where code uses a name that is defined elsewhere. By name, not by type: what it means there is not resolved.
struct Reference {
  std::string name;       // as written: "route"
  std::string qualifier;  // what stands before it where that is a plain path, joined by ".": "self.app"; for an
                          // import: where from ("./shapes")
  ReferenceKind kind = ReferenceKind::kCall;
  uint32_t begin = 0;  // where the name stands in the text
};

// A file with more references has its first ones listed (in the order of its syntax tree).
inline constexpr size_t kMaxReferencesPerFile = 50'000;

struct Chunk {
  ByteSpan bytes;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  ChunkKind kind = ChunkKind::kLines;
  // Qualified name of the definition the chunk mainly holds, or the heading of the section; may be empty.
  std::string symbol;
  // Enclosing definitions or headings, outermost first, joined by " > "; empty at file level.
  std::string scope;
  // The declaration of `symbol` in one line ("def route(self, rule, **options)"); empty without one.
  std::string signature;
  // Indexes into ChunkedFile::definitions of those whose name stands in this chunk, in order of position.
  std::vector<uint32_t> definitions;
  // Comments and docstrings inside the chunk, ascending, not overlapping. Empty for documents.
  std::vector<ByteSpan> prose;
  // What is searched and embedded instead of the chunk's bytes, where those are only an encoding of it (HTML
  // markup, the JSON of a notebook). Empty: the bytes themselves. What is shown and cited is always the bytes.
  std::string search_text;
};

struct ChunkedFile {
  std::string language;  // "python", "markdown", ... or "text"
  std::vector<Chunk> chunks;
  std::vector<Definition> definitions;  // in order of position
  std::vector<Reference> references;    // of code, in order of position
  // Why the file was cut by lines although its language has a grammar; empty if it was not.
  std::string fallback_reason;
};

}  // namespace codelore

#endif  // CODELORE_CHUNK_H_
