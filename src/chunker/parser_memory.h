// ParserMemory: where one parse takes its memory from, and how it is broken off.
//
// tree-sitter can be asked to stop only now and then, while some inputs make it enumerate paths or
// let a scanner look ahead for minutes, and take all memory there is, in between. So a parse runs
// inside of Run(), and whatever it calls back, an allocation above all, may leave it by BreakOff():
// a longjmp over C frames, which own nothing but memory from here. All of that goes at once, with
// this object. (A grammar's scanner takes its state, a few hundred bytes, elsewhere: that is lost.)
// For one thread at a time.
#ifndef CODELORE_CHUNKER_PARSER_MEMORY_H_
#define CODELORE_CHUNKER_PARSER_MEMORY_H_

#include <array>
#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace codelore::chunker {

class ParserMemory {
 public:
  using Clock = std::chrono::steady_clock;

  // Both limits hold for what runs inside of Run().
  ParserMemory(size_t max_bytes, Clock::time_point deadline)
      : max_bytes_(max_bytes), deadline_(deadline) {}
  ~ParserMemory();
  ParserMemory(const ParserMemory&) = delete;
  ParserMemory& operator=(const ParserMemory&) = delete;

  // Calls work(argument). False if it was broken off.
  bool Run(void (*work)(void*), void* argument);
  // Leaves the innermost Run() on this thread; outside of one, the process ends.
  [[noreturn]] void BreakOff();

  // As malloc, realloc and free, but never null.
  void* Allocate(size_t size);
  void* Resize(void* memory, size_t size);
  void Release(void* memory);

  size_t used_bytes() const { return used_bytes_; }
  bool IsLate() const { return Clock::now() > deadline_; }

  // The one that serves this thread: tree-sitter's allocator has no context.
  class Scope {
   public:
    explicit Scope(ParserMemory* memory);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ParserMemory* before_;
  };
  static ParserMemory* Current();

 private:
  struct Free {
    Free* next;
  };
  struct Large;
  static constexpr size_t kGranule = 32;
  static constexpr size_t kMaxSmall = 1'024;
  static constexpr size_t kBlock = 1 << 18;

  void* AllocateSmall(size_t size);
  void* AllocateLarge(size_t size);
  void Charge(size_t size);

  size_t max_bytes_;
  Clock::time_point deadline_;
  size_t used_bytes_ = 0;
  uint32_t calls_ = 0;
  std::jmp_buf* exit_ = nullptr;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  size_t block_used_ = kBlock;                             // of the last block
  std::array<Free*, kMaxSmall / kGranule + 1> free_ = {};  // released small pieces, by size
  Large* large_ = nullptr;                                 // all large pieces
};

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_PARSER_MEMORY_H_
