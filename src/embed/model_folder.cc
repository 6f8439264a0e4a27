#include "embed/model_folder.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "codelore/coding.h"

// builtin_model.S
#define BUILTIN_FILE(name) \
  extern "C" const char codelore_model_##name[], codelore_model_##name##_end[]
BUILTIN_FILE(weights);
BUILTIN_FILE(vocabulary);
BUILTIN_FILE(config);
BUILTIN_FILE(tokenizer_config);
BUILTIN_FILE(sentence_config);
BUILTIN_FILE(pooling_config);
#undef BUILTIN_FILE

namespace codelore::embed {

namespace {

// Of each group the first that is there: the others say the same in another format.
constexpr std::array<std::string_view, 3> kFiles[] = {
    {"config.json"},
    {"modules.json"},
    {"tokenizer_config.json"},
    {"sentence_bert_config.json"},
    {"config_sentence_transformers.json"},
    {"1_Pooling/config.json"},
    {"vocab.txt", "tokenizer.json", "sentencepiece.bpe.model"},
    {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"},
    {"sparse_linear.pt"},
    {"colbert_linear.pt"},
};

// "model-00001-of-00002.safetensors"
bool IsShard(std::string_view name) {
  constexpr std::string_view kPattern = "model-#####-of-#####.safetensors";
  return std::ranges::equal(name, kPattern, [](char c, char expected) {
    return expected == '#' ? c >= '0' && c <= '9' : c == expected;
  });
}

// SHA-256 of the published all-MiniLM-L6-v2 weights; a test compares it with the bytes in the
// binary.
constexpr Hash256 kBuiltInWeights = {{0x53, 0xaa, 0x51, 0x17, 0x2d, 0x14, 0x2c, 0x89,
                                      0xd9, 0x01, 0x2c, 0xce, 0x15, 0xae, 0x4d, 0x6c,
                                      0xc0, 0xca, 0x68, 0x95, 0x89, 0x51, 0x14, 0x37,
                                      0x9c, 0xac, 0xb4, 0xfa, 0xb1, 0x28, 0xd9, 0xdb}};

}  // namespace

Result<MappedFile> MapFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return Unavailable(path + ": " + std::strerror(errno));
  auto mapped = MapOpened(file, path);
  close(file);
  return mapped;
}

Result<MappedFile> MapOpened(int file, const std::string& path) {
  const auto failed = [&] { return Unavailable(path + ": " + std::strerror(errno)); };
  struct stat info;
  if (fstat(file, &info) != 0) return failed();
  if (!S_ISREG(info.st_mode))
    return InvalidArgument(path + ": expected a file, found something else");
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile();
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return failed();
  return MappedFile{.owner = std::shared_ptr<const void>(bytes, [size](const void* p) { munmap(const_cast<void*>(p), size); }),
                    .bytes = {static_cast<const char*>(bytes), size}};
}

Hash256 Sha256OfMapped(std::string_view bytes) {
  constexpr size_t kBlock = size_t{8} << 20;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (size_t at = 0; at < bytes.size(); at += kBlock) {
    const std::string_view block = bytes.substr(at, kBlock);
    EVP_DigestUpdate(context.get(), block.data(), block.size());
    char* const begin = const_cast<char*>(block.data());
    const uintptr_t before = reinterpret_cast<uintptr_t>(begin) % page;  // the page's part that is not the block's
    madvise(begin - before, before + block.size(), MADV_DONTNEED);
  }
  Hash256 hash;
  EVP_DigestFinal_ex(context.get(), hash.bytes.data(), nullptr);
  return hash;
}

Hash256 Sha256(std::string_view bytes) {
  Hash256 hash;
  EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

Result<ModelFolder> ModelFolder::Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return NotFound(path + ": expected a folder with a model, found none");
  }
  ModelFolder folder;
  folder.name_ = std::filesystem::path(path + "/").parent_path().filename().string();
  for (const auto& group : kFiles) {
    const auto* name = std::ranges::find_if(group, [&](std::string_view file) {
      return !file.empty() && std::filesystem::exists(path + "/" + std::string(file), error);
    });
    if (name != group.end()) RETURN_IF_ERROR(folder.AddFile(path, *name));
  }
  if (!folder.Has("model.safetensors.index.json")) return folder;
  for (std::filesystem::directory_iterator file(path, error), end; !error && file != end;
       file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (IsShard(name)) RETURN_IF_ERROR(folder.AddFile(path, name));
  }
  return folder;
}

Status ModelFolder::AddFile(const std::string& path, std::string_view name) {
  ASSIGN_OR_RETURN(MappedFile file, MapFile(path + "/" + std::string(name)));
  files_.emplace(name, File{file.bytes, std::move(file.owner), std::nullopt, /*mapped=*/true});
  return OkStatus();
}

ModelFolder ModelFolder::BuiltIn() {
  ModelFolder folder;
  folder.name_ = "all-MiniLM-L6-v2";
#define BUILTIN_FILE(name) std::string_view(codelore_model_##name, codelore_model_##name##_end)
  folder.files_["model.safetensors"] = {BUILTIN_FILE(weights), nullptr, kBuiltInWeights};
  folder.files_["vocab.txt"] = {BUILTIN_FILE(vocabulary), nullptr, std::nullopt};
  folder.files_["config.json"] = {BUILTIN_FILE(config), nullptr, std::nullopt};
  folder.files_["tokenizer_config.json"] = {BUILTIN_FILE(tokenizer_config), nullptr, std::nullopt};
  folder.files_["sentence_bert_config.json"] = {BUILTIN_FILE(sentence_config), nullptr,
                                                std::nullopt};
  folder.files_["1_Pooling/config.json"] = {BUILTIN_FILE(pooling_config), nullptr, std::nullopt};
#undef BUILTIN_FILE
  return folder;
}

ModelFolder ModelFolder::FromMemory(std::string name, std::map<std::string, std::string> files) {
  ModelFolder folder;
  folder.name_ = std::move(name);
  for (auto& [file, bytes] : files) {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    const std::string_view view = *owner;
    folder.files_.emplace(file, File{view, std::move(owner), std::nullopt});
  }
  return folder;
}

Result<std::string_view> ModelFolder::Read(std::string_view file) const {
  const auto found = files_.find(file);
  if (found != files_.end()) return found->second.bytes;
  return NotFound("model " + name_ + ": expected the file " + std::string(file) + ", found none");
}

void ModelFolder::ReleasePages() const {
  for (const auto& [name, file] : files_) {
    if (file.mapped && !file.bytes.empty())
      madvise(const_cast<char*>(file.bytes.data()), file.bytes.size(), MADV_DONTNEED);
  }
}

std::map<std::string, Hash256> ModelFolder::FileHashes() const {
  std::map<std::string, Hash256> hashes;
  for (const auto& [name, file] : files_) {
    hashes.emplace(name, file.known_hash ? *file.known_hash
                         : file.mapped   ? Sha256OfMapped(file.bytes)
                                         : Sha256(file.bytes));
  }
  return hashes;
}

Hash256 ModelFolder::FingerprintOf(const std::map<std::string, Hash256>& hashes) {
  ByteWriter list;
  for (const auto& [name, hash] : hashes) list.String(name).Raw(hash.view());
  return Sha256(list.view());
}

}  // namespace codelore::embed
