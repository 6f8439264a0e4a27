#include "chunker/parser_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace codelore::chunker {
namespace {

constexpr uint32_t kCallsPerLook = 256;  // at the clock

thread_local ParserMemory* current = nullptr;

// Every piece is preceded by its size.
size_t& SizeOf(void* memory) { return static_cast<size_t*>(memory)[-1]; }

}  // namespace

struct alignas(16) ParserMemory::Large {
  Large* before;
  Large* next;
  size_t padding;
  size_t size;

  void* memory() { return this + 1; }
  static Large* Of(void* memory) { return static_cast<Large*>(memory) - 1; }
};

ParserMemory::~ParserMemory() {
  while (large_ != nullptr) {
    Large* next = large_->next;
    std::free(large_);
    large_ = next;
  }
}

bool ParserMemory::Run(void (*work)(void*), void* argument) {
  std::jmp_buf exit;
  exit_ = &exit;
  bool done = false;
  if (setjmp(exit) == 0) {
    work(argument);
    done = true;
  }
  exit_ = nullptr;
  return done;
}

void ParserMemory::BreakOff() {
  if (exit_ == nullptr) std::abort();
  std::longjmp(*exit_, 1);
}

void ParserMemory::Charge(size_t size) {
  used_bytes_ += size;
  if (exit_ == nullptr) return;
  if (used_bytes_ > max_bytes_ || (++calls_ % kCallsPerLook == 0 && IsLate())) BreakOff();
}

void* ParserMemory::Allocate(size_t size) {
  Charge(size);
  return size <= kMaxSmall ? AllocateSmall(size) : AllocateLarge(size);
}

void* ParserMemory::AllocateSmall(size_t size) {
  size_t granules = std::max<size_t>((size + kGranule - 1) / kGranule, 1);
  void* memory = free_[granules];
  if (memory != nullptr) {
    free_[granules] = free_[granules]->next;
  } else {
    size_t needed = granules * kGranule + kGranule;  // a granule for the size keeps pieces aligned
    if (block_used_ + needed > kBlock) {
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlock));
      block_used_ = 0;
    }
    memory = blocks_.back().get() + block_used_ + kGranule;
    block_used_ += needed;
  }
  SizeOf(memory) = size;
  return memory;
}

void* ParserMemory::AllocateLarge(size_t size) {
  auto* large = static_cast<Large*>(std::malloc(sizeof(Large) + size));
  if (large == nullptr) BreakOff();
  large->before = nullptr;
  large->next = large_;
  large->size = size;
  if (large_ != nullptr) large_->before = large;
  large_ = large;
  return large->memory();
}

void* ParserMemory::Resize(void* memory, size_t size) {
  if (memory == nullptr) return Allocate(size);
  size_t before = SizeOf(memory);
  if (before <= kMaxSmall && size <= before) return memory;
  void* moved = Allocate(size);
  std::memcpy(moved, memory, std::min(before, size));
  Release(memory);
  return moved;
}

void ParserMemory::Release(void* memory) {
  if (memory == nullptr) return;
  size_t size = SizeOf(memory);
  used_bytes_ -= size;
  if (size <= kMaxSmall) {
    size_t granules = std::max<size_t>((size + kGranule - 1) / kGranule, 1);
    auto* piece = static_cast<Free*>(memory);
    piece->next = free_[granules];
    free_[granules] = piece;
    return;
  }
  Large* large = Large::Of(memory);
  (large->before != nullptr ? large->before->next : large_) = large->next;
  if (large->next != nullptr) large->next->before = large->before;
  std::free(large);
}

ParserMemory::Scope::Scope(ParserMemory* memory) : before_(current) { current = memory; }
ParserMemory::Scope::~Scope() { current = before_; }
ParserMemory* ParserMemory::Current() { return current; }

}  // namespace codelore::chunker
