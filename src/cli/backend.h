// Backend: where a command is carried out: in a data folder opened by this process, or by a running server. Both
// take and give the same JSON.
#ifndef CODELORE_CLI_BACKEND_H_
#define CODELORE_CLI_BACKEND_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/service.h"
#include "codelore/status.h"

namespace codelore::cli {

struct BackendOptions {
  std::string data_folder;
  std::string server, token;             // server: not empty means remote
  std::string tenant;                    // empty: the default one; for data folders
  std::vector<std::string> as;           // "user:NAME", "team:NAME"; empty: the operator
  std::vector<std::string> allowed_networks;  // see api::ServiceOptions
  int threads = 2;                       // for indexing, in a data folder
  std::string model, reranker, precision;  // see ServiceOptions; "f32", "int8" or empty
  std::string ca_file;  // of authorities that https servers are checked against; empty: the system's
  std::vector<std::string> generators;   // for asking, likewise; see GeneratorConfig::Parse
};

using EventHandler = std::function<void(std::string_view event, const std::string& json)>;

// Null: the system's authorities.
Result<std::shared_ptr<const api::TlsContext>> TrustOf(const BackendOptions& options);

class Backend {
 public:
  virtual ~Backend() = default;
  // `operation` is a name in the table of api/operations.h. With a handler, events are passed on as they come.
  virtual Result<std::string> Call(std::string_view operation, const std::string& body,
                                   const std::vector<std::pair<std::string, std::string>>& params,
                                   std::stop_token stop, const EventHandler& on_event) = 0;
  virtual bool remote() const = 0;
};

// How a data folder is opened, as the options say.
Result<api::ServiceOptions> ServiceOptionsOf(const BackendOptions& options);

Result<std::unique_ptr<Backend>> OpenBackend(const BackendOptions& options);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_BACKEND_H_
