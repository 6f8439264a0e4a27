// Edit: what one change of the directory writes, and the checks that several kinds of changes share.
#ifndef CODELORE_ACL_EDIT_H_
#define CODELORE_ACL_EDIT_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acl/directory.h"
#include "acl/state.h"

namespace codelore::acl {

struct Directory::Edit {
  explicit Edit(const State& before) : last_id(before.last_id()) {}

  uint32_t NewId() { return ++last_id; }
  void Put(std::string key, std::string_view fields) {
    std::string sealed = Seal(key, fields);
    batch.Put(Table::kMeta, std::move(key), std::move(sealed));
  }
  void Delete(std::string key) { batch.Delete(Table::kMeta, std::move(key)); }

  uint32_t last_id;
  WriteBatch batch;
};

inline Status NoSuchSource() { return NotFound("no such source"); }
inline Status NoSuchTenant() { return NotFound("no such tenant"); }

template <typename T>
void SortUnique(std::vector<T>& items) {
  std::ranges::sort(items);
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

Status ValidateUser(std::string_view user, const std::vector<std::string>& teams);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_EDIT_H_
