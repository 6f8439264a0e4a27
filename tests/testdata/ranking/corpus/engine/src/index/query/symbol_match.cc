#include "index/query/symbol_match.h"

#include <algorithm>

namespace codelore::index {
namespace {

// "a::b.c" -> a, b, c. A separator at either end belongs to the name ("..", "~A").
std::vector<std::string_view> Parts(std::string_view symbol) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t i = 1; i + 1 < symbol.size(); ++i) {
    size_t length = symbol.substr(i, 2) == "::" ? 2 : symbol[i] == '.' || symbol[i] == '#' ? 1 : 0;
    if (length == 0 || i == begin || i + length >= symbol.size()) continue;
    parts.push_back(symbol.substr(begin, i - begin));
    begin = i + length;
    i += length - 1;
  }
  parts.push_back(symbol.substr(begin));
  return parts;
}

bool Encloses(ChunkKind kind) {
  return kind == ChunkKind::kClass || kind == ChunkKind::kInterface || kind == ChunkKind::kEnum || kind == ChunkKind::kType ||
         kind == ChunkKind::kModule || kind == ChunkKind::kSection;
}

void AppendParts(std::string_view text, std::string_view separator, std::vector<std::string_view>& parts) {
  while (!text.empty()) {
    size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + separator.size(), text.size()));
  }
}

}  // namespace

SymbolMatch::SymbolMatch(std::string_view symbol)
    : whole_(symbol), name_(Parts(symbol).back(), HasCapital(symbol) ? NamePattern::Case::kSmart : NamePattern::Case::kIgnored),
      words_(whole_.IsGlob() ? "" : Parts(symbol).back()), compound_(PhraseMatch::OfTerm(LowerAscii(Parts(symbol).back()))) {
  std::vector<std::string_view> parts = Parts(symbol);
  for (size_t i = 0; i + 1 < parts.size(); ++i) enclosing_.emplace_back(parts[i]);
}

bool SymbolMatch::EnclosedAsAsked(const std::vector<std::string_view>& enclosing) const {
  size_t next = 0;
  for (size_t i = 0; i < enclosing.size() && next < enclosing_.size(); ++i) next += enclosing_[next].Matches(enclosing[i]);
  return next == enclosing_.size();
}

bool SymbolMatch::Defines(const ChunkStrings& chunk) const {
  std::vector<std::string_view> enclosing;
  AppendParts(chunk.scope, " > ", enclosing);
  // A chunk's own symbol encloses its other definitions, if it is one that can.
  AppendParts(chunk.symbol, ".", enclosing);
  for (const DefinedName& definition : chunk.definitions) {
    if (whole_.Matches(definition.name)) return true;
    if (name_.Matches(definition.name) && EnclosedAsAsked(enclosing)) return true;
    if (Encloses(definition.kind)) enclosing.push_back(definition.name);
  }
  return false;
}

void SymbolMatch::ForEachChunk(const SegmentReader& segment, const std::function<bool(uint32_t)>& wanted,
                               const std::function<void(uint32_t)>& visit) const {
  auto test = [&](uint32_t chunk) {
    if (Defines(segment.StringsOf(segment.chunk(chunk)))) visit(chunk);
  };
  if (!words_.empty()) {
    std::vector<uint32_t> chunks;
    for (const PhraseMatch* match : {&words_, &compound_}) {
      match->ForEachChunk(segment, wanted, [&](uint32_t chunk) { chunks.push_back(chunk); });
    }
    std::ranges::sort(chunks);
    chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
    for (uint32_t chunk : chunks) test(chunk);
    return;
  }
  for (uint32_t chunk = 0; chunk < segment.chunk_count(); ++chunk) {
    if (wanted(chunk)) test(chunk);
  }
}

}  // namespace codelore::index
