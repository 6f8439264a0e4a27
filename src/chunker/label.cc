// Says what each chunk holds.
#include <algorithm>

#include "chunker/cut.h"

namespace codelore::chunker {
namespace {

uint32_t Overlap(ByteSpan a, ByteSpan b) {
  uint32_t begin = std::max(a.begin, b.begin);
  uint32_t end = std::min(a.end, b.end);
  return begin < end ? end - begin : 0;
}

bool Contains(ByteSpan outer, ByteSpan inner) {
  return outer.begin <= inner.begin && inner.end <= outer.end;
}

// Finds for each chunk, in order, the item it mainly holds.
class MainItems {
 public:
  explicit MainItems(const Outline& outline) : items_(outline.items) {}

  // `chunk` lies behind those of earlier calls.
  int32_t Of(ByteSpan chunk) {
    CollectOverlapping(chunk);
    // Descend from the file into items as long as one of them is what the chunk is mainly about but
    // reaches beyond it.
    int32_t around = kNoItem;
    for (;;) {
      Shares shares = SharesOf(chunk, around);
      bool starts_here = around != kNoItem &&
                         Overlap(chunk, {At(around).name_begin, At(around).name_begin + 1}) > 0;
      uint32_t other = around == kNoItem ? std::max(shares.variables / 2, shares.rest)
                                         : shares.variables + shares.rest;
      if (shares.parts == 0 || shares.parts < other ||
          (starts_here && other >= shares.largest_part)) {
        // A file's variables stand for each other; of a class, only one that fills the chunk stands
        // for itself.
        uint32_t size = around == kNoItem ? shares.variables : shares.largest_variable;
        return size * 2 >= chunk.size() ? shares.variable : around;
      }
      around = shares.part;
      if (Contains(chunk, At(around).extent)) return around;
    }
  }

 private:
  // Of the bytes that a chunk shares with an item: those of its parts that are variables, those of
  // other parts, and the rest.
  struct Shares {
    uint32_t parts = 0;
    uint32_t variables = 0;
    uint32_t rest = 0;
    int32_t part = kNoItem;  // the largest
    uint32_t largest_part = 0;
    int32_t variable = kNoItem;  // the largest
    uint32_t largest_variable = 0;
  };

  const OutlineItem& At(int32_t item) const { return items_[static_cast<size_t>(item)]; }

  void CollectOverlapping(ByteSpan chunk) {
    std::erase_if(overlapping_, [&](int32_t item) { return At(item).extent.end <= chunk.begin; });
    for (; next_ < items_.size() && items_[next_].extent.begin < chunk.end; ++next_) {
      if (items_[next_].extent.end > chunk.begin)
        overlapping_.push_back(static_cast<int32_t>(next_));
    }
  }

  // `around` may be kNoItem: the file. Of parts with equal extents the first counts.
  Shares SharesOf(ByteSpan chunk, int32_t around) const {
    Shares shares;
    uint32_t counted_until = 0;
    for (int32_t item : overlapping_) {
      if (At(item).parent != around) continue;
      ByteSpan extent = {std::max(At(item).extent.begin, counted_until), At(item).extent.end};
      uint32_t size = extent.begin < extent.end ? Overlap(chunk, extent) : 0;
      counted_until = std::max(counted_until, extent.end);
      bool is_variable = At(item).kind == ChunkKind::kVariable;
      (is_variable ? shares.variables : shares.parts) += size;
      uint32_t& largest = is_variable ? shares.largest_variable : shares.largest_part;
      if (size > largest) {
        largest = size;
        (is_variable ? shares.variable : shares.part) = item;
      }
    }
    uint32_t whole = around == kNoItem ? chunk.size() : Overlap(chunk, At(around).extent);
    shares.rest = whole - std::min(whole, shares.parts + shares.variables);
    return shares;
  }

  const std::vector<OutlineItem>& items_;
  std::vector<int32_t> overlapping_;  // those that reach into the chunk at hand, ascending
  size_t next_ = 0;
};

void LabelWith(const Outline& outline, int32_t item, Chunk* chunk) {
  const OutlineItem& main = outline.items[static_cast<size_t>(item)];
  chunk->kind = main.kind;
  chunk->symbol = main.kind == ChunkKind::kSection ? main.name : QualifiedName(outline, item);
  chunk->scope = ScopeOf(outline, item);
  chunk->signature = main.signature;
}

void ClipProse(const std::vector<ByteSpan>& prose, size_t* first, Chunk* chunk) {
  while (*first < prose.size() && prose[*first].end <= chunk->bytes.begin) ++*first;
  for (size_t i = *first; i < prose.size() && prose[i].begin < chunk->bytes.end; ++i) {
    chunk->prose.push_back(
        {std::max(prose[i].begin, chunk->bytes.begin), std::min(prose[i].end, chunk->bytes.end)});
  }
}

std::vector<Definition> DefinitionsOf(const Outline& outline) {
  std::vector<Definition> definitions;
  for (size_t i = 0; i < outline.items.size(); ++i) {
    const OutlineItem& item = outline.items[i];
    if (!item.listed) continue;
    definitions.push_back({item.name, QualifiedName(outline, static_cast<int32_t>(i)), item.kind,
                           item.extent, item.name_begin});
  }
  std::stable_sort(
      definitions.begin(), definitions.end(),
      [](const Definition& a, const Definition& b) { return a.name_begin < b.name_begin; });
  return definitions;
}

}  // namespace

void Label(const Outline& outline, ChunkKind default_kind, ChunkedFile* file) {
  file->definitions = DefinitionsOf(outline);
  MainItems main_items(outline);
  uint32_t next_definition = 0;
  size_t next_prose = 0;
  for (Chunk& chunk : file->chunks) {
    chunk.kind = default_kind;
    if (int32_t item = main_items.Of(chunk.bytes); item != kNoItem)
      LabelWith(outline, item, &chunk);
    ClipProse(outline.prose, &next_prose, &chunk);
    while (next_definition < file->definitions.size() &&
           file->definitions[next_definition].name_begin < chunk.bytes.end) {
      chunk.definitions.push_back(next_definition++);
    }
  }
}

}  // namespace codelore::chunker
