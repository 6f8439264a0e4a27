#include "api/conversation.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "codelore/utf8.h"

namespace codelore::api {
namespace {

constexpr size_t kFullTurns = 2;            // the latest ones, of which more is kept
constexpr size_t kMaxTurns = 12;            // older ones say nothing any more
constexpr size_t kLatestBytes = 1200, kOlderBytes = 200, kQuestionBytes = 600;
constexpr size_t kMaxSymbols = 6;

void Withhold(SeenTurn& seen) {
  seen.withheld = true;
  seen.turn.answer.clear();
  seen.turn.found = false;
}

SeenTurn Check(Turn turn, CitationReader& reader) {
  SeenTurn seen;
  std::vector<StoredCitation> readable;
  for (uint32_t i = 0; i < turn.citations.size(); ++i) {
    if (!reader.MayOpen(turn.citations[i])) continue;
    readable.push_back(turn.citations[i]);
    seen.numbers.push_back(i + 1);
  }
  const bool all = readable.size() == turn.citations.size();
  seen.turn = std::move(turn);
  seen.turn.citations = std::move(readable);
  if (!all) Withhold(seen);
  return seen;
}

// "[1]", "[2, 3]": of another answer's passages.
bool IsMark(std::string_view inside) {
  return !inside.empty() && inside.size() < 64 && std::isdigit(static_cast<unsigned char>(inside[0])) && inside.find_first_not_of("0123456789, ") == inside.npos;
}

std::string WithoutMarks(std::string_view line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    size_t close = line[i] == '[' ? line.find(']', i) : line.npos;
    if (close != line.npos && IsMark(line.substr(i + 1, close - i - 1))) i = close;
    else out += line[i];
  }
  return out;
}

// Up to the end of a sentence, where there is one in the second half.
std::string_view CutAtSentence(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::string_view cut = Utf8Prefix(text, max_bytes);
  size_t end = cut.find_last_of(".!?\n");
  return end != cut.npos && end > max_bytes / 2 ? cut.substr(0, end + 1) : cut;
}

}  // namespace

bool CitationReader::MayOpen(const StoredCitation& citation) {
  auto [at, added] = known_.try_emplace({citation.source, citation.path});
  if (added) at->second = service_.MayOpen(viewer_, citation.source, citation.path);
  return at->second;
}

StoredCitation ToStored(const NamedHit& named) {
  const Hit& hit = named.hit;
  return {.source = hit.source, .source_name = named.source, .commit = hit.revision, .path = hit.path, .symbol = hit.symbol,
          .start_line = hit.start_line, .end_line = hit.end_line};
}

namespace {

bool IsWithin(const Caller& caller, const Session& session) {
  if (!caller.only_sources) return true;
  return std::ranges::all_of(session.turns, [&](const Turn& turn) {
    return std::ranges::all_of(turn.citations, [&](const StoredCitation& citation) { return std::ranges::binary_search(*caller.only_sources, citation.source); });
  });
}

}  // namespace

Result<bool> IsSessionOfCaller(Service& service, const Caller& caller, std::string_view id) {
  if (!caller.only_sources) return true;
  auto session = service.sessions().Find(OwnerOf(caller.viewer), id);
  if (session.status().code() == StatusCode::kNotFound) return true;
  RETURN_IF_ERROR(session.status());
  return IsWithin(caller, *session);
}

Result<SeenSession> OpenSession(Service& service, const Caller& caller, std::string_view id) {
  ASSIGN_OR_RETURN(Session session, service.sessions().Find(OwnerOf(caller.viewer), id));
  if (!IsWithin(caller, session)) return service.sessions().Find(OwnerOf(caller.viewer), "").status();  // as for one there is not
  CitationReader reader(service, caller.viewer);
  SeenSession seen{.info = std::move(session.info), .turns = {}};
  for (Turn& turn : session.turns) {
    SeenTurn next = Check(std::move(turn), reader);
    bool derived = std::ranges::any_of(next.turn.built_on, [&](uint32_t number) {
      return number == 0 || number > seen.turns.size() || seen.turns[number - 1].withheld;
    });
    if (derived) Withhold(next);
    seen.turns.push_back(std::move(next));
  }
  return seen;
}

std::string CondensedAnswer(std::string_view answer, size_t max_bytes) {
  std::string text;
  bool fenced = false;
  while (!answer.empty()) {
    size_t end = std::min(answer.find('\n'), answer.size() - 1) + 1;
    std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end);
    size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    if (line.substr(begin).starts_with("```") || line.substr(begin).starts_with("~~~")) {
      fenced = !fenced;
      continue;
    }
    if (fenced || line.substr(begin).starts_with("[")) continue;  // a list of sources begins so
    std::string kept = WithoutMarks(line);
    if (kept.find_first_not_of(" \t\r\n") != kept.npos) text += kept;
  }
  return std::string(CutAtSentence(text, max_bytes));
}

Context ContextOf(const SeenSession& session) {
  Context context;
  std::vector<uint32_t> used;  // the latest first
  for (size_t i = session.turns.size(); i-- > 0 && used.size() < kMaxTurns;) {
    if (!session.turns[i].withheld) used.push_back(static_cast<uint32_t>(i + 1));
  }
  std::set<std::string> known;
  for (size_t i = 0; i < std::min(used.size(), kFullTurns); ++i) {
    for (const StoredCitation& citation : session.turns[used[i] - 1].turn.citations) {
      bool name = !citation.symbol.empty() && citation.symbol.find(' ') == std::string::npos;
      if (name && context.symbols.size() < kMaxSymbols && known.insert(citation.symbol).second) context.symbols.push_back(citation.symbol);
    }
  }
  std::ranges::reverse(used);
  for (size_t i = 0; i < used.size(); ++i) {
    const Turn& turn = session.turns[used[i] - 1].turn;
    const bool latest = i + kFullTurns >= used.size();
    context.history.push_back({ChatRole::kUser, std::string(Utf8Prefix(turn.question, kQuestionBytes))});
    context.history.push_back({ChatRole::kAssistant, CondensedAnswer(turn.answer, latest ? kLatestBytes : kOlderBytes)});
  }
  context.built_on = std::move(used);
  return context;
}

}  // namespace codelore::api
