#include "api/answer_figures.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "generate/answer_checker.h"

namespace codelore::api {
namespace {

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// In lower case (ASCII), each run of spaces and line breaks one space.
std::string Normal(std::string_view text) {
  std::string normal;
  for (char c : text) {
    if (!IsSpace(c)) normal += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!normal.empty() && normal.back() != ' ') normal += ' ';
  }
  while (normal.ends_with(' ')) normal.pop_back();
  return normal;
}

// Whether the digit at the border of a fact goes on behind it: 15 is not in 150, 1500, 1.5 or 2.15.
bool NumberGoesOn(std::string_view text, size_t at, int step) {
  if (at >= text.size()) return false;
  if (IsDigit(text[at])) return true;
  size_t beyond = at + static_cast<size_t>(step);
  return (text[at] == '.' || text[at] == ',') && beyond < text.size() && IsDigit(text[beyond]);
}

bool Says(std::string_view normal_text, const std::string& fact) {
  const std::string wanted = Normal(fact);
  if (wanted.empty()) return true;
  for (size_t at = normal_text.find(wanted); at != normal_text.npos; at = normal_text.find(wanted, at + 1)) {
    bool longer = IsDigit(wanted.front()) && at > 0 && NumberGoesOn(normal_text, at - 1, -1);
    longer = longer || (IsDigit(wanted.back()) && NumberGoesOn(normal_text, at + wanted.size(), 1));
    if (!longer) return true;
  }
  return false;
}

bool Touches(const GoldPassage& gold, const CitedLines& cited) {
  return gold.path == cited.path && gold.start_line <= cited.end_line && cited.start_line <= gold.end_line;
}

// 1: supported, 0: not; nothing: it claims nothing.
std::optional<double> Support(const std::string& line, bool quoted, const std::string& question, const std::string& evidence) {
  if (quoted) {
    std::string text = Normal(line);
    for (std::string_view gap = "…"; text.starts_with(gap) || text.ends_with(gap);) {  // a long line, shortened
      text.starts_with(gap) ? text.erase(0, gap.size()) : text.erase(text.size() - gap.size());
    }
    if (text.empty()) return std::nullopt;
    return evidence.find(text) != evidence.npos ? 1 : 0;
  }
  std::vector<std::string> claims = generate::ClaimsIn(line);
  std::erase_if(claims, [&](const std::string& claim) { return question.find(claim) != question.npos; });
  if (claims.empty()) return std::nullopt;
  return std::ranges::all_of(claims, [&](const std::string& claim) { return evidence.find(claim) != evidence.npos; }) ? 1 : 0;
}

// A mark and the place behind it are the answer's own words about where it is from; they are judged as citations.
std::string WithoutPlaces(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    size_t mark = line.find("] `");
    size_t open = mark == line.npos ? mark : mark + 2;
    size_t close = open == line.npos ? open : line.find('`', open + 1);
    bool place = close != line.npos && line.substr(open, close - open).find("#L") != line.npos;
    size_t end = place ? close + 1 : open == line.npos ? line.size() : open;
    text += line.substr(0, place ? open : end);
    line.remove_prefix(end);
  }
  return text;
}

std::optional<double> Groundedness(const JudgedQuestion& question, const GivenAnswer& answer) {
  const std::string evidence = Normal(answer.evidence), asked = Normal(question.text);
  double supported = 0, all = 0;
  std::string fence;
  for (std::string_view rest = answer.text; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    std::string line(rest.substr(0, end));
    rest.remove_prefix(end);
    size_t run = std::min(line.find_first_not_of('`'), line.size());
    if (fence.empty() ? run >= 3 : line.starts_with(fence) && Normal(line).size() == run) {
      fence = fence.empty() ? std::string(run, '`') : "";
      continue;
    }
    auto support = Support(fence.empty() ? WithoutPlaces(line) : line, !fence.empty(), asked, evidence);
    if (!support) continue;
    supported += *support;
    ++all;
  }
  return all > 0 ? std::optional(supported / all) : std::nullopt;
}

bool ParseLine(std::string_view text, uint32_t* line) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *line);
  return error == std::errc() && end == text.data() + text.size() && *line > 0;
}

}  // namespace

Result<GoldPassage> GoldPassage::Parse(std::string_view text) {
  const Status wrong = InvalidArgument("'" + std::string(text) + "' is no passage: write source:path or source:path#L10-L20");
  GoldPassage gold;
  size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return wrong;
  gold.source = text.substr(0, colon);
  std::string_view path = text.substr(colon + 1);
  if (size_t lines = path.rfind("#L"); lines != path.npos) {
    std::string_view range = path.substr(lines + 2);
    path = path.substr(0, lines);
    size_t dash = range.find("-L");
    bool read = ParseLine(range.substr(0, dash), &gold.start_line);
    gold.end_line = gold.start_line;
    if (dash != range.npos) read = read && ParseLine(range.substr(dash + 2), &gold.end_line);
    if (!read || gold.end_line < gold.start_line) return wrong;
  }
  gold.path = path;
  return path.empty() ? Result<GoldPassage>(wrong) : gold;
}

std::vector<std::string> MissingFacts(const JudgedQuestion& question, std::string_view answer) {
  const std::string text = Normal(answer);
  std::vector<std::string> missing;
  for (const auto& spellings : question.facts) {
    if (std::ranges::none_of(spellings, [&](const std::string& fact) { return Says(text, fact); })) missing.push_back(spellings.front());
  }
  return missing;
}

std::map<std::string, double> FiguresOf(const JudgedQuestion& question, const GivenAnswer& answer) {
  if (question.unanswerable) return {{"refusal", answer.found ? 0 : 1}};
  std::map<std::string, double> figures = {{"false_refusal", answer.found ? 0 : 1}};
  auto share = [](auto count, size_t of) { return static_cast<double>(count) / static_cast<double>(of); };
  if (!question.passages.empty()) {
    auto touched = std::ranges::count_if(question.passages, [&](const GoldPassage& gold) {
      return std::ranges::any_of(answer.cited, [&](const CitedLines& cited) { return Touches(gold, cited); });
    });
    figures["citation_recall"] = share(touched, question.passages.size());
    auto right = std::ranges::count_if(answer.cited, [&](const CitedLines& cited) {
      return std::ranges::any_of(question.passages, [&](const GoldPassage& gold) { return Touches(gold, cited); });
    });
    if (!answer.cited.empty()) figures["citation_precision"] = share(right, answer.cited.size());
  }
  if (!question.facts.empty()) figures["fact_recall"] = 1 - share(MissingFacts(question, answer.text).size(), question.facts.size());
  if (auto grounded = Groundedness(question, answer)) figures["groundedness"] = *grounded;
  return figures;
}

}  // namespace codelore::api
