// Who may knock: the checks a request must pass on its head alone, before its body is read or a
// thread is spent on it. They are about the browser of a person near this server (DNS rebinding,
// foreign pages), not about permissions: those are the handlers'.
#ifndef CODELORE_API_HTTP_ADMISSION_H_
#define CODELORE_API_HTTP_ADMISSION_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "api/http/http_router.h"
#include "api/http/request_reader.h"

namespace codelore::api {

struct AdmissionRules {
  std::vector<std::string> allowed_hosts;    // names without port; empty: any
  std::vector<std::string> allowed_origins;  // "https://portal.example", besides the server's own
  size_t max_body_bytes = 0;
  std::chrono::milliseconds deadline{0};
};

// 421 for a Host not allowed, 404 and 405 for what has no route, 403 for a state-changing request
// sent by a foreign page, 413 for an encoded body, 415 for one that is not the JSON its route wants.
Admission AdmitRequest(const AdmissionRules& rules, const HttpRouter& router,
                       const Framing& framing, HttpRequest* request);

// "application/json", also with charset=utf-8, and no other parameter.
bool IsJsonContentType(std::string_view content_type);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_ADMISSION_H_
