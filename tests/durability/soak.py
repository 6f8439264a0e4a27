#!/usr/bin/env python3
"""Pushes and queries for a while, and what the daemon needs over time.

  tests/durability/soak.py BINARY [--minutes 10]

Four clients search, grep, read and ask, one pushes to a repository of 300 files and to documents. Every second resident memory,
descriptors and threads are read. Memory is what is not a mapped file (RssAnon): pages of segments are the kernel's to keep or drop;
both are reported. What fills at first does not count (caches of blocks, of answers and of query vectors, RocksDB's tables in
memory): of the second half the slope (least squares) must be below 0.5 MB a minute, and the number of descriptors must not grow.
Prints one JSON object; exits 1 if it does not hold.
"""
import argparse, json, os, pathlib, random, shutil, statistics, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon import Daemon, Repository, differences, make_administrator

WORDS = ["needle", "return", "def needle f1", "function that returns a number", "d2 f2", "n2 needle"]


def sample(pid):
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0]) / 1024, int(status["VmRSS"].split()[0]) / 1024, len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"])


def slope_per_minute(points):
    seconds, values = [p[0] for p in points], [p[1] for p in points]
    return 60 * statistics.linear_regression(seconds, values).slope


class Soak:
    def __init__(self, binary, root):
        self.chance, self.over, self.failures = random.Random(1), threading.Event(), []
        self.counts = {"pushes": 0, "documents": 0, "queries": 0}
        self.repository = Repository(root / "repository", self.chance, 300)
        self.admin = make_administrator(binary, root / "data")
        self.daemon = Daemon(binary, root / "data")
        self.call("PUT", "/v1/sources/alpha", {"location": str(self.repository.folder), "poll": "never"})
        self.call("PUT", "/v1/sources/wiki", {"kind": "documents"})
        for source in ("alpha", "wiki"):
            self.call("POST", f"/v1/sources/{source}/grants", {"principal": "everyone"})
        self.daemon.wait_idle("alpha", self.admin)

    def call(self, method, path, body):
        return self.daemon.call(method, path, self.admin, body)

    def push(self):
        self.repository.change()
        self.call("POST", "/v1/sources/alpha/sync", {})
        self.daemon.wait_idle("alpha", self.admin)
        self.counts["pushes"] += 1
        text = f"needle_doc_{self.counts['pushes']} of a ticket"
        self.call("POST", "/v1/sources/wiki/document", {"path": f"t{self.counts['pushes'] % 50}.txt", "text": text})
        self.counts["documents"] += 1
        time.sleep(.2)

    def query(self):
        word, kind = random.choice(WORDS), random.random()
        if kind < .6:
            self.call("POST", "/v1/search", {"query": word, "mode": random.choice(["lexical", "hybrid"])})
        elif kind < .8:
            self.call("POST", "/v1/grep", {"pattern": word.split()[0]})
        elif kind < .9:
            self.call("POST", "/v1/files", {"query": word})
        else:
            self.call("POST", "/v1/ask", {"question": word, "stream": False})
        self.counts["queries"] += 1
        time.sleep(.02)

    def loop(self, step):
        try:
            while not self.over.is_set():
                step()
        except Exception as error:
            self.failures.append(f"{type(error).__name__} {error}")

    def run(self, minutes):
        workers = [threading.Thread(target=self.loop, args=(step,)) for step in [self.push] + 4 * [self.query]]
        for worker in workers:
            worker.start()
        begun, samples = time.monotonic(), []
        while time.monotonic() - begun < 60 * minutes and not self.failures:
            time.sleep(1)
            samples.append((time.monotonic() - begun, *sample(self.daemon.process.pid)))
        self.over.set()
        for worker in workers:
            worker.join()
        self.daemon.wait_idle("alpha", self.admin)
        self.failures += differences(self.daemon, self.admin, "alpha", self.repository.contents[self.repository.order[-1]])
        self.daemon.stop()
        return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-soak-"))
    soak = Soak(os.path.abspath(given.binary), root)
    try:
        samples = soak.run(given.minutes)
    finally:
        if soak.daemon.process.poll() is None:
            soak.daemon.kill()
        shutil.rmtree(root, ignore_errors=True)
    later = samples[len(samples) // 2:]
    half = len(later) // 2
    descriptors = [statistics.median(s[3] for s in part) for part in (later[:half], later[half:])]
    slope = slope_per_minute(later)
    memory = {name: {"at": {f"{share:.0%}": round(samples[min(len(samples) - 1, int(share * len(samples)))][column]) for share in (0, .125, .25, .5, .75, 1)},
                     "most": round(max(s[column] for s in samples))} for name, column in (("anonymous", 1), ("resident", 2))}
    print(json.dumps({**soak.counts, "minutes": given.minutes, "memory_mb": memory, "anonymous_mb_per_minute": round(slope, 2), "descriptors_median": descriptors,
                      "descriptors_most": max(s[3] for s in samples), "threads_most": max(s[4] for s in samples), "failures": soak.failures}))
    sys.exit(1 if soak.failures or slope > .5 or descriptors[1] > descriptors[0] + 3 else 0)


if __name__ == "__main__":
    main()
