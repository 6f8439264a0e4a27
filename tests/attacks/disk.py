"""Ends, faults, clocks and floods that a daemon must come through (section H)."""
import errno, mmap, os, pathlib, random, resource, statistics, struct, subprocess, sys, time

import crash_oracle, folder_faults, soak, write_faults
from daemon import Daemon, Gone, Refused, Repository, differences, run
from fault_shim import FOLDER, NAME, REMOVE, SYNC, WRITE, Faults
from folder_faults import answers, indexed_folder

# Ingest, commit, snapshot, swap, the directory (grants and keys), the audit log.
STEPS = ["text-done", "job-recorded", "commit-begun", "segment-written", "store-before-write", "store-before-note", "publish-before-batch", "publish-written", "obsolete-removed",
         "merge-before-batch", "grant-before-write", "grant-written", "audit-before-write", "audit-written"]


class Controls:
    """The test's side of shim.c."""

    def __init__(self, root, build):
        self.file = root / "controls"
        self.file.write_bytes(bytes(32))
        with open(self.file, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 32)
        self.environment = {"LD_PRELOAD": str(build / "libattacks.so"), "CODELORE_ATTACK_CONTROL": str(self.file)}

    def move_clock(self, seconds):
        self.shared[0:8] = struct.pack("<q", seconds)

    def fail_allocation(self, number, count=1):
        self.shared[8:32] = struct.pack("<QQQ", 0, number, number + count - 1)

    def allocations(self):
        seen = struct.unpack("<Q", self.shared[8:16])[0]
        self.shared[8:32] = bytes(24)
        return seen


# After how many seconds a client that asks again and again has its push; ten at most.
def indexed_again(daemon, admin, commit):
    begun = time.monotonic()
    while True:
        try:
            daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            if daemon.wait_idle("alpha", admin, 10)["commit"] == commit:
                return time.monotonic() - begun
        except Refused:
            pass
        assert time.monotonic() - begun < 10, "writing has not resumed"
        time.sleep(.1)


def attack127_a_kill_at_each_named_step_loses_nothing(binary, root, given):
    missing = set(STEPS) - set(crash_oracle.POINTS)
    assert not missing, f"no such crash point: {missing}"
    every, crash_oracle.POINTS = crash_oracle.POINTS, STEPS
    oracle = crash_oracle.Oracle(binary, root, given.seed)
    try:
        oracle.run(3 * len(STEPS), 300, True, 1)
    finally:
        crash_oracle.POINTS = every
        if oracle.daemon and oracle.daemon.process.poll() is None:
            oracle.daemon.kill()
    assert not oracle.violations, oracle.violations
    not_hit = set(STEPS) - set(oracle.hits)
    assert not not_hit, f"never came by {not_hit}"
    return {"steps": len(oracle.hits), "kills": oracle.kills}


def attack128_three_kills_during_recovery_lose_nothing(binary, root, given):
    data, repository, admin = indexed_folder(binary, root, 12)
    kills = []
    for ending in ("publish-before-batch", "store-before-note", "segment-written", "publish-written"):
        daemon = Daemon(binary, data, ending)
        before, commit = repository.order[-1], repository.change()
        try:
            daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            daemon.wait_idle("alpha", admin)
        except Gone:
            pass
        assert daemon.reap() == 137, ending
        for point in ("recovery-loaded", "recovery-cleaned", "recovery-loaded"):
            recovering = Daemon(binary, data, point, wait=False)
            assert not recovering.wait() and recovering.reap() == 137, (point, recovering.errors)
            kills.append(point)
        daemon = Daemon(binary, data)
        daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
        state = daemon.wait_idle("alpha", admin)
        while state["state"] == "parked":  # three ends are its fault, as far as it can tell
            daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            state = daemon.wait_idle("alpha", admin)
        assert state["commit"] == commit, (ending, state, before)
        wrong = differences(daemon, admin, "alpha", repository.contents[commit])
        assert not wrong, (ending, wrong)
        daemon.kill()
    return {"kills_during_recovery": len(kills)}


def attack130_every_nth_write_fails_for_want_of_space_or_quota(binary, root, given):
    write_faults.CASES = {"EDQUOT-write": (WRITE | NAME | REMOVE, errno.EDQUOT), "ENOSPC-write": write_faults.CASES["ENOSPC-write"],
                          "short-write": (WRITE, 0), "EIO-sync": (SYNC, errno.EIO)}
    disk = write_faults.FaultyDisk(binary, given.build / "libfaults.so", root)
    try:
        disk.all("", 5, 4 * given.tries)
    finally:
        if disk.daemon and disk.daemon.process.poll() is None:
            disk.daemon.kill()
    assert not disk.violations, disk.violations
    return {name: report["n"] for name, report in disk.report.items()}


# Descriptors run out for real: the limit is lowered below what is open.
def attack130_no_descriptors_left_refuses_in_words_and_goes_on(binary, root, given):
    data, repository, admin = indexed_folder(binary, root, 12)
    daemon = Daemon(binary, data)
    try:
        right, pid = answers(daemon, admin), daemon.process.pid
        normal, refused = resource.prlimit(pid, resource.RLIMIT_NOFILE), 0
        commit = repository.order[-1]
        for spare in (0, 1, 2, 3, 5, 8, 13):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) + spare, normal[1]))
            commit = repository.change()
            for method, path, body in (("POST", "/v1/sources/alpha/sync", {}), ("POST", "/v1/search", {"query": "needle"})):
                try:
                    daemon.call(method, path, admin, body, timeout=10)
                except (Refused, Gone) as error:  # a connection that cannot be accepted, or a refusal in words
                    assert not isinstance(error, Refused) or error.status in (429, 500, 503, 507), error
                    refused += 1
            time.sleep(.3)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, normal)
            indexed_again(daemon, admin, commit)
            wrong = differences(daemon, admin, "alpha", repository.contents[commit])
            assert not wrong, (spare, wrong)
        assert daemon.process.poll() is None and right
        return {"refused": refused}
    finally:
        daemon.kill()


# As a file system turns that has met an error: nothing of it is taken any more, and what is open stays so.
def attack130_a_disk_that_turns_read_only_serves_on_and_is_written_again_after(binary, root, given):
    data, repository, admin = indexed_folder(binary, root, 12)
    faults = Faults(given.build / "libfaults.so", root, data)
    daemon = Daemon(binary, data, also=faults.environment)
    try:
        right, refused, slowest = answers(daemon, admin), 0, 0
        for _ in range(4):
            faults.fail(WRITE | SYNC | NAME | REMOVE | FOLDER, errno.EROFS, 1, 0)
            commit = repository.change()
            try:
                daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            except Refused as error:
                assert error.status in (429, 500, 503, 507), error
                refused += 1
            assert answers(daemon, admin) == right, "answers have changed though nothing could be written"
            faults.clear()
            slowest = max(slowest, indexed_again(daemon, admin, commit))
            wrong = differences(daemon, admin, "alpha", repository.contents[commit])
            assert not wrong, wrong
            right = answers(daemon, admin)
        return {"refused": refused, "of": 4, "resumed_s": round(slowest, 2)}
    finally:
        daemon.kill()


# One allocation fails, or all from there on for a moment. The process may end by it; what it says before is right, and nothing is lost.
def attack131_memory_that_runs_out_while_it_asks_or_indexes_loses_nothing(binary, root, given):
    data, repository, admin = indexed_folder(binary, root, 12)
    controls, chance = Controls(root, given.build), random.Random(given.seed)
    daemon, report = Daemon(binary, data, also=controls.environment), {"answered": 0, "refused": 0, "ended": 0}

    def query():
        return daemon.call("POST", "/v1/search", admin, {"query": "needle return", "mode": "hybrid", "limit": 50})["hits"]

    def push():
        daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
        return daemon.wait_idle("alpha", admin, 5)

    try:
        for name, step in (("query", query), ("push", push)):
            controls.fail_allocation(2**62)
            if name == "push":
                repository.change()
            step()
            report[f"allocations of a {name}"] = most = controls.allocations()
            for _ in range(given.tries):
                number, count = chance.randrange(1, most + 1), chance.choice([1, 1, 1, 20])
                right = query()
                if name == "push":
                    repository.change()
                controls.fail_allocation(number, count)
                try:
                    said = step()
                    assert name == "push" or said == right, f"{name} {number} x {count}: another answer"
                    report["answered"] += 1
                except Refused as error:
                    assert error.status >= 500 or error.status == 429, f"{name} {number} x {count}: {error}"
                    report["refused"] += 1
                except AssertionError as error:
                    if "pending" not in str(error):
                        raise
                    report["refused"] += 1
                except Gone:
                    report["refused"] += daemon.process.poll() is None
                controls.allocations()
                commit = repository.order[-1]
                try:
                    daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
                    state = daemon.wait_idle("alpha", admin)
                except Gone:  # at once, or a moment after it had answered: an exception's way to the end takes a while
                    daemon.process.wait(30)
                    report["ended"] += 1
                    daemon.reap()
                    daemon = Daemon(binary, data, also=controls.environment)
                    daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
                    state = daemon.wait_idle("alpha", admin)
                assert state["commit"] == commit, f"{name} {number} x {count}: {state}"
                wrong = differences(daemon, admin, "alpha", repository.contents[commit])
                assert not wrong, f"{name} {number} x {count}: {wrong}"
        return report
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


def attack133_a_second_daemon_and_a_second_writer_are_refused(binary, root, given):
    said = folder_faults.a_second_daemon_is_refused(binary, root, given)
    daemon = Daemon(binary, root / "data")
    try:
        for command in (["index", str(root / "repository")], ["source", "remove", "alpha"], ["doctor", "--repair"], ["serve", "--port", "0"]):
            done = run(binary, root / "data", *command)
            assert done.returncode != 0, command
        return said
    finally:
        daemon.kill()


def attack136_a_wall_clock_that_jumps_changes_nothing_but_what_it_should(binary, root, given):
    data, repository, admin = indexed_folder(binary, root, 12)
    controls = Controls(root, given.build)
    daemon = Daemon(binary, data, also=controls.environment)
    try:
        daemon.call("PUT", "/v1/sources/wiki", admin, {"kind": "documents"})
        daemon.call("POST", "/v1/sources/wiki/grants", admin, {"principal": "everyone"})
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        daemon.call("POST", "/v1/sources/wiki/document", admin, {"path": "ticket.txt", "text": "needle_ticket", "expires": expires})
        daemon.wait_idle("wiki", admin)
        slowest = 0
        for jump in (1, -1, 3600, -3600, 86400, -86400, 40 * 365 * 86400, -40 * 365 * 86400, 0):  # leap seconds, changes to summer time, wrong clocks
            controls.move_clock(jump)
            begun = time.monotonic()
            commit = repository.change()
            daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            assert daemon.wait_idle("alpha", admin, 20)["commit"] == commit, jump
            wrong = differences(daemon, admin, "alpha", repository.contents[commit])
            assert not wrong, (jump, wrong)
            fresh = daemon.call("GET", "/v1/sources/alpha/freshness", admin)
            assert not fresh["pending"], (jump, fresh)
            grant = {"principal": f"user:u{abs(jump)}"}
            daemon.call("POST", "/v1/sources/alpha/grants", admin, grant)
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 20, slowest
        daemon.stop()
        checked = run(binary, data, "audit", "verify")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        daemon = Daemon(binary, data, also=controls.environment)  # and it starts with a clock of before
        assert not differences(daemon, admin, "alpha", repository.contents[repository.order[-1]])
        return {"slowest_s": round(slowest, 2), "audit": checked.stdout.strip()[:80]}
    finally:
        daemon.kill()


# The short form of soak.py, whose own bound on the slope takes half an hour and more to be measured.
def attack137_memory_and_descriptors_stay_where_they_are_under_load(binary, root, given):
    work = soak.Soak(binary, root)
    try:
        samples = work.run(given.soak_minutes)
    finally:
        if work.daemon.process.poll() is None:
            work.daemon.kill()
    assert not work.failures, work.failures
    later = samples[len(samples) // 2:]
    descriptors, memory = [s[3] for s in later], [s[1] for s in later]
    assert max(descriptors) <= statistics.median(descriptors) + 24 and max(memory) < 600, (descriptors, memory)
    return {**work.counts, "descriptors_median": statistics.median(descriptors), "anonymous_mb": round(max(memory))}


def attack139_a_tenant_that_floods_leaves_the_others_their_part(binary, root, given):
    flood = pathlib.Path(__file__).resolve().parents[2] / "bench/permission/flood.py"
    done = subprocess.run([sys.executable, str(flood), binary, str(given.build / "permission_load"), "--connections", "16", "--rounds", "5", "--pages", "30"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]
