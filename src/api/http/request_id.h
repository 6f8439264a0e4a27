// Request ids: what a client quotes and the administrator finds in the log.
#ifndef CODELORE_API_HTTP_REQUEST_ID_H_
#define CODELORE_API_HTTP_REQUEST_ID_H_

#include <string>

namespace codelore::api {

// 32 random hex digits. Not a secret, but not to be guessed either.
std::string MakeRequestId();

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_REQUEST_ID_H_
