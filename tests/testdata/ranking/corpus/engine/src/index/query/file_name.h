// FileName: a path as people remember it, and how well words of a question fit it.
//
// A name is split at case, digits and punctuation: "src/UserServiceController.java" is the folder "src", the parts
// "user", "service", "controller" and the extension "java". A word of the question fits, from best to worst:
//
//   kParts        it is one or more of the parts, written together or apart: "service", "userservice"
//   kInitials     it is the first letters of neighbouring parts: "usc"
//   kPrefixes     it is made of beginnings of parts, in order: "usercont"
//   kPiece        it stands somewhere in the name: "troller"
//   kFolder       a folder of the path begins with it
//   kTypo         it is one letter away from a part
//   kSubsequence  its letters are in the name, in order
//   kPath         likewise in the whole path
#ifndef CODELORE_INDEX_QUERY_FILE_NAME_H_
#define CODELORE_INDEX_QUERY_FILE_NAME_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::index {

enum class NameFit : uint8_t { kNone, kPath, kSubsequence, kTypo, kFolder, kPiece, kPrefixes, kInitials, kParts, kExact };

// Letters and digits of a text in lower case, nothing else; bytes beyond ASCII stay as they are.
std::string NameLetters(std::string_view text);

// Not thread-safe: Read reuses its memory; views are good until the next.
class FileName {
 public:
  // `path` must outlive the reading.
  void Read(std::string_view path);

  const std::vector<std::string_view>& parts() const { return parts_; }  // of the stem, then of the extension
  size_t stem_parts() const { return stem_parts_; }
  const std::string& stem() const { return stem_; }                  // its letters
  size_t letters() const { return basename_.size(); }                // of stem and extension

  // `word` are NameLetters, at most kMaxWordBytes. `typos`: whether kTypo counts.
  NameFit Fit(std::string_view word, bool typos);
  // Whether `words`, joined, are the whole stem, or the whole name.
  bool IsExactly(std::string_view joined) const { return joined == stem_ || joined == basename_; }

  static constexpr size_t kMaxWordBytes = 63;
  static constexpr size_t kLeastTypoBytes = 4;  // shorter words are taken as they are

 private:
  const std::vector<std::string_view>& Folders();
  void Split(size_t begin, size_t end, std::vector<std::string_view>& parts);

  std::vector<std::string_view> parts_, folders_, pieces_;  // parts_ and folders_ lie in lower_
  bool folders_read_ = false;  // most words are in the name itself
  size_t stem_parts_ = 0;
  size_t name_begin_ = 0;
  std::string lower_, stem_, basename_, initials_;
  std::string_view path_;
};

// Whether all letters of `word` are in `text` in their order, capitals and small ones alike. Beyond ASCII the whole
// word must be there.
bool IsSubsequence(std::string_view word, std::string_view text);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_FILE_NAME_H_
