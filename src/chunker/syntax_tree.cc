#include "chunker/syntax_tree.h"

#include <pthread.h>
#include <tree_sitter/api.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "chunker/parser_memory.h"

namespace codelore::chunker {
namespace {

using Clock = ParserMemory::Clock;

// What a parse may spend, beside time: operations, memory, and bytes read (a scanner may look ahead
// to the end of the text at every character). Ordinary text takes up to two operations, fifty bytes
// of memory and ten readings for each of its bytes. Counting stops a parse that goes wrong at the
// same place on any machine; time is the last resort.
constexpr uint64_t kOperationsPerCheck = 100;  // tree-sitter's
constexpr uint64_t kOperationsPerByte = 20;
constexpr uint64_t kFreeOperations = 200'000;
constexpr size_t kMemoryPerByte = 300;
constexpr size_t kFreeMemory = 32 << 20;
constexpr uint32_t kReadBytes = 4'096;  // at a time
constexpr uint64_t kReadsPerPage = 200;
constexpr uint64_t kFreeReads = 2'000;

// tree-sitter releases and merges its parse stack by recursion, about 100 bytes a level, and text
// can nest as deep as it is long. Small texts fit any stack; others are parsed on a thread whose
// stack is sure to suffice. (Ordinary text only reserves it.)
constexpr size_t kSmallText = 16 << 10;
constexpr size_t kStackBytesPerByte = 512;
constexpr size_t kLeastStack = 1 << 20;

void* AllocateZeroed(size_t count, size_t size) {
  void* memory = ParserMemory::Current()->Allocate(count * size);
  std::memset(memory, 0, count * size);
  return memory;
}

void UseParserMemory() {
  [[maybe_unused]] static const bool once = [] {
    ts_set_allocator(
        [](size_t size) { return ParserMemory::Current()->Allocate(size); }, AllocateZeroed,
        [](void* memory, size_t size) { return ParserMemory::Current()->Resize(memory, size); },
        [](void* memory) { ParserMemory::Current()->Release(memory); });
    return true;
  }();
}

// One parse: its input, and what it may still spend. A line break follows the text, because some
// scanners wait for one without looking for the end. The tree lives as long as this object.
class ParseRun {
 public:
  ParseRun(const TSLanguage* language, std::string_view text, Clock::time_point deadline)
      : language_(language),
        text_(text),
        memory_(text.size() * kMemoryPerByte + kFreeMemory, deadline),
        checks_left_((text.size() * kOperationsPerByte + kFreeOperations) / kOperationsPerCheck),
        reads_left_((text.size() / kReadBytes + 1) * kReadsPerPage + kFreeReads) {}

  // Null if the parse spent too much.
  const TSTree* Run() {
    UseParserMemory();
    if (text_.size() <= kSmallText)
      RunHere(this);
    else
      RunOnLargeStack();
    return tree_;
  }
  ParserMemory* memory() { return &memory_; }

 private:
  static void* RunHere(void* payload) {
    auto* parse = static_cast<ParseRun*>(payload);
    ParserMemory::Scope scope(&parse->memory_);
    if (!parse->memory_.Run(ParseText, parse)) parse->tree_ = nullptr;
    return nullptr;
  }

  void RunOnLargeStack() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_t thread;
    bool started = pthread_attr_setstacksize(
                       &attributes, kLeastStack + text_.size() * kStackBytesPerByte) == 0 &&
                   pthread_create(&thread, &attributes, RunHere, this) == 0;
    pthread_attr_destroy(&attributes);
    if (started) pthread_join(thread, nullptr);
  }

  static void ParseText(void* payload) {
    auto* parse = static_cast<ParseRun*>(payload);
    TSParser* parser = ts_parser_new();
    if (ts_parser_set_language(parser, parse->language_)) {
      TSInput input = {parse, Read, TSInputEncodingUTF8, nullptr};
      TSParseOptions options = {parse, IsOver};
      parse->tree_ = ts_parser_parse_with_options(parser, nullptr, input, options);
    }
    ts_parser_delete(parser);
  }

  static const char* Read(void* payload, uint32_t byte, TSPoint, uint32_t* size) {
    auto* parse = static_cast<ParseRun*>(payload);
    if (parse->reads_left_-- == 0 || parse->memory_.IsLate()) parse->memory_.BreakOff();
    size_t end = parse->text_.size();
    *size = byte < end    ? std::min(kReadBytes, static_cast<uint32_t>(end) - byte)
            : byte == end ? 1
                          : 0;
    return byte < end ? parse->text_.data() + byte : "\n";
  }

  static bool IsOver(TSParseState* state) {
    auto* parse = static_cast<ParseRun*>(state->payload);
    return parse->checks_left_-- == 0 || parse->memory_.IsLate();
  }

  const TSLanguage* language_;
  std::string_view text_;
  ParserMemory memory_;
  uint64_t checks_left_;
  uint64_t reads_left_;
  const TSTree* tree_ = nullptr;
};

// A TSTreeCursor over a whole tree in preorder, knowing its depth.
class Preorder {
 public:
  explicit Preorder(TSNode root) : cursor_(ts_tree_cursor_new(root)) {}
  Preorder(const Preorder&) = delete;
  Preorder& operator=(const Preorder&) = delete;
  ~Preorder() { ts_tree_cursor_delete(&cursor_); }

  TSNode node() const { return ts_tree_cursor_current_node(&cursor_); }
  uint16_t field() const { return ts_tree_cursor_current_field_id(&cursor_); }
  uint32_t depth() const { return depth_; }
  bool Next() {
    if (ts_tree_cursor_goto_first_child(&cursor_)) {
      ++depth_;
      return true;
    }
    while (!ts_tree_cursor_goto_next_sibling(&cursor_)) {
      if (!ts_tree_cursor_goto_parent(&cursor_)) return false;
      --depth_;
    }
    return true;
  }

 private:
  TSTreeCursor cursor_;
  uint32_t depth_ = 0;
};

// Copies the nodes worth keeping; "" or the name of the limit that was met.
std::string Flatten(const TSTree* tree, uint32_t text_size, const ParseLimits& limits,
                    Clock::time_point deadline, std::vector<SyntaxNode>* nodes) {
  struct Open {
    NodeId id;
    uint32_t depth;
  };
  std::vector<Open> open;
  auto close_down_to = [&](uint32_t depth) {
    while (!open.empty() && open.back().depth >= depth) {
      (*nodes)[open.back().id].subtree_end = static_cast<NodeId>(nodes->size());
      open.pop_back();
    }
  };
  Preorder walk(ts_tree_root_node(tree));
  for (uint32_t visited = 0;; ++visited) {
    if (walk.depth() > limits.max_depth) return "nested too deeply";
    if (visited > limits.max_nodes) return "too many syntax nodes";
    if (visited % 256 == 255 && Clock::now() > deadline) return "parse limit";
    close_down_to(walk.depth());
    TSNode node = walk.node();
    uint16_t field = 0;
    if (ts_node_is_named(node) || (field = walk.field()) != 0) {
      if (ts_node_is_named(node)) field = walk.field();
      NodeId parent = open.empty() ? kNoNode : open.back().id;
      auto id = static_cast<NodeId>(nodes->size());
      ByteSpan bytes = {std::min(ts_node_start_byte(node), text_size),
                        std::min(ts_node_end_byte(node), text_size)};
      nodes->push_back({bytes, parent, id + 1, ts_node_symbol(node), field});
      open.push_back({id, walk.depth()});
    }
    if (!walk.Next()) break;
  }
  close_down_to(0);
  return "";
}

}  // namespace

SyntaxTree SyntaxTree::Parse(const TSLanguage* language, std::string_view text,
                             std::string_view parsed_text, const ParseLimits& limits,
                             std::string* failure) {
  SyntaxTree result;
  result.text_ = text;
  result.language_ = language;
  if (text.size() > limits.max_bytes) {
    *failure = "larger than the parse limit";
    return result;
  }
  auto deadline = Clock::now() + std::chrono::milliseconds(limits.time_budget_ms);
  ParseRun parse(language, parsed_text, deadline);
  const TSTree* tree = parse.Run();
  if (tree == nullptr) {
    *failure = "parse limit";
    return result;
  }
  ParserMemory::Scope scope(parse.memory());
  result.nodes_.reserve(text.size() / 6 + 16);
  *failure = Flatten(tree, static_cast<uint32_t>(text.size()), limits, deadline, &result.nodes_);
  if (!failure->empty()) result.nodes_.clear();
  return result;
}

std::string_view SyntaxTree::TypeName(NodeId id) const {
  return ts_language_symbol_name(language_, nodes_[id].type);
}

NodeId SyntaxTree::ChildInField(NodeId id, std::string_view field) const {
  return ChildInField(id, FieldNumber(language_, field));
}

NodeId SyntaxTree::ChildInField(NodeId id, uint16_t number) const {
  if (number == 0) return kNoNode;
  for (NodeId child = FirstChild(id); child != kNoNode; child = NextSibling(child)) {
    if (nodes_[child].field == number) return child;
  }
  return kNoNode;
}

NodeId SyntaxTree::ChildOfType(NodeId id, std::string_view type) const {
  for (NodeId child = FirstChild(id); child != kNoNode; child = NextSibling(child)) {
    if (TypeName(child) == type) return child;
  }
  return kNoNode;
}

uint16_t TypeNumber(const TSLanguage* language, std::string_view name) {
  return ts_language_symbol_for_name(language, name.data(), static_cast<uint32_t>(name.size()),
                                     true);
}

uint16_t FieldNumber(const TSLanguage* language, std::string_view name) {
  return ts_language_field_id_for_name(language, name.data(), static_cast<uint32_t>(name.size()));
}

uint32_t TypeCount(const TSLanguage* language) { return ts_language_symbol_count(language); }

}  // namespace codelore::chunker
