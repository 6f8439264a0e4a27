#!/usr/bin/env python3
"""Compares the definitions of the chunker with those of universal-ctags, by language.

  bench/symbols/compare.py SYMBOLS_DUMP FOLDER...     SYMBOLS_DUMP: the benchmark target symbols_dump

Both list (file, line, name). A name of one counts as found by the other if that lists the same name in the same file at
most one line away: ctags puts some names on the line of their annotation or keyword. Recall: the share of ctags'
definitions that the chunker has; precision: the share of the chunker's that ctags has. Neither tool is the truth: what
only one of them lists is written with --show LANGUAGE. Left out are local variables, parameters, labels, imports, anonymous
functions and blocks, and keys of JavaScript objects, which the chunker does not list on purpose; test macros, which ctags
lists as functions TEST while the chunker names the test; minified files; and files in which ctags finds nothing at all
(it does not know .cjs, .cts or .bats).
"""
import argparse
import collections
import json
import re
import subprocess

# What ctags calls a language -> what the chunker calls it.
LANGUAGES = {"Python": "python", "C": "c", "C++": "cpp", "Java": "java", "C#": "csharp", "Go": "go", "Rust": "rust",
             "JavaScript": "javascript", "TypeScript": "typescript", "Ruby": "ruby", "PHP": "php", "Kotlin": "kotlin",
             "Lua": "lua", "Sh": "bash", "Scala": "scala", "Haskell": "haskell", "Elixir": "elixir", "Zig": "zig"}
LEFT_OUT = {"local", "parameter", "label", "unknown", "package", "import", "header", "namespaceAlias", "using", "name",
            "typeParameter", "heredoc", "script", "alias", "library", "implementation", "anonMember"}
MACRO = re.compile(r"^[A-Z][A-Z0-9_]+_?$")


def left_out(tag, language):
    name, kind, path, pattern = tag["name"], tag.get("kind"), tag["path"], tag.get("pattern", "")
    if kind in LEFT_OUT or name.startswith(("__anon", "Anonymous", "<")) or not re.search(r"\w", name) or ".min." in path or "/.git/" in path:
        return True
    if language in ("c", "cpp") and kind in ("function", "prototype") and MACRO.match(name):
        return True
    if language == "bash" and name.endswith("="):  # a bug of ctags 5.9: assignments behind a certain line
        return True
    if language in ("javascript", "typescript") and kind == "property":
        return True
    local_value = language in ("javascript", "typescript", "kotlin", "rust", "lua") and kind in ("constant", "variable")
    indented = pattern.startswith(("/^ ", "/^\t"))
    return local_value and indented and tag.get("scopeKind") not in ("class", "interface", "object", "enum", "struct")


def of_ctags(folders):
    command = ["ctags", "-R", "--output-format=json", "--fields=+nlK", "--kinds-C=+p", "--kinds-C++=+p",
               "--languages=" + ",".join(LANGUAGES), "-f", "-"] + folders
    for line in subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout.splitlines():
        tag = json.loads(line)
        language = LANGUAGES.get(tag.get("language"))
        if language and not left_out(tag, language):
            yield language, tag["path"], tag["line"], tag["name"], tag["kind"]


def of_chunker(dump, folders):
    output = subprocess.run([dump] + folders, capture_output=True, text=True, errors="replace", check=True).stdout
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) == 5:
            path, number, kind, qualified, language = fields
            yield {"tsx": "typescript"}.get(language, language), path, int(number), qualified, kind


def last_word(name):
    for separator in ("::", ".", ":", "\\"):
        if separator in name and not name.startswith("operator"):
            name = name.rsplit(separator, 1)[1] or name
    return name.replace(" ", "").lstrip("$")


def index(entries):
    found = collections.defaultdict(set)
    listed = collections.defaultdict(list)
    for language, path, line, name, kind in entries:
        name = last_word(name)
        found[(path, name)].add(line)
        listed[language].append((path, line, name, kind))
    return found, listed


def share(listed, other):
    missed = [e for e in listed if not any(abs(line - e[1]) <= 1 for line in other.get((e[0], e[2]), ()))]
    return 1 - len(missed) / len(listed) if listed else 0, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--show", default="", help="list what only one side has, of this language")
    options = parser.parse_args()
    ctags, ctags_listed = index(of_ctags(options.folders))
    known_files = {path for path, name in ctags}
    chunker, chunker_listed = index(of_chunker(options.dump, options.folders))
    print("| language | by ctags | by the chunker | recall | precision | missed most, by ctags' kind |")
    print("|---|---|---|---|---|---|")
    for language in sorted(ctags_listed):
        ours = [e for e in chunker_listed.get(language, []) if e[3] != "section" and e[0] in known_files]
        recall, missed = share(ctags_listed[language], chunker)
        precision, extra = share(ours, ctags)
        kinds = collections.Counter(e[3] for e in missed).most_common(3)
        print(f"| {language} | {len(ctags_listed[language])} | {len(ours)} | {recall:.3f} | {precision:.3f} | "
              + ", ".join(f"{kind} {count}" for kind, count in kinds) + " |")
        if language == options.show:
            for title, entries in (("only ctags", missed), ("only the chunker", extra)):
                for path, line, name, kind in entries[:: max(1, len(entries) // 40)]:
                    print(f"  {title}: {path}:{line} {name} ({kind})")


if __name__ == "__main__":
    main()
