// Blobs: the stored text of files, by tenant and SHA-256 of the text. One copy serves all branches and forks of a
// tenant; tenants never share, since that would tell one that another holds the same bytes.
#ifndef CODELORE_INDEX_BLOBS_H_
#define CODELORE_INDEX_BLOBS_H_

#include <string>
#include <string_view>

#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::index {

Hash256 Sha256(std::string_view bytes);

std::string BlobKey(TenantId tenant, const Hash256& hash);

// kCorruption when the blob is missing; damage to its bytes is found by the store.
Result<std::string> ReadBlob(const KeyValueStore& store, TenantId tenant, const Hash256& hash);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_BLOBS_H_
