// Attributes: what a source's .gitattributes files say about its files, as far as it matters for indexing.
//
// gitattributes(5): files of deeper folders win over those above, later lines over earlier ones, per attribute;
// `binary` is the built-in macro for -text -diff -merge; other macros are not known. A pattern that ends in "/"
// matches nothing. Only lines that set one of the attributes below are kept, and of a hostile tree only so many
// that looking one path up stays cheap. Filled by one thread, then read by any number.
#ifndef CODELORE_INGEST_ATTRIBUTES_H_
#define CODELORE_INGEST_ATTRIBUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/glob.h"
#include "codelore/status.h"
#include "ingest/tree.h"

namespace codelore::ingest {

// nullopt: nothing is said.
struct FileAttributes {
  std::optional<bool> generated = {};      // linguist-generated
  std::optional<bool> vendored = {};       // linguist-vendored
  std::optional<bool> documentation = {};  // linguist-documentation
  bool binary = false;  // the macro, or -text together with -diff: -text alone only keeps line ends as they are
  std::string language = {};  // linguist-language, as written
};

class Attributes {
 public:
  // All .gitattributes files of a tree. Files that are too large to be honest are passed over.
  static Result<Attributes> Read(SourceTree& tree);
  // Only those that can say something about `paths`; for a tree with Find.
  static Result<Attributes> ReadAbove(SourceTree& tree, const std::vector<std::string>& paths);
  static bool IsAttributesFile(std::string_view path);

  // Adds the file that stands in `folder` ("" or "a/b"). Lines that make no sense are passed over, as git does.
  void Add(std::string_view folder, std::string_view content);

  FileAttributes Of(std::string_view path) const;

  // Some lines were left out: there were too many.
  bool truncated() const { return truncated_; }

 private:
  static Result<Attributes> ReadFiles(SourceTree& tree, const std::vector<TreeEntry>& files);
  enum Name : uint8_t { kGenerated, kVendored, kDocumentation, kText, kDiff, kNameCount };
  enum class Mark : uint8_t { kNothing, kUnspecified, kTrue, kFalse };  // kNothing: the line does not say
  struct Marks {
    std::array<Mark, kNameCount> of{};
    std::optional<std::string> language;
    bool any() const;
  };
  // A line: what every match must begin and end with is looked at before the pattern itself.
  struct Rule {
    PathPattern pattern;
    std::string prefix, suffix;
    Marks marks;
  };

  void AddLine(std::vector<Rule>& rules, std::string_view line);
  static Marks ParseMarks(std::string_view words);
  static void Mention(Marks& marks, std::string_view word);

  std::map<std::string, std::vector<Rule>, std::less<>> rules_;  // by folder
  size_t pattern_bytes_ = 0;
  bool truncated_ = false;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_ATTRIBUTES_H_
