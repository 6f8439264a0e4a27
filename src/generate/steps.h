// Steps: numbered lists in documents, as people write what is to be done one after the other.
#ifndef CODELORE_GENERATE_STEPS_H_
#define CODELORE_GENERATE_STEPS_H_

#include <vector>

#include "codelore/generator.h"
#include "generate/excerpt.h"

namespace codelore::generate {

struct StepList {
  LineRange lines;  // of the passage: the sentence that announces the list, if one does, and the list to its end
  size_t steps = 0;
};

// The lists of a document's passage that count from 1 and have two steps or more: "1." "2)" or, in reStructuredText, "#.". A
// step goes on over indented lines, blank ones among them, and over lines right below it.
std::vector<StepList> FindSteps(const Passage& passage);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_STEPS_H_
