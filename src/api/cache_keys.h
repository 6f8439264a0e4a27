// What an answer depends on, as bytes: two keys are equal only if the answers must be.
#ifndef CODELORE_API_CACHE_KEYS_H_
#define CODELORE_API_CACHE_KEYS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "api/generators.h"
#include "codelore/index.h"
#include "codelore/viewer.h"

namespace codelore::api {

// What a viewer's answers depend on: the partitions, and what is in them.
std::string WorldKey(const Viewer& viewer, uint64_t index_generation);
// Vectors depend on nothing but the text; but how soon one is there would tell a tenant what another one asks.
std::string KeyOfText(const Viewer& viewer, const std::string& text);
std::string KeyOfRequest(const SearchRequest& request);
std::string KeyOfPrompt(const AnswerChoice& choice, const AnswerRequest& request, const std::vector<ChatMessage>& prompt);

}  // namespace codelore::api

#endif  // CODELORE_API_CACHE_KEYS_H_
