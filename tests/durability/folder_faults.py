#!/usr/bin/env python3
"""What the real daemon does with a disk that is full, that cannot be written, that is in use, or that has lost bits.

  tests/durability/folder_faults.py BINARY [--flips 100] [--footers 100] [--every 1] [--only NAME]

Each case is a function whose name says what must hold; a case that cannot be made here (no right to mount a tmpfs) says so
and is skipped. Exits 1 if one fails.
"""
import argparse, json, os, pathlib, random, shutil, subprocess, sys, tempfile, time, traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon import Daemon, Gone, Refused, Repository, differences, make_administrator, run

QUERIES = ["needle", "return", "def needle f1", "d0 f3", "f7 py", "function that returns a number"]


class Skipped(Exception):
    pass


def indexed_folder(binary, root, files=30):
    """A data folder with one source, a repository and an administrator's token."""
    data, repository = root / "data", Repository(root / "repository", random.Random(3), files)
    admin = make_administrator(binary, data)
    for arguments in (["source", "add", str(repository.folder), "--name", "alpha", "--poll", "never"], ["source", "sync", "alpha"],
                      ["grant", "--source", "alpha", "--everyone"]):
        done = run(binary, data, *arguments)
        assert done.returncode == 0, done.stderr
    return data, repository, admin


def answers(daemon, token):
    return {f"{mode} {query}": daemon.call("POST", "/v1/search", token, {"query": query, "mode": mode, "syntax": "plain", "limit": 50})["hits"]
            for query in QUERIES for mode in ("lexical", "hybrid")}


def fill(folder, leave=0):
    """Takes all space there is, but for `leave` bytes."""
    with open(folder / "ballast", "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * (1 << 16)):
                pass
        except OSError:
            pass
        if leave:
            file.truncate(max(0, file.tell() - leave))


# On the larger disk the store has space set aside and only segments fail; on the smaller one the store fails, too.
def a_full_disk_ends_writing_not_reading_and_space_brings_it_back(binary, root, given):
    return {size: on_a_full_disk(binary, root / size, size) for size in ("64m", "28m")}


def on_a_full_disk(binary, root, size):
    root.mkdir()
    disk = root / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", str(disk)], capture_output=True).returncode != 0:
        raise Skipped("no right to mount a tmpfs")
    daemon = None
    try:
        data, admin = disk / "data", None
        repository = Repository(root / "repository", random.Random(3), 30)
        admin = make_administrator(binary, data)
        daemon = Daemon(binary, data)
        daemon.call("PUT", "/v1/sources/alpha", admin, {"location": str(repository.folder), "poll": "never"})
        daemon.call("POST", "/v1/sources/alpha/grants", admin, {"principal": "everyone"})
        daemon.wait_idle("alpha", admin)
        before, old = answers(daemon, admin), repository.order[-1]
        report = []
        for leave in (0, 4096, 64 << 10, 256 << 10):
            fill(disk, leave)
            accepted = 0
            for _ in range(40):  # searching goes on, whatever becomes of the pushes
                commit = repository.change() if accepted < 5 else commit
                try:
                    daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
                    daemon.call("POST", "/v1/tokens", admin, {"user": "u" * 100})
                    accepted += 1
                except Refused as refused:
                    assert refused.status in (429, 500, 503, 507), refused
                now = answers(daemon, admin)
                shown = daemon.call("GET", "/v1/sources/alpha/freshness", admin)["commit"]
                assert shown != old or now == before, "answers have changed though the commit has not"
            refusals = 40 - accepted
            (disk / "ballast").unlink()
            freed, tries = time.monotonic(), 0
            while True:  # a client that was refused asks again
                try:
                    daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
                    state = daemon.wait_idle("alpha", admin, 20)
                    if state["commit"] == commit:
                        break
                except Refused:
                    tries += 1
                assert time.monotonic() - freed < 30, f"writing has not resumed: {daemon.call('GET', '/v1/sources/alpha', admin)}"
                time.sleep(.1)
            took = time.monotonic() - freed
            report.append({"left": leave, "refused_while_full": refusals, "of": 40, "resumed_s": round(took, 2)})
            assert took < 10, report
            wrong = differences(daemon, admin, "alpha", repository.contents[commit])
            assert not wrong, wrong
            before, old = answers(daemon, admin), commit
        daemon.kill()
        daemon = Daemon(binary, data)
        assert not differences(daemon, admin, "alpha", repository.contents[repository.order[-1]])
        assert answers(daemon, admin) == before
        return report
    finally:
        if daemon:
            daemon.kill()
        subprocess.run(["umount", str(disk)], capture_output=True)


def a_folder_that_cannot_be_written_is_refused_by_name(binary, root, given):
    data, _, _ = indexed_folder(binary, root, 3)
    if subprocess.run(["mount", "--bind", str(data), str(data)], capture_output=True).returncode != 0:
        raise Skipped("no right to mount")
    try:
        if subprocess.run(["mount", "-o", "remount,ro,bind", str(data)], capture_output=True).returncode != 0:
            raise Skipped("no right to remount")
        daemon = Daemon(binary, data, wait=False)
        assert not daemon.wait() and daemon.reap() not in (0, -6, -11), "it serves a folder that it cannot write"
        assert str(data) in daemon.errors and "ead-only" in daemon.errors, daemon.errors
        return daemon.errors.strip()
    finally:
        subprocess.run(["umount", str(data)], capture_output=True)


def a_second_daemon_is_refused(binary, root, given):
    data, _, admin = indexed_folder(binary, root, 3)
    first = Daemon(binary, data)
    try:
        second = Daemon(binary, data, wait=False)
        assert not second.wait() and second.reap() != 0
        assert "in use by another codelore process" in second.errors, second.errors
        answers(first, admin)
        return second.errors.strip()
    finally:
        first.kill()


class Rot:
    """A folder that was stopped, and what becomes of copies of it in which one bit is another."""

    def __init__(self, binary, root):
        self.binary, self.copy = binary, root / "copy"
        self.data, self.repository, self.admin = indexed_folder(binary, root)
        daemon = Daemon(binary, self.data)
        self.right = answers(daemon, self.admin)
        daemon.stop()
        self.every = {hit["citation"]: hit["snippet"] for hits in self.right.values() for hit in hits}
        self.files = sorted(p for p in self.data.rglob("*") if p.is_file() and p.stat().st_size and p.name != "LOCK")
        self.outcome = {"refused": 0, "aborted": 0, "healed": 0, "right": 0}

    def flip(self, original, bit):
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.data, self.copy)
        file = self.copy / original.relative_to(self.data)
        content = bytearray(file.read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        self.outcome[self.look(f"bit {bit} of {file.relative_to(self.copy)}", file)] += 1

    def look(self, what, file):
        daemon = Daemon(self.binary, self.copy, wait=False)
        if not daemon.wait():
            code = daemon.reap()
            if code == -6 and "rocksdb" in daemon.errors and file.suffix == ".sst":
                # What has no checksum in a table, RocksDB asserts on. Nothing is served; but it ought to be refused in words.
                return "aborted"
            assert code not in (-6, -11), f"{what}: it crashed: {daemon.errors}"
            assert str(self.copy) in daemon.errors, f"{what}: refused without saying where: {daemon.errors}"
            return "refused"
        try:
            return self.served(what, daemon)
        except Refused as refused:
            assert refused.status in (500, 503), f"{what}: {refused}"
            return "refused"
        finally:
            daemon.kill()

    def served(self, what, daemon):
        now = answers(daemon, self.admin)
        if now == self.right:
            return "right"
        # Less may be there, and it is said; but nothing that is wrong.
        for hits in now.values():
            for hit in hits:
                assert self.every.get(hit["citation"]) == hit["snippet"], f"{what}: {hit['citation']} is not what is indexed"
        status = next(s for s in daemon.call("GET", "/v1/status", self.admin)["sources"] if s["source"] == "alpha")
        less = status["files"]["failed"] > 0 or status["chunks"] != status["chunks_with_vectors"]
        assert less, f"{what}: answers differ, and status says nothing of it"
        daemon.call("POST", "/v1/sources/alpha/sync", self.admin, {})
        daemon.wait_idle("alpha", self.admin)
        wrong = differences(daemon, self.admin, "alpha", self.repository.contents[self.repository.order[-1]])
        assert not wrong, f"{what}: not healed by indexing: {wrong}"
        return "healed"


def a_flipped_bit_is_refused_or_named_or_harmless(binary, root, given):
    rot, chance = Rot(binary, root), random.Random(given.seed)
    for number in range(given.flips):
        file = rot.files[number % len(rot.files)]
        rot.flip(file, chance.randrange(8 * file.stat().st_size))
    return {**rot.outcome, "files": len(rot.files)}


# The footer of a table has no checksum.
def a_flipped_bit_of_a_tables_footer_is_refused_in_words(binary, root, given):
    rot, chance = Rot(binary, root), random.Random(given.seed)
    tables = [p for p in rot.files if p.suffix == ".sst"]
    for number in range(given.footers):
        file = tables[number % len(tables)]
        rot.flip(file, 8 * file.stat().st_size - 1 - chance.randrange(8 * 53))
    assert rot.outcome["aborted"] == 0, rot.outcome
    return {**rot.outcome, "tables": len(tables)}


def every_bit_of_the_small_files_is_refused_or_harmless(binary, root, given):
    rot = Rot(binary, root)
    small = [p for p in rot.files if p.stat().st_size <= 256]  # and the log, which is short here
    bits = [(file, bit) for file in small for bit in range(8 * file.stat().st_size)]
    for file, bit in bits[::given.every]:
        rot.flip(file, bit)
    return {**rot.outcome, "of_bits": len(bits), "files": [str(p.relative_to(rot.data)) for p in small]}


CASES = [a_full_disk_ends_writing_not_reading_and_space_brings_it_back, a_folder_that_cannot_be_written_is_refused_by_name,
         a_second_daemon_is_refused, a_flipped_bit_is_refused_or_named_or_harmless,
         a_flipped_bit_of_a_tables_footer_is_refused_in_words, every_bit_of_the_small_files_is_refused_or_harmless]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--flips", type=int, default=20)
    parser.add_argument("--footers", type=int, default=10)
    parser.add_argument("--every", type=int, default=40, help="try each such bit of the small files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    binary, failed = os.path.abspath(given.binary), 0
    for case in CASES:
        if given.only not in case.__name__:
            continue
        root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-faults-"))
        try:
            print(case.__name__ + ":", json.dumps(case(binary, root, given)))
        except Skipped as reason:
            print(case.__name__ + ": skipped,", reason)
        except (AssertionError, Gone, Refused):
            failed += 1
            print(case.__name__ + ": FAILED")
            traceback.print_exc()
        finally:
            shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
