// A declaration in one line: "def route(self, rule, **options)".
#ifndef CODELORE_CHUNKER_SIGNATURE_H_
#define CODELORE_CHUNKER_SIGNATURE_H_

#include <string>

#include "chunker/grammar.h"
#include "chunker/syntax_tree.h"

namespace codelore::chunker {

// Of the definition at `node`, which is written from the start of `outer` (the node itself or a
// wrapper) on and whose name stands at `name`: up to its body, without attributes and comments,
// white space collapsed, at most 200 bytes.
std::string Signature(const SyntaxTree& tree, const RuleTable& rules, NodeId outer, NodeId node,
                      ChunkKind kind, ByteSpan name);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_SIGNATURE_H_
