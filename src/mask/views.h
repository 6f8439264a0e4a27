// Views: a text as it reads once a disguise is undone, with the way back to the bytes it came from.
//
//   joined      string literals put together ("AK" + "IA..."), lines continued, a value broken over lines
//   unescaped   %41, \x41, A, &#65;
#ifndef CODELORE_MASK_VIEWS_H_
#define CODELORE_MASK_VIEWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codelore::mask {

class View {
 public:
  const std::string& text() const { return text_; }
  // The bytes of the original that [begin, end) of the view stands for, disguise included.
  std::pair<size_t, size_t> Original(size_t begin, size_t end) const;

  void Append(std::string_view bytes, size_t original);  // bytes that stand at `original` as they are
  void AppendDecoded(char byte, size_t original, size_t length);
  void Skip(size_t original_end) { next_ = original_end; }

 private:
  struct Piece {
    size_t at;        // in text_
    size_t original;
    size_t stride;    // bytes of the original per byte; 1 for a copied piece
  };
  std::string text_;
  std::vector<Piece> pieces_;  // by place
  size_t next_ = 0;            // where the original goes on after the last piece
};

// Nothing when the text has nothing to join, or to unescape.
std::optional<View> JoinedView(std::string_view text);
std::optional<View> UnescapedView(std::string_view text);

// Decoded base64 (either alphabet, padding optional); nothing if it is none.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace codelore::mask

#endif  // CODELORE_MASK_VIEWS_H_
