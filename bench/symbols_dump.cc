// Chunks every file below the given folders and writes what they define as tab-separated lines: path, line, kind,
// qualified name. The time that chunking took goes to standard error. bench/symbols/compare.py reads it.
//
//   symbols_dump [--quiet | --references] FOLDER...      --references: what they use instead: path, line, kind, name,
//                                                       language
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "chunker/chunker.h"
#include "chunker/decode.h"
#include "chunker/language.h"

namespace codelore::chunker {
namespace {

struct Totals {
  size_t files = 0, bytes = 0, definitions = 0, references = 0;
  std::chrono::duration<double> time{0};
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

enum class Show { kDefinitions, kReferences, kNothing };

void Print(const std::filesystem::path& path, const std::string& text, uint32_t begin, std::string_view kind, const std::string& name,
           const ChunkedFile& file) {
  auto line = 1 + std::count(text.begin(), text.begin() + begin, '\n');
  if (name.find('\n') != std::string::npos) return;
  std::printf("%s\t%ld\t%.*s\t%s\t%s\n", path.c_str(), static_cast<long>(line), static_cast<int>(kind.size()), kind.data(), name.c_str(),
              file.language.c_str());
}

void Visit(const std::filesystem::path& path, Show show, Totals& totals) {
  std::string text = ReadFile(path);
  if (text.size() > (2u << 20) || text.find('\0') != std::string::npos) return;
  std::string language(DetectLanguage(path.string(), text));
  auto start = std::chrono::steady_clock::now();
  ChunkedFile file = ChunkText(path.string(), language, text);
  totals.time += std::chrono::steady_clock::now() - start;
  ++totals.files;
  totals.bytes += text.size();
  totals.definitions += file.definitions.size();
  totals.references += file.references.size();
  if (show == Show::kDefinitions) {
    for (const Definition& d : file.definitions) Print(path, text, d.name_begin, ChunkKindName(d.kind), d.qualified, file);
  }
  if (show == Show::kReferences) {
    for (const Reference& r : file.references) Print(path, text, r.begin, ReferenceKindName(r.kind), r.name, file);
  }
}

}  // namespace
}  // namespace codelore::chunker

int main(int argc, char** argv) {
  using codelore::chunker::Show;
  std::string_view option = argc > 1 ? argv[1] : "";
  Show show = option == "--quiet" ? Show::kNothing : option == "--references" ? Show::kReferences : Show::kDefinitions;
  codelore::chunker::Totals totals;
  for (int i = show == Show::kDefinitions ? 1 : 2; i < argc; ++i) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file() && entry.path().string().find("/.git/") == std::string::npos) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) codelore::chunker::Visit(path, show, totals);
  }
  std::fprintf(stderr, "%zu files, %zu bytes, %zu definitions, %zu references, %.2f s, %.2f MB/s\n", totals.files, totals.bytes,
               totals.definitions, totals.references, totals.time.count(),
               static_cast<double>(totals.bytes) / 1e6 / totals.time.count());
}
