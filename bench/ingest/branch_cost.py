#!/usr/bin/env python3
"""Measures what a new branch and a fork of an indexed repository cost, beside its first import, in one run.

  bench/ingest/branch_cost.py BINARY [--files 5000] [--functions 2] [--share 0.01]

A repository of synthetic Python files is imported with its vectors; then a branch that differs in --share of the files is
followed besides; then a clone of the repository is imported as another source of the tenant. Reported: seconds and processor
seconds of each `source sync`, and how many of the chunks that were looked up had a vector in the cache. Prints one JSON object.
"""
import argparse, json, os, pathlib, random, resource, shutil, subprocess, tempfile, time

from push_latency import git, run, source_text


def sync(binary, data, source):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    report = json.loads(run(binary, "--data", str(data), "--json", "source", "sync", source))
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall_s": round(wall, 2), "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
            "files": report["files"], "vectors": report["vectors"], "stages_s": {k: round(v, 2) for k, v in report["seconds"].items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--functions", type=int, default=2)
    parser.add_argument("--share", type=float, default=.01)
    given = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-branch-"))
    repository, fork, data, binary = root / "repository", root / "fork", root / "data", os.path.abspath(given.binary)
    chance = random.Random(1)
    try:
        repository.mkdir()
        git(repository, "init", "-q", "--initial-branch=main")
        for i in range(given.files):
            path = repository / f"p{i % 40}" / f"f{i}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(source_text(chance, given.functions))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "checkout", "-q", "-b", "release/1")
        for path in chance.sample(sorted(repository.glob("p*/*.py")), int(given.files * given.share)):
            path.write_text(source_text(chance, given.functions))
        git(repository, "commit", "-qam", "release")
        git(repository, "checkout", "-q", "main")
        run("git", "clone", "-q", "--no-hardlinks", str(repository), str(fork))
        base = [binary, "--data", str(data), "source", "add"]
        run(*base, str(repository), "--name", "app")
        report = {"files": given.files, "first": sync(binary, data, "app")}
        run(*base, str(repository), "--name", "app", "--branch", "release/*")
        report["branch"] = sync(binary, data, "app")
        run(*base, str(fork), "--name", "fork")
        report["fork"] = sync(binary, data, "fork")
        chunks = report["first"]["vectors"]["chunks_total"]
        for name in ("branch", "fork"):
            one = report[name]
            one["from_cache"] = round(1 - one["vectors"]["chunks_encoded"] / chunks, 4)
            one["times_faster"] = {kind: round(report["first"][kind] / one[kind], 1) for kind in ("wall_s", "cpu_s")}
        print(json.dumps(report, indent=1))
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
