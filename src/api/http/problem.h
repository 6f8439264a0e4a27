// Problem: an error as a client sees it (RFC 9457, application/problem+json).
//
// What a client may read is `detail`; what only the administrator may read (paths, exception texts)
// is `log`. A Status becomes a Problem through one table, which also says whether its message may
// be shown: messages of failures that are not the caller's are written for the administrator and
// stay in the log.
#ifndef CODELORE_API_HTTP_PROBLEM_H_
#define CODELORE_API_HTTP_PROBLEM_H_

#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore::api {

struct Problem {
  int http_status = 500;
  std::string detail = {};
  std::string log = {};    // empty: nothing worth the administrator's time
  std::string allow = {};  // of a 405: the methods the path knows, "GET, HEAD"
};

Problem ProblemOf(const Status& status);

int HttpStatusOf(StatusCode code);

// The code a client of ours reports for an HTTP status it received.
StatusCode StatusCodeOf(int http_status);

// {"type", "title", "status", "detail", "request_id"}; bytes that are not UTF-8 are replaced.
std::string ProblemJson(const Problem& problem, std::string_view request_id);

// "Not Found" for 404; "Error" for a status that is in no table of ours.
std::string_view HttpStatusTitle(int http_status);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_PROBLEM_H_
