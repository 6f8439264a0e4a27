// What operations on sources share: their JSON, and who may name which location.
#ifndef CODELORE_API_SOURCE_JSON_H_
#define CODELORE_API_SOURCE_JSON_H_

#include <string>
#include <string_view>

#include "api/operations.h"

namespace codelore::api {

std::string_view PhaseName(JobPhase phase);
// JSON objects.
std::string JobJson(const JobState& job);
std::string VectorProgressJson(const EmbedProgress& progress);  // as "progress" events have it
std::string StatusJson(const NamedStatus& named);
std::string SummaryJson(const std::string& source, const SourceSummary& summary);

// A JSON array: what an answer looked at, and whether news of it wait to be indexed. The first 100.
std::string SeenJson(const OperationContext& context, const std::vector<NamedSeen>& seen);

// Who looks after a tenant sees that its sources are there and how they do, whether they may read them or not.
Result<Viewer> ManagementViewer(const OperationContext& context);

// Over HTTP a path means one on the server's disk. Who looks after the default tenant is taken to look after the
// machine as well; who looks after another must not read what lies beside it.
Status CheckLocation(const OperationContext& context, const std::string& location);

// Where there is a queue: puts a job into it. Elsewhere: indexes, with "progress" events for who listens.
Result<std::string> IndexNow(OperationContext& context, const acl::Source& source);

}  // namespace codelore::api

#endif  // CODELORE_API_SOURCE_JSON_H_
