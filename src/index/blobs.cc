#include "index/blobs.h"

#include <openssl/sha.h>

#include "codelore/coding.h"

namespace codelore::index {

Hash256 Sha256(std::string_view bytes) {
  Hash256 hash;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.bytes.data());
  return hash;
}

std::string BlobKey(TenantId tenant, const Hash256& hash) {
  return ByteWriter().Key32(tenant.value).Raw(hash.view()).Take();
}

Result<std::string> ReadBlob(const KeyValueStore& store, TenantId tenant, const Hash256& hash) {
  ASSIGN_OR_RETURN(auto text, store.Get(Table::kBlobs, BlobKey(tenant, hash)));
  if (!text) return Corruption("blob " + hash.ToHex() + " is missing");
  return std::move(*text);
}

}  // namespace codelore::index
