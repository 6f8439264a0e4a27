#!/usr/bin/env python3
"""Fails the N-th write, flush, change of a name and opening of a file of the real daemon, for every N, and checks what is left.

  tests/durability/write_faults.py BINARY libfaults.so [--every 1] [--only EIO-sync] [--seconds 1000]

One daemon lives through it. For each kind of operation and error, for N = 1, 2, ... until there are fewer operations than N: the N-th
one fails, once or from there on, while the work of crash_oracle.py is tried once each. Then the fault is over, and without a restart
  - whoever asked for a push asks again and gets it, within ten seconds, and so with everything else;
  - what was acknowledged is there, what was refused is there as a whole or not at all, and everything is searchable.
Where the store cannot go on (a failed flush leaves it not knowing what is on disk) it must refuse in words, serve on, and be as it
should after a restart; these are counted. After every tenth N the daemon is killed and what is on disk is compared, too.
--every 7 tries each seventh N. Prints one JSON object; exits 1 on any violation.
"""
import argparse, errno, json, os, pathlib, shutil, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from crash_oracle import Oracle
from daemon import Gone, Refused
from fault_shim import NAME, OPEN, REMOVE, SYNC, WRITE, Faults

CASES = {"EIO-write": (WRITE, errno.EIO), "ENOSPC-write": (WRITE | NAME | REMOVE, errno.ENOSPC), "EIO-sync": (SYNC, errno.EIO), "EIO-name": (NAME | REMOVE, errno.EIO),
         "EMFILE-open": (OPEN, errno.EMFILE)}


class FaultyDisk(Oracle):
    def __init__(self, binary, shim, root):
        super().__init__(binary, root, 1)
        self.faults = Faults(os.path.abspath(shim), root, self.data)
        self.environment = self.faults.environment
        self.report = {name: {"n": 0, "with_a_refusal": 0, "needed_a_restart": 0, "slowest_resumption_s": 0} for name in CASES}
        self.messages = {}

    def prepare(self):
        self.start()
        self.add("alpha")
        self.call("POST", "/v1/sources/alpha/grants", {"principal": "everyone"})
        self.reader = self.call("POST", "/v1/tokens", {"user": "reader"})["token"]
        self.model.synced["alpha"] = self.repositories["alpha"].order[-1]
        for kind in self.kinds:
            kind.begin()
        self.settled("alpha")

    # Each kind once, in the order that the seed gives. True if something was refused.
    def work_once(self):
        steps = [self.push, self.grant, self.token, self.documents.step, self.talks.step, self.branches_.step]
        refused = False
        for step in self.chance.sample(steps, len(steps)):
            try:
                step()
            except Refused as error:
                refused = True
                title = json.loads(error.text)["title"] if error.text.startswith("{") else error.text
                self.messages[f"{error.status} {title}"] = self.messages.get(f"{error.status} {title}", 0) + 1
                if error.status not in (429, 500, 503, 507):
                    self.violate(f"{step.__name__}: refused with {error}")
            except Gone as error:
                time.sleep(.5)
                if self.daemon.process.poll() is None:
                    self.violate(f"{step.__name__}: {error}")
                return True
            except AssertionError:  # it waits for a job that waits for the disk
                refused = True
        return refused

    def resumes(self):
        begun = time.monotonic()
        while time.monotonic() - begun < 10:
            try:
                for name in [n for n in ("alpha", "beta", "wiki", "gamma") if n != "beta" or self.model.beta]:
                    self.call("POST", f"/v1/sources/{name}/sync", {})
                    if self.daemon.wait_idle(name, self.admin, 10)["state"] != "current":
                        raise Refused(0, "not current")
                return time.monotonic() - begun
            except (Refused, AssertionError):
                time.sleep(.2)
        return None

    def restart(self):
        self.daemon.kill()
        return self.start()

    def one(self, name, number):
        kinds, error = CASES[name]
        report = self.report[name]
        self.faults.fail(kinds, error, number, self.chance.choice([1, 1, 3, 0]))
        self.daemon.patience = 1
        refused = self.work_once()
        self.daemon.patience = 60
        if self.daemon.process.poll() is not None:
            self.violate(f"{name} {number}: it ended: {self.daemon.reap()} {self.daemon.errors[-300:]}")
            self.faults.clear()
            return self.start()
        try:  # nothing that is served is wrong meanwhile; what an administrator reads must be put on record, which may fail
            self.daemon.call("POST", "/v1/search", self.reader, {"query": "needle", "mode": "lexical"})
        except Refused as error:
            self.violate(f"{name} {number}: search: {error}")
        seen = self.faults.clear()
        assert seen > 0, "nothing was counted: is the library there?"
        report["n"] += 1
        report["with_a_refusal"] += refused
        took = self.resumes()
        if took is None:
            report["needed_a_restart"] += 1
            if CASES[name][1] != errno.EIO:
                self.violate(f"{name} {number}: writing has not resumed: {self.call('GET', '/v1/sources/alpha').get('indexing')}")
            self.restart()
        else:
            report["slowest_resumption_s"] = round(max(report["slowest_resumption_s"], took), 2)
        self.checked(f"{name} {number}")
        if report["n"] % 10 == 0:
            self.restart()
            self.checked(f"{name} {number}, restarted")
        return seen >= number

    def checked(self, what):
        before = len(self.violations)
        self.guarded(what, self.check)
        if len(self.violations) > before:
            print(f"  that was {what}", file=sys.stderr)

    def all(self, only, every, seconds):
        self.prepare()
        end, names = time.monotonic() + seconds, [name for name in CASES if only in name]
        for at, name in enumerate(names):
            until = time.monotonic() + (end - time.monotonic()) / (len(names) - at)
            number = 1
            while time.monotonic() < until and self.one(name, number):
                number += every
            self.report[name]["up_to"] = number
        self.daemon.kill()
        self.environment = {}
        self.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("shim")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=1e9)
    given = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-write-faults-"))
    disk = FaultyDisk(os.path.abspath(given.binary), given.shim, root)
    try:
        disk.all(given.only, given.every, given.seconds)
    finally:
        if disk.daemon and disk.daemon.process.poll() is None:
            disk.daemon.kill()
        shutil.rmtree(root, ignore_errors=True)
    print(json.dumps({**disk.report, "refusals": disk.messages, "violations": len(disk.violations)}))
    sys.exit(1 if disk.violations else 0)


if __name__ == "__main__":
    main()
