// What a person sees: text that is not ours made harmless, numbers, and one progress line.
#ifndef CODELORE_CLI_TERMINAL_H_
#define CODELORE_CLI_TERMINAL_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace codelore::cli {

// Control characters (but newline and tab), and the invisible ones that reorder text, become U+FFFD: file content
// and names must not drive the terminal.
std::string Printable(std::string_view text);

// The same of JSON text: such characters stand in its strings only, and become escapes there.
std::string PrintableJson(std::string_view json);

// Printable text on one line: for log lines, which nobody else may start.
std::string OneLine(std::string_view text);

// Emphasis on a terminal that takes it (NO_COLOR unset, TERM not "dumb"); elsewhere the text as it is.
std::string Bold(const std::string& text);
std::string Dim(const std::string& text);
std::string Highlight(const std::string& text);  // what was searched for

std::string WithThousands(uint64_t number);  // 12,345
std::string Bytes(uint64_t bytes);           // 1.2 MB
std::string Duration(double seconds);        // 1:05

// Rewrites one line on standard error if that is a terminal; otherwise prints a line every few seconds.
class ProgressLine {
 public:
  ProgressLine();
  void Show(const std::string& text);
  void End();  // leaves the last line standing

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point last_{};
  std::string shown_;
};

}  // namespace codelore::cli

#endif  // CODELORE_CLI_TERMINAL_H_
