// WordMemo: what the analyzer makes of an ASCII word, remembered, because most words of a text were met before. Forgets
// everything when it is full. Not thread-safe.
#ifndef CODELORE_INDEX_ANALYSIS_WORD_MEMO_H_
#define CODELORE_INDEX_ANALYSIS_WORD_MEMO_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::index {

// A number that whoever receives a remembered term may keep beside it: 0 at first, and again once it is forgotten. Empty
// for other terms.
class TermNote {
 public:
  TermNote() = default;
  explicit TermNote(char* at) : at_(at) {}

  explicit operator bool() const { return at_ != nullptr; }
  uint32_t Get() const {
    uint32_t value;
    std::memcpy(&value, at_, sizeof value);
    return value;
  }
  void Set(uint32_t value) const { std::memcpy(at_, &value, sizeof value); }

 private:
  char* at_ = nullptr;  // not aligned
};

class WordMemo {
 public:
  static constexpr size_t kLongestWord = 48;  // longer ones are rare, and rarely met again

  WordMemo() : slots_(256) {}  // small: a query's analyzer is made for a few words

  // The record of a word, from the start of its terms; null if there is none.
  char* Find(std::string_view word);
  // Begins the record of a word that has none; its terms are to be added before anything else is asked.
  void Begin(std::string_view word);
  void AddTerm(std::string_view term, uint8_t form);
  // Calls visit(term, form, note) for each term of a record.
  template <typename Visit>
  static void ForEach(char* record, const Visit& visit) {
    for (auto left = static_cast<uint8_t>(*record++); left > 0; --left) {
      auto form = static_cast<uint8_t>(record[0]), size = static_cast<uint8_t>(record[1]);
      visit(std::string_view(record + kTermHead, size), form, TermNote(record + 2));
      record += kTermHead + size;
    }
  }

 private:
  static constexpr size_t kTermHead = 6;
  static constexpr size_t kMostSlots = size_t{1} << 17;
  struct Slot {
    uint32_t tag = 0;
    uint32_t record = 0;  // in records_; 0: free
  };
  std::string_view WordAt(uint32_t record) const {
    return std::string_view(records_).substr(record + 1, static_cast<uint8_t>(records_[record]));
  }
  size_t FreeSlot(uint64_t hash) const;
  void MakeRoom();

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::string records_ = std::string(1, '\0');  // word size, word, number of terms, (form, size, note, term)*
  size_t terms_ = 0;                            // of the record under way
  size_t count_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_ANALYSIS_WORD_MEMO_H_
