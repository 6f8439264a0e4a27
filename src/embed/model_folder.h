// ModelFolder: the files of one model, by name: mapped from a Hugging Face folder, built into the
// binary, or given by a test. A cheap handle: copies share the bytes, which stay as long as one
// copy lives. Immutable, hence thread-safe. A mapped file must not be cut short while a copy lives
// (replace files by renaming).
#ifndef CODELORE_EMBED_MODEL_FOLDER_H_
#define CODELORE_EMBED_MODEL_FOLDER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore::embed {

class ModelFolder {
 public:
  // Maps those files of `path` that an encoder needs; the others are never opened. Where the same
  // is there in several formats (weights, vocabulary), one of them: safetensors, vocab.txt,
  // tokenizer.json first.
  static Result<ModelFolder> Open(const std::string& path);
  // all-MiniLM-L6-v2, from this very binary.
  static ModelFolder BuiltIn();
  static ModelFolder FromMemory(std::string name, std::map<std::string, std::string> files);

  const std::string& name() const { return name_; }  // the folder's last part
  bool Has(std::string_view file) const { return files_.contains(file); }
  // The bytes of "config.json", "1_Pooling/config.json", ...; an error that names file and folder
  // if it is not there.
  Result<std::string_view> Read(std::string_view file) const;
  // Lets go of what was read of mapped files: it is read again when it is looked at.
  void ReleasePages() const;
  // SHA-256 of each file.
  std::map<std::string, Hash256> FileHashes() const;
  // SHA-256 over the names and contents of all files.
  Hash256 Fingerprint() const { return FingerprintOf(FileHashes()); }
  static Hash256 FingerprintOf(const std::map<std::string, Hash256>& hashes);

 private:
  struct File {
    std::string_view bytes;
    std::shared_ptr<const void> owner;  // of the bytes; null for built-in ones
    std::optional<Hash256> known_hash;  // spares reading built-in weights twice at start
    bool mapped = false;
  };
  Status AddFile(const std::string& path, std::string_view name);

  std::string name_;
  std::map<std::string, File, std::less<>> files_;
};

// A regular file, mapped read-only; without bytes if it is empty. It must not be cut short meanwhile.
struct MappedFile {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};
Result<MappedFile> MapFile(const std::string& path);
// The same of an open file, which stays open.
Result<MappedFile> MapOpened(int file, const std::string& path);

// FIPS 180-4.
Hash256 Sha256(std::string_view bytes);
// Of a mapped file, or what follows its first bytes: what was read is let go at once, so that gigabytes pass through a few
// megabytes.
Hash256 Sha256OfMapped(std::string_view bytes);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_MODEL_FOLDER_H_
