// Follower: looks at followed sources now and then, and queues a job for those with news. The safety net under
// webhooks, and all there is for sources without.
//
// A look is the commit at the tip of the branch, nothing more. A source that cannot be looked at is looked at less and
// less often, down to once an hour. Thread-safe.
#ifndef CODELORE_API_FOLLOWER_H_
#define CODELORE_API_FOLLOWER_H_

#include <functional>
#include <stop_token>

#include "api/lookout.h"
#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::api {

class Follower {
 public:
  struct Work {
    std::function<Result<bool>(SourceId, std::stop_token)> has_news;
    std::function<Status(SourceId)> submit;
  };
  // `store` must outlive it.
  Follower(KeyValueStore& store, Work work);

  void Reload() { lookout_.Reload(); }  // settings have changed
  PollState StateOf(SourceId source) const { return lookout_.StateOf(source); }

 private:
  Lookout lookout_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_FOLLOWER_H_
