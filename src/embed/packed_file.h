// PackedFile: a model's matrices as the kernels of this processor read them, packed once and mapped from then on.
//
//   "codelore packed 1\n" and zeros to 32 | key, 32 | SHA-256 of the rest, 32 | zeros to kHeaderBytes | the matrices, end to end
//
// A cache: what it holds follows from the model's files, whose hash is in the key, beside all else that it depends on. Opening
// compares the key and the sum of all bytes, so that whatever is damaged, cut short or of another model counts as none and is
// packed anew. It is written aside and renamed; a mapped one that is replaced stays as it was for whoever has it. Whoever has one
// keeps it locked (flock, shared), so that those which no process uses any more can be told and removed. Immutable, hence
// thread-safe.
#ifndef CODELORE_EMBED_PACKED_FILE_H_
#define CODELORE_EMBED_PACKED_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "codelore/ids.h"
#include "codelore/status.h"
#include "embed/model_folder.h"

namespace codelore::embed {

// Where one lies, and of what it has to be.
struct PackedPlace {
  std::string folder;  // made if need be
  std::string name;    // any text that tells models apart that are used side by side
  Hash256 key;

  std::string path() const;
};

class PackedFile {
 public:
  static constexpr size_t kHeaderBytes = 128;

  // kNotFound unless there is a sound one of this key.
  static Result<PackedFile> Open(const PackedPlace& place);

  std::string_view matrices() const { return bytes_.substr(kHeaderBytes); }
  // Keeps the bytes, and the lock.
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  PackedFile(std::string_view bytes, std::shared_ptr<const void> owner) : bytes_(bytes), owner_(std::move(owner)) {}

  std::string_view bytes_;
  std::shared_ptr<const void> owner_;
};

// Removes the files of the folder that no process has open, those of models which are not used any more; gives how many bytes
// they had. A model that is opened later is packed anew.
uint64_t RemoveUnusedPacked(const std::string& folder);

// One at a time makes a file: Create, Append the matrices, Finish. Without Finish nothing is left.
class PackedFileWriter {
 public:
  static Result<std::unique_ptr<PackedFileWriter>> Create(const PackedPlace& place);
  ~PackedFileWriter();
  PackedFileWriter(const PackedFileWriter&) = delete;
  PackedFileWriter& operator=(const PackedFileWriter&) = delete;

  Status Append(std::string_view bytes);
  // All of it is on disk when it returns.
  Status Finish();

 private:
  PackedFileWriter(PackedPlace place, std::string aside, int file)
      : place_(std::move(place)), aside_(std::move(aside)), file_(file) {}

  const PackedPlace place_;
  const std::string aside_;
  const int file_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_PACKED_FILE_H_
