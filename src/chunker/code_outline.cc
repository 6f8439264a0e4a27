#include "chunker/code_outline.h"

#include <algorithm>
#include <string>
#include <utility>

#include "chunker/signature.h"

namespace codelore::chunker {
namespace {

constexpr size_t kMaxNesting = 12;  // definitions nested deeper are not looked up by name
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxNamesPerNode = 32;
constexpr uint16_t kMaxDepth = 60'000;
constexpr uint32_t kMaxHeadingLines = 12;

bool IsScopeOfMembers(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum;
}

class CodeOutliner {
 public:
  CodeOutliner(const Grammar& grammar, const SyntaxTree& tree, const LineTable& lines)
      : grammar_(grammar),
        rules_(RulesOf(grammar)),
        tree_(tree),
        lines_(lines),
        outline_(OutlineLines(lines)) {}

  Outline Run() {
    leading_indentation_.resize(lines_.size(), 0);
    CountDepth();
    for (NodeId id = 0; id < tree_.nodes().size(); ++id) Visit(id);
    for (size_t i = 0; i < outline_.items.size(); ++i) WidenToLines(i);
    for (size_t i = 0; i < outline_.items.size(); ++i) TakeLeadingLines(i);
    return std::move(outline_);
  }

 private:
  // A definition or local scope whose nodes are being visited.
  struct Frame {
    NodeId end;
    int32_t item;   // of the innermost definition
    bool is_local;  // a lambda
  };

  // How many nodes span each boundary between two lines; nodes on the same lines as their parent
  // count once.
  void CountDepth() {
    std::vector<int32_t> change(lines_.size() + 2, 0);
    std::vector<std::pair<uint32_t, uint32_t>> rows(tree_.nodes().size());
    for (NodeId id = 0; id < tree_.nodes().size(); ++id) {
      const SyntaxNode& node = tree_.node(id);
      bool in_parent = node.parent != kNoNode;
      // A node inside of one line needs no search.
      if (in_parent && rows[node.parent].first == rows[node.parent].second) {
        rows[id] = rows[node.parent];
        continue;
      }
      rows[id].first = RowOf(node.bytes.begin);
      rows[id].second = node.bytes.end <= lines_.End(rows[id].first)
                            ? rows[id].first
                            : lines_.LastLineOf(node.bytes);
      if (!in_parent || rows[id].first == rows[id].second || rows[id] == rows[node.parent])
        continue;
      ++change[rows[id].first + 1];
      --change[rows[id].second + 1];
    }
    int32_t depth = 0;
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      depth += change[line];
      outline_.depth[line] = static_cast<uint16_t>(std::clamp<int32_t>(depth, 0, kMaxDepth));
    }
  }

  // Nodes come in order of position: the row of the last one is a good guess.
  uint32_t RowOf(uint32_t byte) {
    if (row_ < lines_.size() && lines_.Begin(row_) <= byte && byte < lines_.End(row_)) return row_;
    return row_ = lines_.LineOf(byte);
  }

  void Visit(NodeId id) {
    while (!frames_.empty() && frames_.back().end <= id) frames_.pop_back();
    const NodeRule* rule = rules_.Find(tree_, id);
    if (rule == nullptr) return;
    switch (rule->role) {
      case Role::kDefinition:
      case Role::kSection:
        Define(id, *rule);
        break;
      case Role::kLocal:
        frames_.push_back({tree_.node(id).subtree_end, CurrentItem(), true});
        break;
      case Role::kComment:
      case Role::kDocAttribute:
        AddProse(tree_.node(id).bytes);
        MarkLeading(tree_.node(id).bytes);
        break;
      case Role::kAttribute:
        MarkLeading(tree_.node(id).bytes);
        break;
      case Role::kDocstring:
        AddProse(tree_.node(id).bytes);
        break;
      case Role::kWrapper:
        break;
    }
  }

  int32_t CurrentItem() const { return frames_.empty() ? kNoItem : frames_.back().item; }

  // Nobody looks up the variables inside of a function.
  bool IsLookedUp(ChunkKind kind) const {
    if (kind != ChunkKind::kVariable || frames_.empty()) return true;
    if (frames_.back().is_local) return false;
    if (CurrentItem() == kNoItem) return true;
    ChunkKind scope = outline_.items[static_cast<size_t>(CurrentItem())].kind;
    if (scope == ChunkKind::kVariable) return grammar_.nested_variables;
    return scope != ChunkKind::kFunction && scope != ChunkKind::kMethod &&
           scope != ChunkKind::kMacro;
  }

  void Define(NodeId id, const NodeRule& rule) {
    if (frames_.size() >= kMaxNesting) return;
    declared_.clear();
    rule.declare(tree_, id, rule.kind, &declared_);
    int32_t parent = CurrentItem();
    int32_t scope = kNoItem;
    NodeId end = tree_.node(id).subtree_end;
    if (declared_.size() > kMaxNamesPerNode) declared_.resize(kMaxNamesPerNode);
    for (Declared& declared : declared_) {
      if (!IsLookedUp(declared.kind) || declared.name.size() > kMaxNameBytes) continue;
      int32_t item = grammar_.join_same_names ? JoinWithLast(id, declared, parent) : kNoItem;
      if (item == kNoItem) item = AddItem(id, declared, parent);
      if (rule.role == Role::kSection) end = EndSection(id, item);
      if (scope == kNoItem) scope = item;
    }
    if (scope != kNoItem) frames_.push_back({end, scope, false});
  }

  int32_t AddItem(NodeId id, const Declared& declared, int32_t parent) {
    NodeId outer = Outermost(id);
    OutlineItem item;
    item.extent = {tree_.node(outer).bytes.begin, tree_.node(id).bytes.end};
    item.name_begin = declared.name.begin;
    item.name = declared.label.empty()
                    ? std::string(tree_.text().substr(declared.name.begin, declared.name.size()))
                    : declared.label;
    item.qualifier = declared.qualifier;
    item.kind = declared.kind;
    if (item.kind == ChunkKind::kFunction && parent != kNoItem && !frames_.back().is_local &&
        IsScopeOfMembers(outline_.items[static_cast<size_t>(parent)].kind)) {
      item.kind = ChunkKind::kMethod;
    }
    item.parent = parent;
    item.listed = declared.listed;
    item.signature = Signature(tree_, rules_, outer, id, item.kind, declared.name);
    outline_.items.push_back(std::move(item));
    return static_cast<int32_t>(outline_.items.size()) - 1;
  }

  // The wrapper that ends on the same line, if the node stands in one.
  NodeId Outermost(NodeId id) const {
    uint32_t last = lines_.LastLineOf(tree_.node(id).bytes);
    for (NodeId parent = tree_.Parent(id); parent != kNoNode; parent = tree_.Parent(parent)) {
      const NodeRule* rule = rules_.Find(tree_, parent);
      if (rule == nullptr || rule->role != Role::kWrapper ||
          lines_.LastLineOf(tree_.node(parent).bytes) != last)
        break;
      id = parent;
    }
    return id;
  }

  int32_t JoinWithLast(NodeId id, const Declared& declared, int32_t parent) {
    if (outline_.items.empty()) return kNoItem;
    OutlineItem& last = outline_.items.back();
    std::string_view name = tree_.text().substr(declared.name.begin, declared.name.size());
    if (last.name != name || last.parent != parent || last.kind == ChunkKind::kClass)
      return kNoItem;
    last.extent.end = tree_.node(id).bytes.end;
    if (declared.kind == ChunkKind::kFunction && last.kind == ChunkKind::kVariable)
      last.kind = declared.kind;
    return static_cast<int32_t>(outline_.items.size()) - 1;
  }

  // Extends the item to the next sibling of its node type, or the end of its parent; that node.
  NodeId EndSection(NodeId id, int32_t item) {
    NodeId next = tree_.NextSibling(id);
    while (next != kNoNode && tree_.node(next).type != tree_.node(id).type)
      next = tree_.NextSibling(next);
    NodeId parent = tree_.Parent(id);
    ByteSpan& extent = outline_.items[static_cast<size_t>(item)].extent;
    extent.end = next != kNoNode     ? tree_.node(next).bytes.begin
                 : parent != kNoNode ? tree_.node(parent).bytes.end
                                     : extent.end;
    return next != kNoNode ? next : parent != kNoNode ? tree_.node(parent).subtree_end : id + 1;
  }

  void AddProse(ByteSpan span) {
    while (span.size() > 0 && IsBlank(tree_.text().substr(span.end - 1, 1))) --span.end;
    if (span.size() == 0) return;
    std::vector<ByteSpan>& prose = outline_.prose;
    if (!prose.empty() && span.begin < prose.back().end) return;  // inside of the last one
    if (!prose.empty() &&
        IsBlank(tree_.text().substr(prose.back().end, span.begin - prose.back().end))) {
      prose.back().end = span.end;
    } else {
      prose.push_back(span);
    }
  }

  // Marks the lines that hold nothing but this comment or attribute.
  void MarkLeading(ByteSpan span) {
    while (span.size() > 0 && IsBlank(tree_.text().substr(span.end - 1, 1))) --span.end;
    if (span.size() == 0) return;
    uint32_t first = lines_.LineOf(span.begin);
    uint32_t last = lines_.LastLineOf(span);
    uint32_t indentation = Indentation(lines_.Text(first));
    if (!IsBlank(tree_.text().substr(lines_.Begin(first), span.begin - lines_.Begin(first))))
      ++first;
    for (uint32_t line = first; line <= last; ++line) {
      bool to_its_end =
          line < last || IsBlank(tree_.text().substr(span.end, lines_.End(last) - span.end));
      if (!to_its_end) continue;
      outline_.line_class[line] = LineClass::kLeading;
      leading_indentation_[line] = indentation;
    }
  }

  // Whether what follows on the line adds nothing: ";", ",", a bracket, a comment.
  static bool IsTrailer(std::string_view rest) {
    size_t begin = rest.find_first_not_of(" \t\r\n;,)]}");
    if (begin == std::string_view::npos) return true;
    rest = rest.substr(begin);
    return rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with("#") ||
           rest.starts_with("--");
  }

  void WidenToLines(size_t index) {
    ByteSpan& extent = outline_.items[index].extent;
    while (extent.size() > 0 && IsBlank(tree_.text().substr(extent.end - 1, 1))) --extent.end;
    if (extent.size() == 0) return;
    uint32_t first = lines_.LineOf(extent.begin);
    if (!IsBlank(tree_.text().substr(lines_.Begin(first), extent.begin - lines_.Begin(first))))
      return;
    extent.begin = lines_.Begin(first);
    uint32_t last = lines_.LastLineOf(extent);
    if (IsTrailer(tree_.text().substr(extent.end, lines_.End(last) - extent.end)))
      extent.end = lines_.End(last);
  }

  // The first of the comment and attribute lines right above `line`, down to `top`, none of them
  // further indented.
  uint32_t FirstLeadingLine(uint32_t line, uint32_t top, uint32_t indentation) const {
    while (line > top && outline_.line_class[line - 1] == LineClass::kLeading &&
           leading_indentation_[line - 1] <= indentation)
      --line;
    return line;
  }

  // Extends an item upwards over the comments and attributes right above it. What an earlier item
  // claims of them (a grammar may put a comment into the block before) is taken from it.
  void TakeLeadingLines(size_t index) {
    OutlineItem& item = outline_.items[index];
    uint32_t first = lines_.LineOf(item.extent.begin);
    if (item.extent.size() == 0 || lines_.Begin(first) != item.extent.begin) return;
    uint32_t indentation = Indentation(lines_.Text(first));
    uint32_t top =
        item.parent == kNoItem
            ? 0
            : lines_.LineOf(outline_.items[static_cast<size_t>(item.parent)].name_begin) + 1;
    if (index > 0 && outline_.items[index - 1].name_begin < item.extent.begin) {
      top = std::max(top, lines_.LineOf(outline_.items[index - 1].name_begin) + 1);
    }
    first = FirstLeadingLine(first, top, indentation);
    // So does one comment above a blank line, unless it is as long as a licence.
    if (first >= top + 2 && outline_.line_class[first - 1] == LineClass::kBlank) {
      uint32_t heading = FirstLeadingLine(first - 1, top, indentation);
      uint32_t size = first - 1 - heading;
      if (size > 0 && size <= kMaxHeadingLines && leading_indentation_[heading] == indentation)
        first = heading;
    }
    uint32_t declaration_begin = item.extent.begin;
    item.extent.begin = lines_.Begin(first);
    int32_t around = index == 0 ? kNoItem : static_cast<int32_t>(index) - 1;
    for (; around != kNoItem && around != item.parent;
         around = outline_.items[static_cast<size_t>(around)].parent) {
      OutlineItem& other = outline_.items[static_cast<size_t>(around)];
      bool lies_before =
          other.extent.begin < item.extent.begin && other.extent.end <= declaration_begin;
      if (lies_before) other.extent.end = std::min(other.extent.end, item.extent.begin);
    }
  }

  const Grammar& grammar_;
  const RuleTable& rules_;
  const SyntaxTree& tree_;
  const LineTable& lines_;
  Outline outline_;
  std::vector<Frame> frames_;
  std::vector<Declared> declared_;
  std::vector<uint32_t> leading_indentation_;  // of the comment or attribute that a line belongs to
  uint32_t row_ = 0;
};

}  // namespace

Outline OutlineCode(const Grammar& grammar, const SyntaxTree& tree, const LineTable& lines) {
  return CodeOutliner(grammar, tree, lines).Run();
}

}  // namespace codelore::chunker
