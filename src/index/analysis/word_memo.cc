#include "index/analysis/word_memo.h"

#include <xxhash.h>

#include <utility>

namespace codelore::index {
namespace {

uint64_t HashOf(std::string_view word) { return XXH3_64bits(word.data(), word.size()); }
uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

char* WordMemo::Find(std::string_view word) {
  uint64_t hash = HashOf(word);
  size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask; slots_[at].record != 0; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.tag == TagOf(hash) && WordAt(slot.record) == word) return records_.data() + slot.record + 1 + word.size();
  }
  return nullptr;
}

void WordMemo::Begin(std::string_view word) {
  if (count_ >= slots_.size() / 2) MakeRoom();
  uint64_t hash = HashOf(word);
  slots_[FreeSlot(hash)] = {TagOf(hash), static_cast<uint32_t>(records_.size())};
  ++count_;
  records_ += static_cast<char>(word.size());
  records_ += word;
  terms_ = records_.size();
  records_ += '\0';
}

// Sizes fit their bytes: a word of kLongestWord has fewer than 100 terms, and none is longer than the word.
void WordMemo::AddTerm(std::string_view term, uint8_t form) {
  ++records_[terms_];
  records_ += static_cast<char>(form);
  records_ += static_cast<char>(term.size());
  records_.append(kTermHead - 2, '\0');
  records_ += term;
}

size_t WordMemo::FreeSlot(uint64_t hash) const {
  size_t mask = slots_.size() - 1, at = hash & mask;
  while (slots_[at].record != 0) at = (at + 1) & mask;
  return at;
}

void WordMemo::MakeRoom() {
  std::vector<Slot> old = std::move(slots_);
  if (old.size() < kMostSlots) {
    slots_.assign(old.size() * 2, {});
    for (const Slot& slot : old) {
      if (slot.record != 0) slots_[FreeSlot(HashOf(WordAt(slot.record)))] = slot;
    }
    return;
  }
  slots_.assign(kMostSlots, {});
  records_.resize(1);
  count_ = 0;
}

}  // namespace codelore::index
