#include "ingest/attributes.h"

#include <algorithm>
#include <set>
#include <utility>

namespace codelore::ingest {
namespace {

constexpr size_t kMaxFileBytes = 256 * 1024;
constexpr size_t kMaxFiles = 10'000;
constexpr size_t kMaxPatternBytes = 64 * 1024;  // of all patterns: what looking up one path costs grows with it
constexpr std::string_view kFileName = ".gitattributes";
constexpr std::string_view kBlanks = " \t\r";

std::string_view TakeWord(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  std::string_view word = rest.substr(0, rest.find_first_of(kBlanks));
  rest.remove_prefix(word.size());
  return word;
}

// A pattern in C-style quotes, as git writes names with blanks.
std::optional<std::string> TakeQuoted(std::string_view& rest) {
  std::string text;
  rest.remove_prefix(1);
  while (!rest.empty() && rest[0] != '"') {
    if (rest[0] != '\\') {
      text += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    static constexpr std::string_view kEscapes = "abfnrtv\\\"", kMeanings = "\a\b\f\n\r\t\v\\\"";
    if (rest.size() >= 4 && rest.substr(1, 3).find_first_not_of("01234567") == std::string_view::npos) {
      text += static_cast<char>((rest[1] - '0') * 64 + (rest[2] - '0') * 8 + (rest[3] - '0'));
      rest.remove_prefix(4);
    } else if (size_t which = rest.size() < 2 ? std::string_view::npos : kEscapes.find(rest[1]);
               which != std::string_view::npos) {
      text += kMeanings[which];
      rest.remove_prefix(2);
    } else {
      return std::nullopt;
    }
  }
  if (rest.empty()) return std::nullopt;
  rest.remove_prefix(1);
  return text;
}

constexpr std::string_view kSpecial = "*?[\\";

// What every path that matches begins with: only patterns with a slash are bound to the folder.
std::string LiteralPrefix(std::string_view pattern) {
  if (pattern.find('/') == std::string_view::npos) return "";
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  return std::string(pattern.substr(0, pattern.find_first_of(kSpecial)));
}

std::string LiteralSuffix(std::string_view pattern) {
  size_t last = pattern.find_last_of("*?[]\\/");
  if (last == std::string_view::npos) return std::string(pattern);
  // What an escape takes literally belongs to it, not to the suffix.
  return std::string(pattern.substr(std::min(pattern.size(), last + (pattern[last] == '\\' ? 2 : 1))));
}

std::string_view FolderOf(std::string_view path) {
  size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

bool MayBeRead(const TreeEntry& entry) {
  return Attributes::IsAttributesFile(entry.path) && entry.skip.empty() && entry.size_bytes <= kMaxFileBytes;
}

}  // namespace

Result<Attributes> Attributes::Read(SourceTree& tree) {
  std::vector<TreeEntry> files;
  RETURN_IF_ERROR(tree.List([&](TreeEntry entry) {
    if (MayBeRead(entry) && files.size() < kMaxFiles) files.push_back(std::move(entry));
    return OkStatus();
  }));
  return ReadFiles(tree, files);
}

Result<Attributes> Attributes::ReadAbove(SourceTree& tree, const std::vector<std::string>& paths) {
  std::set<std::string> wanted;
  for (std::string_view path : paths) {
    wanted.insert(std::string(kFileName));
    for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      wanted.insert(std::string(path.substr(0, slash + 1)).append(kFileName));
    }
  }
  ASSIGN_OR_RETURN(auto files, tree.Find({wanted.begin(), wanted.end()}));
  std::erase_if(files, [](const TreeEntry& entry) { return !MayBeRead(entry); });
  if (files.size() > kMaxFiles) files.resize(kMaxFiles);
  return ReadFiles(tree, files);
}

bool Attributes::IsAttributesFile(std::string_view path) { return path.substr(path.rfind('/') + 1) == kFileName; }

Result<Attributes> Attributes::ReadFiles(SourceTree& tree, const std::vector<TreeEntry>& files) {
  Attributes attributes;
  for (const TreeEntry& file : files) {
    auto content = tree.Read(file, kMaxFileBytes);
    if (content.ok()) {
      attributes.Add(FolderOf(file.path), *content);
    } else if (StatusCode code = content.status().code();
               code != StatusCode::kNotFound && code != StatusCode::kPermissionDenied) {
      return content.status();
    }
  }
  return attributes;
}

void Attributes::Add(std::string_view folder, std::string_view content) {
  std::vector<Rule>& rules = rules_[std::string(folder)];
  while (!content.empty()) {
    std::string_view line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(line.size() + 1, content.size()));
    AddLine(rules, line);
  }
}

void Attributes::AddLine(std::vector<Rule>& rules, std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  if (line.empty() || line[0] == '#' || line[0] == '!') return;
  std::string pattern;
  if (line[0] == '"') {
    std::optional<std::string> quoted = TakeQuoted(line);
    if (!quoted) return;
    pattern = *std::move(quoted);
  } else {
    pattern = TakeWord(line);
  }
  Marks marks = ParseMarks(line);
  if (!marks.any() || pattern.empty() || pattern.ends_with('/')) return;
  if (pattern.starts_with("[attr]")) return;
  if (pattern_bytes_ + pattern.size() > kMaxPatternBytes) {
    truncated_ = true;
    return;
  }
  pattern_bytes_ += pattern.size();
  rules.push_back({PathPattern(pattern), LiteralPrefix(pattern), LiteralSuffix(pattern), std::move(marks)});
}

bool Attributes::Marks::any() const {
  return language || std::ranges::any_of(of, [](Mark mark) { return mark != Mark::kNothing; });
}

Attributes::Marks Attributes::ParseMarks(std::string_view words) {
  Marks marks;
  for (std::string_view word = TakeWord(words); !word.empty(); word = TakeWord(words)) Mention(marks, word);
  return marks;
}

// "name", "-name", "!name" or "name=value".
void Attributes::Mention(Marks& marks, std::string_view word) {
  Mark mark = word[0] == '-' ? Mark::kFalse : word[0] == '!' ? Mark::kUnspecified : Mark::kTrue;
  if (mark != Mark::kTrue) word.remove_prefix(1);
  std::string_view name = word.substr(0, word.find('='));
  std::string_view value = word.substr(std::min(name.size() + 1, word.size()));
  if (value == "false") mark = Mark::kFalse;
  if (name == "linguist-language") marks.language = mark == Mark::kTrue ? std::string(value) : "";
  if (name == "linguist-generated") marks.of[kGenerated] = mark;
  if (name == "linguist-vendored") marks.of[kVendored] = mark;
  if (name == "linguist-documentation") marks.of[kDocumentation] = mark;
  if (name == "text") marks.of[kText] = mark;
  if (name == "diff") marks.of[kDiff] = mark;
  if (name == "binary" && mark == Mark::kTrue) marks.of[kText] = marks.of[kDiff] = Mark::kFalse;
}

FileAttributes Attributes::Of(std::string_view path) const {
  std::array<Mark, kNameCount> marks{};
  FileAttributes result;
  auto apply = [&](std::string_view folder) {
    auto at = rules_.find(folder);
    if (at == rules_.end()) return;
    std::string_view rest = path.substr(folder.empty() ? 0 : folder.size() + 1);
    for (const Rule& rule : at->second) {
      if (!rest.starts_with(rule.prefix) || !rest.ends_with(rule.suffix) || !rule.pattern.Matches(rest)) continue;
      for (size_t i = 0; i < marks.size(); ++i) {
        if (rule.marks.of[i] != Mark::kNothing) marks[i] = rule.marks.of[i];
      }
      if (rule.marks.language) result.language = *rule.marks.language;
    }
  };
  apply("");
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    apply(path.substr(0, slash));
  }
  auto said = [&](Name name) {
    bool specified = marks[name] == Mark::kTrue || marks[name] == Mark::kFalse;
    return specified ? std::optional<bool>(marks[name] == Mark::kTrue) : std::nullopt;
  };
  result.generated = said(kGenerated);
  result.vendored = said(kVendored);
  result.documentation = said(kDocumentation);
  result.binary = marks[kText] == Mark::kFalse && marks[kDiff] == Mark::kFalse;
  return result;
}

}  // namespace codelore::ingest
