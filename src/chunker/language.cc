#include "chunker/language.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>

#include "chunker/lines.h"

namespace codelore::chunker {
namespace {

// Each field is a list of words in lower case.
struct LanguageRow {
  std::string_view name;
  std::string_view extensions;
  std::string_view file_names = "";
  std::string_view aliases = "";  // also names of interpreters and editor modes
};

constexpr LanguageRow kLanguages[] = {
    // With a grammar.
    {"bash", "sh bash zsh ksh bats ebuild eclass",
     ".bashrc .bash_profile .bash_aliases .profile .zshrc .zprofile .kshrc pkgbuild apkbuild",
     "sh shell zsh ksh dash ash shell-script shellscript bats"},
    {"c", "c", "", "ansi-c"},
    {"cpp", "cc cpp cxx c++ hpp hh hxx h++ ipp tpp inl ino cu cuh", "",
     "c++ cxx cplusplus cuda arduino"},
    {"csharp", "cs csx cake", "", "c# cs dotnet"},
    {"css", "css"},
    {"dockerfile", "dockerfile containerfile", "dockerfile containerfile", "docker containerfile"},
    {"elixir", "ex exs", "mix.lock", "ex"},
    {"go", "go", "", "golang"},
    {"haskell", "hs hs-boot hsc", "", "hs runhaskell runghc"},
    {"html", "html htm xhtml xht shtml", "", "htm xhtml"},
    {"java", "java jav"},
    {"javascript", "js jsx mjs cjs es6 jsm", "jakefile .eslintrc.js",
     "js jsx node nodejs ecmascript js2 rjsx"},
    {"json", "json jsonc json5 geojson webmanifest avsc har jsonl ndjson",
     ".eslintrc .babelrc .prettierrc .jshintrc composer.lock pipfile.lock flake.lock",
     "jsonc json5 jsonl"},
    {"kotlin", "kt kts ktm", "", "kt"},
    {"lua", "lua rockspec luau nse wlua", ".luacheckrc", "luajit luau"},
    {"php", "php php3 php4 php5 php7 phtml phps ctp"},
    {"python", "py pyi pyw pyx pxd pxi bzl star gyp gypi wsgi sconscript",
     "sconstruct sconscript build.bazel workspace.bazel tiltfile wscript snakefile",
     "py python2 python3 pypy ipython starlark cython"},
    {"ruby", "rb rake gemspec ru rbw podspec jbuilder thor builder",
     "gemfile rakefile podfile vagrantfile guardfile capfile fastfile brewfile dangerfile "
     "appraisals berksfile .irbrc .pryrc",
     "rb jruby rake"},
    {"rust", "rs rs.in", "", "rs"},
    {"scala", "scala sc sbt", "", "sbt"},
    {"sql", "sql ddl dml psql pgsql plsql pls pks pkb mysql hql", "",
     "postgresql mysql plsql plpgsql sqlite tsql"},
    {"swift", "swift swiftinterface"},
    {"toml", "toml", "cargo.lock pipfile poetry.lock pdm.lock uv.lock gopkg.lock"},
    {"tsx", "tsx", "", "typescriptreact typescript-tsx"},
    {"typescript", "ts mts cts", "", "ts deno ts-node tsx-node"},
    {"yaml", "yml yaml yaml-tmlanguage sublime-syntax",
     ".clang-format .clang-tidy .clangd .gemrc .yamllint citation.cff", "yml"},
    {"zig", "zig zon"},
    // Documents.
    {"asciidoc", "adoc asciidoc", "", "adoc"},
    {"markdown", "md markdown mdown mkd mkdn mdx rmd qmd livemd", "readme.md",
     "md mdx rmarkdown gfm"},
    {"notebook", "ipynb", "", "ipynb jupyter"},
    {"restructuredtext", "rst rest", "", "rst rest"},
    {"text", "txt text",
     "readme license licence copying authors contributors changelog changes news todo install "
     "notice maintainers copyright history",
     "txt plaintext plain"},
    // Known by name.
    {"ada", "adb ads", "", "ada95"},
    {"apex", "apex trigger cls-meta"},
    {"applescript", "applescript scpt", "", "osascript"},
    {"assembly", "s asm nasm", "", "asm nasm"},
    {"astro", "astro"},
    {"awk", "awk gawk", "", "gawk mawk nawk"},
    {"batch", "bat cmd", "", "bat cmd"},
    {"bicep", "bicep"},
    {"clojure", "clj cljs cljc edn bb", "", "clj cljs babashka"},
    {"cmake", "cmake", "cmakelists.txt"},
    {"cobol", "cob cbl cpy cobol"},
    {"coffeescript", "coffee", "cakefile", "coffee"},
    {"common-lisp", "lisp lsp cl asd", "", "lisp sbcl clisp"},
    {"crystal", "cr"},
    {"csv", "csv tsv tab psv", "", "tsv"},
    {"cue", "cue"},
    {"d", "d di", "", "dlang rdmd"},
    {"dart", "dart"},
    {"diff", "diff patch", "", "patch"},
    {"dot", "gv", "", "graphviz"},
    {"elm", "elm"},
    {"emacs-lisp", "el", ".emacs", "elisp"},
    {"erlang", "erl hrl escript app.src", "rebar.config", "erl escript"},
    {"fish", "fish"},
    {"fortran", "f f77 f90 f95 f03 f08 for"},
    {"fsharp", "fs fsi fsx", "", "f# fs"},
    {"gettext", "po pot", "", "po"},
    {"gherkin", "feature", "", "cucumber"},
    {"glsl", "glsl vert frag geom comp tesc tese"},
    {"gnuplot", "gp gnuplot"},
    {"graphql", "graphql gql graphqls", "", "gql"},
    {"groovy", "groovy gradle gvy gsh", "jenkinsfile", "gradle"},
    {"haml", "haml"},
    {"handlebars", "hbs handlebars mustache", "", "hbs mustache"},
    {"haxe", "hx"},
    {"hlsl", "hlsl fx cginc shader"},
    {"ignore", "", ".gitignore .dockerignore .npmignore .eslintignore .prettierignore .hgignore",
     "gitignore"},
    {"ini", "ini cfg conf cnf inf desktop editorconfig gitconfig",
     ".editorconfig .gitconfig .gitmodules .gitattributes .npmrc .flake8 .pylintrc", "cfg conf"},
    {"jinja", "j2 jinja jinja2", "", "jinja2"},
    {"jsonnet", "jsonnet libsonnet"},
    {"julia", "jl", "", "jl"},
    {"latex", "tex sty ltx bib cls", "", "tex bibtex"},
    {"less", "less"},
    {"liquid", "liquid"},
    {"llvm", "ll"},
    {"log", "log"},
    {"make", "mk mak make am", "makefile gnumakefile makefile.am makefile.in kbuild bsdmakefile",
     "makefile gmake"},
    {"matlab", "mlx", "", "octave"},
    {"meson", "", "meson.build meson_options.txt meson.options"},
    {"mojo", "mojo"},
    {"nginx", "nginxconf", "nginx.conf"},
    {"nim", "nim nims nimble"},
    {"nix", "nix"},
    {"objective-c", "mm", "", "objc objectivec obj-c objective-c++ objcpp"},
    {"ocaml", "ml mli mll mly", "dune dune-project", "ml"},
    {"org", "org", "", "org-mode"},
    {"pascal", "pas dpr lpr", "", "delphi"},
    {"perl", "pl pm pod t psgi cgi", "cpanfile", "pl"},
    {"powershell", "ps1 psm1 psd1", "", "ps1 pwsh posh"},
    {"prisma", "prisma"},
    {"prolog", "prolog plt", "", "swipl"},
    {"properties", "properties"},
    {"protobuf", "proto", "", "proto"},
    {"pug", "pug jade", "", "jade"},
    {"puppet", "pp"},
    {"purescript", "purs"},
    {"qml", "qml"},
    {"r", "r rnw", ".rprofile", "rscript rlang"},
    {"racket", "rkt"},
    {"raku", "raku rakumod p6 pm6", "", "perl6"},
    {"razor", "cshtml razor", "", "cshtml"},
    {"reason", "re rei"},
    {"rescript", "res resi"},
    {"roff", "1 2 3 4 5 6 7 8 man roff", "", "man troff groff"},
    {"sass", "sass"},
    {"scheme", "scm ss sld", "", "guile"},
    {"scss", "scss"},
    {"slim", "slim"},
    {"smalltalk", "st"},
    {"solidity", "sol"},
    {"stylus", "styl"},
    {"svelte", "svelte"},
    {"systemverilog", "sv svh"},
    {"tcl", "tcl tk itcl", "", "tclsh wish"},
    {"terraform", "tf tfvars hcl nomad", "", "tf hcl"},
    {"thrift", "thrift"},
    {"twig", "twig"},
    {"typst", "typ"},
    {"vala", "vala vapi"},
    {"vb", "vb vbs bas frm", "", "vbnet visual-basic vbscript"},
    {"verilog", "v vh"},
    {"vhdl", "vhd vhdl"},
    {"vim", "vim vimrc", ".vimrc _vimrc .gvimrc .exrc", "viml vimscript"},
    {"vue", "vue"},
    {"wasm", "wat wast"},
    {"wgsl", "wgsl"},
    {"xml",
     "xml xsd xsl xslt wsdl plist svg xaml csproj vbproj fsproj vcxproj props targets nuspec resx "
     "pom iml storyboard xib rss atom kml gpx xmi xlf "
     "xliff dita ditamap",
     "pom.xml", ""},
};

// Whether a list of words holds `word`.
bool HasWord(std::string_view words, std::string_view word) {
  if (word.empty()) return false;
  for (size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    bool begins = at == 0 || words[at - 1] == ' ';
    bool ends = at + word.size() == words.size() || words[at + word.size()] == ' ';
    if (begins && ends) return true;
  }
  return false;
}

template <typename Field>
std::string_view FindIn(Field field, std::string_view word) {
  for (const LanguageRow& row : kLanguages) {
    if (HasWord(row.*field, word)) return row.name;
  }
  return {};
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Letters, digits and what stands in "c++", "c#", "shell-script".
std::string_view WordAt(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) ||
                               std::string_view("+#-_").find(text[end]) != std::string_view::npos))
    ++end;
  return text.substr(begin, end - begin);
}

std::string_view FirstLine(std::string_view text) { return text.substr(0, text.find('\n')); }

// ---- mode lines, #! lines
// ---------------------------------------------------------------------------------

// "-*- mode: ruby -*-", "-*- C++ -*-", "vim: set ft=python:", in a line.
std::string_view FromModeLine(std::string_view line) {
  if (size_t emacs = line.find("-*-"); emacs != std::string_view::npos) {
    size_t end = line.find("-*-", emacs + 3);
    if (end == std::string_view::npos) return {};
    std::string mode = Lower(line.substr(emacs + 3, end - emacs - 3));
    size_t key = mode.find("mode:");
    if (key == std::string::npos && mode.find(':') != std::string::npos) return {};
    size_t begin = mode.find_first_not_of(' ', key == std::string::npos ? 0 : key + 5);
    return begin == std::string::npos ? std::string_view() : CanonicalLanguage(WordAt(mode, begin));
  }
  size_t vim = line.find("vim:");
  if (vim == std::string_view::npos) vim = line.find("vi:");
  if (vim == std::string_view::npos) return {};
  for (std::string_view key : {" ft=", ":ft=", " filetype=", ":filetype=", " syntax="}) {
    size_t at = line.find(key, vim);
    if (at != std::string_view::npos) return CanonicalLanguage(WordAt(line, at + key.size()));
  }
  return {};
}

// In the first two lines for Emacs and Vim, in the last three for Vim.
std::string_view FromModeLines(std::string_view text) {
  std::string_view head = text.substr(0, 1'000);
  for (int line = 0; line < 3 && !head.empty(); ++line) {
    std::string_view first = FirstLine(head);
    if (std::string_view language = FromModeLine(first); !language.empty()) return language;
    head.remove_prefix(std::min(first.size() + 1, head.size()));
  }
  std::string_view tail = text.substr(text.size() - std::min<size_t>(text.size(), 300));
  size_t at = tail.rfind("vim:");
  return at == std::string_view::npos ||
                 std::count(tail.begin() + static_cast<ptrdiff_t>(at), tail.end(), '\n') > 3
             ? std::string_view()
             : FromModeLine(FirstLine(tail.substr(at)));
}

// "#!/usr/bin/env -S python3.11 -u" -> python
std::string_view FromShebang(std::string_view text) {
  if (!text.starts_with("#!")) return {};
  std::string_view line = FirstLine(text).substr(2);
  while (!line.empty()) {
    size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    std::string_view word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    word.remove_prefix(word.rfind('/') + 1);
    bool is_interpreter =
        word != "env" && !word.starts_with('-') && word.find('=') == std::string_view::npos;
    if (!is_interpreter) continue;
    std::string name = Lower(word);
    while (!name.empty() &&
           (std::isdigit(static_cast<unsigned char>(name.back())) || name.back() == '.'))
      name.pop_back();
    return CanonicalLanguage(name);
  }
  return {};
}

// ---- the look at the content
// ------------------------------------------------------------------------------

// Calls visit(line) for the first `limit` lines that hold anything, without leading white space;
// until it gives a language.
template <typename Visit>
std::string_view FirstOf(std::string_view text, int limit, Visit visit) {
  while (!text.empty() && limit > 0) {
    std::string_view line = FirstLine(text);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    --limit;
    if (std::string_view language = visit(line.substr(begin)); !language.empty()) return language;
  }
  return {};
}

bool StartsWithAny(std::string_view line, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return line.starts_with(prefix); });
}

// A header: C, unless a line can only be C++ or Objective-C.
std::string_view HeaderLanguage(std::string_view text) {
  std::string_view found = FirstOf(text, 4'000, [](std::string_view line) -> std::string_view {
    if (StartsWithAny(line, {"//", "*", "/*"})) return {};
    if (StartsWithAny(line, {"@interface", "@protocol", "@class", "#import ", "@property"}))
      return "objective-c";
    bool cpp = StartsWithAny(line, {"namespace ", "template <", "template<",
                                    "public:", "private:", "protected:", "using ", "constexpr ",
                                    "virtual ", "class ", "enum class ", "explicit ", "friend "}) ||
               line.find("std::") != std::string_view::npos ||
               line.find("nullptr") != std::string_view::npos ||
               line.find("noexcept") != std::string_view::npos;
    if (cpp) return "cpp";
    if (StartsWithAny(line, {"#include <"}) && line.find('>') != std::string_view::npos &&
        line.find(".h") == std::string_view::npos)
      return "cpp";
    return {};
  });
  return found.empty() ? "c" : found;
}

// Extensions that several languages use; empty for any other.
std::string_view FromAmbiguousExtension(std::string_view extension, std::string_view text) {
  if (extension == "h") return HeaderLanguage(text);
  if (extension == "m") {
    return FirstOf(text, 200, [](std::string_view line) -> std::string_view {
      if (StartsWithAny(line, {"#import", "@interface", "@implementation", "#include", "@protocol",
                               "//", "/*"}))
        return "objective-c";
      if (StartsWithAny(line, {"%", "function", "clear", "classdef"})) return "matlab";
      return {};
    });
  }
  if (extension == "pl" || extension == "t") {
    std::string_view found = FirstOf(text, 100, [](std::string_view line) -> std::string_view {
      if (line.starts_with(":-")) return "prolog";
      return StartsWithAny(line, {"use ", "#!", "my ", "package ", "sub "}) ? "perl"
                                                                            : std::string_view();
    });
    return found.empty() && extension == "t" ? "text" : found;
  }
  if (extension == "ts" && text.substr(0, 200).find("<TS ") != std::string_view::npos) return "xml";
  if (extension == "inc") {
    std::string_view head = text.substr(0, 500);
    if (head.find("<?php") != std::string_view::npos) return "php";
    return head.find("#define") != std::string_view::npos ||
                   head.find("#if") != std::string_view::npos ||
                   head.find("/*") != std::string_view::npos
               ? "cpp"
               : "text";
  }
  if (extension == "cls")
    return text.substr(0, 2'000).find("\\NeedsTeXFormat") != std::string_view::npos ? "latex"
                                                                                    : "apex";
  if (extension == "tmpl" || extension == "tpl")
    return text.substr(0, 2'000).find("<html") != std::string_view::npos ? "html" : "text";
  if (extension.size() == 1 &&
      std::isdigit(static_cast<unsigned char>(extension[0]))) {  // a manual page, or a rotated log
    return text.starts_with(".\\\"") ||
                   text.substr(0, 2'000).find(".TH ") != std::string_view::npos ||
                   text.substr(0, 2'000).find(".Dd ") != std::string_view::npos
               ? "roff"
               : "text";
  }
  return {};
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

bool Has(std::string_view line, std::string_view part) {
  return line.find(part) != std::string_view::npos;
}

// "import os": only modules that prose does not import.
bool IsPythonImport(std::string_view line) {
  constexpr std::string_view kModules =
      "os sys re json time math logging argparse random collections typing subprocess datetime "
      "pathlib itertools functools unittest pytest numpy pandas";
  return line.starts_with("import ") &&
         HasWord(kModules, line.substr(7, line.find_first_of(",. ", 7) - 7));
}

// One line that hardly stands in any other language. Cautious: prose begins with "import" or
// "class", too.
std::string_view TellingLine(std::string_view line) {
  bool is_block = line.ends_with('{');
  if (line.starts_with("def ") && IsIdentifier(line.substr(4, line.find('(') - 4)) &&
      Has(line, "("))
    return line.ends_with(':') ? "python" : "ruby";
  bool is_class = line.starts_with("class ") && line.size() > 7 && line.ends_with(':') &&
                  !Has(line.substr(6), " ") && std::isupper(static_cast<unsigned char>(line[6]));
  if (is_class || IsPythonImport(line)) return "python";
  if (line.starts_with("from ") && Has(line, " import ")) return "python";
  if (line.starts_with("func ") && Has(line, "(") && is_block)
    return Has(line, "->") ? "swift" : "go";
  if (StartsWithAny(line, {"#include <", "#include \""})) return "cpp";
  if (line.starts_with("<?php")) return "php";
  if (StartsWithAny(line, {"<!DOCTYPE html", "<!doctype html", "<html"})) return "html";
  if (line.starts_with("<?xml")) return "xml";
  if (line.starts_with("defmodule ") && line.ends_with(" do")) return "elixir";
  if (StartsWithAny(line, {"fn ", "pub fn "}) && is_block) return "rust";
  if (line.starts_with("use ") && Has(line, "::") && line.ends_with(';')) return "rust";
  if (StartsWithAny(line, {"import ", "export "}) &&
      (Has(line, " from '") || Has(line, " from \"")))
    return "javascript";
  if (line.starts_with("const ") && Has(line, "= require(")) return "javascript";
  if (line.starts_with("function ") && Has(line, "(") && is_block) return "javascript";
  if (line.starts_with("public class ") ||
      (StartsWithAny(line, {"import java", "package "}) && line.ends_with(';')))
    return "java";
  if (line.starts_with("using System") && line.ends_with(';')) return "csharp";
  if (StartsWithAny(line, {"CREATE TABLE ", "INSERT INTO ", "create table ", "CREATE OR REPLACE "}))
    return "sql";
  return {};
}

std::string_view FromContent(std::string_view text) {
  bool has_go_function = Has(text.substr(0, 10'000), "\nfunc ");
  return FirstOf(text, 25, [&](std::string_view line) -> std::string_view {
    bool is_comment = StartsWithAny(line, {"//", "/*", "*"}) ||
                      (line.starts_with('#') && !line.starts_with("#include"));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (is_comment) return {};
    return has_go_function && line.starts_with("package ") && IsIdentifier(line.substr(8))
               ? "go"
               : TellingLine(line);
  });
}

// "config.yml.example" without what says nothing about the language.
std::string_view WithoutTemplateSuffix(std::string_view name) {
  size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 ||
      name.substr(0, dot).find('.') == std::string_view::npos)
    return name;
  return HasWord("in tmpl template tpl example sample dist orig bak default erb j2 jinja jinja2",
                 name.substr(dot + 1))
             ? name.substr(0, dot)
             : name;
}

}  // namespace

std::string_view CanonicalLanguage(std::string_view name) {
  std::string lower = Lower(name);
  for (const LanguageRow& row : kLanguages) {
    if (row.name == lower) return row.name;
  }
  if (std::string_view language = FindIn(&LanguageRow::aliases, lower); !language.empty())
    return language;
  return FindIn(&LanguageRow::extensions, lower);
}

std::string_view DetectLanguage(std::string_view path, std::string_view text) {
  std::string_view file_name = path.substr(path.rfind('/') + 1);
  if (std::string_view language = FromModeLines(text); !language.empty()) return language;
  if (std::string_view language = FromShebang(text); !language.empty()) return language;
  if (file_name == "BUILD" || file_name == "WORKSPACE" || file_name == "BUCK")
    return "python";  // Starlark
  std::string lower = Lower(file_name);
  std::string_view name = WithoutTemplateSuffix(lower);
  if (std::string_view language = FindIn(&LanguageRow::file_names, name); !language.empty())
    return language;
  if (name.starts_with("dockerfile.") || name.starts_with("containerfile.")) return "dockerfile";
  if (name.starts_with("makefile.")) return "make";
  for (size_t dot = name.find('.', 1); dot < name.size(); dot = name.find('.', dot + 1)) {
    std::string_view extension = name.substr(dot + 1);
    if (std::string_view language = FromAmbiguousExtension(extension, text); !language.empty())
      return language;
    if (std::string_view language = FindIn(&LanguageRow::extensions, extension); !language.empty())
      return language;
  }
  if (std::string_view language = FromContent(text); !language.empty()) return language;
  return "text";
}

}  // namespace codelore::chunker
