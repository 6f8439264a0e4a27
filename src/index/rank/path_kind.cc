#include "index/rank/path_kind.h"

#include <algorithm>
#include <array>
#include <vector>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

using Words = std::vector<std::string>;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

template <size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// Folder names, outermost first.
std::vector<std::string_view> Folders(std::string_view path) {
  std::vector<std::string_view> folders;
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', begin)) {
    folders.push_back(path.substr(begin, slash - begin));
    begin = slash + 1;
  }
  return folders;
}

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view Stem(std::string_view name) { return name.substr(0, name.find('.', 1)); }

// "FooTests.java" -> foo tests java; "foo.spec.ts" -> foo spec ts.
Words NameWords(std::string_view name) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = std::min(name.find_first_of(".-", begin), name.size());
    SplitIdentifier(name.substr(begin, end - begin), parts);
    begin = end + 1;
  }
  Words words;
  for (std::string_view part : parts) words.push_back(Lower(part));
  return words;
}

constexpr std::array<std::string_view, 25> kSecondary = {
    "test",  "tests", "testing",  "spec",   "specs", "__tests__", "testdata",  "fixtures",   "fixture",
    "mock",  "mocks", "example",  "examples", "sample", "samples", "demo",     "demos",      "bench",
    "benches", "benchmark", "benchmarks", "vendor", "third_party", "node_modules", "perf"};
constexpr std::array<std::string_view, 7> kLegacy = {"legacy", "compat", "compatibility", "deprecated", "obsolete", "old", "archive"};
constexpr std::array<std::string_view, 13> kForeign = {"win",  "win32",  "win64",   "windows", "msvc",  "aix",   "os390",
                                                       "zos",  "sunos",  "solaris", "ibmi",    "haiku", "cygwin"};

}  // namespace

bool IsProseLanguage(std::string_view language) {
  static constexpr std::array<std::string_view, 5> kProse = {"markdown", "restructuredtext", "asciidoc", "html", "notebook"};
  return Contains(kProse, language);
}

std::string_view TellingName(std::string_view path) {
  static constexpr std::array<std::string_view, 7> kSilent = {"mod", "index", "__init__", "lib", "main", "package", "init"};
  std::string_view stem = Stem(FileName(path));
  if (!Contains(kSilent, stem)) return stem;
  std::vector<std::string_view> folders = Folders(path);
  while (!folders.empty() && (folders.back() == "src" || folders.back() == "lib")) folders.pop_back();
  return folders.empty() ? stem : folders.back();
}

bool IsSecondaryPath(std::string_view path) {
  for (std::string_view folder : Folders(path)) {
    if (Contains(kSecondary, Lower(folder))) return true;
  }
  Words words = NameWords(FileName(path));
  if (words.size() < 2) return false;
  words.pop_back();  // the extension
  return Contains(kSecondary, words.front()) || Contains(kSecondary, words.back());
}

bool IsLegacyPath(std::string_view path) {
  for (std::string_view folder : Folders(path)) {
    if (Contains(kLegacy, Lower(folder))) return true;
  }
  return std::ranges::any_of(NameWords(FileName(path)), [](const std::string& word) { return Contains(kLegacy, word); });
}

bool IsForeignPlatform(std::string_view path) {
  for (std::string_view folder : Folders(path)) {
    if (Contains(kForeign, Lower(folder))) return true;
  }
  Words words = NameWords(FileName(path));
  if (!words.empty()) words.pop_back();
  return std::ranges::any_of(words, [](const std::string& word) { return Contains(kForeign, word); });
}

bool AsksForSecondary(std::string_view word) { return Contains(kSecondary, word); }
bool AsksForLegacy(std::string_view word) {
  return VersionNumber(word) || Contains(kLegacy, word);
}
bool AsksForForeignPlatform(std::string_view word) { return Contains(kForeign, word); }
bool AsksForProse(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kWords = {"docs", "doc", "documentation", "readme", "changelog", "guide",
                                                              "tutorial", "manual", "handbook", "runbook", "wiki", "faq"};
  return Contains(kWords, word);
}

bool IsDeclaration(std::string_view path) {
  static constexpr std::array<std::string_view, 8> kEndings = {".h", ".hh", ".hpp", ".hxx", ".d.ts", ".pyi", ".mli", ".hs-boot"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return path.ends_with(ending); });
}

std::optional<uint32_t> VersionNumber(std::string_view word) {
  if (word.size() < 2 || word.size() > 4 || word[0] != 'v') return std::nullopt;
  uint32_t number = 0;
  for (char c : word.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

std::optional<VersionFolder> FindVersionFolder(std::string_view path) {
  size_t begin = 0;
  for (std::string_view folder : Folders(path)) {
    if (auto version = VersionNumber(folder)) return VersionFolder{path.substr(0, begin), *version};
    begin += folder.size() + 1;
  }
  return std::nullopt;
}

}  // namespace codelore::index
