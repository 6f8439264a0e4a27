#include "chunker/chunker.h"

#include "chunker/code_outline.h"
#include "chunker/cut.h"
#include "chunker/document_outline.h"
#include "chunker/grammar.h"
#include "chunker/html.h"
#include "chunker/lines.h"
#include "chunker/notebook.h"
#include "chunker/outline.h"
#include "chunker/references.h"
#include "chunker/syntax_tree.h"

namespace codelore::chunker {
namespace {

CutLimits CodeLimits(const ChunkOptions& options) {
  return {.max_lines = options.max_lines,
          .max_bytes = options.max_bytes,
          .merge_bytes = options.merge_bytes};
}

void ChunkLines(std::string_view text, const ChunkOptions& options, ChunkedFile* file) {
  LineTable lines(text);
  Outline outline = OutlineLines(lines);
  file->chunks = Cut(text, lines, outline, CodeLimits(options));
  Label(outline, ChunkKind::kLines, file);
}

// False if the text could not be parsed within the limits.
bool ChunkCode(const Grammar& grammar, std::string_view text, const ChunkOptions& options,
               ChunkedFile* file) {
  LineTable lines(text);
  if (grammar.max_indentations > 0 && CountIndentations(lines) > grammar.max_indentations) {
    file->fallback_reason = "nested too deeply";
    return false;
  }
  ParseLimits limits = {options.max_parse_bytes, options.max_parse_nodes, options.max_parse_depth,
                        options.parse_time_ms};
  std::string prepared =
      grammar.prepare != nullptr && text.size() <= limits.max_bytes ? grammar.prepare(text) : "";
  SyntaxTree tree = SyntaxTree::Parse(grammar.parser(), text, prepared.empty() ? text : prepared,
                                      limits, &file->fallback_reason);
  if (!file->fallback_reason.empty()) return false;
  Outline outline = OutlineCode(grammar, tree, lines);
  file->chunks = Cut(text, lines, outline, CodeLimits(options));
  Label(outline, ChunkKind::kCode, file);
  file->references = CollectReferences(grammar, tree, file->definitions);
  return true;
}

CutLimits DocumentLimits(const ChunkOptions& options) {
  return {.max_lines = options.max_document_lines,
          .max_bytes = options.max_document_bytes,
          .merge_bytes = options.merge_bytes,
          .split_parents_early = true,
          .split_sentences = true};
}

struct DocumentKind {
  std::string_view language;
  Outline (*outline)(const LineTable& lines);
};
constexpr DocumentKind kDocumentKinds[] = {
    {"markdown", OutlineMarkdown},
    {"restructuredtext", OutlineRestructuredText},
    {"asciidoc", OutlineAsciidoc},
    {"text", OutlinePlainText},
};

void ChunkHtml(std::string_view text, const ChunkOptions& options, ChunkedFile* file) {
  LineTable lines(text);
  HtmlPage page(text, lines);
  file->chunks = Cut(text, lines, page.outline(), DocumentLimits(options));
  Label(page.outline(), ChunkKind::kSection, file);
  for (Chunk& chunk : file->chunks) chunk.search_text = page.TextOf(chunk.bytes);
}

// False if the language is none of a document, or the text not what its language says.
bool ChunkDocument(std::string_view text, const ChunkOptions& options, ChunkedFile* file) {
  if (file->language == "html") {
    ChunkHtml(text, options, file);
    return true;
  }
  if (file->language == "notebook") {
    if (ChunkNotebook(text, DocumentLimits(options), file)) return true;
    file->fallback_reason = "no notebook of format 4, or an empty one";
    return false;
  }
  for (const DocumentKind& kind : kDocumentKinds) {
    if (kind.language != file->language) continue;
    LineTable lines(text);
    Outline outline = kind.outline(lines);
    file->chunks = Cut(text, lines, outline, DocumentLimits(options));
    Label(outline, kind.language == "text" ? ChunkKind::kLines : ChunkKind::kSection, file);
    return true;
  }
  return false;
}

}  // namespace

ChunkedFile ChunkText(std::string_view, std::string_view language, std::string_view utf8_text,
                      const ChunkOptions& options) {
  ChunkedFile file;
  file.language = language.empty() ? "text" : std::string(language);
  const Grammar* grammar = FindGrammar(language);
  bool done =
      utf8_text.empty() || (grammar != nullptr ? ChunkCode(*grammar, utf8_text, options, &file)
                                               : ChunkDocument(utf8_text, options, &file));
  if (!done) ChunkLines(utf8_text, options, &file);
  return file;
}

}  // namespace codelore::chunker
