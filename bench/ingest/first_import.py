#!/usr/bin/env python3
"""Measures a first import of very many real files, and what queries take meanwhile.

  bench/ingest/first_import.py BINARY [--files 100000] [--from FOLDER ...] [--repository DIR] [--queries]

The repository is made of source files found below the --from folders (by default: what a machine of a developer has), each content once. Reported of the
lexical part (walk, read, decode, mask, chunk, index, commit; no vectors): seconds by clock and of processor, MB of text a second of each, and the most
memory that was resident, all of it and without mapped files. --queries: the server has another source, of 400 files, and is asked before, while it reads
this one's text, and while it makes vectors. --repository keeps the repository, and takes it if it is there. Prints one JSON object.
"""
import argparse, hashlib, http.client, json, os, pathlib, random, shutil, subprocess, sys, tempfile, threading, time

from push_latency import Server, figures, percentile, processor_seconds, run

FOLDERS = ["/usr/include", "/usr/lib/python3", "/usr/lib/python3.11", "/usr/local/go/src", "~/go/pkg/mod", "~/.cargo/registry/src", "/usr/lib/google-cloud-sdk",
           "/usr/lib/node_modules", "/usr/share"]
NOT_SOURCE = {".svg", ".csv", ".po", ".pot", ".wat", ".lock", ".sum", ".ziphash", ".pem", ".crt", ".map", ".info", ".hash", ".log", ".tsv", ".result", ".ldif", ".bib", ".out"}
# What stands in such folders would not be read; here they have other names, so that it counts as a team's own.
VENDORED = {"vendor", "third_party", "node_modules", "site-packages", "dist", "_vendor"}
QUERIES = ["parse configuration file", "open a socket", "hash table", "def main", "error handling", "struct buffer", "read bytes", "http request timeout"]


def sources(folders):
    for folder in folders:
        for base, names, files in os.walk(os.path.expanduser(folder)):
            names[:] = sorted(n for n in names if n != ".git" and not os.path.islink(os.path.join(base, n)))
            for name in sorted(files):
                path = os.path.join(base, name)
                if os.path.splitext(name)[1].lower() not in NOT_SOURCE and ".min." not in name and not os.path.islink(path) and 64 <= os.path.getsize(path) <= 400_000:
                    yield path


def make_repository(repository, folders, count):
    """`count` files in one commit, without a checkout."""
    run("git", "init", "-q", "--bare", "--initial-branch=main", str(repository))
    importer = subprocess.Popen(["git", "-C", str(repository), "fast-import", "--quiet", "--done"], stdin=subprocess.PIPE)
    pipe, seen, total = importer.stdin, set(), 0
    pipe.write(b"commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 5\nfirst\n")
    for path in sources(folders):
        try:
            content = pathlib.Path(path).read_bytes()
        except OSError:
            continue
        digest = hashlib.sha256(content).digest()
        if digest in seen or b"\0" in content[:8000] or any(c in path for c in '"\n\\'):
            continue
        seen.add(digest)
        total += len(content)
        parts = path.replace(os.path.expanduser("~"), "/home").split("/")
        name = "files" + "/".join("own_" + part if part in VENDORED else part for part in parts)
        pipe.write(f"M 100644 inline {name}\ndata {len(content)}\n".encode() + content + b"\n")
        if len(seen) == count:
            break
    pipe.write(b"done\n")
    pipe.close()
    if importer.wait() != 0:
        raise SystemExit("git fast-import failed")
    if len(seen) < count:
        print(f"only {len(seen)} files were found", file=sys.stderr)
    return total


class Memory(threading.Thread):
    """The most that a process had resident, in MB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most = pid, {"VmRSS": 0, "RssAnon": 0, "RssFile": 0}

    def run(self):
        while True:
            try:
                status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines())
            except OSError:
                return
            for name in self.most:
                self.most[name] = max(self.most[name], int(status.get(name, "0").split()[0]) >> 10)
            time.sleep(.05)


def import_text(server, token, repository):
    """Until all text can be found: seconds by clock and of the processor, and how much was read."""
    begun, before = time.perf_counter(), processor_seconds(server.process.pid)
    memory = Memory(server.process.pid)
    memory.start()
    read = 0
    server.call("PUT", "/v1/sources/big", token, {"location": str(repository), "poll": "never"})
    while True:
        show = server.call("GET", "/v1/sources/big", token)
        now = show.get("progress") or show["indexing"].get("progress") or {}
        read = max(read, now.get("bytes_done", 0))
        if now.get("stage") in ("vectors", "done"):
            break
        if show["indexing"].get("error"):
            raise SystemExit(f"the import failed: {show['indexing']}")
        time.sleep(.1)
    clock, processor = time.perf_counter() - begun, processor_seconds(server.process.pid) - before
    status = next(s for s in server.call("GET", "/v1/status", token)["sources"] if s["source"] == "big")
    megabytes = status["text_bytes"] / 1e6  # that is indexed; what is read and left out is not counted
    return {"files": status["files"], "chunks": status["chunks"], "read_mb": round(read / 1e6, 1), "indexed_mb": round(megabytes, 1), "clock_s": round(clock, 1), "processor_s": round(processor, 1),
            "mb_per_processor_second": round(megabytes / processor, 2), "mb_per_second_of_clock": round(megabytes / clock, 2), "cores": os.cpu_count(),
            "most_memory_mb": memory.most, "segments": show.get("segments"), "index_mb": round(show.get("index_bytes", 0) / 1e6)}


def ask(server, token, count=None, until=None):
    times, chance = [], random.Random(2)
    while (count is None or len(times) < count) and not (until and until()):
        begun = time.perf_counter()
        server.call("POST", "/v1/search", token, {"query": chance.choice(QUERIES), "mode": "lexical" if chance.random() < .5 else "hybrid"})
        times.append(1000 * (time.perf_counter() - begun))
        time.sleep(.01)
    return {**figures(times), "p99": percentile(times, .99)}


class Asking(threading.Thread):
    """One client that asks all the time, on a connection of its own."""

    def __init__(self, server, token):
        super().__init__(daemon=True)
        self.server, self.token, self.over, self.result = Connection(server.port), token, threading.Event(), None

    def run(self):
        self.result = ask(self.server, self.token, until=self.over.is_set)

    def end(self):
        self.over.set()
        self.join()
        return self.result


class Connection(Server):
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)


def queries_beside(server, token, repository, vectors_s):
    """Latencies of queries over all sources that are there: before the import, while its text is read, and while its vectors are made."""
    report = {"idle": ask(server, token, count=1000)}
    asking = Asking(server, token)
    asking.start()
    report["import"] = import_text(server, token, repository)
    report["text"] = asking.end()
    asking = Asking(server, token)
    asking.start()
    time.sleep(vectors_s)
    report["vectors"] = asking.end()
    report["p99_to_idle"] = {part: round(report[part]["p99"] / report["idle"]["p99"], 2) for part in ("text", "vectors")}
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--from", dest="folders", nargs="+", default=FOLDERS)
    parser.add_argument("--repository", default="")
    parser.add_argument("--queries", action="store_true")
    parser.add_argument("--vectors", type=float, default=30, help="seconds of queries while vectors are made")
    given = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-import-"))
    repository, binary, data = pathlib.Path(given.repository or root / "repository.git"), os.path.abspath(given.binary), root / "data"
    server = None
    try:
        if not repository.exists():
            make_repository(repository, given.folders, given.files)
        token = json.loads(run(binary, "--data", str(data), "token", "create", "--user", "root", "--role", "platform", "--json"))["token"]
        if given.queries:
            make_repository(root / "small.git", given.folders, 400)
            run(binary, "--data", str(data), "index", str(root / "small.git"), "--name", "small")
            run(binary, "--data", str(data), "grant", "--source", "small", "--everyone")
        server = Server(binary, data, "--tenant-requests-per-minute", "0")
        report = queries_beside(server, token, repository, given.vectors) if given.queries else import_text(server, token, repository)
        print(json.dumps(report, indent=1))
    finally:
        if server:
            server.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
