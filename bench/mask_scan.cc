// What the masker finds in folders of files: counts by rule, lines read, bytes per second.
//
//   mask_scan [--show] FOLDER...     --show: each place with its line, for judging by eye (it shows what is found)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "mask/masker.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  bool show = false;
  std::map<std::string, size_t> counts;
  size_t lines = 0, bytes = 0;
  double seconds = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--show") {
      show = true;
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argv[i], fs::directory_options::skip_permission_denied)) {
      if (!entry.is_regular_file() || entry.path().string().find("/.git/") != std::string::npos || entry.file_size() > 20 << 20) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      std::string text((std::istreambuf_iterator<char>(stream)), {});
      if (text.find('\0') != std::string::npos) continue;
      lines += static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
      bytes += text.size();
      auto start = std::chrono::steady_clock::now();
      auto spans = codelore::mask::FindSensitive(text);
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      for (const auto& span : spans) {
        ++counts[std::string(span.rule)];
        if (!show) continue;
        size_t begin = text.rfind('\n', span.begin) + 1, end = std::min(text.find('\n', span.begin), text.size());
        begin = std::max(begin, span.begin > 100 ? span.begin - 100 : 0);
        std::printf("%.*s\t%s\t%s\n", static_cast<int>(span.rule.size()), span.rule.data(), entry.path().c_str(), text.substr(begin, std::min<size_t>(end - begin, 200)).c_str());
      }
    }
  }
  for (const auto& [rule, count] : counts) std::printf("%8zu  %s\n", count, rule.c_str());
  std::printf("%zu lines, %.1f MB, %.1f MB/s\n", lines, static_cast<double>(bytes) / 1e6, static_cast<double>(bytes) / 1e6 / seconds);
}
