#!/usr/bin/env python3
"""Measures how soon a push can be found: makes a git repository of many files, serves it, pushes, and asks.

  bench/ingest/push_latency.py BINARY [--files 20000] [--pushes 20] [--changed 20] [--small-pushes 0] [--keep DIR]

Every push changes --changed files of about 10 kB and puts a word into each that stands nowhere else. Reported, in
milliseconds from the webhook's sending: until search finds the word (lexical), until search by meaning counts all chunks as
having vectors (vector), and, for a push that changes nothing that is indexed, until the job is over; processor time of each
push, the asking for it and git included. A poll without news is timed by the server itself. With --small-pushes N, N pushes of one file follow; then query latency, segments and
disk are compared with a fresh index of the same tree, both served at once. Prints one JSON object.
"""
import argparse, hashlib, hmac, http.client, json, os, pathlib, random, shutil, statistics, subprocess, sys, tempfile, time

SECRET = "push latency secret"
WORDS = [f"{a}{b}" for a in ("ma", "ri", "to", "lu", "sen", "kar", "vo", "pel", "dri", "nok") for b in
         ("lin", "gus", "tam", "ver", "dok", "sil", "rup", "han", "mex", "bor", "fet", "jal")]


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout.strip()


def git(repository, *arguments):
    identity = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    return run("git", "-C", str(repository), *arguments, env={**os.environ, **identity})


def source_text(chance, functions, word=""):
    lines = [f'"""{" ".join(chance.sample(WORDS, 6))} {word}"""', ""]
    for _ in range(functions):
        name, words = "_".join(chance.sample(WORDS, 2)), chance.sample(WORDS, 8)
        lines += [f"def {name}({words[0]}, {words[1]}):", f'    """{" ".join(words)}."""',
                  f"    {words[2]} = {words[0]} + {words[1]} * {chance.randrange(1000)}",
                  f"    if {words[2]} > {chance.randrange(1000)}:", f"        return {words[3]}({words[2]}, {words[0]})",
                  f"    return {words[2]}", "", ""]
    return "\n".join(lines)


class Server:
    def __init__(self, binary, data, *more):
        self.process = subprocess.Popen([binary, "--data", str(data), "serve", "--port", "0", "--user-requests-per-minute", "0", *more], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(line.split(":")[2].split()[0])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def call(self, method, path, token="", body=None, headers=None):
        fields = {"Content-Type": "application/json", **(headers or {})}
        if token:
            fields["Authorization"] = "Bearer " + token
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self.connection.request(method, path, payload, fields)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def processor_seconds(pid):
    """Of a process and its children, those that have ended included."""
    def of(each, fields):
        values = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(values[i]) for i in fields) / os.sysconf("SC_CLK_TCK")
    total = of(pid, (11, 12, 13, 14))
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            total += of(child, (11, 12))
    return total


def percentile(values, share):
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None


def figures(values):
    return {"n": len(values), "p50": percentile(values, .5), "p95": percentile(values, .95), "max": round(max(values), 1) if values else None}


def push(server, number):
    body = json.dumps({"ref": "refs/heads/main", "n": number}).encode()
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    start = time.perf_counter()
    server.call("POST", "/v1/webhooks/github/bench", body=body,
                headers={"X-GitHub-Event": "push", "X-GitHub-Delivery": str(number), "X-Hub-Signature-256": "sha256=" + mac})
    return start, 1000 * (time.perf_counter() - start)


def wait_for(condition, start, seconds=600):
    while time.perf_counter() - start < seconds:
        if condition():
            return 1000 * (time.perf_counter() - start)
        time.sleep(.002)
    raise SystemExit("waited in vain")


def disk(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--text", type=int, default=0, help="files of the first commit that are not empty; 0: all. Few need few vectors")
    parser.add_argument("--functions", type=int, default=1, help="functions per file of the first commit")
    parser.add_argument("--pushes", type=int, default=20)
    parser.add_argument("--empty-pushes", type=int, default=0, help="0: as many as --pushes")
    parser.add_argument("--changed", type=int, default=20)
    parser.add_argument("--small-pushes", type=int, default=0)
    parser.add_argument("--keep", default="")
    given = parser.parse_args()
    root = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="codelore-push-"))
    repository, data = root / "repository", root / "data"
    chance = random.Random(1)
    first = not data.exists()
    if not repository.exists():
        repository.mkdir(parents=True)
        git(repository, "init", "-q", "--initial-branch=main")
        for i in range(given.files):
            path = repository / f"p{i % 40}" / f"m{i // 40 % 25}" / f"f{i}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source_text(chance, given.functions) if i < (given.text or given.files) else "")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
    paths = git(repository, "ls-files").splitlines()
    binary = os.path.abspath(given.binary)
    secret = root / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    report = {"files": len(paths), "with_text": given.text or len(paths), "changed": given.changed}
    if first:
        run(binary, "--data", str(data), "source", "add", str(repository), "--name", "bench", "--poll", "5s", "--webhook-secret-file", str(secret))
        start = time.perf_counter()
        run(binary, "--data", str(data), "source", "sync", "bench")
        report["first_import_s"] = round(time.perf_counter() - start, 1)
    token = run(binary, "--data", str(data), "token", "create", "--user", "root", "--administrator")
    run(binary, "--data", str(data), "grant", "--source", "bench", "--everyone")
    server = Server(binary, data)
    try:
        measure(server, token, repository, paths, chance, given, report)
        if given.small_pushes:
            small_pushes(server, token, repository, paths, chance, given, report, data)
    finally:
        server.stop()
    if given.small_pushes:
        compare_with_fresh(binary, root, repository, data, report)
    print(json.dumps(report, indent=1))
    if not given.keep:
        shutil.rmtree(root)


def idle(server, token):
    return not server.call("GET", "/v1/sources/bench/freshness", token)["pending"]


def found(server, token, word):
    hits = server.call("POST", "/v1/search", token, {"query": word, "mode": "lexical", "syntax": "plain", "limit": 1})["hits"]
    return bool(hits) and word in hits[0]["snippet"]


def measure(server, token, repository, paths, chance, given, report):
    mark = str(time.time_ns())
    lexical, vector, nothing, answer, processor, nothing_processor = [], [], [], [], [], []
    functions = max(1, int(10_000 / 280))
    for number in range(given.pushes):
        word = f"needle{mark}{number}"
        for path in chance.sample(paths, given.changed):
            (repository / path).write_text(source_text(chance, functions, word))
        git(repository, "commit", "-qam", "push")
        before = processor_seconds(server.process.pid)
        start, took = push(server, f"{mark}-{number}")
        answer.append(took)
        lexical.append(wait_for(lambda: found(server, token, word), start))
        vector.append(wait_for(lambda: idle(server, token), start))
        processor.append(1000 * (processor_seconds(server.process.pid) - before))
    for number in range(given.empty_pushes or given.pushes):
        git(repository, "commit", "-q", "--allow-empty", "-m", "nothing")
        before = processor_seconds(server.process.pid)
        start, _ = push(server, f"{mark}-n{number}")
        nothing.append(wait_for(lambda: idle(server, token), start))
        nothing_processor.append(1000 * (processor_seconds(server.process.pid) - before))
    report["webhook_answer_ms"] = figures(answer)
    report["push_to_lexical_ms"] = figures(lexical)
    report["push_to_vector_ms"] = figures(vector)
    report["push_that_changes_nothing_ms"] = figures(nothing)
    report["processor_ms"] = {"push": figures(processor), "push_that_changes_nothing": figures(nothing_processor)}
    polls, seen, start = [], "", time.perf_counter()
    while len(polls) < 8 and time.perf_counter() - start < 60:
        look = server.call("GET", "/v1/sources/bench", token)["last_look"]
        if look["at"] and look["at"] != seen:
            polls.append(look["took_ms"])
            seen = look["at"]
        time.sleep(.2)
    report["poll_without_news_ms"] = figures(polls)


def small_pushes(server, token, repository, paths, chance, given, report, data):
    mark = str(time.time_ns())
    times = []
    for number in range(given.small_pushes):
        (repository / chance.choice(paths)).write_text(source_text(chance, given.functions, f"small{mark}{number}"))
        git(repository, "commit", "-qam", "small")
        start, _ = push(server, f"{mark}-{number}")
        times.append(wait_for(lambda: idle(server, token), start))
    time.sleep(5)
    report["small_pushes_ms"] = figures(times)
    report["small_first_100_p50"], report["small_last_100_p50"] = percentile(times[:100], .5), percentile(times[-100:], .5)
    show = server.call("GET", "/v1/sources/bench", token)
    report["segments_after"], report["index_bytes_after"] = show["segments"], show["index_bytes"]


def compare_with_fresh(binary, root, repository, data, report):
    """Both are served at once and asked in turn, so that whatever else the machine does slows both."""
    fresh = root / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    run(binary, "--data", str(fresh), "index", str(repository), "--name", "bench")
    servers = {}
    try:
        for name, folder in (("after", data), ("fresh", fresh)):
            token = run(binary, "--data", str(folder), "token", "create", "--user", f"asking{time.time_ns()}", "--administrator")
            run(binary, "--data", str(folder), "grant", "--source", "bench", "--everyone")
            servers[name] = (Server(binary, folder, "--tenant-requests-per-minute", "0"), token)
            report["segment_bytes_" + name], report["folder_bytes_" + name] = disk(folder / "segments"), disk(folder)
        times = {(mode, name): [] for mode in ("lexical", "hybrid") for name in servers}
        chance = random.Random(5)
        for number in range(600):
            query, mode = " ".join(chance.sample(WORDS, 3)), "lexical" if number % 2 else "hybrid"
            for name in chance.sample(list(servers), 2):
                server, token = servers[name]
                start = time.perf_counter()
                server.call("POST", "/v1/search", token, {"query": query, "mode": mode})
                times[mode, name].append(1000 * (time.perf_counter() - start))
        for mode in ("lexical", "hybrid"):
            after, fresh_times = figures(times[mode, "after"]), figures(times[mode, "fresh"])
            report[f"{mode}_query_ms"] = {"after": after, "fresh": fresh_times, "p50_ratio": round(statistics.median(times[mode, "after"]) / statistics.median(times[mode, "fresh"]), 2)}
        report["segment_bytes_ratio"] = round(report["segment_bytes_after"] / report["segment_bytes_fresh"], 2)
        report["folder_bytes_ratio"] = round(report["folder_bytes_after"] / report["folder_bytes_fresh"], 2)
    finally:
        for server, _ in servers.values():
            server.stop()
    shutil.rmtree(fresh)


if __name__ == "__main__":
    main()
