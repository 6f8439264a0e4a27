// Doctor: is this machine and this data folder fit to work?
#ifndef CODELORE_API_DOCTOR_H_
#define CODELORE_API_DOCTOR_H_

#include <string>
#include <vector>

#include "api/service.h"

namespace codelore::api {

struct Finding {
  std::string what;
  bool ok = false;
  std::string detail;
};

// Opens the data folder (which verifies every segment), runs the encoder on a known text, looks for git, space and
// files that failed. Changes nothing but what opening changes.
std::vector<Finding> Examine(const ServiceOptions& options);

}  // namespace codelore::api

#endif  // CODELORE_API_DOCTOR_H_
