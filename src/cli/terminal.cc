#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "codelore/utf8.h"

namespace codelore::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

uint32_t DecodeUtf8(std::string_view sequence) {
  auto lead = static_cast<uint8_t>(sequence[0]);
  uint32_t code = sequence.size() == 1 ? lead : lead & (0xFFu >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) code = code << 6 | (static_cast<uint8_t>(sequence[i]) & 0x3F);
  return code;
}

bool IsHarmless(uint32_t code) {
  if (code < 0x20) return code == '\n' || code == '\t';
  if (code >= 0x7F && code < 0xA0) return false;                                     // DEL, C1
  if ((code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069)) return false;  // bidi controls
  return !(code >= 0xE0000 && code <= 0xE007F);                                      // tag characters
}

bool TakesEmphasis() {
  static const bool takes = [] {
    const char* term = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr && term != nullptr && std::string_view(term) != "dumb";
  }();
  return takes;
}

std::string Emphasised(const char* code, const std::string& text) {
  return TakesEmphasis() && !text.empty() ? code + text + "\x1b[0m" : text;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    bool keep = length > 0 && IsHarmless(DecodeUtf8(text.substr(0, length)));
    bool carriage_return = text[0] == '\r' && (text.size() == 1 || text[1] == '\n');
    if (keep) {
      out += text.substr(0, length);
    } else if (!carriage_return) {
      out += kReplacement;
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string PrintableJson(std::string_view json) {
  std::string out;
  auto escape = [&](uint32_t unit) {
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(unit));
    out += text;
  };
  while (!json.empty()) {
    size_t length = std::max<size_t>(Utf8SequenceLength(json), 1);
    uint32_t code = DecodeUtf8(json.substr(0, length));
    if (IsHarmless(code)) {
      out += json.substr(0, length);
    } else if (code < 0x10000) {
      escape(code);
    } else {
      escape(0xD7C0 + (code >> 10));
      escape(0xDC00 + (code & 0x3FF));
    }
    json.remove_prefix(length);
  }
  return out;
}

std::string OneLine(std::string_view text) {
  std::string line = Printable(text);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

std::string Bold(const std::string& text) { return Emphasised("\x1b[1m", text); }
std::string Dim(const std::string& text) { return Emphasised("\x1b[2m", text); }

std::string Highlight(const std::string& text) { return Emphasised("\x1b[1;31m", text); }

std::string WithThousands(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string Bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit < 4; value /= 1000) ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string Duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  auto whole = static_cast<uint64_t>(std::lround(seconds));
  char text[48];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", static_cast<unsigned long long>(whole / 3600),
                  static_cast<unsigned long long>(whole / 60 % 60), static_cast<unsigned long long>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%llu:%02llu", static_cast<unsigned long long>(whole / 60),
                  static_cast<unsigned long long>(whole % 60));
  }
  return text;
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::Show(const std::string& text) {
  auto now = std::chrono::steady_clock::now();
  auto wait = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (now - last_ < wait || text == shown_) return;
  last_ = now;
  shown_ = text;
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
  std::fflush(stderr);
}

void ProgressLine::End() {
  if (terminal_ && !shown_.empty()) std::fprintf(stderr, "\n");
  shown_.clear();
}

}  // namespace codelore::cli
