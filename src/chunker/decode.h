// From a file's bytes to UTF-8.
#ifndef CODELORE_CHUNKER_DECODE_H_
#define CODELORE_CHUNKER_DECODE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace codelore::chunker {

struct DecodedText {
  // Not text: no encoding of text that we know gives these bytes. The other members say nothing
  // then.
  bool is_binary = false;
  // Valid UTF-8 without NUL and without a byte order mark. Line ends are as in the file: a line
  // ends after "\n", whether or not
  // "\r" stands before it; a "\r" alone ends none. What the encoding could not explain is U+FFFD.
  std::string text;
  // "utf-8", "utf-16le", "utf-16be", "utf-32le", "utf-32be", "cp949" (EUC-KR and its extension),
  // "shift_jis", "euc-jp", "gb18030", "big5", "iso-2022-jp", "iso-2022-kr", "windows-1251",
  // "koi8-r", "windows-1252" (Latin-1), or another name of ICU's.
  std::string charset;
  uint32_t replaced = 0;  // how often U+FFFD took the place of something
};

// Never fails; takes time in proportion to the bytes. In this order: byte order marks, UTF-8 (also
// damaged), UTF-16 without a mark, then the East Asian encodings and Latin-1 by which of them gives
// the likelier text, then what ICU's detector says. Thread-safe.
DecodedText DecodeToUtf8(std::string_view bytes);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_DECODE_H_
