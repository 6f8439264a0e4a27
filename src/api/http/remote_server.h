// The RemoteServer over HTTP: what every generator or encoder that lives elsewhere is reached by.
#ifndef CODELORE_API_HTTP_REMOTE_SERVER_H_
#define CODELORE_API_HTTP_REMOTE_SERVER_H_

#include <memory>
#include <string>

#include "api/http/tls.h"
#include "codelore/remote_server.h"

namespace codelore::api {

struct RemoteServerOptions {
  std::string address = {};  // "http://127.0.0.1:8000/v1", "https://models.example.com/v1"
  std::string key = {};      // sent as a bearer token, never logged; empty: none
  int connect_timeout_ms = 3'000;
  int silence_timeout_ms = 60'000;  // between two pieces of an answer
  int total_timeout_ms = 600'000;
  std::shared_ptr<const TlsContext> trust = {};  // see HttpClient::Options
};

// The first line of a file that holds a key. One that others on the machine can read is no secret, and refused.
Result<std::string> ReadKeyFile(const std::string& file);

// A connection per call. kInvalidArgument for an address that is none.
Result<std::unique_ptr<RemoteServer>> OpenRemoteServer(RemoteServerOptions options);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_REMOTE_SERVER_H_
