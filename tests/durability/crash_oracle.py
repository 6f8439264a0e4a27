#!/usr/bin/env python3
"""Kills the real daemon again and again and checks that what it acknowledged is there.

  tests/durability/crash_oracle.py BINARY [--rounds 8] [--seconds 15] [--seed 1] [--points [--hits 20]] [--power libfaults.so] [--keep DIR]

Each round starts `codelore serve`, checks the folder against a log of its own, puts it to work (pushes, branches, grants, tokens,
sources that come and go, documents, conversations, feedback, changes of the encoder's model) and ends it with SIGKILL at a random moment, while it starts as well, or at a named crash point
(--points: each that stands in src/, until all were hit --hits times, CODELORE_CRASH_AT). The log is written and flushed outside of the daemon: what was tried
before it is sent, what was acknowledged after the answer. Checked after every restart:
  - a push that was acknowledged is indexed without being asked for again, or the source is parked with its reason;
  - every file of the indexed commit stands in the listing once, with its own text and words, and no other does;
  - what was acknowledged of grants, tokens, sources, documents, branches and so on (work.py) is there; what was not is there as a whole or not at all.
In the end `doctor` finds nothing, and searches answer as those of a folder that was never killed. Prints one JSON object;
exits 1 on any violation. --seconds ends early; --rounds 400 --seconds 100000 is the long form.
"""
import argparse, json, os, pathlib, random, re, shutil, statistics, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon import Daemon, Gone, Refused, Repository, differences, make_administrator, run
from fault_shim import PowerLoss
from work import Branches, Documents, Model, Talks

SOURCES = pathlib.Path(__file__).parents[2] / "src"
POINTS = sorted({name for file in SOURCES.rglob("*.cc") for name in re.findall(r'CrashPoint\("([a-z-]+)"\)', file.read_text())})
# What leads to a point; anything, if it is not named here.
WAYS = {"grant": "grant", "audit": "grant", "merge": "push", "source": "source", "backup": "backup", "model": "model", "cached-vectors": "model", "branch": "branches",
        "job": "push", "text-done": "push", "commit": "push", "segment": "push", "file": "push", "vectors": "push", "obsolete": "push", "publish": "push"}
QUERIES = ["needle", "return", "def needle f1", "d0 f3", "n2 needle", "function that returns a number", "f7 py", "needle d1 n", "d2 f2 needle 3", "f5"]
QUERIES += [f"{word} d{i % 3} f{i}" for word in ("needle", "return", "def", "py") for i in range(10)]


class Log:
    """What was tried and what was acknowledged, on disk before the next step."""

    def __init__(self, path):
        self.file = open(path, "a")

    def note(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


class Expected:
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
    def __init__(self, binary, root, seed, shim="", model=""):
        self.binary, self.root = binary, root
        self.data = root / "data"
        self.chance = random.Random(seed)
        self.log = Log(root / "acknowledged.jsonl")
        self.repositories = {name: Repository(root / name, self.chance) for name in ("alpha", "beta")}
        self.admin = make_administrator(binary, self.data)
        self.model = Expected()
        self.violations, self.starts, self.hits, self.missed, self.backups = [], [], {}, {}, 0
        self.kills = {"random": 0, "starting": 0, "point": 0}
        self.counts = {"checks": 0, "pushes": 0, "grants": 0, "tokens": 0, "sources": 0, "parked": 0}
        self.daemon, self.environment = None, {}
        self.power = PowerLoss(os.path.abspath(shim), root, self.data, self.chance) if shim else None
        self.documents, self.talks, self.encoder, self.branches_ = Documents(self), Talks(self), Model(self, model and os.path.abspath(model)), Branches(self)
        self.kinds = [self.documents, self.talks, self.encoder, self.branches_]

    def call(self, *arguments, **options):
        return self.daemon.call(*arguments, self.admin, **options) if len(arguments) < 3 else self.daemon.call(arguments[0], arguments[1], self.admin, arguments[2], **options)

    def bulk(self, path, lines):
        return self.daemon.call("POST", path, self.admin, raw="\n".join(json.dumps(line) for line in lines).encode())

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    # Once nothing is pending; what was parked for its kills is asked for again, as an administrator would.
    def settled(self, name):
        state = self.daemon.wait_idle(name, self.admin)
        while state["state"] == "parked":
            self.counts["parked"] += 1
            self.call("POST", f"/v1/sources/{name}/sync", {})
            state = self.daemon.wait_idle(name, self.admin)
        if state["state"] != "current":
            self.violate(f"{name} is {state['state']}: {self.call('GET', f'/v1/sources/{name}').get('indexing')}")
        return state

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
            self.chance.choices([self.push, self.grant, self.token, self.source, self.documents.step, self.talks.step, self.encoder.step, self.branches_.step],
                                [.3, .1, .08, .06, .16, .14, .04, .12])[0]()

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
        state = self.settled(name)
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
        for kind in self.kinds:
            kind.check()

    # ---- rounds ------------------------------------------------------------------------------------------

    def start(self, point=""):
        if self.power:
            self.power.strike()  # nothing is left to lose after an orderly stop but what need not be flushed
        self.daemon = Daemon(self.binary, self.data, point, wait=False, also=self.power.environment if self.power else self.environment)
        if self.daemon.wait():
            self.starts.append(self.daemon.start_seconds)
            return True
        code = self.daemon.reap()
        if not (point and code == 137):
            self.violate(f"the daemon did not start ({code}): {self.daemon.errors[-400:]}")
        return False

    def kill_while_starting(self):
        for _ in range(self.chance.randrange(1, 4)):
            daemon = Daemon(self.binary, self.data, wait=False, also=self.power.environment if self.power else None)
            time.sleep(self.chance.uniform(0, 1.1 * max(self.starts[-5:], default=.3)))
            daemon.kill()
            self.kills["starting"] += 1
            if self.power:
                self.power.strike()

    def round(self, points):
        if points:
            return self.at_point(min(POINTS, key=lambda point: (self.hits.get(point, 0) + self.missed.get(point, 0), point)))
        if self.chance.random() < .25 and self.starts:
            self.kill_while_starting()
        if not self.start():
            return
        self.guarded("while checking", self.check)
        killer = threading.Timer(self.chance.uniform(.02, 1.5), self.daemon.process.kill)
        killer.start()
        self.guarded("while at work", lambda: self.work(time.monotonic() + 60), may_end=True)
        killer.join()
        self.daemon.reap()
        self.kills["random"] += 1

    def guarded(self, when, what, may_end=False):
        try:
            what()
        except (Gone, AssertionError, Refused) as error:
            if not may_end or not isinstance(error, Gone):
                self.violate(f"{when}: {type(error).__name__} {error}")

    # A daemon that ends itself, perhaps while what the one before has left is looked at; killed if it does not come by.
    def at_point(self, point):
        nth = self.chance.choice([1, 1, 2, 3]) if not point.startswith(("recovery", "merge", "source", "model", "backup")) else 1
        reached = not self.start(f"{point}:{nth}")
        if not reached:
            killer = threading.Timer(12, self.daemon.process.kill)
            killer.start()
            self.guarded(f"checking before {point}", self.check, may_end=True)
            self.guarded(f"before {point}", lambda: self.lead_to(point), may_end=True)
            reached = self.daemon.reap() == 137
            killer.cancel()
        (self.hits if reached else self.missed)[point] = (self.hits if reached else self.missed).get(point, 0) + 1
        self.kills["point" if reached else "random"] += 1

    def lead_to(self, point):
        way = next((WAYS[start] for start in WAYS if point.startswith(start)), "")
        ways = {"grant": self.grant, "push": self.push, "source": self.source, "backup": self.backup, "branches": self.branches_.step,
                "model": lambda: self.encoder.step(wait=True)}
        while way:
            ways[way]()
        self.work(time.monotonic() + 60)

    def backup(self):
        self.backups += 1
        folder = self.root / "backups" / str(self.backups)
        folder.parent.mkdir(exist_ok=True)
        self.call("POST", "/v1/backup", {"folder": str(folder)})
        self.count("backups")
        shutil.rmtree(folder)

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
        for kind in self.kinds:
            kind.end()
        self.call("POST", "/v1/sources/gamma/sync", {})
        self.settled("gamma")
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
        daemon.call("PUT", "/v1/sources/gamma", admin, {"location": str(self.branches_.repository.folder), "branch": "main", "branches": ["*"], "poll": "never"})
        daemon.call("POST", "/v1/sources/gamma/grants", admin, {"principal": "everyone"})
        daemon.wait_idle("gamma", admin)
        expected = self.answers(daemon, admin)
        daemon.stop()
        self.counts["queries_compared"] = len(expected)
        for query, hits in expected.items():
            if killed[query] != hits:
                other = [(a, b) for a, b in zip(killed[query], hits) if a != b][:2]
                self.violate(f"{query}: {len(killed[query])} hits instead of {len(hits)}: {other}")

    def run(self, rounds, seconds, points, hits):
        begun = time.monotonic()
        if not self.start():
            return
        self.add("alpha")
        self.call("POST", "/v1/sources/alpha/grants", {"principal": "everyone"})
        self.model.synced["alpha"] = self.repositories["alpha"].order[-1]
        self.daemon.wait_idle("alpha", self.admin)
        for kind in self.kinds:
            kind.begin()
        self.daemon.stop()
        done = 0
        while done < rounds and time.monotonic() - begun < seconds and not (points and min(self.hits.get(point, 0) for point in POINTS) >= hits):
            self.round(points)
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
    parser.add_argument("--power", metavar="SHIM", default="", help="libfaults.so: what was not flushed is lost as well")
    parser.add_argument("--hits", type=int, default=20)
    parser.add_argument("--only", default="", help="with --points: those whose name holds one of these words, as vectors,model")
    parser.add_argument("--model", metavar="DIR", default="", help="with an encoder of this folder, as tests/testdata/embed/models/bge_m3, which gives words weights too")
    parser.add_argument("--keep", default="")
    given = parser.parse_args()
    root = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="codelore-crash-"))
    root.mkdir(exist_ok=True)
    POINTS[:] = [point for point in POINTS if any(word in point for word in given.only.split(","))]
    oracle = Oracle(os.path.abspath(given.binary), root, given.seed, given.power, given.model)
    try:
        oracle.run(given.rounds, given.seconds, given.points, given.hits)
    finally:
        if oracle.daemon and oracle.daemon.process.poll() is None:
            oracle.daemon.kill()
    starts = sorted(oracle.starts)
    print(json.dumps({**oracle.counts, "kills": oracle.kills, "points": oracle.hits, "not_come_by": oracle.missed, **({"lost": oracle.power.undone} if oracle.power else {}), "violations": len(oracle.violations),
                      "restart_s": {"n": len(starts), "p50": round(statistics.median(starts), 3), "p95": round(starts[int(.95 * (len(starts) - 1))], 3),
                                    "max": round(starts[-1], 3)} if starts else {}}))
    if not given.keep and not oracle.violations:
        shutil.rmtree(root)
    elif oracle.violations:
        print("kept:", root, file=sys.stderr)
    sys.exit(1 if oracle.violations else 0)


if __name__ == "__main__":
    main()
