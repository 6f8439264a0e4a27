#include "api/follow_up.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "codelore/utf8.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxBorrowedBytes = 400;
constexpr size_t kMaxNames = 4;
constexpr size_t kFewWords = 3;  // with so few words of its own a question leans on the one before

constexpr std::array<std::string_view, 20> kPointers = {"it", "its", "that", "this", "they", "them", "their", "those", "these", "there",
                                                        "he", "she", "same", "above", "instead", "else", "그것", "그건", "이건", "거기"};
constexpr std::array<std::string_view, 38> kPlain = {
    "a", "an", "the", "is", "are", "was", "were", "do", "does", "did", "how", "what", "where", "when", "why", "who", "which", "and", "or",
    "but", "of", "in", "on", "to", "for", "with", "about", "can", "could", "should", "me", "show", "tell", "please", "example", "more", "then", "also"};

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (char c : text) {
    bool part = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<uint8_t>(c) >= 0x80;
    if (part) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool LeansBack(std::string_view question) {
  size_t own = 0;
  for (const std::string& word : WordsOf(question)) {
    if (std::ranges::find(kPointers, word) != kPointers.end()) return true;
    if (word.starts_with("그것") || word.starts_with("그건") || word.starts_with("이것") || word.starts_with("거기")) return true;
    own += std::ranges::find(kPlain, word) == kPlain.end() ? 1 : 0;
  }
  return own < kFewWords;
}

// Names in code spans, each once, without paths and citations.
std::string NamesIn(std::string_view answer) {
  std::string names;
  size_t count = 0;
  for (size_t open = answer.find('`'); open != answer.npos && count < kMaxNames;) {
    size_t close = answer.find('`', open + 1);
    if (close == answer.npos) break;
    std::string_view name = answer.substr(open + 1, close - open - 1);
    bool plain = name.size() > 2 && name.size() < 64 && name.find_first_of(" \n/@#") == name.npos;
    if (plain && names.find(name) == names.npos) {
      names += " " + std::string(name);
      ++count;
    }
    open = answer.find('`', close + 1);
  }
  return names;
}

}  // namespace

std::string SearchTextOf(std::string_view question, std::span<const ChatMessage> history, std::span<const std::string> symbols) {
  std::string text(question);
  if (!LeansBack(question)) return text;
  for (const std::string& symbol : symbols.first(std::min(symbols.size(), kMaxNames))) text += " " + symbol;
  bool answered = !symbols.empty();
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn) {
    if (turn->role == ChatRole::kAssistant && !answered) {
      text += NamesIn(turn->text);
      answered = true;
    }
    if (turn->role != ChatRole::kUser) continue;
    text += " " + std::string(Utf8Prefix(turn->text, kMaxBorrowedBytes));
    if (!LeansBack(turn->text)) break;
    if (text.size() > 2 * kMaxBorrowedBytes) break;
  }
  return text;
}

}  // namespace codelore::api
