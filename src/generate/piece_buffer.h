// PieceBuffer: the bytes that a model's tokens stand for become text. Whole characters only, because a token may end
// within one; what is no UTF-8 becomes U+FFFD. Text ends before the first stop word, of which nothing is shown.
//
// Not thread-safe.
#ifndef CODELORE_GENERATE_PIECE_BUFFER_H_
#define CODELORE_GENERATE_PIECE_BUFFER_H_

#include <string>
#include <string_view>
#include <vector>

namespace codelore::generate {

class PieceBuffer {
 public:
  explicit PieceBuffer(std::vector<std::string> stop_words);

  std::string Add(std::string_view bytes);  // what may be shown by now
  std::string Finish();                     // what was held back
  bool stopped() const { return stopped_; }

 private:
  void TakeCharacters(bool all);
  size_t HeldBack() const;

  std::vector<std::string> stop_words_;
  std::string bytes_;  // no whole character yet
  std::string text_;   // not shown yet
  bool stopped_ = false;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_PIECE_BUFFER_H_
