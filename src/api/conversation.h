// Conversation: a stored session as its owner may see it now.
//
// Each citation is asked for again. A turn that rests on one that cannot be opened any more (taken back, moved, removed) loses
// its answer, and so does every later turn that was made from such an answer.
#ifndef CODELORE_API_CONVERSATION_H_
#define CODELORE_API_CONVERSATION_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/operations.h"
#include "api/service.h"
#include "api/sessions.h"

namespace codelore::api {

struct SeenTurn {
  Turn turn;              // withheld: without answer, and with the citations only that can be opened
  bool withheld = false;
  std::vector<uint32_t> numbers;  // of turn.citations: what their [n] was
};

struct SeenSession {
  SessionInfo info;
  std::vector<SeenTurn> turns;
};

inline SessionOwner OwnerOf(const Viewer& viewer) { return {viewer.tenant(), viewer.name()}; }

// Which citations a viewer may open now; each file is asked for once. For one thread.
class CitationReader {
 public:
  CitationReader(const Service& service, const Viewer& viewer) : service_(service), viewer_(viewer) {}
  bool MayOpen(const StoredCitation& citation);

 private:
  const Service& service_;
  const Viewer& viewer_;
  std::map<std::pair<SourceId, std::string>, bool> known_;
};

// Whether the caller's token is good for a session of theirs: one that is for some sources is for sessions that rest on no
// others. True for what there is not.
Result<bool> IsSessionOfCaller(Service& service, const Caller& caller, std::string_view id);
// kNotFound as Sessions::Find, also for one that the caller's token is not good for.
Result<SeenSession> OpenSession(Service& service, const Caller& caller, std::string_view id);

// What the next question is asked with: the turns that are not withheld, older ones condensed to their first sentence and the
// names in them; the names that the latest answers rest on; and the turns all this is from.
struct Context {
  std::vector<ChatMessage> history;
  std::vector<std::string> symbols;  // the latest first
  std::vector<uint32_t> built_on;
};
Context ContextOf(const SeenSession& session);

// An answer without code blocks, marks and lists of sources, at most so many bytes, and whole sentences if possible.
std::string CondensedAnswer(std::string_view answer, size_t max_bytes);

StoredCitation ToStored(const NamedHit& named);

}  // namespace codelore::api

#endif  // CODELORE_API_CONVERSATION_H_
