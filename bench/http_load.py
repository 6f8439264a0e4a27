#!/usr/bin/env python3
"""Query latency over HTTP, as clients see it: p50, p99 and rate for each mode and number of clients.

    bench/http_load.py URL TOKEN QUESTIONS.jsonl [--modes hybrid,lexical,vector] [--clients 1,8] [--requests 300] [--source NAME]

QUESTIONS.jsonl has one JSON object a line with the question in "query" or "text"; --source keeps those of that
repository ("repo"), if the lines say. Each client has one connection, kept alive, and takes the next question as soon as
it has its answer. Python's standard library only; each client is a thread, so beyond a few hundred requests a second
this script is what is measured."""
import argparse
import http.client
import json
import threading
import time
import urllib.parse


def read_questions(path, source):
    questions = []
    for line in open(path, encoding="utf-8"):
        entry = json.loads(line)
        if source and entry.get("repo", source) != source:
            continue
        questions.append(entry.get("query") or entry.get("text"))
    return questions


class Client(threading.Thread):
    def __init__(self, options, mode, questions, first):
        super().__init__()
        self.options, self.mode, self.questions, self.at = options, mode, questions, first
        self.seconds, self.failed = [], 0

    def run(self):
        url = urllib.parse.urlsplit(self.options.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        headers = {"Authorization": "Bearer " + self.options.token, "Content-Type": "application/json"}
        for _ in range(self.options.requests // self.options.now):
            body = {"query": self.questions[self.at % len(self.questions)], "mode": self.mode, "limit": 10}
            self.at += self.options.now
            start = time.perf_counter()
            connection.request("POST", "/v1/search", json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            answer.read()
            self.seconds.append(time.perf_counter() - start)
            self.failed += answer.status != 200
        connection.close()


def measure(options, mode, questions):
    clients = [Client(options, mode, questions, i) for i in range(options.now)]
    start = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    wall = time.perf_counter() - start
    times = sorted(second for client in clients for second in client.seconds)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] * 1000
    failed = sum(client.failed for client in clients)
    print(f"{mode:8} {options.now:7} {len(times):8} {failed:6} {at(.5):9.1f} {at(.99):9.1f} {len(times) / wall:9.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("questions")
    parser.add_argument("--modes", default="hybrid,lexical,vector")
    parser.add_argument("--clients", default="1,8")
    parser.add_argument("--requests", type=int, default=300, help="of each combination")
    parser.add_argument("--source", default="")
    options = parser.parse_args()
    questions = read_questions(options.questions, options.source)
    print("mode     clients requests failed    p50 ms    p99 ms  requests/s")
    for mode in options.modes.split(","):
        for clients in options.clients.split(","):
            options.now = int(clients)
            measure(options, mode, questions)


if __name__ == "__main__":
    main()
