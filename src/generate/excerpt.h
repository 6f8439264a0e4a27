// Excerpt: which lines of a passage an answer quotes.
#ifndef CODELORE_GENERATE_EXCERPT_H_
#define CODELORE_GENERATE_EXCERPT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"

namespace codelore::generate {

// Lines [first, last) of a passage, counted from 0.
struct LineRange {
  size_t first = 0, last = 0;
  size_t size() const { return last - first; }
  auto operator<=>(const LineRange&) const = default;
};

// A text's lines with their line ends.
std::vector<std::string_view> SplitLines(std::string_view text);

// What a question is about, for comparing with a text in lower case: its words of four letters and more, without
// those that only ask, and without most of their endings.
std::vector<std::string> StemsOf(std::string_view question);

// ASCII letters in lower case.
std::string LowerCase(std::string_view text);

// A short passage whole, without blank lines around it. Of a longer one at most max_lines, in one range or two: the
// declaration with its comment, where there is one, and the paragraphs (runs of lines between blank ones, headings
// with what they head, fenced code whole) that hold most of the question: of its different words first, then of its
// weight by lines. A paragraph that is too long is cut where
// a sentence ends, if one does nearby. Never empty unless the passage is.
std::vector<LineRange> ChooseExcerpt(const Passage& passage, std::span<const std::string> stems, size_t max_lines);

// What a definition says about itself: the comment above it, its declaration, and a docstring below, whole if they fit into max_lines;
// of a long comment the beginning. Of what stands further below no more than fills max_lines. What ChooseExcerpt says where there is no
// declaration.
std::vector<LineRange> ChooseDefinition(const Passage& passage, std::span<const std::string> stems, size_t max_lines);

// The ranges with what they announce: a paragraph that ends with a colon keeps the code or list below it, and code the paragraph above it
// that so announces it; up to max_lines more for each. Ranges that meet become one.
std::vector<LineRange> KeepAnnounced(const std::vector<std::string_view>& lines, std::vector<LineRange> ranges, size_t max_lines);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_EXCERPT_H_
