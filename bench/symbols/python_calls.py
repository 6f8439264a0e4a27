#!/usr/bin/env python3
"""Compares the calls, base classes and imports that the chunker finds in Python with those of Python's own parser.

  bench/symbols/python_calls.py SYMBOLS_DUMP FOLDER...

A reference is (file, line of the name, name). Left out: built-in types, which the chunker does not list on purpose.
"""
import ast
import pathlib
import subprocess
import sys

LEFT_OUT = {"int", "str", "bool", "float", "bytes", "object", "super"}


def name_of(node):
    """The last word of `a.b.c` and its line; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id, node.lineno, True
    if isinstance(node, ast.Attribute):
        return node.attr, node.end_lineno, False
    return None


def of_parser(path, wanted):
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        targets = []
        if isinstance(node, ast.Call):
            targets.append(("call", node.func))
        if isinstance(node, ast.ClassDef):
            targets += [("inherit", base) for base in node.bases]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            targets += [("call", d) for d in node.decorator_list if not isinstance(d, ast.Call)]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.name != "*":
                    wanted.add(("import", str(path), alias.lineno, alias.name.split(".")[-1]))
        for kind, target in targets:
            name = name_of(target)
            if name and not (name[2] and name[0] in LEFT_OUT):
                wanted.add((kind, str(path), name[1], name[0]))


def main():
    dump, folders = sys.argv[1], sys.argv[2:]
    wanted, found, parsed = set(), set(), set()
    for folder in folders:
        for path in pathlib.Path(folder).rglob("*.py"):
            try:
                of_parser(path, wanted)
                parsed.add(str(path))
            except SyntaxError:
                pass
    output = subprocess.run([dump, "--references"] + folders, capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        path, number, kind, name, language = line.split("\t")
        kind = {"annotation": "call"}.get(kind, kind)
        if language == "python" and path in parsed and kind in ("call", "inherit", "import"):
            found.add((kind, path, int(number), name))
    print("| kind | by the parser | by the chunker | recall | precision |\n|---|---|---|---|---|")
    for kind in ("call", "inherit", "import"):
        w, f = ({e for e in s if e[0] == kind} for s in (wanted, found))
        print(f"| {kind} | {len(w)} | {len(f)} | {len(w & f) / len(w):.4f} | {len(w & f) / len(f):.4f} |")
        for title, only in (("only the parser", w - f), ("only the chunker", f - w)):
            for entry in sorted(only)[:: max(1, len(only) // 4)]:
                print(f"  {title}: {entry[1]}:{entry[2]} {entry[3]}", file=sys.stderr)


if __name__ == "__main__":
    main()
