#!/usr/bin/env python3
"""Kills the real daemon again and again and checks that what it acknowledged is there.

  tests/durability/crash_oracle.py BINARY [--rounds 8] [--seconds 15] [--seed 1] [--points] [--keep DIR]

Each round starts `codelore serve`, checks the folder against a log of its own, puts it to work (pushes, grants, tokens,
sources that come and go) and ends it with SIGKILL at a random moment, while it starts as well, or at a named crash point
(--points: all of them in turn, CODELORE_CRASH_AT). The log is written and flushed outside of the daemon: what was tried
before it is sent, what was acknowledged after the answer. Checked after every restart:
  - a push that was acknowledged is indexed without being asked for again, or the source is parked with its reason;
  - every file of the indexed commit stands in the listing once, with its own text and words, and no other does;
  - what was acknowledged of grants, tokens and sources is there; what was not is there as a whole or not at all.
In the end `doctor` finds nothing, and searches answer as those of a folder that was never killed. Prints one JSON object;
exits 1 on any violation. --seconds ends early; --rounds 400 --seconds 100000 is the long form.
"""
import argparse, json, os, pathlib, random, shutil, statistics, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon import Daemon, Gone, Refused, Repository, differences, make_administrator, run

POINTS = ["commit-begun", "file-aside", "file-renamed", "segment-written", "publish-before-batch", "publish-written", "obsolete-removed",
          "store-before-write", "store-before-note", "vectors-written", "merge-segment-written", "merge-vectors-written",
          "merge-before-batch", "merge-done", "grant-before-write", "grant-written", "job-recorded", "job-started", "text-done",
          "job-before-end", "job-ended", "source-hidden", "source-index-removed", "recovery-loaded", "recovery-cleaned"]
QUERIES = ["needle", "return", "def needle f1", "d0 f3", "n2 needle", "function that returns a number", "f7 py", "needle d1 n", "d2 f2 needle 3", "f5"]


class Log:
    """What was tried and what was acknowledged, on disk before the next step."""

    def __init__(self, path):
        self.file = open(path, "a")

    def note(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


class Model:
    """What must be there: `sure` was acknowledged, `open` is what the call that was cut off may have made of it."""

    def __init__(self):
        self.grants = {"alpha": set(), "beta": set()}
        self.grants_open = {}
        self.tokens, self.revoked = {}, {}
        self.revoke_open = None
        self.beta, self.beta_open = False, None
        self.grants["alpha"] = {"everyone"}
        self.synced = {"alpha": None, "beta": None}  # acknowledged commit


class Oracle:
    def __init__(self, binary, root, seed):
        self.binary, self.root = binary, root
        self.data = root / "data"
        self.chance = random.Random(seed)
        self.log = Log(root / "acknowledged.jsonl")
        self.repositories = {name: Repository(root / name, self.chance) for name in ("alpha", "beta")}
        self.admin = make_administrator(binary, self.data)
        self.model = Model()
        self.violations, self.starts, self.hits = [], [], {}
        self.kills = {"random": 0, "starting": 0, "point": 0}
        self.counts = {"checks": 0, "pushes": 0, "grants": 0, "tokens": 0, "sources": 0, "parked": 0}
        self.daemon = None

    def call(self, *arguments, **options):
        return self.daemon.call(*arguments, self.admin, **options) if len(arguments) < 3 else self.daemon.call(arguments[0], arguments[1], self.admin, arguments[2], **options)

    def violate(self, what):
        self.violations.append(what)
        print("VIOLATION:", what, file=sys.stderr)

    # ---- the work ----------------------------------------------------------------------------------------

    def add(self, name):
        self.call("PUT", f"/v1/sources/{name}", {"location": str(self.repositories[name].folder), "poll": "never"})

    def push(self):
        name = "beta" if self.model.beta and self.chance.random() < .3 else "alpha"
        repository = self.repositories[name]
        commit = repository.change()
        self.log.note(tried="push", source=name, commit=commit)
        self.call("POST", f"/v1/sources/{name}/sync", {})
        self.model.synced[name] = commit
        self.log.note(acknowledged="push", source=name, commit=commit)
        self.counts["pushes"] += 1
        if self.chance.random() < .6:
            self.daemon.wait_idle(name, self.admin)

    def grant(self):
        present = self.model.grants["alpha"]
        users = sorted(present - {"everyone"})
        take = users and self.chance.random() < .4
        principal = self.chance.choice(users) if take else f"user:u{self.chance.randrange(30)}"
        after = present - {principal} if take else present | {principal}
        self.model.grants_open["alpha"] = after
        self.log.note(tried="grants", source="alpha", after=sorted(after))
        if take:
            self.call("DELETE", f"/v1/sources/alpha/grants/{principal}")
        else:
            self.call("POST", "/v1/sources/alpha/grants", {"principal": principal})
        self.model.grants["alpha"] = after
        self.model.grants_open.pop("alpha")
        self.log.note(acknowledged="grants", source="alpha", after=sorted(after))
        self.counts["grants"] += 1

    def token(self):
        if self.model.tokens and self.chance.random() < .4:
            number = self.chance.choice(sorted(self.model.tokens))
            self.model.revoke_open = number
            self.log.note(tried="revoke", id=number)
            self.call("DELETE", f"/v1/tokens/{number}")
            self.model.revoked[number] = self.model.tokens.pop(number)
            self.model.revoke_open = None
            self.log.note(acknowledged="revoke", id=number)
        else:
            made = self.call("POST", "/v1/tokens", {"user": f"u{self.chance.randrange(30)}"})
            self.model.tokens[made["id"]] = made["token"]
            self.log.note(acknowledged="token", id=made["id"])
        self.counts["tokens"] += 1

    def source(self):
        wanted = not self.model.beta
        self.model.beta_open = wanted
        self.log.note(tried="beta", present=wanted)
        if wanted:
            self.model.synced["beta"] = None
            self.add("beta")
            self.model.synced["beta"] = self.repositories["beta"].order[-1]
        else:
            self.call("DELETE", "/v1/sources/beta")
        self.model.beta, self.model.beta_open = wanted, None
        self.log.note(acknowledged="beta", present=wanted)
        self.counts["sources"] += 1

    def work(self, until):
        while time.monotonic() < until:
            step = self.chance.random()
            (self.push if step < .55 else self.grant if step < .75 else self.token if step < .9 else self.source)()

    # ---- the checks --------------------------------------------------------------------------------------

    def check_grants(self):
        sources = {source["name"]: source for source in self.call("GET", "/v1/sources")["sources"]}
        present = "beta" in sources
        allowed = {self.model.beta} | ({self.model.beta_open} if self.model.beta_open is not None else set())
        if present not in allowed:
            self.violate(f"beta is {'there' if present else 'gone'}, acknowledged was the contrary")
        if present and not self.model.beta:
            self.model.synced["beta"] = None
        self.model.beta, self.model.beta_open = present, None
        readers = {p for p in sources["alpha"]["readers"]}
        if readers != self.model.grants["alpha"] and readers != self.model.grants_open.get("alpha"):
            self.violate(f"grants of alpha are {sorted(readers)}, acknowledged were {sorted(self.model.grants['alpha'])}")
        self.model.grants["alpha"] = readers
        self.model.grants_open.clear()

    def authenticates(self, token):
        try:
            self.daemon.call("GET", "/v1/sources", token)
            return True
        except Refused as refused:
            if refused.status == 401:
                return False
            raise

    def check_tokens(self):
        if (number := self.model.revoke_open) is not None:
            self.model.revoke_open = None
            if not self.authenticates(self.model.tokens[number]):
                self.model.revoked[number] = self.model.tokens.pop(number)
        for tokens, live in ((self.model.tokens, True), (self.model.revoked, False)):
            for number in self.chance.sample(sorted(tokens), min(3, len(tokens))):
                if self.authenticates(tokens[number]) != live:
                    self.violate(f"token {number} is {'refused' if live else 'alive again'}")

    def check_source(self, name):
        repository, acknowledged = self.repositories[name], self.model.synced[name]
        state = self.daemon.wait_idle(name, self.admin)
        if state["state"] == "parked":  # three kills in a row: as documented
            self.counts["parked"] += 1
            self.call("POST", f"/v1/sources/{name}/sync", {})
            state = self.daemon.wait_idle(name, self.admin)
        if state["state"] != "current":
            self.violate(f"{name} is {state['state']}: {self.call('GET', f'/v1/sources/{name}').get('indexing')}")
        commit = state["commit"]
        if not commit and acknowledged is None:
            return
        order = repository.order
        if commit not in repository.contents or (acknowledged and order.index(commit) < order.index(acknowledged)):
            self.violate(f"{name} stands at {commit}, acknowledged was {acknowledged}")
            return
        if name == "beta":
            self.call("POST", "/v1/sources/beta/grants", {"principal": "everyone"})
        for wrong in differences(self.daemon, self.admin, name, repository.contents[commit]):
            self.violate(f"{name}@{commit[:8]}: {wrong}")
        if state["chunks"] != state["chunks_with_vectors"]:
            self.violate(f"{name}: {state['chunks_with_vectors']} of {state['chunks']} chunks have vectors, and nothing is pending")

    def check(self):
        self.counts["checks"] += 1
        self.check_grants()
        self.check_tokens()
        self.check_source("alpha")
        if self.model.beta:
            self.check_source("beta")

    # ---- rounds ------------------------------------------------------------------------------------------

    def start(self, point=""):
        self.daemon = Daemon(self.binary, self.data, point, wait=False)
        if self.daemon.wait():
            self.starts.append(self.daemon.start_seconds)
            return True
        code = self.daemon.reap()
        if not (point and code == 137):
            self.violate(f"the daemon did not start ({code}): {self.daemon.errors[-400:]}")
        return False

    def kill_while_starting(self):
        for _ in range(self.chance.randrange(1, 4)):
            daemon = Daemon(self.binary, self.data, wait=False)
            time.sleep(self.chance.uniform(0, 1.1 * max(self.starts[-5:], default=.3)))
            daemon.kill()
            self.kills["starting"] += 1

    def round(self, number, points):
        if not points and self.chance.random() < .25 and self.starts:
            self.kill_while_starting()
        if not self.start():
            return
        try:
            self.check()
        except (Gone, AssertionError, Refused) as error:
            self.violate(f"while checking: {type(error).__name__} {error}")
        if points:
            return self.at_point(POINTS[number % len(POINTS)])
        killer = threading.Timer(self.chance.uniform(.02, 1.5), self.daemon.process.kill)
        killer.start()
        try:
            self.work(time.monotonic() + 60)
        except Gone:
            pass
        except (AssertionError, Refused) as error:
            self.violate(f"while at work: {type(error).__name__} {error}")
        killer.join()
        self.daemon.reap()
        self.kills["random"] += 1

    # A daemon of its own, which ends itself; killed if it does not come by.
    def at_point(self, point):
        self.daemon.kill()
        self.kills["random"] += 1
        nth = self.chance.choice([1, 1, 2, 3, 5]) if not point.startswith(("recovery", "merge", "source")) else 1
        reached = not self.start(f"{point}:{nth}")
        if not reached:
            killer = threading.Timer(8, self.daemon.process.kill)
            killer.start()
            try:
                if point.startswith("source"):
                    self.source()
                    self.source()
                elif point.startswith("grant"):
                    while True:
                        self.grant()
                elif point.startswith("merge"):
                    while True:
                        self.push()
                else:
                    self.work(time.monotonic() + 60)
            except Gone:
                pass
            except (AssertionError, Refused) as error:
                self.violate(f"before {point}: {type(error).__name__} {error}")
            if self.daemon.process.poll() is None and point.startswith("source"):
                self.daemon.process.kill()
            reached = self.daemon.reap() == 137
            killer.cancel()
        self.hits.setdefault(point, 0)
        self.hits[point] += reached
        self.kills["point" if reached else "random"] += 1

    # ---- the end -----------------------------------------------------------------------------------------

    # All hits with their scores. Hits of one score may stand in either order, which depends on the segments they are in.
    def answers(self, daemon, token):
        result = {}
        for query in QUERIES:
            for mode in ("lexical", "hybrid"):
                hits = daemon.call("POST", "/v1/search", token, {"query": query, "mode": mode, "syntax": "plain", "limit": 100, "explain": True})["hits"]
                scored = [(round(sum(hit["why"]["signals"].values()), 3), hit["citation"], hit["snippet"]) for hit in hits]
                if [s for s, _, _ in scored] != sorted((s for s, _, _ in scored), reverse=True):
                    self.violate(f"{mode}: {query}: hits are out of order")
                result[f"{mode}: {query}"] = sorted(scored)
        return result

    def finish(self):
        if not self.start():
            return
        self.check()
        if not self.model.beta:
            self.source()
        for name in ("alpha", "beta"):
            self.repositories[name].change()
            self.call("POST", f"/v1/sources/{name}/sync", {})
            self.model.synced[name] = self.repositories[name].order[-1]
            self.daemon.wait_idle(name, self.admin)
        self.check()
        killed = self.answers(self.daemon, self.admin)
        self.daemon.stop()
        doctor = run(self.binary, self.data, "doctor", "--json")
        findings = [f for f in json.loads(doctor.stdout or "{}").get("findings", []) if not f["ok"]]
        if doctor.returncode != 0 or findings:
            self.violate(f"doctor: {findings} {doctor.stderr[-300:]}")
        self.check_folder()
        self.compare_with_fresh(killed)

    # No file that nothing names.
    def check_folder(self):
        left = sorted(p.name for p in self.data.iterdir() if p.name.startswith("backup"))
        if left:
            self.violate(f"left behind: {left}")

    def compare_with_fresh(self, killed):
        fresh = self.root / "fresh"
        admin = make_administrator(self.binary, fresh)
        daemon = Daemon(self.binary, fresh)
        for name in ("alpha", "beta"):
            daemon.call("PUT", f"/v1/sources/{name}", admin, {"location": str(self.repositories[name].folder), "poll": "never"})
            daemon.wait_idle(name, admin)
            daemon.call("POST", f"/v1/sources/{name}/grants", admin, {"principal": "everyone"})
        expected = self.answers(daemon, admin)
        daemon.stop()
        self.counts["queries_compared"] = len(expected)
        for query, hits in expected.items():
            if killed[query] != hits:
                other = [(a, b) for a, b in zip(killed[query], hits) if a != b][:2]
                self.violate(f"{query}: {len(killed[query])} hits instead of {len(hits)}: {other}")

    def run(self, rounds, seconds, points):
        begun = time.monotonic()
        if not self.start():
            return
        self.add("alpha")
        self.call("POST", "/v1/sources/alpha/grants", {"principal": "everyone"})
        self.model.synced["alpha"] = self.repositories["alpha"].order[-1]
        self.daemon.wait_idle("alpha", self.admin)
        self.daemon.stop()
        done = 0
        while done < rounds and time.monotonic() - begun < seconds:
            self.round(done, points)
            done += 1
        self.counts["rounds"] = done
        self.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--keep", default="")
    given = parser.parse_args()
    root = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="codelore-crash-"))
    root.mkdir(exist_ok=True)
    oracle = Oracle(os.path.abspath(given.binary), root, given.seed)
    try:
        oracle.run(given.rounds, given.seconds, given.points)
    finally:
        if oracle.daemon and oracle.daemon.process.poll() is None:
            oracle.daemon.kill()
    starts = sorted(oracle.starts)
    print(json.dumps({**oracle.counts, "kills": oracle.kills, "points": oracle.hits, "violations": len(oracle.violations),
                      "restart_s": {"n": len(starts), "p50": round(statistics.median(starts), 3), "p95": round(starts[int(.95 * (len(starts) - 1))], 3),
                                    "max": round(starts[-1], 3)} if starts else {}}))
    if not given.keep and not oracle.violations:
        shutil.rmtree(root)
    elif oracle.violations:
        print("kept:", root, file=sys.stderr)
    sys.exit(1 if oracle.violations else 0)


if __name__ == "__main__":
    main()
