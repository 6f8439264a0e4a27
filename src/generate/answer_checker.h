// AnswerChecker: a model's answer, sentence by sentence, made safe to show and checked against the passages.
//
// A model may have been told anything by a passage, so its text is untrusted: outside of code it can hold no working
// link, image or HTML afterwards, and no character that cannot be seen. Marks like [2] that name no passage of the
// prompt are taken out. A sentence whose names or numbers stand in none of the passages it cites (or, without marks,
// in none at all) is marked or dropped. Not thread-safe; one per answer.
#ifndef CODELORE_GENERATE_ANSWER_CHECKER_H_
#define CODELORE_GENERATE_ANSWER_CHECKER_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"

namespace codelore::generate {

enum class Unsupported { kMark, kDrop };

class AnswerChecker {
 public:
  using Emit = std::function<void(const AnswerPiece&)>;

  // `used`: the passages that were in the prompt. Names in `question` need no support. All must outlive the checker.
  AnswerChecker(std::span<const Passage> passages, std::span<const uint32_t> used, std::string_view question, Unsupported policy,
                Emit emit);

  // Something else that sentences may rest on, without a number: what a tool said.
  void AddEvidence(std::string_view text);
  void Feed(std::string_view text);
  void Finish();  // emits what is left

  bool cited() const { return cited_; }  // a mark held, or a sentence was supported

 private:
  struct Source {
    uint32_t passage;
    std::string haystack;  // lower-cased: text, path, names
  };

  size_t UnitEnd() const;
  void OnUnit(std::string_view unit);
  void OnProse(std::string_view unit);
  const Source* SourceOf(uint32_t number) const;
  std::vector<const Source*> TakeMarks(std::string* unit) const;
  bool Supported(const std::vector<std::string>& claims, const std::vector<const Source*>& sources) const;
  std::vector<Support> SupportsOf(const std::vector<std::string>& claims, const std::vector<const Source*>& sources) const;

  const std::span<const Passage> passages_;
  const std::string question_;  // lower-cased
  const Unsupported policy_;
  const Emit emit_;
  std::vector<Source> sources_;
  std::string evidence_;  // lower-cased
  std::string pending_;
  std::string fence_;  // of the open code block; empty outside
  bool thinking_ = false, begun_ = false, cited_ = false;
};

// The names (with a capital inside, a digit, "_", "::", ".", or in a code span) and numbers in a sentence, lower-cased.
std::vector<std::string> ClaimsIn(std::string_view sentence);

// Markdown in which nothing acts: links, images, HTML and URLs become text. Code spans stay as they are.
std::string InertMarkdown(std::string_view text);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_ANSWER_CHECKER_H_
