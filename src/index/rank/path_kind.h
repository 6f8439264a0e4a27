// What a path alone says about a file: its telling name, and whether it stands in the second row.
#ifndef CODELORE_INDEX_RANK_PATH_KIND_H_
#define CODELORE_INDEX_RANK_PATH_KIND_H_

#include <optional>
#include <string>
#include <string_view>

namespace codelore::index {

// Languages of documents: Markdown and the like. Plain text is not one of them: it may hold anything.
bool IsProseLanguage(std::string_view language);

// The name by which one would call the file: its stem, or the folder's name where the file's own says nothing
// ("mod.rs", "index.ts", "__init__.py").
std::string_view TellingName(std::string_view path);

bool IsSecondaryPath(std::string_view path);   // test, example, benchmark, fixture, vendored
bool IsLegacyPath(std::string_view path);      // legacy, compat, deprecated, old
bool IsForeignPlatform(std::string_view path); // for systems other than Linux and its relatives: win32, aix, ...
bool IsDeclaration(std::string_view path);     // header, .d.ts, .pyi, .mli

// Whether a word (lower case) asks for such files.
bool AsksForSecondary(std::string_view word);
bool AsksForLegacy(std::string_view word);
bool AsksForForeignPlatform(std::string_view word);
bool AsksForProse(std::string_view word);

// The 3 of "v3"; none for anything else.
std::optional<uint32_t> VersionNumber(std::string_view word);

// A folder of the form "v3": what stands before it, and the number.
struct VersionFolder {
  std::string_view prefix;
  uint32_t version = 0;
};
std::optional<VersionFolder> FindVersionFolder(std::string_view path);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_PATH_KIND_H_
