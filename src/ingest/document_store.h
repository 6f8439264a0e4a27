// Documents that were pushed: what a source without a location is indexed from. They lie in the store, so that one batch can
// hold a document and the job that is to index it. Secrets and personal data are overwritten before they are written, by the
// policy that the source has then; where anything was, the text is kept in UTF-8, else the bytes as they came.
#ifndef CODELORE_INGEST_DOCUMENT_STORE_H_
#define CODELORE_INGEST_DOCUMENT_STORE_H_

#include <string>
#include <string_view>
#include <vector>

#include "codelore/ids.h"
#include "codelore/store.h"
#include "ingest/masking.h"
#include "ingest/tree.h"

namespace codelore::ingest {

// Larger ones are refused: they would not be indexed.
inline constexpr size_t kMaxDocumentBytes = 2 << 20;

// kInvalidArgument for a path that no tree could hold: empty, longer than 1,024 bytes, not UTF-8, with control
// characters, with a part that is empty, ".", ".." or ".git".
Status ValidateDocumentPath(std::string_view path);

// For a batch of the caller's. The path must be valid.
void PutDocument(SourceId source, const std::string& path, std::string_view bytes, Masking masking, WriteBatch& batch);
void EraseDocument(SourceId source, const std::string& path, WriteBatch& batch);

// Masks again what was stored under other rules or another policy. What is overwritten already stays so. Nobody may write the
// source's documents meanwhile.
Status MaskDocuments(KeyValueStore& store, SourceId source, Masking masking);

bool HasDocument(const KeyValueStore& store, SourceId source, const std::string& path);

// All of one source; all of other sources than these.
Status EraseDocuments(KeyValueStore& store, SourceId source);
Status KeepDocuments(KeyValueStore& store, const std::vector<SourceId>& sources);

// What was pushed to a source and is still there. Its revision is a hash over all versions: equal trees have equal ones.
class StoredDocumentTree final : public SourceTree {
 public:
  StoredDocumentTree(const KeyValueStore& store, SourceId source);

  const std::string& revision() const override { return revision_; }
  const std::string& branch() const override { return branch_; }
  Status List(const std::function<Status(TreeEntry)>& visit) override;
  Result<std::string> Read(const TreeEntry& entry, uint64_t max_bytes) override;

 private:
  const KeyValueStore& store_;
  const SourceId source_;
  std::string revision_, branch_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_DOCUMENT_STORE_H_
