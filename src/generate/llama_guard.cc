#include "generate/llama_guard.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "generate/gguf_file.h"
#include "generate/lora_file.h"
#include "generate/token_chooser.h"

namespace codelore::generate {
namespace {

constexpr uint64_t kSpareMemory = uint64_t{4} << 30;  // besides the file's own size
constexpr uint64_t kBytesPerSecond = 20'000'000;      // a slow disk: large files may take longer
#if defined(__SANITIZE_THREAD__)
constexpr bool kCheckTensors = false;  // it takes threads, which TSan does not have in the child of a process with threads
#else
constexpr bool kCheckTensors = true;
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitMemory = false;  // sanitizers reserve terabytes of addresses
#else
constexpr bool kLimitMemory = true;
#endif

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  void Close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

Status Wrong(const std::string& file, const std::string& what) { return InvalidArgument("model file " + file + ": " + what); }

// GGUF: magic, version (uint32), number of tensors (int64), number of pairs (int64); little-endian.
Result<uint64_t> CheckHeader(const std::string& file) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) return Wrong(file, "it cannot be read; expected the path of a GGUF file");
  if (!S_ISREG(info.st_mode)) return Wrong(file, "it is no regular file");
  std::ifstream stream(file, std::ios::binary);
  struct { char magic[4]; uint32_t version; int64_t tensors, pairs; } header = {};
  static_assert(sizeof header == 24);
  if (!stream.read(reinterpret_cast<char*>(&header), sizeof header)) return Wrong(file, "it is too short for a GGUF file, or cannot be read");
  if (std::memcmp(header.magic, "GGUF", 4) != 0) return Wrong(file, "it is no GGUF file; convert the model with llama.cpp's convert_hf_to_gguf.py");
  if (header.version < 2 || header.version > 3) return Wrong(file, "GGUF version " + std::to_string(header.version) + " is not known; expected 2 or 3");
  constexpr int64_t kMost = 1 << 20;
  if (header.tensors < 0 || header.tensors > kMost || header.pairs < 0 || header.pairs > kMost) return Wrong(file, "its header is damaged");
  return static_cast<uint64_t>(info.st_size);
}

Result<std::string> HashOf(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::vector<char> block(size_t{1} << 20);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) || stream.gcount() > 0) {
    EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(stream.gcount()));
  }
  if (stream.bad()) return Wrong(file, "it cannot be read to its end");
  std::array<unsigned char, 32> hash;
  EVP_DigestFinal_ex(context.get(), hash.data(), nullptr);
  std::string text;
  for (unsigned char byte : hash) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

Status CheckHash(const std::string& file, const std::string& expected) {
  if (expected.empty()) return OkStatus();
  ASSIGN_OR_RETURN(std::string hash, HashOf(file));
  return hash == expected ? OkStatus() : Wrong(file, "its SHA-256 is " + hash + ", expected " + expected);
}

uint64_t AddressSpace() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// What an answer does, on a small scale; the slot is empty again afterwards.
Status TryAnswer(LlamaRuntime& runtime, const std::string& file, const std::shared_ptr<const LoadedAdapter>& adapter) {
  const std::vector<ChatMessage> chat = {{ChatRole::kSystem, "Be brief."}, {ChatRole::kUser, "Hi"}};
  ASSIGN_OR_RETURN(std::vector<Token> tokens, runtime.TokenizeChat(chat));
  if (tokens.empty()) return Wrong(file, "its vocabulary makes nothing of a text");
  tokens.resize(std::min<size_t>(tokens.size(), runtime.context_tokens() / 2));
  uint32_t position = 0;
  TokenChooser chooser(Sampling{});
  for (int round = 0; round < 2; ++round) {
    const std::array steps = {DecodeStep{.slot = 0, .position = position, .tokens = tokens, .wants_logits = true}};
    RETURN_IF_ERROR(runtime.Decode(steps, adapter, [] { return false; }).status());
    std::optional<Token> next = chooser.Choose(runtime.Logits(0));
    if (!next) return Wrong(file, "it computes what is no number; its weights are damaged");
    position += static_cast<uint32_t>(tokens.size());
    tokens = {*next};
  }
  runtime.Forget(0, 0);
  return OkStatus();
}

Status TryAdapters(const LlamaCheck& check, LlamaRuntime& runtime) {
  for (const PinnedAdapter& choice : check.choices) {
    ASSIGN_OR_RETURN(auto adapter, runtime.LoadAdapter(choice.lora));
    RETURN_IF_ERROR(TryAnswer(runtime, choice.lora.file, adapter));
  }
  return OkStatus();
}

// Ours looks first, because it says what is wrong.
Status CheckAdapterFiles(const LlamaCheck& check) {
  if (check.model.adapters.empty() && check.choices.empty()) return OkStatus();
  ASSIGN_OR_RETURN(GgufFile model, GgufFile::Read(check.model.file));
  for (const LoraAdapter& adapter : check.model.adapters) RETURN_IF_ERROR(CheckLoraFile(adapter.file, model));
  for (const PinnedAdapter& choice : check.choices) RETURN_IF_ERROR(CheckLoraFile(choice.lora.file, model));
  return OkStatus();
}

Status TryModel(const LlamaCheck& check, const LlamaRuntimeOptions& options) {
  RETURN_IF_ERROR(CheckAdapterFiles(check));
  ASSIGN_OR_RETURN(auto runtime, LlamaRuntime::Load(options));
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  RETURN_IF_ERROR(runtime->Tokenize(every_byte + "int main() { return 0; } 사용법 \xF0\x9F\x99\x82").status());
  for (uint32_t token = 0; token < runtime->vocabulary(); ++token) {
    (void)runtime->Piece(static_cast<Token>(token));
    (void)runtime->EndsAnswer(static_cast<Token>(token));
  }
  RETURN_IF_ERROR(TryAnswer(*runtime, options.file, nullptr));
  return TryAdapters(check, *runtime);
}

void Limit(int resource, uint64_t value) {
  const rlimit limit = {value, value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

// In the child: nothing but its memory and the pipe are left to it.
[[noreturn]] void RunChild(const LlamaCheck& check, int pipe, uint64_t memory_bytes) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_CPU, static_cast<uint64_t>(check.timeout.count()));
  if (kLimitMemory) Limit(RLIMIT_AS, memory_bytes);
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (int stream = 0; stream < 3; ++stream) ::dup2(nothing, stream);
  if (::dup2(pipe, 3) != 3) ::_exit(1);
  ::close_range(4, ~0U, 0);
  ::setenv("GGML_NO_BACKTRACE", "1", 1);  // no debugger is started for a crash
  LlamaRuntimeOptions options = check.model;
  options.context_tokens = 256;
  options.slots = 1;
  options.threads = 1;  // OpenMP's threads do not survive a fork
  options.check_tensors = kCheckTensors && check.weights;
  Status status = TryModel(check, options);
  std::string report = status.ok() ? "k" : "e" + status.message();
  ::_exit(::write(3, report.data(), report.size()) == static_cast<ssize_t>(report.size()) ? 0 : 1);
}

// The report, empty if there is none by the deadline or the child died.
std::string ReadReport(int pipe, std::chrono::steady_clock::time_point deadline) {
  std::string report;
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wait = {.fd = pipe, .events = POLLIN, .revents = 0};
    if (left <= 0) return "";
    if (::poll(&wait, 1, static_cast<int>(left)) <= 0) continue;
    char block[1024];
    ssize_t count = ::read(pipe, block, sizeof block);
    if (count <= 0) return report;
    report.append(block, static_cast<size_t>(count));
    if (report.size() > 4096) return report;
  }
}

Status CheckInChild(const LlamaCheck& check, uint64_t size_bytes) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Unavailable("no pipe for the check of a model file");
  Descriptor out(ends[0]), in(ends[1]);
  const uint64_t memory_bytes = AddressSpace() + 3 * size_bytes + kSpareMemory;
  const pid_t child = ForkBesideLlama();
  if (child < 0) return Unavailable("no process for the check of a model file");
  if (child == 0) RunChild(check, in.number(), memory_bytes);
  in.Close();
  const auto deadline = std::chrono::steady_clock::now() + check.timeout;
  const std::string report = ReadReport(out.number(), deadline);
  const bool late = report.empty() && std::chrono::steady_clock::now() >= deadline;
  if (late) ::kill(child, SIGKILL);
  int state = 0;
  while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {}
  if (report.starts_with('k')) return OkStatus();
  if (report.starts_with('e')) return InvalidArgument(report.substr(1));
  if (late) return ResourceExhausted("model file " + check.model.file + ": trying it took over " + std::to_string(check.timeout.count()) + " s");
  std::string how = WIFSIGNALED(state) ? " (signal " + std::to_string(WTERMSIG(state)) + ")" : "";
  return Wrong(check.model.file, "a process that tried it died" + how + "; the file is damaged, hostile, or too large for this machine");
}

}  // namespace

Status CheckModel(LlamaCheck check) {
  ASSIGN_OR_RETURN(uint64_t size_bytes, CheckHeader(check.model.file));
  for (const LoraAdapter& adapter : check.model.adapters) {
    ASSIGN_OR_RETURN(uint64_t adapter_bytes, CheckHeader(adapter.file));
    size_bytes += adapter_bytes;
  }
  RETURN_IF_ERROR(CheckHash(check.model.file, check.sha256));
  for (const PinnedAdapter& choice : check.choices) {
    ASSIGN_OR_RETURN(uint64_t adapter_bytes, CheckHeader(choice.lora.file));
    size_bytes += adapter_bytes;
    RETURN_IF_ERROR(CheckHash(choice.lora.file, choice.sha256));
  }
  check.timeout += std::chrono::seconds(size_bytes / kBytesPerSecond);
  return CheckInChild(check, size_bytes);
}

}  // namespace codelore::generate
