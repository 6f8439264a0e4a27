#include "chunker/language.h"

#include <gtest/gtest.h>

#include "chunker/grammar.h"

namespace codelore::chunker {
namespace {

TEST(DetectLanguage, GoesByExtension) {
  EXPECT_EQ(DetectLanguage("a/b/c.py", ""), "python");
  EXPECT_EQ(DetectLanguage("x.JSX", ""), "javascript");
  EXPECT_EQ(DetectLanguage("x.d.ts", ""), "typescript");
  EXPECT_EQ(DetectLanguage("x.tsx", ""), "tsx");
  EXPECT_EQ(DetectLanguage("x.cs", ""), "csharp");
  EXPECT_EQ(DetectLanguage("x.rst", ""), "restructuredtext");
  EXPECT_EQ(DetectLanguage("x.adoc", ""), "asciidoc");
  EXPECT_EQ(DetectLanguage("x.ipynb", ""), "notebook");
  EXPECT_EQ(DetectLanguage("x.jl", ""), "julia");
  EXPECT_EQ(DetectLanguage("x.proto", ""), "protobuf");
  EXPECT_EQ(DetectLanguage("config.yml.example", ""), "yaml");
  EXPECT_EQ(DetectLanguage("index.html.erb", ""), "html");
  EXPECT_EQ(DetectLanguage("folder.py/unknown", ""), "text");
}

TEST(DetectLanguage, GoesByFileName) {
  EXPECT_EQ(DetectLanguage("a/Dockerfile", ""), "dockerfile");
  EXPECT_EQ(DetectLanguage("Dockerfile.dev", ""), "dockerfile");
  EXPECT_EQ(DetectLanguage("Makefile", ""), "make");
  EXPECT_EQ(DetectLanguage("CMakeLists.txt", ""), "cmake");
  EXPECT_EQ(DetectLanguage("Gemfile", ""), "ruby");
  EXPECT_EQ(DetectLanguage("BUILD", ""), "python");
  EXPECT_EQ(DetectLanguage("build", "hello there\n"), "text");
  EXPECT_EQ(DetectLanguage("LICENSE", ""), "text");
  EXPECT_EQ(DetectLanguage(".bashrc", ""), "bash");
  EXPECT_EQ(DetectLanguage(".gitignore", ""), "ignore");
}

TEST(DetectLanguage, ReadsTheInterpreterLine) {
  EXPECT_EQ(DetectLanguage("run", "#!/usr/bin/env python3.11\n"), "python");
  EXPECT_EQ(DetectLanguage("run", "#!/bin/sh -e\n"), "bash");
  EXPECT_EQ(DetectLanguage("run", "#!/usr/bin/env -S node --flag\n"), "javascript");
  EXPECT_EQ(DetectLanguage("run.sh", "#!/usr/bin/perl\n"), "perl");
  EXPECT_EQ(DetectLanguage("run", "#!/opt/unknown\n"), "text");
  EXPECT_EQ(DetectLanguage("run", "#!"), "text");
}

TEST(DetectLanguage, ReadsModeLines) {
  EXPECT_EQ(DetectLanguage("x.h", "// -*- C++ -*-\n"), "cpp");
  EXPECT_EQ(DetectLanguage("x", "# -*- mode: ruby -*-\n"), "ruby");
  EXPECT_EQ(DetectLanguage("x", "a\n# vim: set ft=python ts=4:\n"), "python");
  EXPECT_EQ(DetectLanguage("x.py", "# -*- coding: utf-8 -*-\n"), "python");
}

TEST(DetectLanguage, TellsHeadersApart) {
  EXPECT_EQ(DetectLanguage("x.h", "#include <stdio.h>\nint f(void);\n"), "c");
  EXPECT_EQ(
      DetectLanguage("x.h", "/* class of things */\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"),
      "c");
  EXPECT_EQ(DetectLanguage("x.h", "namespace a {\n}\n"), "cpp");
  EXPECT_EQ(DetectLanguage("x.h", "#include <vector>\n"), "cpp");
  EXPECT_EQ(DetectLanguage("x.h", "#import <Foundation/Foundation.h>\n"), "objective-c");
}

TEST(DetectLanguage, LooksCautiouslyAtTheContentOfUnnamedFiles) {
  EXPECT_EQ(DetectLanguage("cosqa/123", "def add(a, b):\n    return a + b\n"), "python");
  EXPECT_EQ(DetectLanguage("x", "import os\n"), "python");
  EXPECT_EQ(DetectLanguage("x", "package main\n\nfunc main() {\n}\n"), "go");
  EXPECT_EQ(DetectLanguage("x", "// a comment\n#include <stdio.h>\n"), "cpp");
  EXPECT_EQ(DetectLanguage("x", "<!DOCTYPE html>\n"), "html");
  EXPECT_EQ(DetectLanguage("x", "Import duties are due.\nclass struggle:\n"), "text");
  EXPECT_EQ(DetectLanguage("x", "package tour\n"), "text");
  EXPECT_EQ(DetectLanguage("x", ""), "text");
}

TEST(CanonicalLanguage, KnowsWhatUsersWrite) {
  EXPECT_EQ(CanonicalLanguage("js"), "javascript");
  EXPECT_EQ(CanonicalLanguage("C++"), "cpp");
  EXPECT_EQ(CanonicalLanguage("c#"), "csharp");
  EXPECT_EQ(CanonicalLanguage("Golang"), "go");
  EXPECT_EQ(CanonicalLanguage("python"), "python");
  EXPECT_EQ(CanonicalLanguage("md"), "markdown");
  EXPECT_EQ(CanonicalLanguage("ipynb"), "notebook");
  EXPECT_EQ(CanonicalLanguage(""), "");
  EXPECT_EQ(CanonicalLanguage("klingon"), "");
}

TEST(CanonicalLanguage, KnowsEveryLanguageWithAGrammar) {
  for (const Grammar* grammar : AllGrammars())
    EXPECT_EQ(CanonicalLanguage(grammar->language), grammar->language);
}

}  // namespace
}  // namespace codelore::chunker
