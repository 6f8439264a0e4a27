// ExtractiveGenerator: an answer made of what the best passages say themselves, without a model. Useful where no
// generator is configured, and the baseline for those that are. Its form follows the question's (question_form.h): a definition with its uses, a
// numbered list, two sides, or excerpts; its own words are in English or Korean.
//
// Text of passages appears only inside fenced code blocks and code spans, so that nothing in it is rendered as
// Markdown or HTML. Every excerpt carries its citation with exact lines, and is what
// these lines hold; only lines of more than 400 bytes are cut, with "…" where something is missing.
#ifndef CODELORE_GENERATE_EXTRACTIVE_H_
#define CODELORE_GENERATE_EXTRACTIVE_H_

#include <memory>

#include "codelore/generator.h"

namespace codelore::generate {

struct ExtractiveOptions {
  size_t max_passages = 3;  // quoted
  size_t max_further = 3;   // only named
  size_t excerpt_lines = 16;  // of a passage
};

std::unique_ptr<Generator> MakeExtractiveGenerator(const ExtractiveOptions& options = {});

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_EXTRACTIVE_H_
