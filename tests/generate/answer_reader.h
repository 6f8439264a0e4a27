// Reads the Markdown of an answer as CommonMark would, as far as answers use it: what stands in fenced blocks, what
// in code spans, and what would be rendered.
#ifndef CODELORE_TESTS_GENERATE_ANSWER_READER_H_
#define CODELORE_TESTS_GENERATE_ANSWER_READER_H_

#include <string>
#include <string_view>
#include <vector>

namespace codelore::generate {

struct ReadAnswer {
  std::vector<std::string> blocks;  // contents of fenced blocks
  std::vector<std::string> spans;   // contents of code spans, without padding
  std::string rendered;             // all the rest
  bool closed = true;               // every fence and every span has its end
};

inline size_t RunOf(std::string_view text, char c) {
  size_t run = text.find_first_not_of(c);
  return run == std::string_view::npos ? text.size() : run;
}

inline void ReadLine(std::string_view line, ReadAnswer& answer) {
  while (!line.empty()) {
    size_t tick = line.find('`');
    answer.rendered += line.substr(0, tick);
    if (tick == std::string_view::npos) break;
    line.remove_prefix(tick);
    size_t fence = RunOf(line, '`');
    line.remove_prefix(fence);
    size_t end = 0;
    for (; end < line.size(); end += RunOf(line.substr(end), '`') + (line[end] != '`')) {
      if (line[end] == '`' && RunOf(line.substr(end), '`') == fence) break;
    }
    if (end >= line.size()) {
      answer.closed = false;
      return;
    }
    std::string content(line.substr(0, end));
    bool padded = content.size() > 2 && content.front() == ' ' && content.back() == ' ';
    answer.spans.push_back(padded ? content.substr(1, content.size() - 2) : content);
    line.remove_prefix(end + fence);
  }
  answer.rendered += '\n';
}

inline ReadAnswer Read(std::string_view markdown) {
  ReadAnswer answer;
  size_t fence = 0;  // of the open block; 0: none
  while (!markdown.empty()) {
    std::string_view line = markdown.substr(0, markdown.find('\n'));
    markdown.remove_prefix(std::min(line.size() + 1, markdown.size()));
    size_t indent = std::min(RunOf(line, ' '), line.size());
    std::string_view text = line.substr(indent);
    size_t run = indent <= 3 ? RunOf(text, '`') : 0;
    if (fence == 0 && run >= 3 && text.substr(run).find('`') == std::string_view::npos) {
      fence = run;
      answer.blocks.emplace_back();
    } else if (fence > 0 && run >= fence && text.find_first_not_of(" \t", run) == std::string_view::npos) {
      fence = 0;
    } else if (fence > 0) {
      answer.blocks.back() += std::string(line) + "\n";
    } else {
      ReadLine(line, answer);
    }
  }
  answer.closed = answer.closed && fence == 0;
  return answer;
}

}  // namespace codelore::generate

#endif  // CODELORE_TESTS_GENERATE_ANSWER_READER_H_
