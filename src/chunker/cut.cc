#include "chunker/cut.h"

#include <algorithm>
#include <limits>
#include <span>

#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

// Costs of the plan. One more chunk costs 1,000; only the ratios matter.
constexpr int64_t kChunkCost = 1'000;
constexpr int64_t kDepthCost = 400;  // for each thing that a cut goes through
constexpr int64_t kMaxCountedDepth = 12;
constexpr int64_t kSentenceCost = 3 * kDepthCost;  // for a cut between sentences: as between the lines of a paragraph
constexpr int64_t kBlankLineBonus = 250;       // for a cut behind a blank line
constexpr int64_t kBehindLeadingCost = 1'000;  // for a cut between a comment and what follows it
constexpr int64_t kMixedScopeCost = 1'300;     // for what crosses the begin or end of a larger item
constexpr int64_t kTinyCost =
    1'000;  // for an empty chunk, falling to 0 at a quarter of merge_bytes
constexpr int64_t kFullCost =
    500;  // for a full chunk; quadratic below, so that parts come out even
constexpr int64_t kInsideItemCost = 1'000'000;  // for a cut through an item that fits
// Shorter sentences share an atom with the next: work stays bounded, and no chunk is a mere "Yes.".
constexpr size_t kMinSentenceBytes = 80;
// Lines that only close something stay with what they close, up to this much.
constexpr uint32_t kMaxAttachedLines = 8;
constexpr uint32_t kMaxAttachedWeight = 400;

// What is never cut: a line with the blank and closing lines behind it, or a piece of a very long
// line.
struct Atom {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t line = 0;  // its first line
  uint32_t lines = 1;
  uint32_t weight = 0;           // its bytes, or what the outline says
  uint32_t attached_weight = 0;  // of blank and closing lines at its end
  uint32_t attached_lines = 0;
  bool ends_blank = false;
  bool ends_leading = false;    // its last line that is not blank is a comment or an attribute
  int32_t container = kNoItem;  // the innermost item that is cut into its parts
  int32_t open = kNoItem;       // the innermost item that is cut at all
  uint32_t region = 0;  // what may fill a chunk: an item, a part of one, or the text between two
  bool begins_sentence = false;  // inside of a line
  bool is_inside_item = false;  // a cut in front of it would go through an item that stays whole
  int64_t cut_cost = 0;         // of a cut in front of it
};

// Cuts a long line into pieces of at most `max_bytes`, between characters, if possible behind white
// space in the last quarter.
void AddPieces(std::string_view text, ByteSpan line, uint32_t line_number, uint32_t weight,
               uint32_t max_bytes, std::vector<Atom>* atoms) {
  for (uint32_t begin = line.begin; begin < line.end;) {
    auto size =
        static_cast<uint32_t>(Utf8Prefix(text.substr(begin, line.end - begin), max_bytes).size());
    if (size == 0)
      size = std::min(max_bytes,
                      line.end - begin);  // only continuation bytes: no character to keep whole
    if (begin + size < line.end) {
      size_t space = text.substr(begin, size).find_last_of(" \t,;");
      if (space != std::string_view::npos && space + 1 > size - size / 4)
        size = static_cast<uint32_t>(space + 1);
    }
    Atom atom;
    atom.begin = begin;
    atom.end = begin + size;
    atom.line = line_number;
    atom.lines = begin == line.begin ? 1 : 0;
    atom.weight = static_cast<uint32_t>(uint64_t{weight} * size / line.size());
    atoms->push_back(atom);
    begin += size;
  }
}

// Whether a sentence ends with the character at `at`: "." and the like with what closes behind it, then white space;
// the full stops of Chinese and Japanese need none. Sets `end` behind all that.
bool EndsSentence(std::string_view text, size_t at, size_t* end) {
  constexpr std::string_view kWide[] = {"。", "！", "？"};
  constexpr std::string_view kClosers[] = {"\"", "'", ")", "]", "*", "_", "”", "’", "」"};
  auto starts_with_any = [&](std::span<const std::string_view> list, size_t from) {
    auto found = std::ranges::find_if(list, [&](std::string_view item) { return text.substr(from).starts_with(item); });
    return found == list.end() ? size_t{0} : found->size();
  };
  size_t wide = starts_with_any(kWide, at);
  if (wide == 0 && text[at] != '.' && text[at] != '!' && text[at] != '?') return false;
  size_t behind = at + std::max<size_t>(wide, 1);
  while (size_t closer = starts_with_any(kClosers, behind)) behind += closer;
  *end = std::min(text.find_first_not_of(" \t", behind), text.size());
  return wide > 0 || *end > behind;
}

// Cuts a long line into its sentences, and those that are too long into pieces.
void AddSentences(std::string_view text, ByteSpan line, uint32_t line_number, uint32_t weight, uint32_t max_bytes,
                  std::vector<Atom>* atoms) {
  std::string_view content = text.substr(line.begin, line.size());
  size_t begin = 0;
  auto add = [&](size_t end) {
    ByteSpan sentence = {line.begin + static_cast<uint32_t>(begin), line.begin + static_cast<uint32_t>(end)};
    size_t first = atoms->size();
    AddPieces(text, sentence, line_number, static_cast<uint32_t>(uint64_t{weight} * sentence.size() / line.size()), max_bytes, atoms);
    if (begin > 0) {
      (*atoms)[first].lines = 0;
      (*atoms)[first].begins_sentence = true;
    }
    begin = end;
  };
  for (size_t at = 0, end = 0; at < content.size(); ++at) {
    if (at - begin < kMinSentenceBytes || !EndsSentence(content, at, &end)) continue;
    if (content.size() - end < kMinSentenceBytes) break;
    add(end);
    at = end - 1;
  }
  add(content.size());
}

std::vector<Atom> MakeAtoms(std::string_view text, const LineTable& lines, const Outline& outline,
                            const CutLimits& limits) {
  std::vector<Atom> atoms;
  for (uint32_t line = 0; line < lines.size(); ++line) {
    ByteSpan span = lines.Span(line);
    LineClass kind = outline.line_class[line];
    uint32_t weight = outline.weight.empty() ? span.size() : outline.weight[line];
    bool attaches = kind == LineClass::kBlank || kind == LineClass::kCloser;
    if (attaches && !atoms.empty() && atoms.back().attached_lines < kMaxAttachedLines &&
        atoms.back().attached_weight + weight <= kMaxAttachedWeight) {
      Atom& last = atoms.back();
      last.end = span.end;
      last.lines += 1;
      last.attached_lines += 1;
      last.weight += weight;
      last.attached_weight += weight;
      last.ends_blank = kind == LineClass::kBlank;
      continue;
    }
    auto add = limits.split_sentences && span.size() > limits.max_bytes ? AddSentences : AddPieces;
    add(text, span, line, weight, limits.max_bytes, &atoms);
    atoms.back().ends_leading = kind == LineClass::kLeading;
    atoms.back().ends_blank = kind == LineClass::kBlank;
  }
  return atoms;
}

class Cutter {
 public:
  Cutter(std::string_view text, const LineTable& lines, const Outline& outline,
         const CutLimits& limits)
      : text_(text), lines_(lines), outline_(outline), limits_(limits) {
    limits_.max_bytes = std::max(limits_.max_bytes, 8u);  // room for a character
    tiny_weight_ = limits_.merge_bytes / 4;
  }

  std::vector<Chunk> Run() {
    atoms_ = MakeAtoms(text_, lines_, outline_, limits_);
    Measure();
    AssignRegions();
    FindRegionBounds();
    PriceCuts();
    return Plan();
  }

 private:
  struct Rows {
    uint32_t first;
    uint32_t last;
  };

  Rows RowsOf(size_t item) const {
    ByteSpan extent = outline_.items[item].extent;
    return {lines_.LineOf(extent.begin), lines_.LastLineOf(extent)};
  }

  // The weight of lines, and how many lines of each item lie in parts of it that are worth a chunk
  // of their own.
  void Measure() {
    weight_before_.assign(lines_.size() + 1, 0);
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      weight_before_[line + 1] =
          weight_before_[line] +
          (outline_.weight.empty() ? lines_.Span(line).size() : outline_.weight[line]);
    }
    size_t count = outline_.items.size();
    rows_.reserve(count);
    lines_in_parts_.assign(count, 0);
    has_parts_.assign(count, false);
    for (size_t i = 0; i < count; ++i) {
      rows_.push_back(RowsOf(i));
      int32_t parent = outline_.items[i].parent;
      if (parent == kNoItem) continue;
      uint32_t size = rows_[i].last - rows_[i].first + 1;
      if (size >= 3) lines_in_parts_[static_cast<size_t>(parent)] += size;
      has_parts_[static_cast<size_t>(parent)] = true;
    }
  }

  bool Fits(size_t item) const {
    uint32_t size = weight_before_[rows_[item].last + 1] - weight_before_[rows_[item].first];
    uint32_t max_bytes =
        limits_.split_parents_early && has_parts_[item] ? limits_.merge_bytes : limits_.max_bytes;
    return rows_[item].last - rows_[item].first < limits_.max_lines && size <= max_bytes;
  }

  // Whether an item that does not fit is cut into its parts, rather than like any text.
  bool IsContainer(size_t item) const {
    switch (outline_.items[item].kind) {
      case ChunkKind::kClass:
      case ChunkKind::kInterface:
      case ChunkKind::kEnum:
      case ChunkKind::kModule:
      case ChunkKind::kSection:
        return true;
      default:
        return lines_in_parts_[item] * 2 >= rows_[item].last - rows_[item].first + 1;
    }
  }

  // Walks items and atoms together.
  void AssignRegions() {
    struct Open {
      uint32_t last_row;
      int32_t item;
      bool is_container;
      uint32_t region;
    };
    std::vector<Open> open;
    uint32_t region = 0;
    uint32_t closed_until = 0;  // one past the last row of the item at hand that stays whole
    bool in_gap = false;
    size_t next_item = 0;
    for (Atom& atom : atoms_) {
      while (!open.empty() && open.back().last_row < atom.line) {
        open.pop_back();
        in_gap = false;
      }
      for (; next_item < rows_.size() && rows_[next_item].first <= atom.line; ++next_item) {
        Rows rows = rows_[next_item];
        bool is_whole = atom.line < closed_until || rows.last < atom.line;
        if (is_whole || (!open.empty() && !open.back().is_container)) {
          closed_until =
              atom.line < closed_until ? std::max(closed_until, rows.last + 1) : closed_until;
          continue;
        }
        in_gap = false;
        ++region;
        if (Fits(next_item))
          closed_until = rows.last + 1;
        else
          open.push_back(
              {rows.last, static_cast<int32_t>(next_item), IsContainer(next_item), region});
      }
      bool in_whole = atom.line < closed_until;
      atom.open = open.empty() ? kNoItem : open.back().item;
      for (auto at = open.rbegin(); at != open.rend() && atom.container == kNoItem; ++at) {
        if (at->is_container) atom.container = at->item;
      }
      if (!in_whole && (open.empty() || open.back().is_container)) {
        if (!in_gap) ++region;
        in_gap = true;
      } else {
        in_gap = false;
      }
      atom.region = region;
      atom.is_inside_item = in_whole && &atom != atoms_.data() && (&atom - 1)->region == region;
    }
  }

  // Depth counts from the shallowest boundary inside of the item that is cut there.
  void PriceCuts() {
    std::vector<uint16_t> floor(outline_.items.size() + 1, std::numeric_limits<uint16_t>::max());
    auto floor_of = [&](const Atom& atom) -> uint16_t& {
      return floor[static_cast<size_t>(atom.open + 1)];
    };
    for (size_t i = 1; i < atoms_.size(); ++i) {
      bool enters = atoms_[i].open > atoms_[i - 1].open;
      if (!enters && !atoms_[i].is_inside_item)
        floor_of(atoms_[i]) = std::min(floor_of(atoms_[i]), outline_.depth[atoms_[i].line]);
    }
    for (size_t i = 1; i < atoms_.size(); ++i) {
      const Atom& before = atoms_[i - 1];
      Atom& atom = atoms_[i];
      int64_t depth =
          outline_.depth[atom.line] - int64_t{std::min(floor_of(atom), floor_of(before))};
      atom.cut_cost += kDepthCost * std::clamp<int64_t>(depth, 0, kMaxCountedDepth);
      if (atom.is_inside_item) atom.cut_cost += kInsideItemCost;
      if (atom.lines == 0) atom.cut_cost += atom.begins_sentence ? kSentenceCost : kDepthCost * kMaxCountedDepth;
      if (before.ends_blank) atom.cut_cost -= kBlankLineBonus;
      if (before.ends_leading)
        atom.cut_cost += before.ends_blank ? kBlankLineBonus * 2 : kBehindLeadingCost;
    }
  }

  int64_t SizeCost(uint32_t weight, uint32_t line_count) const {
    int64_t tiny = weight < tiny_weight_ ? kTinyCost * (tiny_weight_ - weight) / tiny_weight_ : 0;
    int64_t share = std::max<int64_t>(int64_t{1'000} * weight / limits_.max_bytes,
                                      int64_t{1'000} * line_count / limits_.max_lines);
    share = std::min<int64_t>(share, 1'000);
    return tiny + kFullCost * share * share / 1'000'000;
  }

  // Whether the atoms are of one region, but for a little in front of it or behind it (imports; the
  // head of a class).
  bool IsOnePart(size_t begin, size_t end) const {
    auto weight = [&](size_t from, size_t to) {
      return from < to ? weight_of_atoms_before_[to] - weight_of_atoms_before_[from] : int64_t{0};
    };
    return weight(begin, region_begin_[end - 1]) <= tiny_weight_ ||
           weight(region_end_[begin], end) <= tiny_weight_;
  }

  void FindRegionBounds() {
    size_t count = atoms_.size();
    weight_of_atoms_before_.assign(count + 1, 0);
    region_begin_.resize(count);
    region_end_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      weight_of_atoms_before_[i + 1] = weight_of_atoms_before_[i] + atoms_[i].weight;
      region_begin_[i] =
          i > 0 && atoms_[i - 1].region == atoms_[i].region ? region_begin_[i - 1] : i;
    }
    for (size_t i = count; i-- > 0;) {
      region_end_[i] =
          i + 1 < count && atoms_[i + 1].region == atoms_[i].region ? region_end_[i + 1] : i + 1;
    }
  }

  // Finds the cheapest sequence of chunks, the last of which begins at some atom, for every number
  // of atoms.
  std::vector<Chunk> Plan() const {
    size_t count = atoms_.size();
    std::vector<int64_t> cost(count + 1, std::numeric_limits<int64_t>::max());
    std::vector<size_t> first(count + 1, 0);
    cost[0] = 0;
    for (size_t end = 1; end <= count; ++end) {
      const Atom& last = atoms_[end - 1];
      uint32_t line_count = 0;
      uint32_t weight = 0;
      int64_t mixed = 0;
      for (size_t begin = end; begin-- > 0;) {
        line_count += atoms_[begin].lines;
        weight += atoms_[begin].weight;
        if (begin + 1 < end && atoms_[begin].container != atoms_[begin + 1].container)
          mixed += kMixedScopeCost;
        uint32_t counted = weight - last.attached_weight;
        uint32_t counted_lines = line_count - last.attached_lines;
        bool fits = counted <= (IsOnePart(begin, end) ? limits_.max_bytes : limits_.merge_bytes) &&
                    counted_lines <= limits_.max_lines;
        if (!fits && begin + 1 < end) break;  // nor would a longer one
        int64_t total = cost[begin] + kChunkCost + atoms_[begin].cut_cost + mixed +
                        SizeCost(counted, counted_lines);
        if (total < cost[end]) {
          cost[end] = total;
          first[end] = begin;
        }
      }
    }
    return Collect(first);
  }

  std::vector<Chunk> Collect(const std::vector<size_t>& first) const {
    std::vector<Chunk> chunks;
    for (size_t end = atoms_.size(); end > 0; end = first[end]) {
      Chunk chunk;
      chunk.bytes = {atoms_[first[end]].begin, atoms_[end - 1].end};
      chunk.start_line = lines_.LineOf(chunk.bytes.begin) + 1;
      chunk.end_line = lines_.LastLineOf(chunk.bytes) + 1;
      chunks.push_back(std::move(chunk));
    }
    std::reverse(chunks.begin(), chunks.end());
    return chunks;
  }

  std::string_view text_;
  const LineTable& lines_;
  const Outline& outline_;
  CutLimits limits_;
  int64_t tiny_weight_ = 0;  // what should not be a chunk of its own
  std::vector<Atom> atoms_;
  std::vector<int64_t> weight_of_atoms_before_;  // of all atoms before each atom
  std::vector<size_t> region_begin_;             // of each atom: the first atom of its region
  std::vector<size_t> region_end_;               // of each atom: one past the last of its region
  std::vector<uint32_t> weight_before_;          // of all lines before each line
  std::vector<Rows> rows_;                       // of each item
  std::vector<uint32_t> lines_in_parts_;         // of each item
  std::vector<bool> has_parts_;
};

}  // namespace

std::vector<Chunk> Cut(std::string_view text, const LineTable& lines, const Outline& outline,
                       const CutLimits& limits) {
  return Cutter(text, lines, outline, limits).Run();
}

}  // namespace codelore::chunker
