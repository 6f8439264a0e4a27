// RemoteServer: the one door through which Codelore talks to another server. Only an operator's configuration makes
// one; its address is fixed then, and neither a request, a repository nor the server itself (by a redirect) can change it.
#ifndef CODELORE_REMOTE_SERVER_H_
#define CODELORE_REMOTE_SERVER_H_

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore {

// Thread-safe.
class RemoteServer {
 public:
  virtual ~RemoteServer() = default;
  virtual const std::string& address() const = 0;  // for messages to administrators
  // Posts a JSON body to `path`, which follows the configured address. The body of a 2xx answer; otherwise
  // kUnavailable where trying again may help (no answer, 408, 429, 5xx), and the server's refusal as it is where not.
  // `retry_after`, if given, is set to how long a server that refuses asks to be left alone; 0: it does not say.
  virtual Result<std::string> Post(const std::string& path, const std::string& json, std::stop_token stop,
                                   std::chrono::seconds* retry_after = nullptr) const = 0;
  // The same for an answer of server-sent events: `on_data` gets each event's data until it returns false.
  virtual Status Stream(const std::string& path, const std::string& json, std::stop_token stop,
                        const std::function<bool(std::string_view)>& on_data) const = 0;
};

}  // namespace codelore

#endif  // CODELORE_REMOTE_SERVER_H_
