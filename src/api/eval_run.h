// What every evaluation does: index a collection as a source that goes away again, ask, average.
#ifndef CODELORE_API_EVAL_RUN_H_
#define CODELORE_API_EVAL_RUN_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/eval.h"

namespace codelore::api {

using Figures = std::map<std::string, double>;  // name -> value

class Mean {
 public:
  void Add(const Figures& figures) {
    for (const auto& [name, value] : figures) sums_[name] += value;
    ++count_;
  }
  Figures Value() const {
    Figures mean = sums_;
    for (auto& [name, value] : mean) value /= static_cast<double>(count_);
    return mean;
  }
  size_t count() const { return count_; }

 private:
  Figures sums_;
  size_t count_ = 0;
};

double Percentile(std::vector<double> values, double share);
Result<std::string> ReadText(const std::string& path);
// All regular files below root/folder, with paths from root, in their order.
Result<std::vector<ingest::Document>> ReadTree(const std::string& root, const std::string& folder);
const char* ModeName(SearchMode mode);

// Indexes collections one after the other, each as a source of the tenant "evaluation".
class EvalIndex {
 public:
  using Ask = std::function<Status(const Viewer& viewer)>;

  EvalIndex(Service& service, SearchMode mode, const EvalHooks& hooks) : service_(service), mode_(mode), hooks_(hooks) {}

  // Calls `ask` while the documents are there under the source `name`; removes the source whatever happens.
  Status With(const std::string& name, const std::vector<ingest::Document>& documents, const Ask& ask);

  size_t indexed() const { return indexed_; }
  size_t skipped() const { return skipped_; }

 private:
  Status IndexAndAsk(const acl::Source& source, const std::vector<ingest::Document>& documents, const Ask& ask);

  Service& service_;
  const SearchMode mode_;
  const EvalHooks& hooks_;
  size_t indexed_ = 0, skipped_ = 0;
};

}  // namespace codelore::api

#endif  // CODELORE_API_EVAL_RUN_H_
