#!/usr/bin/env python3
"""How long a streamed question takes to its citations, over sockets, at many chunks.

    bench/ask/citations.py fill CODELORE DATA CHECKOUTS CHUNKS [TENANT]
    bench/ask/citations.py ask CODELORE DATA QUESTIONS [ROUNDS] [TENANT]

fill: indexes the folders in CHECKOUTS as sources, the largest first, again and again as further sources (forks: their vectors come
from the cache), until there are CHUNKS. ask: serves DATA and asks QUESTIONS (JSON lines with "question" or "query") as four readers:
of everything, of a half, of a tenth, of one source. Cold: no question was asked before, each reader's rights are another key of the caches.
Warm: the same questions by the same reader again. Prints one JSON object: milliseconds from sending to the `citations` event."""
import http.client
import json
import pathlib
import random
import subprocess
import sys
import time


def run(codelore, data, tenant, *args):
    command = [codelore, "--data", data, "--json"] + (["--tenant", tenant] if tenant else []) + list(args)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.stdout.strip() else {}


def chunks_of(codelore, data, tenant):
    status = run(codelore, data, tenant, "status")
    return {source["source"]: source["chunks"] for source in status["sources"]}


def fill(codelore, data, checkouts, wanted, tenant=""):
    wanted, known, number = int(wanted), chunks_of(codelore, data, tenant), 0
    folders = sorted((path for path in pathlib.Path(checkouts).iterdir() if path.is_dir()), key=lambda path: -sum(1 for _ in path.rglob("*")))
    while sum(known.values()) < wanted:
        for folder in folders:
            name = f"{folder.name}-{number}"
            if name not in known and sum(known.values()) < wanted:
                run(codelore, data, tenant, "index", str(folder), "--name", name)
                known = chunks_of(codelore, data, tenant)
                print(name, sum(known.values()), flush=True)
        number += 1


def percentile(values, share):
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1)


def citations_ms(connection, token, question):
    body = json.dumps({"question": question, "stream": True})
    start = time.monotonic()
    connection.request("POST", "/v1/ask", body, {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    response = connection.getresponse()
    while True:
        line = response.readline()
        assert line and not line.startswith(b"event: error"), line
        if line.startswith(b"event: citations"):
            break
    elapsed = (time.monotonic() - start) * 1000
    response.read()
    return elapsed


def ask(codelore, data, questions, rounds="1", tenant=""):
    known = chunks_of(codelore, data, tenant)
    names, tokens = sorted(known), {}
    random.Random(1).shuffle(names)
    readers = {"all": names, "half": names[: len(names) // 2], "tenth": names[: max(1, len(names) // 10)], "one": names[:1]}
    for reader, sources in readers.items():
        for source in sources:
            run(codelore, data, tenant, "grant", "--source", source, "--user", "reader-" + reader)
        tokens[reader] = run(codelore, data, tenant, "token", "create", "--user", "reader-" + reader)["token"]
    texts = [json.loads(line) for line in open(questions, encoding="utf-8")]
    texts = [each.get("question") or each.get("query") or each.get("text") for each in texts]
    server = subprocess.Popen([codelore, "--data", data, "serve", "--port", "0", "--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = ""
        while "Serving on" not in line:
            line = server.stdout.readline()
            assert line, "the server ended"
        connection = http.client.HTTPConnection("127.0.0.1", int(line.split("Serving on http://")[1].split()[0].rstrip("/,.").rsplit(":", 1)[1]))
        times = {(reader, heat): [] for reader in readers for heat in ("cold", "warm")}
        for heat in ["cold"] + ["warm"] * int(rounds):
            for text in texts:  # interleaved, so that the machine's moods are everybody's
                for reader in readers:
                    times[reader, heat].append(citations_ms(connection, tokens[reader], text))
    finally:
        server.terminate()
        server.wait()
    report = {"chunks": {reader: sum(known[source] for source in sources) for reader, sources in readers.items()}, "questions": len(texts)}
    for (reader, heat), values in times.items():
        report[f"{reader} {heat}"] = {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "max": percentile(values, 1)}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    {"fill": fill, "ask": ask}[sys.argv[1]](*sys.argv[2:])
