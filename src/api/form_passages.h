// FormPassages: what a question's form asks for besides what a search for its words finds. "What is X" wants the definition of X and who
// calls it; "the difference between A and B" wants something about each.
#ifndef CODELORE_API_FORM_PASSAGES_H_
#define CODELORE_API_FORM_PASSAGES_H_

#include <functional>
#include <string_view>
#include <vector>

#include "api/service.h"

namespace codelore::api {

// Whether a hit fits what was searched for.
using Fitting = std::function<bool(const Hit& hit, std::string_view searched)>;

// Puts them before `hits`, of which no more than question.passages are left. "How do I" wants documents, and lists whole: hits grow over those
// that a chunk's border cuts. All is read by the viewer like any other search. A question of another form changes nothing.
Status AddFormPassages(const Service& service, const Viewer& viewer, const AskQuestion& question, const Fitting& fits, std::vector<NamedHit>* hits);

}  // namespace codelore::api

#endif  // CODELORE_API_FORM_PASSAGES_H_
