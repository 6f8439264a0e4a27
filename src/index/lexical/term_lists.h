// TermLists: a list of bytes for each term of a segment under construction, in slices of one arena. A list grows where
// its term is met, and is read once, in order: nothing has to be sorted by term.
#ifndef CODELORE_INDEX_LEXICAL_TERM_LISTS_H_
#define CODELORE_INDEX_LEXICAL_TERM_LISTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::index {

class TermLists {
 public:
  // A list's place in the arena; an empty one to begin with.
  struct List {
    uint32_t first = 0;       // slice
    uint32_t at = 0, end = 0; // what is free in the last slice
    uint32_t slice_size = 0;  // of the last
  };

  void Append(List& list, std::string_view bytes) {
    while (!bytes.empty()) {
      if (list.at == list.end) Extend(list);
      size_t count = std::min<size_t>(bytes.size(), list.end - list.at);
      std::memcpy(arena_.data() + list.at, bytes.data(), count);
      list.at += static_cast<uint32_t>(count);
      bytes.remove_prefix(count);
    }
  }

  // Where `count` bytes may be written, or null if the last slice has not as many left; then Advance by what was.
  char* Reserve(List& list, uint32_t count) {
    if (list.slice_size == 0) Extend(list);
    return list.end - list.at >= count ? arena_.data() + list.at : nullptr;
  }
  static void Advance(List& list, uint32_t count) { list.at += count; }

  // Appends the list's bytes to `out`.
  void Read(const List& list, std::string& out) const {
    uint32_t at = list.first;
    for (uint32_t size = kFirstSlice; list.slice_size > 0; size = Next(size)) {
      if (at + size == list.end) {
        out.append(arena_.data() + at, list.at - at);
        return;
      }
      out.append(arena_.data() + at, size);
      std::memcpy(&at, arena_.data() + at + size, sizeof at);
    }
  }

 private:
  // Bytes of a slice, without the 4 behind it that say where the next one begins. Half of all terms are met once.
  static constexpr uint32_t kFirstSlice = 12, kLargestSlice = 2044;
  static uint32_t Next(uint32_t size) { return std::min(kLargestSlice, 2 * size + 4); }

  void Extend(List& list) {
    auto begin = static_cast<uint32_t>(arena_.size());
    uint32_t size = list.slice_size == 0 ? kFirstSlice : Next(list.slice_size);
    arena_.resize(arena_.size() + size + sizeof begin);
    if (list.slice_size == 0) {
      list.first = begin;
    } else {
      std::memcpy(arena_.data() + list.end, &begin, sizeof begin);
    }
    list.at = begin;
    list.end = begin + size;
    list.slice_size = size;
  }

  std::vector<char> arena_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_TERM_LISTS_H_
