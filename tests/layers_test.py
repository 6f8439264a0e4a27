#!/usr/bin/env python3
"""The folders are layers, and their arrows point one way: CMakeLists.txt says which, this test reads it and every
#include. It also keeps each library's headers in few files, and maintenance viewers out of the API."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_FILES_PER_LIBRARY = 2
# Header prefix -> the layers whose .cc files may include it.
LIBRARIES = {
    "rocksdb/": {"index"}, "faiss/": {"index"}, "libstemmer": {"index"}, "tree_sitter/": {"chunker"},
    "unicode/": {"chunker", "embed", "index"}, "cblas": {"embed"}, "httplib": {"api"},
    "nlohmann/": {"api", "cli", "embed", "chunker", "generate"}, "CLI/": {"cli"}, "openssl/": None, "xxhash": {"index"}, "re2/": {"index"}, "lz4": {"index"},
    "llama": {"generate"}, "ggml": {"generate"}, "gguf": {"generate"},
}
# Files of one purpose that need a library each: more than two, for the reason given.
MANY = {
    ("cli", "nlohmann/"): 9,      # the command line is JSON in, text out
    ("api", "nlohmann/"): 32,     # operations (13), key sets, forges (2), the audit log, their shared JSON, OpenAPI, evaluation (3), requests, protocols (5)
    ("generate", "nlohmann/"): 3,  # remote models, JSON by schema, calls of tools
    ("chunker", "tree_sitter/"): 12,  # one table of grammars per family of languages
    ("index", "xxhash"): 4,      # terms, words, segment files, tables
    ("api", "openssl/"): 5,       # the audit chain, backups, webhooks, keys of issuers, TLS
    ("api", "httplib"): 3,        # server, exchange, client
}


def layers():
    text = (ROOT / "CMakeLists.txt").read_text()
    found = {}
    for name, rest in re.findall(r"^layer\((\w+)([^)]*)\)", text, re.M):
        uses = re.search(r"USES ([\w\s]*?)(?:LIBS|$)", rest + " LIBS")
        found[name] = set(uses.group(1).split()) if "USES" in rest else set()
    return found


def check():
    allowed, problems, users = layers(), [], {}
    if not allowed:
        problems.append("CMakeLists.txt: no layer() calls found")
    for path in sorted((ROOT / "src").rglob("*")) + sorted((ROOT / "include").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        parts = path.relative_to(ROOT).parts
        layer = parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]
        text = path.read_text(errors="replace")
        if layer == "api" and "UnsafeSystemViewer" in text:
            problems.append(f"{path}: the API must not make a system viewer")
        for include in re.findall(r'^#include ["<]([^">]+)[">]', text, re.M):
            first = include.split("/")[0]
            if first in allowed and layer in allowed and first != layer and first not in allowed[layer]:
                problems.append(f"{path}: layer '{layer}' may not include '{include}'")
            if layer == "include" and (first in allowed or "." in include and not include.startswith("codelore/")):
                problems.append(f"{path}: the contract includes '{include}'")
            for prefix, owners in LIBRARIES.items():
                if not include.startswith(prefix):
                    continue
                if path.suffix == ".h":
                    problems.append(f"{path}: a header includes '{include}'; third-party headers belong in .cc files")
                if owners is not None and layer not in owners:
                    problems.append(f"{path}: '{include}' belongs to {sorted(owners)}")
                users.setdefault((layer, prefix), set()).add(path)
    for key, paths in users.items():
        if len(paths) > MANY.get(key, MAX_FILES_PER_LIBRARY):
            problems.append(f"layer '{key[0]}' includes {key[1]} in {len(paths)} files: {sorted(map(str, paths))}")
    return problems


if __name__ == "__main__":
    found = check()
    print("\n".join(found) or "the layers hold")
    sys.exit(bool(found))
