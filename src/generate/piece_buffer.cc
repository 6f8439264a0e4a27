#include "generate/piece_buffer.h"

#include <algorithm>
#include <utility>

#include "codelore/utf8.h"

namespace codelore::generate {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// More bytes may make a character of it.
bool IsBegun(std::string_view bytes) {
  auto lead = static_cast<uint8_t>(bytes[0]);
  size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  return bytes.size() < length && std::ranges::all_of(bytes.substr(1), IsUtf8Continuation);
}

}  // namespace

PieceBuffer::PieceBuffer(std::vector<std::string> stop_words) : stop_words_(std::move(stop_words)) {
  std::erase(stop_words_, "");
}

void PieceBuffer::TakeCharacters(bool all) {
  std::string_view rest = bytes_;
  while (!rest.empty()) {
    size_t length = Utf8SequenceLength(rest);
    if (length == 0 && !all && IsBegun(rest)) break;
    text_.append(length == 0 ? kReplacement : rest.substr(0, length));
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  bytes_ = std::string(rest);
}

// The longest end of the text that a stop word may begin with.
size_t PieceBuffer::HeldBack() const {
  size_t held = 0;
  for (const std::string& word : stop_words_) {
    for (size_t length = std::min(word.size() - 1, text_.size()); length > held; --length) {
      if (text_.ends_with(std::string_view(word).substr(0, length))) held = length;
    }
  }
  return held;
}

std::string PieceBuffer::Add(std::string_view bytes) {
  if (stopped_) return "";
  bytes_ += bytes;
  TakeCharacters(/*all=*/false);
  size_t end = std::string::npos;
  for (const std::string& word : stop_words_) end = std::min(end, text_.find(word));
  stopped_ = end != std::string::npos;
  if (!stopped_) end = text_.size() - HeldBack();
  std::string shown = text_.substr(0, end);
  text_.erase(0, stopped_ ? text_.size() : end);
  return shown;
}

std::string PieceBuffer::Finish() {
  if (stopped_) return "";
  TakeCharacters(/*all=*/true);
  return std::exchange(text_, "");
}

}  // namespace codelore::generate
