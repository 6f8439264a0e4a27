// Reads the outline of source code off its syntax tree, by its language's table.
#ifndef CODELORE_CHUNKER_CODE_OUTLINE_H_
#define CODELORE_CHUNKER_CODE_OUTLINE_H_

#include "chunker/grammar.h"
#include "chunker/lines.h"
#include "chunker/outline.h"
#include "chunker/syntax_tree.h"

namespace codelore::chunker {

Outline OutlineCode(const Grammar& grammar, const SyntaxTree& tree, const LineTable& lines);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_CODE_OUTLINE_H_
