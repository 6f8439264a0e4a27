// What the name and the place of a file tell.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "ingest/classify.h"

namespace codelore::ingest {
namespace {

using Words = std::vector<std::string_view>;

// Only what is never text: "mo" is a catalogue of messages or Modelica, "pt" a page template, "ko" a language.
constexpr auto kBinary = std::to_array<std::string_view>({
    "3ds", "7z", "a", "aac", "aiff", "apk", "arrow", "avi", "avif", "bin", "blend", "bmp", "br", "bz2", "cab",
    "class", "crx", "cur", "deb", "dex", "dll", "dmg", "ear", "eot", "exe", "fbx", "flac", "flv", "gguf",
    "gif", "gz", "h5", "hdf5", "heic", "icns", "ico", "iso", "jar", "jpeg", "jpg", "keystore", "lz", "lz4", "lzma",
    "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "msi", "npy", "npz", "o", "odp", "ods", "odt", "ogg",
    "onnx", "opus", "otf", "p12", "parquet", "pcap", "pdb", "pfx", "pickle", "pkl", "png", "ppt", "pptx",
    "psd", "pth", "pyc", "pyd", "pyo", "rar", "rpm", "safetensors", "so", "sqlite", "sqlite3", "swf", "tar",
    "tflite", "tga", "tgz", "tif", "tiff", "ttc", "ttf", "wasm", "wav", "webm", "webp", "whl", "wmv", "woff",
    "woff2", "xls", "xlsx", "xz", "zip", "zst",
});
constexpr auto kData = std::to_array<std::string_view>({
    "csv", "dump", "geojson", "har", "json", "jsonl", "ldif", "log", "ndjson", "out", "plist", "rdf", "sql", "svg",
    "topojson", "tsv", "xml", "yaml", "yml",
});
constexpr auto kLockFiles = std::to_array<std::string_view>({
    ".terraform.lock.hcl", "bun.lock", "bun.lockb", "cargo.lock", "cartfile.resolved", "composer.lock", "conan.lock",
    "deno.lock", "flake.lock", "gemfile.lock", "go.sum", "go.work.sum", "gradle.lockfile", "mix.lock",
    "module.bazel.lock", "npm-shrinkwrap.json", "package-lock.json", "package.resolved", "packages.lock.json",
    "paket.lock", "pdm.lock", "pipfile.lock", "pnpm-lock.yaml", "podfile.lock", "poetry.lock", "project.assets.json",
    "pubspec.lock", "rebar.lock", "shard.lock", "stack.yaml.lock", "uv.lock", "yarn.lock",
});
// Folders that only a package manager fills.
constexpr auto kManaged = std::to_array<std::string_view>({
    ".bundle", ".tox", ".venv", ".yarn", "Pods", "__pycache__", "_vendor", "bower_components", "jspm_packages",
    "node_modules", "site-packages",
});
constexpr auto kThirdParty = std::to_array<std::string_view>({
    "3rd-party", "3rd_party", "3rdparty", "third-party", "third_party", "thirdparty",
});
constexpr auto kVendoredNames = std::to_array<std::string_view>({
    ".pnp.cjs", ".pnp.js", ".pnp.loader.mjs", "gradlew", "gradlew.bat", "mvnw", "mvnw.cmd",
});
constexpr auto kGeneratedEndings = std::to_array<std::string_view>({
    ".designer.cs", ".designer.vb", ".freezed.dart", ".g.cs", ".g.dart", ".g.i.cs", ".generated.cs", ".generated.go",
    ".generated.swift", ".gr.dart", ".pb.cc", ".pb.go", ".pb.gw.go", ".pb.h", ".pb.swift", ".pbobjc.h", ".pbobjc.m",
    ".tsbuildinfo", "/project.pbxproj", "_grpc.pb.go", "_pb.d.ts", "_pb.js", "_pb.ts", "_pb2.py", "_pb2.pyi",
    "_pb2_grpc.py",
});

static_assert(std::ranges::is_sorted(kBinary) && std::ranges::is_sorted(kData) && std::ranges::is_sorted(kLockFiles));
static_assert(std::ranges::is_sorted(kManaged) && std::ranges::is_sorted(kThirdParty));
static_assert(std::ranges::is_sorted(kVendoredNames));

bool In(const auto& sorted, std::string_view word) { return std::ranges::binary_search(sorted, word); }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

Words Components(std::string_view path) {
  Words parts;
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// `vendor` is also a word of business, so it takes more than the name: Go's import paths below it, or what
// Composer, Bundler and Cargo put below a top-level one.
bool IsVendorFolder(const Words& parts, size_t at) {
  std::string_view next = parts[at + 1];
  size_t below = parts.size() - at - 1;
  bool host = next.find('.') != std::string_view::npos && below > 1;
  return host || (at == 0 && below > 2) || (below > 1 && (next == "bundle" || next == "composer"));
}

bool IsVendored(std::string_view path) {
  Words parts = Components(path);
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (In(kManaged, parts[i])) return true;
    // What lies directly in such a folder builds the rest, and is the team's own.
    if (i + 2 < parts.size() && In(kThirdParty, Lower(parts[i]))) return true;
    if (parts[i] == "vendor" && IsVendorFolder(parts, i)) return true;
    if (parts[i] == "Carthage" && (parts[i + 1] == "Build" || parts[i + 1] == "Checkouts")) return true;
    if (parts[i] == "Godeps" && parts[i + 1] == "_workspace") return true;
    if (parts[i] == "gradle" && parts[i + 1] == "wrapper") return true;
  }
  std::string_view name = parts.back();
  bool numbered_jquery = name.starts_with("jquery-") && name.ends_with(".js") && name[7] >= '0' && name[7] <= '9';
  return numbered_jquery || In(kVendoredNames, name);
}

bool IsGeneratedByName(std::string_view lower) {
  auto ends = [&](std::string_view ending) { return lower.ends_with(ending); };
  if (std::ranges::any_of(kGeneratedEndings, ends)) return true;
  std::string_view name = lower.substr(lower.rfind('/') + 1);
  if (name.starts_with("zz_generated.") && name.ends_with(".go")) return true;
  if (ends(".snap") && lower.find("__snapshots__/") != std::string_view::npos) return true;
  // A bundle that is committed to be published.
  return lower.starts_with("dist/") && (ends(".js") || ends(".cjs") || ends(".mjs") || ends(".css"));
}

bool IsSourceMap(std::string_view lower) {
  constexpr std::array<std::string_view, 5> kMaps = {".js.map", ".mjs.map", ".cjs.map", ".css.map", ".ts.map"};
  return std::ranges::any_of(kMaps, [&](std::string_view ending) { return lower.ends_with(ending); });
}

bool IsMinifiedByName(std::string_view lower) {
  constexpr std::array<std::string_view, 6> kMinified = {".min.js",  ".min.mjs", ".min.cjs",
                                                         ".min.css", "-min.js",  "-min.css"};
  return std::ranges::any_of(kMinified, [&](std::string_view ending) { return lower.ends_with(ending); });
}

std::string_view ReasonOfName(std::string_view path, const FileAttributes& attributes) {
  if (attributes.vendored.value_or(IsVendored(path))) return "vendored";
  if (attributes.generated) return *attributes.generated ? "generated" : "";
  std::string lower = Lower(path);
  if (In(kLockFiles, std::string_view(lower).substr(lower.rfind('/') + 1))) return "lock file";
  if (IsSourceMap(lower)) return "source map";
  if (IsMinifiedByName(lower)) return "minified";
  return IsGeneratedByName(lower) ? "generated" : "";
}

}  // namespace

std::string LowerExtension(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : Lower(name.substr(dot + 1));
}

Classification ClassifyPath(std::string_view path, uint64_t size_bytes, const FileAttributes& attributes,
                            const ClassifyLimits& limits) {
  auto skip = [](std::string_view reason) { return Classification{Treatment::kSkip, reason}; };
  if (size_bytes == 0) return skip("empty");
  std::string extension = LowerExtension(path);
  if (attributes.binary || In(kBinary, extension)) return skip("binary");
  if (std::string_view reason = ReasonOfName(path, attributes); !reason.empty()) return skip(reason);
  if (size_bytes > (In(kData, extension) ? limits.max_data_bytes : limits.max_bytes)) return skip("too large");
  if (size_bytes > limits.max_parsed_bytes) return {Treatment::kIndexByLines, "by lines: large"};
  return {};
}

}  // namespace codelore::ingest
