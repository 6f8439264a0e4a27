#include "chunker/outline.h"

#include <algorithm>

#include "chunker/lines.h"

namespace codelore::chunker {
namespace {

// The item's name, and those of the items around it, outermost first, joined.
std::string Join(const Outline& outline, int32_t item, std::string_view separator) {
  std::vector<std::string_view> names;
  for (; item != kNoItem; item = outline.items[static_cast<size_t>(item)].parent) {
    const OutlineItem& at = outline.items[static_cast<size_t>(item)];
    names.push_back(at.name);
    if (!at.qualifier.empty()) names.push_back(at.qualifier);
  }
  std::string joined;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!joined.empty()) joined += separator;
    joined += *name;
  }
  return joined;
}

// Without white space at both ends, and without the comment behind a bracket: "}  // namespace x".
std::string_view Bare(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  line = line.substr(begin);
  if (line[0] == '}') line = line.substr(0, std::min(line.find("//"), line.find("/*")));
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  return line;
}

// "}", "});", "end", "#endif  // X"
bool IsCloser(std::string_view bare) {
  if (bare.find_first_not_of("}])>;,") == std::string_view::npos) return true;
  if (bare[0] == '#') {
    bare.remove_prefix(1);
    bare.remove_prefix(std::min(bare.find_first_not_of(' '), bare.size()));
    return bare.starts_with("endif");
  }
  for (std::string_view word :
       {"end", "fi", "done", "esac", "endif", "endfunction", "end if", "end for"}) {
    if (bare.starts_with(word) &&
        bare.substr(word.size()).find_first_not_of("});,") == std::string_view::npos)
      return true;
  }
  return false;
}

// "private:", "#ifdef X": says something about what follows.
bool IsLeader(std::string_view bare) {
  return bare == "public:" || bare == "private:" || bare == "protected:" || bare.starts_with("#if");
}

}  // namespace

std::string QualifiedName(const Outline& outline, int32_t item) { return Join(outline, item, "."); }

std::string ScopeOf(const Outline& outline, int32_t item) {
  const OutlineItem& at = outline.items[static_cast<size_t>(item)];
  std::string scope = Join(outline, at.parent, " > ");
  if (at.qualifier.empty()) return scope;
  return scope.empty() ? at.qualifier : scope + " > " + at.qualifier;
}

Outline OutlineLines(const LineTable& lines) {
  constexpr uint32_t kMaxDepth = 12;
  Outline outline;
  outline.line_class.resize(lines.size(), LineClass::kText);
  outline.depth.resize(lines.size(), 0);
  for (uint32_t line = 0; line < lines.size(); ++line) {
    std::string_view text = lines.Text(line);
    std::string_view bare = Bare(text);
    if (IsBlank(text))
      outline.line_class[line] = LineClass::kBlank;
    else if (IsCloser(bare))
      outline.line_class[line] = LineClass::kCloser;
    else if (IsLeader(bare))
      outline.line_class[line] = LineClass::kLeading;
    outline.depth[line] = static_cast<uint16_t>(std::min((Indentation(text) + 3) / 4, kMaxDepth));
  }
  return outline;
}

}  // namespace codelore::chunker
