#!/usr/bin/env python3
"""Puts the Korean translations beside this script in the place of a query file's questions; those without one are left out.

    ask_in_korean.py semble_dev.tsv semble_dev/queries.jsonl > semble_ko.jsonl"""
import json
import sys


def main(translations, queries):
    korean = dict(line.rstrip("\n").split("\t") for line in open(translations))
    for line in open(queries):
        query = json.loads(line)
        if query["_id"] in korean:
            print(json.dumps({**query, "text": korean[query["_id"]]}, ensure_ascii=False))


main(*sys.argv[1:])
