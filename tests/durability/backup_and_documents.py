#!/usr/bin/env python3
"""Backups made under load, restored and compared; documents pushed over HTTP, through a SIGKILL.

  tests/durability/backup_and_documents.py BINARY

Prints what was done; exits 1 at the first thing that does not hold.
"""
import json, os, pathlib, random, shutil, sys, tempfile, threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon import Daemon, Refused, Repository, differences, make_administrator, run


def refused(daemon, status, *arguments, **options):
    try:
        daemon.call(*arguments, **options)
    except Refused as error:
        assert error.status == status, f"{arguments[:2]}: {error}"
        return
    raise AssertionError(f"{arguments[:2]} was not refused")


def paths_of(daemon, admin, source):
    return sorted(f["path"] for f in daemon.call("POST", "/v1/files", admin, {"query": "", "sources": [source], "limit": 100})["files"])


def documents(binary, root):
    data = root / "documents"
    admin = make_administrator(binary, data)
    reader = json.loads(run(binary, data, "token", "create", "--user", "ann", "--json").stdout)["token"]
    daemon = Daemon(binary, data)
    daemon.call("PUT", "/v1/sources/wiki", admin, {"kind": "documents"})
    daemon.call("POST", "/v1/sources/wiki/grants", admin, {"principal": "user:root"})
    daemon.call("PUT", "/v1/sources/wiki/documents/run%2Fbooks%2Fdisk.md", admin, raw="# Disk\n\nSay zebrafish when it is full.\n".encode())
    lines = [json.dumps({"path": f"ticket/{i}.txt", "text": f"ticket {i}: the printer of floor {i} says quokka{i}"}) for i in range(20)]
    answer = daemon.call("POST", "/v1/sources/wiki/documents", admin, raw="\n".join(lines).encode())
    assert (answer["put"], answer["removed"]) == (20, 0), answer
    daemon.kill()  # acknowledged, perhaps not indexed
    daemon = Daemon(binary, data)
    daemon.wait_idle("wiki", admin)
    assert paths_of(daemon, admin, "wiki") == sorted(["run/books/disk.md"] + [f"ticket/{i}.txt" for i in range(20)])
    hits = daemon.call("POST", "/v1/search", admin, {"query": "zebrafish", "mode": "lexical"})["hits"]
    assert hits and hits[0]["path"] == "run/books/disk.md" and hits[0]["symbol"], hits
    # all or none: the second line is wrong
    refused(daemon, 400, "POST", "/v1/sources/wiki/documents", admin, raw=b'{"path":"a.md","text":"x"}\n{"path":"../b.md","text":"x"}\n')
    refused(daemon, 404, "DELETE", "/v1/sources/wiki/documents/none.md", admin)
    refused(daemon, 403, "PUT", "/v1/sources/wiki/documents/a.md", reader, raw=b"x")
    refused(daemon, 404, "PUT", "/v1/sources/none/documents/a.md", admin, raw=b"x")
    refused(daemon, 400, "PUT", "/v1/sources/wiki/documents/a.md", admin, raw=b"x" * (3 << 20))
    refused(daemon, 404, "POST", "/v1/read", reader, {"source": "wiki", "path": "ticket/3.txt"})
    daemon.call("DELETE", "/v1/sources/wiki/documents/ticket%2F3.txt", admin)
    daemon.call("POST", "/v1/sources/wiki/documents", admin, raw=b'{"path":"ticket/4.txt","delete":true}\n{"path":"ticket/5.txt","text":"now it says wombat"}\n')
    daemon.kill()
    daemon = Daemon(binary, data)
    daemon.wait_idle("wiki", admin)
    left = paths_of(daemon, admin, "wiki")
    assert len(left) == 19 and "ticket/3.txt" not in left and "ticket/4.txt" not in left, left
    for word, count in (("quokka3", 0), ("quokka5", 0), ("wombat", 1), ("quokka6", 1)):
        found = daemon.call("POST", "/v1/grep", admin, {"pattern": rf"{word}\b", "regex": True})["matches"]
        assert found == count, (word, found)
    daemon.call("POST", "/v1/sources/wiki/reindex", admin, {})
    daemon.wait_idle("wiki", admin)
    assert paths_of(daemon, admin, "wiki") == left
    daemon.call("DELETE", "/v1/sources/wiki", admin)
    daemon.call("PUT", "/v1/sources/wiki", admin, {"kind": "documents"})
    daemon.call("POST", "/v1/sources/wiki/sync", admin, {})
    daemon.call("POST", "/v1/sources/wiki/grants", admin, {"principal": "user:root"})
    daemon.wait_idle("wiki", admin)
    assert paths_of(daemon, admin, "wiki") == []
    daemon.stop()
    print("documents: 21 pushed, 2 removed, 1 replaced, 2 kills: all as acknowledged")


def answers(daemon, admin):
    result = {"sources": daemon.call("GET", "/v1/sources", admin), "tokens": daemon.call("GET", "/v1/tokens", admin)["tokens"]}
    for token in result["tokens"]:
        del token["last_used_at"]  # asking is a use
    for query in ("needle", "def needle f1", "function that returns a number", "d0 f3"):
        for mode in ("lexical", "hybrid"):
            result[mode + query] = daemon.call("POST", "/v1/search", admin, {"query": query, "mode": mode, "syntax": "plain", "limit": 50})
    return result


# Each file of a backup cut, altered, removed, taken from another backup, and one too many beside it. Gives how many were refused.
def damaged_ones_are_refused(binary, root, good, another, chance):
    count = 0
    files = sorted(p for p in (root / good).rglob("*") if p.is_file())
    for file in files:
        for harm in ("cut", "flip", "remove", "other", "add"):
            bad = root / "bad"
            shutil.rmtree(bad, ignore_errors=True)
            shutil.copytree(root / good, bad)
            target = bad / file.relative_to(root / good)
            content = bytearray(target.read_bytes())
            if harm == "cut" and content:
                target.write_bytes(content[:-1])
            elif harm == "flip" and content:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
                target.write_bytes(content)
            elif harm == "remove":
                target.unlink()
            elif harm == "add":
                (target.parent / "more.sst").write_bytes(b"x")
            else:  # the file of this name, or any, of another backup
                others = [p for p in (root / another).rglob(target.name) if p.read_bytes() != bytes(content)]
                if not others:
                    continue
                target.write_bytes(others[0].read_bytes())
            count += 1
            done = run(binary, root / "never", "restore", str(bad))
            assert done.returncode != 0, f"{harm} of {file.name} was not noticed"
            assert not (root / "never").exists() and not (root / "never.partial").exists(), f"{harm} of {file.name} left something behind"
    return count


# A backup that goes on from another one: equal files have two names, and neither depends on the other.
def incremental(binary, root, daemon, admin, repository):
    first = daemon.call("POST", "/v1/backup", admin, {"folder": str(root / "same-again"), "incremental_from": str(root / "quiet")})
    assert first["linked_files"] > 0 and first["linked_bytes"] > first["bytes"] // 2, first
    repository.change()
    daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
    daemon.wait_idle("alpha", admin)
    altered = next(p for p in sorted((root / "same-again" / "segments").iterdir()) if p.stat().st_size > 100)
    content = bytearray(altered.read_bytes())
    content[50] ^= 1
    altered.unlink()  # or the other one would be altered, too
    altered.write_bytes(content)
    expected = answers(daemon, admin)
    later = daemon.call("POST", "/v1/backup", admin, {"folder": str(root / "later"), "incremental_from": str(root / "same-again")})
    assert 0 < later["linked_files"] < later["files"], later
    refused(daemon, 400, "POST", "/v1/backup", admin, {"folder": str(root / "no"), "incremental_from": "relative"})
    refused(daemon, 404, "POST", "/v1/backup", admin, {"folder": str(root / "no"), "incremental_from": str(root / "repository")})
    assert not (root / "no").exists() and not (root / "no.partial").exists()
    shutil.rmtree(root / "same-again")
    done = run(binary, root / "later-data", "restore", str(root / "later"))
    assert done.returncode == 0, done.stderr
    copy = Daemon(binary, root / "later-data")
    assert answers(copy, admin) == expected, "a folder restored from an incremental backup answers otherwise"
    copy.stop()
    print(f"incremental: {first['linked_files']} of {first['files']} files ({first['linked_bytes']} of {first['bytes']} bytes) linked when nothing had changed, "
          f"{later['linked_files']} of {later['files']} after a push and one damaged file")


def backups(binary, root):
    data, chance = root / "data", random.Random(5)
    repository = Repository(root / "repository", chance, 20)
    admin = make_administrator(binary, data)
    daemon = Daemon(binary, data)
    daemon.call("PUT", "/v1/sources/alpha", admin, {"location": str(repository.folder), "poll": "never"})
    daemon.call("POST", "/v1/sources/alpha/grants", admin, {"principal": "everyone"})
    daemon.wait_idle("alpha", admin)
    stop = threading.Event()

    def load():
        while not stop.is_set():
            repository.change()
            daemon.call("POST", "/v1/sources/alpha/sync", admin, {})
            daemon.wait_idle("alpha", admin)

    worker = threading.Thread(target=load)
    worker.start()
    made = [daemon.call("POST", "/v1/backup", admin, {"folder": str(root / f"backup{i}")}) for i in range(4)]
    stop.set()
    worker.join()
    refused(daemon, 400, "POST", "/v1/backup", admin, {"folder": str(root / "backup0")})
    refused(daemon, 400, "POST", "/v1/backup", admin, {"folder": "relative"})
    quiet = answers(daemon, admin)
    daemon.call("POST", "/v1/backup", admin, {"folder": str(root / "quiet")})
    incremental(binary, root, daemon, admin, repository)
    daemon.stop()
    assert not (data / "backup-links").exists()
    for i in range(4):  # of some moment under load: whole, and of one commit
        restored = root / f"restored{i}"
        done = run(binary, restored, "restore", str(root / f"backup{i}"))
        assert done.returncode == 0, done.stderr
        copy = Daemon(binary, restored)
        state = copy.wait_idle("alpha", admin)
        wrong = differences(copy, admin, "alpha", repository.contents[state["commit"]])
        assert not wrong, wrong
        copy.stop()
    done = run(binary, root / "same", "restore", str(root / "quiet"))
    assert done.returncode == 0, done.stderr
    copy = Daemon(binary, root / "same")
    assert answers(copy, admin) == quiet, "a restored folder answers otherwise"
    copy.stop()
    assert run(binary, root / "same", "restore", str(root / "quiet")).returncode != 0, "it overwrote a folder"
    count = damaged_ones_are_refused(binary, root, "quiet", "backup0", chance)
    count += damaged_ones_are_refused(binary, root, "later", "quiet", chance)
    print(f"backups: 5 made ({made[-1]['files']} files, {made[-1]['bytes']} bytes), 4 of them under load; restored and equal; {count} damaged ones refused")


def main():
    binary = os.path.abspath(sys.argv[1])
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-backup-"))
    try:
        documents(binary, root)
        backups(binary, root)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
