// Documents that were pushed: what a source without a location is indexed from. They lie in the store, so that one batch can
// hold a document and the job that is to index it. Secrets and personal data are overwritten before they are written, by the
// policy that the source has then; where anything was, the text is kept in UTF-8, else the bytes as they came.
#ifndef CODELORE_INGEST_DOCUMENT_STORE_H_
#define CODELORE_INGEST_DOCUMENT_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/ids.h"
#include "codelore/store.h"
#include "ingest/masking.h"
#include "ingest/tree.h"

namespace codelore::ingest {

// Larger ones are refused: they would not be indexed. Of a PDF or DOCX the second counts.
inline constexpr size_t kMaxDocumentBytes = 2 << 20;
inline constexpr size_t kMaxOfficeDocumentBytes = 16 << 20;
inline constexpr size_t kMaxDocumentLinkBytes = 2048;

struct NewDocument {
  std::string path;
  std::string_view bytes;
  std::string link = {};        // where the document lives, for people to go to
  int64_t expires_unix_ms = 0;  // 0: never
};

// What was pushed besides the bytes.
struct DocumentInfo {
  std::string path;
  uint64_t size_bytes = 0;
  std::string link;
  int64_t expires_unix_ms = 0;
};

// kInvalidArgument for a path that no tree could hold: empty, longer than 1,024 bytes, not UTF-8, with control
// characters, with a part that is empty, ".", ".." or ".git".
Status ValidateDocumentPath(std::string_view path);

// kInvalidArgument for what is no http(s) URL of at most kMaxDocumentLinkBytes; empty is none.
Status ValidateDocumentLink(std::string_view link);
// kInvalidArgument when the bytes are too many for what the path says it is.
Status ValidateDocumentSize(std::string_view path, size_t bytes);

// For a batch of the caller's. Path, link and size must be valid. Text is masked before it is stored; a PDF or DOCX, whose text is
// not in its bytes, when it is indexed.
void PutDocument(SourceId source, const NewDocument& document, Masking masking, WriteBatch& batch);
void EraseDocument(SourceId source, const std::string& path, WriteBatch& batch);

// By path, until visit returns false.
Status ForEachDocument(const KeyValueStore& store, SourceId source, const std::function<bool(const DocumentInfo&)>& visit);
// Empty where there is none.
std::string DocumentLink(const KeyValueStore& store, SourceId source, const std::string& path);
// Puts into the batch what takes expired documents of one source away, at most 1,000, and gives that source; what else is
// in it is of no use any more. Nothing in the batch: nothing has expired.
Result<std::optional<SourceId>> EraseExpiredDocuments(const KeyValueStore& store, int64_t now_unix_ms, WriteBatch& batch);

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
