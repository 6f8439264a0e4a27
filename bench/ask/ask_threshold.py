#!/usr/bin/env python3
"""How often does `ask` find something where there is something, and keep silent where there is nothing?

    bench/ask/ask_threshold.py CODELORE DATA [SEMBLE_QUERIES [BEIR_FOLDER]]

DATA holds the sources that questions.tsv and SEMBLE_QUERIES name, each indexed under its own name; BEIR_FOLDER's
documents as `claude_docs`; and handbook/ as `handbook`. Questions about other sources are left out."""
import collections
import csv
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def is_korean(text):
    return any("\uac00" <= c <= "\ud7a3" for c in text)


def questions(sources, semble, beir):
    """(group, whether there is an answer, source, text)"""
    for row in csv.reader((HERE / "questions.tsv").open(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row[0].startswith("#"):
            continue
        everywhere = row[1] == "*"
        language = "Korean" if is_korean(row[2]) else "English"
        about = "another world" if everywhere else "the source's world"
        for source in sources if everywhere else [row[1]]:
            if source in sources:
                yield f"{language}, {about}", row[0] == "yes", source, row[2]
    for line in open(semble) if semble else []:
        query = json.loads(line)
        if query["repo"] in sources:
            yield "English, code (semble)", True, query["repo"], query["text"]
    for line in open(beir + "/queries.jsonl") if beir else []:
        yield "English, documents", True, "claude_docs", json.loads(line)["text"]


def found(codelore, data, source, text):
    out = subprocess.run([codelore, "--data", data, "--json", "ask", text, "--source", source], capture_output=True, text=True)
    return json.loads(out.stdout)["found"]


def main(codelore, data, semble=None, beir=None):
    status = json.loads(subprocess.run([codelore, "--data", data, "--json", "status"], capture_output=True, text=True).stdout)
    sources = [source["source"] for source in status["sources"]]
    asked, answered = collections.Counter(), collections.Counter()
    for group, answerable, source, text in questions(sources, semble, beir):
        hit = found(codelore, data, source, text)
        asked[answerable, group] += 1
        answered[answerable, group] += hit
        if hit != answerable:
            print(f"  {'missed' if answerable else 'wrong '}  {source}: {text}")
    print("| there is an answer | questions | asked | found |\n|---|---|---|---|")
    for key in sorted(asked, reverse=True):
        print(f"| {'yes' if key[0] else 'no'} | {key[1]} | {asked[key]} | {answered[key]} ({100 * answered[key] / asked[key]:.0f} %) |")


main(*sys.argv[1:])
