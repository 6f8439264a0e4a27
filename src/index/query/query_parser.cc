#include "index/query/query_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "index/query/name_pattern.h"
#include "index/query/query_tokens.h"

namespace codelore::index {
namespace {

// Builds the tree with a stack of its own.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) { frames_.emplace_back(); }

  Result<QueryNode> Build(std::vector<QueryToken>& tokens) {
    for (QueryToken& token : tokens) RETURN_IF_ERROR(Take(token));
    Frame& root = frames_.back();
    if (root.or_pending) return QueryError(text_, root.or_offset, "nothing to the right of the OR");
    if (frames_.size() > 1) return QueryError(text_, root.offset, "no ) for the (");
    return Join(root);
  }

 private:
  struct Frame {
    size_t offset = 0;        // of its "("
    bool negated = false;     // the whole group
    size_t not_offset = 0;
    bool or_pending = false;  // an OR waits for its right side
    size_t or_offset = 0;
    bool not_pending = false;
    std::vector<QueryNode> items;
  };

  Status Take(QueryToken& token) {
    Frame& top = frames_.back();
    switch (token.kind) {
      case TokenKind::kAtom:
        RETURN_IF_ERROR(Count(token.atom));
        AddOperand(std::move(token.atom));
        return OkStatus();
      case TokenKind::kNot:
        top.not_pending = true;
        top.not_offset = token.offset;
        return OkStatus();
      case TokenKind::kOr:
        if (top.or_pending) return QueryError(text_, token.offset, "two ORs side by side: nothing between them");
        if (top.items.empty()) return QueryError(text_, token.offset, "nothing to the left of the OR");
        top.or_pending = true;
        top.or_offset = token.offset;
        return OkStatus();
      case TokenKind::kOpen: return Open(token.offset);
      case TokenKind::kClose: return Close();
    }
    return OkStatus();
  }

  Status Count(const QueryNode& atom) {
    bool word = atom.kind == QueryKind::kWord;
    if (++(word ? words_ : atoms_) > (word ? kMaxQueryWords : kMaxQueryAtoms)) {
      return QueryError(text_, atom.offset, word ? "too many words" : "too many conditions (at most 64)");
    }
    return OkStatus();
  }

  Status Open(size_t offset) {
    if (frames_.size() > kMaxQueryDepth) return QueryError(text_, offset, "groups within groups too deep");
    frames_.push_back({.offset = offset});
    return OkStatus();
  }

  Status Close() {
    Frame group = std::move(frames_.back());
    if (group.or_pending) return QueryError(text_, group.or_offset, "nothing to the right of the OR");
    if (group.items.empty()) return QueryError(text_, group.offset, "nothing between ( and )");
    frames_.pop_back();
    QueryNode node = Join(group);
    node.offset = group.offset;
    AddOperand(std::move(node));
    return OkStatus();
  }

  void AddOperand(QueryNode node) {
    Frame& top = frames_.back();
    if (std::exchange(top.not_pending, false)) {
      QueryNode negation{QueryKind::kNot, "", {}, top.not_offset};
      negation.children.push_back(std::move(node));
      node = std::move(negation);
    }
    if (std::exchange(top.or_pending, false)) {
      QueryNode left = std::move(top.items.back());
      QueryNode either{QueryKind::kOr, "", {}, left.offset};
      Append(std::move(left), QueryKind::kOr, either.children);
      Append(std::move(node), QueryKind::kOr, either.children);
      top.items.back() = std::move(either);
    } else {
      top.items.push_back(std::move(node));
    }
  }

  // The node, or its children if it is of `kind` itself.
  static void Append(QueryNode node, QueryKind kind, std::vector<QueryNode>& children) {
    if (node.kind != kind) return children.push_back(std::move(node));
    for (QueryNode& child : node.children) children.push_back(std::move(child));
  }

  static QueryNode Join(Frame& frame) {
    if (frame.items.size() == 1) return std::move(frame.items[0]);
    QueryNode all{QueryKind::kAnd, "", {}, frame.offset};
    for (QueryNode& item : frame.items) Append(std::move(item), QueryKind::kAnd, all.children);
    return all;
  }

  const std::string_view text_;
  std::vector<Frame> frames_;
  size_t words_ = 0, atoms_ = 0;
};

bool IsWord(const QueryToken& token) { return token.kind == TokenKind::kAtom && token.atom.kind == QueryKind::kWord; }

// A letter, a digit, or anything beyond ASCII.
bool HasLetters(std::string_view word) {
  return std::ranges::any_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 0x80;
  });
}

// Words in capitals beside which OR is SQL's, or shouted.
bool IsShouted(std::string_view word) {
  static constexpr std::array<std::string_view, 24> kWords = {
      "SELECT", "FROM", "WHERE", "AND", "NOT", "JOIN", "INSERT", "UPDATE", "DELETE", "CREATE", "IF", "HAVING",
      "THE",    "A",    "OF",    "IN",  "TO",  "IS",   "WITH",   "FOR",    "ON",     "BY",     "AS", "ANY"};
  return std::ranges::find(kWords, word) != kWords.end();
}

// Words that make a sentence.
bool IsFunctionWord(std::string_view word) {
  static constexpr std::array<std::string_view, 32> kWords = {
      "a",  "an",  "the", "is",    "are", "was",  "do",   "does", "did",  "how", "what", "which", "who",  "when", "where", "why",
      "to", "of",  "in",  "on",    "for", "from", "with", "that", "this", "if",  "can",  "should", "and", "or",   "it",    "as"};
  std::string lower = LowerAscii(word);
  return std::ranges::find(kWords, lower) != kWords.end();
}

// Whether phrases are the only operators and what stands around them is a sentence: who quotes in a question does not
// ask for files with these very words.
bool IsSentenceWithQuotations(const std::vector<QueryToken>& tokens) {
  constexpr int kSentenceWords = 4;
  int words = 0;
  bool function_word = false;
  for (const QueryToken& token : tokens) {
    if (!IsWord(token) && (token.kind != TokenKind::kAtom || token.atom.kind != QueryKind::kPhrase)) return false;
    words += IsWord(token) && HasLetters(token.atom.text);
    function_word = function_word || (IsWord(token) && IsFunctionWord(token.atom.text));
  }
  return function_word || words >= kSentenceWords;
}

// Whether the list, read without groups, has an OR between two operands.
bool HasOr(const std::vector<QueryToken>& tokens) {
  bool shouted = std::ranges::any_of(tokens, [](const QueryToken& token) { return IsWord(token) && IsShouted(token.atom.text); });
  auto operand = [&](const QueryToken& token) {
    return !IsWord(token) || (token.atom.text != "OR" && HasLetters(token.atom.text));
  };
  for (size_t i = 1; i + 1 < tokens.size() && !shouted; ++i) {
    if (IsWord(tokens[i]) && tokens[i].atom.text == "OR" && operand(tokens[i - 1]) && operand(tokens[i + 1])) return true;
  }
  return false;
}

bool HasNegatedGroup(std::string_view text) {
  return text.starts_with("-(") || text.find(" -(") != std::string_view::npos;
}

// The tokens of a query that people may have written without knowing of any syntax. Empty: it has none.
Result<std::vector<QueryToken>> ReadFreely(std::string_view text) {
  TokenRules rules{.strict = false, .quotes = true, .groups = false};
  ASSIGN_OR_RETURN(TokenList list, ReadTokens(text, rules));
  size_t open_quote = list.open_quote;
  if (list.stray_quote) {
    rules.quotes = false;
    ASSIGN_OR_RETURN(list, ReadTokens(text, rules));
  }
  bool either = HasOr(list.tokens);
  bool any = either || std::ranges::any_of(list.tokens, [](const QueryToken& token) { return !IsWord(token); });
  if (!any || (!either && IsSentenceWithQuotations(list.tokens))) return std::vector<QueryToken>();
  if (open_quote != std::string_view::npos) return QueryError(text, open_quote, "no closing \" for the \"");
  if (!either && !HasNegatedGroup(text)) return std::move(list.tokens);
  rules.groups = true;
  ASSIGN_OR_RETURN(list, ReadTokens(text, rules));
  return std::move(list.tokens);
}

}  // namespace

Result<ParsedQuery> ParseQuery(std::string_view text, QuerySyntax syntax) {
  ParsedQuery parsed;
  if (syntax == QuerySyntax::kPlain) return parsed;
  std::vector<QueryToken> tokens;
  if (syntax == QuerySyntax::kQuery) {
    ASSIGN_OR_RETURN(TokenList list, ReadTokens(text, {.strict = true}));
    tokens = std::move(list.tokens);
  } else {
    ASSIGN_OR_RETURN(tokens, ReadFreely(text));
  }
  if (tokens.empty()) return parsed;
  parsed.plain = false;
  ASSIGN_OR_RETURN(parsed.tree, TreeBuilder(text).Build(tokens));
  return parsed;
}

std::string RankedTextOf(std::string_view text, const ParsedQuery& query) {
  return query.plain ? std::string(text) : RankedTextOf(query.tree);
}

}  // namespace codelore::index
