#!/usr/bin/env python3
"""Copies a BEIR folder of Python functions, their docstrings removed: without_docstrings.py cosqa_dev OUT"""
import json
import pathlib
import re
import shutil
import sys

# A string that is the first statement after a function's head.
DOCSTRING = re.compile(r"""(\)\s*(?:->[^:\n]*)?:\s*(?:#[^\n]*)?\n?\s*)[rRuUbB]{0,2}(\"{3}|'{3})(.*?)\2""", re.S)


def main(source, target):
    shutil.copytree(source, target)
    documents = [json.loads(line) for line in (pathlib.Path(source) / "corpus.jsonl").open()]
    changed = 0
    with (pathlib.Path(target) / "corpus.jsonl").open("w") as out:
        for document in documents:
            text = DOCSTRING.sub(r"\1", document["text"], count=1)
            changed += text != document["text"]
            out.write(json.dumps({**document, "text": text}) + "\n")
    print(f"{changed:,} of {len(documents):,} functions had a docstring")


main(*sys.argv[1:])
