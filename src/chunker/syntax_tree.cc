#include "chunker/syntax_tree.h"

#include <pthread.h>
#include <tree_sitter/api.h>

#include <chrono>
#include <memory>

namespace codelore::chunker {
namespace {

using Clock = std::chrono::steady_clock;

struct ParserDeleter {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};
struct TreeDeleter {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};
using TreePtr = std::unique_ptr<TSTree, TreeDeleter>;

const char* ReadText(void* payload, uint32_t byte, TSPoint, uint32_t* size) {
  auto text = *static_cast<std::string_view*>(payload);
  if (byte >= text.size()) {
    *size = 0;
    return "";
  }
  *size = static_cast<uint32_t>(text.size()) - byte;
  return text.data() + byte;
}

// What a parse may still spend. tree-sitter asks about every hundred operations; ordinary text takes up to two operations a
// byte, so counting them stops a parse that goes wrong, at the same place on any machine. Time is the last resort.
struct Budget {
  Clock::time_point deadline;
  uint64_t checks_left;
};
constexpr uint64_t kOperationsPerCheck = 100;
constexpr uint64_t kOperationsPerByte = 20;
constexpr uint64_t kFreeOperations = 200'000;

bool IsSpent(TSParseState* state) {
  auto* budget = static_cast<Budget*>(state->payload);
  if (budget->checks_left == 0) return true;
  --budget->checks_left;
  return Clock::now() > budget->deadline;
}

TreePtr ParseWithin(Clock::time_point deadline, const TSLanguage* language, std::string_view text) {
  std::unique_ptr<TSParser, ParserDeleter> parser(ts_parser_new());
  if (!ts_parser_set_language(parser.get(), language)) return nullptr;
  Budget budget = {deadline, (text.size() * kOperationsPerByte + kFreeOperations) / kOperationsPerCheck};
  TSInput input = {&text, ReadText, TSInputEncodingUTF8, nullptr};
  TSParseOptions options = {&budget, IsSpent};
  return TreePtr(ts_parser_parse_with_options(parser.get(), nullptr, input, options));
}

// tree-sitter releases and merges its parse stack by recursion, about 100 bytes a level, and text can nest as deep
// as it is long. Small texts fit any stack; others are parsed on a thread whose stack is sure to suffice. (It is only
// reserved, not used, by ordinary text.)
constexpr size_t kSmallText = 16 << 10;
constexpr size_t kStackBytesPerByte = 512;

struct ParseJob {
  Clock::time_point deadline;
  const TSLanguage* language;
  std::string_view text;
  TreePtr tree;
};

void* RunJob(void* payload) {
  auto* job = static_cast<ParseJob*>(payload);
  job->tree = ParseWithin(job->deadline, job->language, job->text);
  return nullptr;
}

TreePtr ParseOnLargeStack(ParseJob job) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_t thread;
  bool started = pthread_attr_setstacksize(&attributes, (1 << 20) + job.text.size() * kStackBytesPerByte) == 0 &&
                 pthread_create(&thread, &attributes, RunJob, &job) == 0;
  pthread_attr_destroy(&attributes);
  if (started) pthread_join(thread, nullptr);
  return std::move(job.tree);
}

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
std::string Flatten(const TSTree* tree, const ParseLimits& limits, Clock::time_point deadline,
                    std::vector<SyntaxNode>* nodes) {
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
    if (visited % 8192 == 8191 && Clock::now() > deadline) return "parse limit";
    close_down_to(walk.depth());
    TSNode node = walk.node();
    uint16_t field = 0;
    if (ts_node_is_named(node) || (field = walk.field()) != 0) {
      if (ts_node_is_named(node)) field = walk.field();
      NodeId parent = open.empty() ? kNoNode : open.back().id;
      auto id = static_cast<NodeId>(nodes->size());
      nodes->push_back({{ts_node_start_byte(node), ts_node_end_byte(node)}, parent, id + 1, ts_node_symbol(node), field});
      open.push_back({id, walk.depth()});
    }
    if (!walk.Next()) break;
  }
  close_down_to(0);
  return "";
}

}  // namespace

SyntaxTree SyntaxTree::Parse(const TSLanguage* language, std::string_view text, std::string_view parsed_text,
                             const ParseLimits& limits, std::string* failure) {
  SyntaxTree result;
  result.text_ = text;
  result.language_ = language;
  if (text.size() > limits.max_bytes) {
    *failure = "larger than the parse limit";
    return result;
  }
  auto deadline = Clock::now() + std::chrono::milliseconds(limits.time_budget_ms);
  TreePtr tree = parsed_text.size() <= kSmallText ? ParseWithin(deadline, language, parsed_text)
                                                  : ParseOnLargeStack({deadline, language, parsed_text, nullptr});
  if (!tree) {
    *failure = "parse limit";
    return result;
  }
  result.nodes_.reserve(text.size() / 6 + 16);
  *failure = Flatten(tree.get(), limits, deadline, &result.nodes_);
  if (!failure->empty()) result.nodes_.clear();
  return result;
}

std::string_view SyntaxTree::TypeName(NodeId id) const {
  return ts_language_symbol_name(language_, nodes_[id].type);
}

NodeId SyntaxTree::ChildInField(NodeId id, std::string_view field) const {
  uint16_t number = ts_language_field_id_for_name(language_, field.data(), static_cast<uint32_t>(field.size()));
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
  return ts_language_symbol_for_name(language, name.data(), static_cast<uint32_t>(name.size()), true);
}

uint32_t TypeCount(const TSLanguage* language) { return ts_language_symbol_count(language); }

}  // namespace codelore::chunker
