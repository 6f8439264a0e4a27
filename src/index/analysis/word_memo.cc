#include "index/analysis/word_memo.h"

#include <xxhash.h>

namespace codelore::index {
namespace {

uint64_t HashOf(std::string_view word) { return XXH3_64bits(word.data(), word.size()); }
uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

const char* WordMemo::Find(std::string_view word) const {
  uint64_t hash = HashOf(word);
  for (size_t at = hash % kSlots; slots_[at].record != 0; at = (at + 1) % kSlots) {
    const Slot& slot = slots_[at];
    if (slot.tag == TagOf(hash) && WordAt(slot.record) == word) return records_.data() + slot.record + 1 + word.size();
  }
  return nullptr;
}

void WordMemo::Begin(std::string_view word) {
  if (count_ >= kSlots / 2) Clear();
  uint64_t hash = HashOf(word);
  size_t at = hash % kSlots;
  while (slots_[at].record != 0) at = (at + 1) % kSlots;
  slots_[at] = {TagOf(hash), static_cast<uint32_t>(records_.size())};
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
  records_ += term;
}

void WordMemo::Clear() {
  slots_.assign(kSlots, {});
  records_.resize(1);
  count_ = 0;
}

}  // namespace codelore::index
