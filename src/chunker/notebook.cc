#include "chunker/notebook.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "chunker/document_outline.h"
#include "chunker/lines.h"

namespace codelore::chunker {
namespace {

// Steps over JSON text without building anything, so that it can say where things stand. After a
// syntax error it stays at the end. Nesting costs a counter, not a stack.
class JsonReader {
 public:
  explicit JsonReader(std::string_view json) : json_(json) { SkipSpace(); }

  bool ok() const { return ok_; }
  uint32_t position() const { return static_cast<uint32_t>(position_); }
  char Peek() const { return position_ < json_.size() ? json_[position_] : '\0'; }

  bool Take(char c) {
    if (Peek() != c) return false;
    ++position_;
    SkipSpace();
    return true;
  }
  // A string with its quotes.
  ByteSpan TakeString() {
    size_t begin = position_;
    if (Peek() != '"') return Fail();
    size_t end = begin + 1;
    while (end < json_.size() && json_[end] != '"') end += json_[end] == '\\' ? 2 : 1;
    if (end >= json_.size()) return Fail();
    position_ = end + 1;
    SkipSpace();
    return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end + 1)};
  }
  void SkipValue() {
    int64_t depth = 0;
    do {
      char c = Peek();
      if (c == '"') {
        TakeString();
      } else if (c == '\0') {
        Fail();
      } else {
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        if (depth < 0) Fail();
        if (IsPunctuation(c))
          Take(c);
        else
          SkipWord();
      }
    } while (ok_ && depth > 0);
  }

 private:
  static bool IsPunctuation(char c) {
    return std::string_view("{}[],:").find(c) != std::string_view::npos;
  }
  void SkipWord() {
    while (position_ < json_.size() && !IsPunctuation(json_[position_]) &&
           json_[position_] != '"' && !IsBlank(json_.substr(position_, 1)))
      ++position_;
    SkipSpace();
  }
  void SkipSpace() {
    while (position_ < json_.size() && IsBlank(json_.substr(position_, 1))) ++position_;
  }
  ByteSpan Fail() {
    ok_ = false;
    position_ = json_.size();
    return {};
  }

  std::string_view json_;
  size_t position_ = 0;
  bool ok_ = true;
};

// One line of a cell's source, where it stands, and what it says.
struct SourceLine {
  ByteSpan json;
  std::string text;
};

struct Cell {
  uint32_t begin = 0;  // of its JSON
  bool is_markdown = false;
  std::vector<SourceLine> source;
};

std::string Decode(std::string_view literal) {
  auto value = nlohmann::json::parse(literal, nullptr, /*allow_exceptions=*/false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// Reads members of an object: calls visit(key) with the reader in front of each value, which it
// must read.
template <typename Visit>
void ReadObject(std::string_view json, JsonReader* reader, Visit visit) {
  if (!reader->Take('{')) return reader->SkipValue();
  while (reader->ok() && !reader->Take('}')) {
    ByteSpan key = reader->TakeString();
    if (!reader->Take(':')) return reader->SkipValue();
    visit(key.size() >= 2 ? json.substr(key.begin + 1, key.size() - 2) : std::string_view());
    reader->Take(',');
  }
}

template <typename Visit>
void ReadArray(JsonReader* reader, Visit visit) {
  if (!reader->Take('[')) return reader->SkipValue();
  while (reader->ok() && !reader->Take(']')) {
    visit();
    reader->Take(',');
  }
}

// A string, or a list of strings.
std::vector<SourceLine> ReadSource(std::string_view json, JsonReader* reader) {
  std::vector<SourceLine> lines;
  auto read_line = [&] {
    if (reader->Peek() != '"') return reader->SkipValue();
    ByteSpan span = reader->TakeString();
    lines.push_back({span, Decode(json.substr(span.begin, span.size()))});
  };
  if (reader->Peek() == '[')
    ReadArray(reader, read_line);
  else
    read_line();
  return lines;
}

// The start of its line, if only white space stands between.
uint32_t BackToLineStart(std::string_view json, uint32_t position) {
  uint32_t begin = position;
  while (begin > 0 && (json[begin - 1] == ' ' || json[begin - 1] == '\t')) --begin;
  return begin > 0 && json[begin - 1] == '\n' ? begin : position;
}

Cell ReadCell(std::string_view json, JsonReader* reader) {
  Cell cell;
  cell.begin = BackToLineStart(json, reader->position());
  ReadObject(json, reader, [&](std::string_view key) {
    if (key == "source") {
      cell.source = ReadSource(json, reader);
    } else if (key == "cell_type" && reader->Peek() == '"') {
      ByteSpan type = reader->TakeString();
      cell.is_markdown = json.substr(type.begin, type.size()) == "\"markdown\"";
    } else {
      reader->SkipValue();
    }
  });
  return cell;
}

std::vector<Cell> ReadCells(std::string_view json) {
  std::vector<Cell> cells;
  JsonReader reader(json);
  ReadObject(json, &reader, [&](std::string_view key) {
    if (key != "cells") return reader.SkipValue();
    ReadArray(&reader, [&] { cells.push_back(ReadCell(json, &reader)); });
  });
  if (!reader.ok()) cells.clear();
  return cells;
}

// The document as a reader sees it: the sources of all cells below each other, code between fences.
// It is cut like any Markdown, then the cuts are moved to where those lines stand in the JSON.
struct Transcript {
  std::string text;
  // For each line of text: where a chunk that begins with it begins in the JSON, where it stands
  // itself, and whether a reader sees it.
  struct Line {
    uint32_t chunk_begin;
    uint32_t begin;
    bool is_fence;
  };
  std::vector<Line> lines;

  void Add(std::string_view line, uint32_t chunk_begin, uint32_t begin, bool is_fence = false) {
    text += line;
    text += '\n';
    lines.push_back({chunk_begin, begin, is_fence});
  }
};

// The position behind the next escaped line break in a string's JSON, or its end.
uint32_t BehindLineBreak(std::string_view json, uint32_t begin, uint32_t end) {
  for (; begin + 1 < end; ++begin) {
    if (json[begin] != '\\') continue;
    if (json[++begin] == 'n') return begin + 1;
  }
  return end - 1;
}

Transcript Transcribe(std::string_view json, const std::vector<Cell>& cells) {
  const std::string fence(40, '`');  // longer than any that a cell holds
  Transcript transcript;
  for (const Cell& cell : cells) {
    if (cell.source.empty()) continue;
    uint32_t chunk_begin = cell.begin;
    uint32_t at = cell.begin;
    if (!cell.is_markdown) transcript.Add(fence, chunk_begin, at, true);
    for (const SourceLine& source : cell.source) {
      std::string_view rest = source.text;
      at = source.json.begin;
      while (rest.ends_with('\n') || rest.ends_with('\r')) rest.remove_suffix(1);
      for (size_t begin = 0; begin <= rest.size();) {
        size_t end = std::min(rest.find('\n', begin), rest.size());
        bool is_first = chunk_begin == cell.begin;
        transcript.Add(rest.substr(begin, end - begin),
                       is_first ? cell.begin : BackToLineStart(json, at), at);
        chunk_begin = at;
        at = BehindLineBreak(json, at, source.json.end);
        begin = end + 1;
      }
    }
    if (!cell.is_markdown) transcript.Add(fence, chunk_begin, at, true);
    transcript.Add("", chunk_begin, at, true);
  }
  return transcript;
}

// Moves what was cut in a transcript to the JSON it was made from.
class TranscriptMapper {
 public:
  TranscriptMapper(std::string_view json, const Transcript& transcript)
      : json_size_(static_cast<uint32_t>(json.size())),
        json_lines_(json),
        transcript_(transcript),
        lines_(transcript.text) {}

  void Map(ChunkedFile* file) const {
    std::vector<Chunk> mapped;
    uint32_t next_line = 0;
    for (Chunk& chunk : file->chunks) {
      uint32_t first = chunk.start_line - 1;
      std::string text = VisibleText(std::max(first, next_line), chunk.end_line - 1);
      next_line = chunk.end_line;
      // A chunk may begin inside of a line or of a JSON string: the JSON cannot be cut there.
      uint32_t begin = mapped.empty() ? 0 : transcript_.lines[first].chunk_begin;
      bool is_cut = mapped.empty() ||
                    (begin > mapped.back().bytes.begin && lines_.Begin(first) == chunk.bytes.begin);
      if (!is_cut) {
        Chunk& last = mapped.back();
        last.search_text += text;
        last.definitions.insert(last.definitions.end(), chunk.definitions.begin(),
                                chunk.definitions.end());
        continue;
      }
      if (!mapped.empty()) mapped.back().bytes.end = begin;
      chunk.bytes = {begin, json_size_};
      chunk.search_text = std::move(text);
      mapped.push_back(std::move(chunk));
    }
    for (Chunk& chunk : mapped) {
      chunk.start_line = json_lines_.LineOf(chunk.bytes.begin) + 1;
      chunk.end_line = json_lines_.LastLineOf(chunk.bytes) + 1;
    }
    file->chunks = std::move(mapped);
    for (Definition& definition : file->definitions) MapDefinition(&definition);
  }

 private:
  std::string VisibleText(uint32_t first, uint32_t last) const {
    std::string text;
    for (uint32_t line = first; line <= last; ++line) {
      if (transcript_.lines[line].is_fence && !text.ends_with("\n\n"))
        text += text.empty() ? "" : "\n";
      if (!transcript_.lines[line].is_fence) text += std::string(lines_.Text(line)) + "\n";
    }
    return text.empty() ? "\n" : text;
  }

  void MapDefinition(Definition* definition) const {
    uint32_t end = lines_.LineOf(definition->extent.end);
    bool to_the_end = definition->extent.end >= transcript_.text.size();
    definition->extent = {transcript_.lines[lines_.LineOf(definition->extent.begin)].chunk_begin,
                          to_the_end ? json_size_ : transcript_.lines[end].chunk_begin};
    definition->name_begin = transcript_.lines[lines_.LineOf(definition->name_begin)].begin;
  }

  uint32_t json_size_;
  LineTable json_lines_;
  const Transcript& transcript_;
  LineTable lines_;
};

}  // namespace

bool ChunkNotebook(std::string_view json, const CutLimits& limits, ChunkedFile* file) {
  std::vector<Cell> cells = ReadCells(json);
  Transcript transcript = Transcribe(json, cells);
  if (transcript.text.empty()) return false;
  LineTable lines(transcript.text);
  Outline outline = OutlineMarkdown(lines);
  file->chunks = Cut(transcript.text, lines, outline, limits);
  Label(outline, ChunkKind::kSection, file);
  TranscriptMapper(json, transcript).Map(file);
  return true;
}

}  // namespace codelore::chunker
