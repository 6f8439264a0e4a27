#!/usr/bin/env python3
"""BM25 top 10 and index builds, side by side: Codelore, tantivy, Lucene; same tokens, one thread each.

    bench/rivals/lexical.py [--work FOLDER] [--bin FOLDER] [--chunks N] [--rounds N] [--builds N] [FOLDER...]

FOLDERs hold the text of the corpus: by default what Debian packages and package managers leave on any machine (manual
pages, documents, headers, sources). It is cut into chunks of about 60 terms; see bench/lexical_corpus.cc. Everything made
is kept in --work and used again; delete it to start anew. --bin holds lexical_bench and lexical_corpus.

The engines answer all queries in turn, round by round (ABC ABC ...), so that whatever else runs on the machine meets all
alike. A query's time is the median of its rounds; p50 and p99 are over the queries. At last the same chunks are asked as
one partition and as 1,000.
"""
import argparse
import gzip
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROSE = ["/usr/share/man", "/usr/share/doc", "/usr/share/info"]
CODE = ["/usr/include", "/usr/src", "/usr/share", "~/.cargo/registry/src", "~/go/pkg/mod", "/usr/lib"]
ENDINGS = set(""".md .rst .txt .html .xml .c .cc .cpp .cxx .h .hh .hpp .rs .go .py .pl .pm .rb .lua .js .ts .java .kt .scala .sh
    .cmake .vim .el .tcl .sql .proto .php .cs .swift .toml .yaml .yml .texi .tex""".split())
LIMIT_BYTES = 1 << 20  # larger files are tables and generated code
WARM_ROUNDS = 5        # Lucene's code is compiled while it runs


def is_text_file(path, prose):
    stem = path.removesuffix(".gz")
    ending = os.path.splitext(stem)[1].lower()
    if "/man/" in path:  # English pages only: translations stand in folders named after a language
        return "/man/man" in path
    return ending in ENDINGS or (prose and ending in ("", ".debian", ".info"))


def texts(folders, prose):
    """The texts of all files under the folders, in a reproducible order."""
    for folder in folders:
        for where, below, names in os.walk(os.path.expanduser(folder)):
            below.sort()
            for name in sorted(names):
                path = os.path.join(where, name)
                if not is_text_file(path, prose) or os.path.islink(path) or not os.path.isfile(path):
                    continue
                try:
                    data = gzip.open(path).read() if name.endswith(".gz") else pathlib.Path(path).read_bytes()
                except (OSError, EOFError):
                    continue
                if len(data) <= LIMIT_BYTES and b"\0" not in data:
                    yield data


def make_corpus(args, corpus):
    groups = [(args.folders, True)] if args.folders else [(PROSE, True), (CODE, False)]
    partial = corpus.with_suffix(".partial")
    maker = subprocess.Popen([args.bin / "lexical_corpus", "chunks", partial, str(args.chunks)], stdin=subprocess.PIPE)
    try:
        for folders, prose in groups:
            for data in texts(folders, prose):
                maker.stdin.write(data + b"\0")
        maker.stdin.close()
    except BrokenPipeError:  # it has enough
        pass
    if maker.wait() != 0:
        sys.exit("lexical_corpus failed")
    partial.rename(corpus)


def build_rivals(work):
    subprocess.run(["cargo", "build", "--release", "--quiet", "--target-dir", work / "tantivy"], cwd=HERE / "tantivy", check=True)
    subprocess.run(["mvn", "-q", "-B", "package", "dependency:copy-dependencies", f"-DbuildDirectory={work}/lucene",
                    f"-DoutputDirectory={work}/lucene/jars"], cwd=HERE / "lucene", check=True)
    java = ["java", "-Xmx4g", "-XX:+UseSerialGC", "-cp", f"{work}/lucene/jars/*:{work}/lucene/classes", "LuceneRival"]
    return {"tantivy": [work / "tantivy/release/tantivy-rival"], "lucene": java}


def numbers_of(line):
    words = line.split()
    return dict(zip(words[::2], map(float, words[1::2])))


def build_indexes(engines, work, corpus, rounds):
    """Medians of wall and CPU seconds of each engine's build, and bytes; lines of all rounds are kept beside the index."""
    records = {name: work / f"index-{name}.txt" for name in engines}
    for round_number in range(rounds):
        for name, command in engines.items():
            lines = records[name].read_text().splitlines() if records[name].exists() else []
            if len(lines) > round_number:
                continue
            index = work / f"index-{name}"
            shutil.rmtree(index, ignore_errors=True)
            out = subprocess.run([*command, "build", corpus, index], check=True, capture_output=True, text=True).stdout
            records[name].write_text("".join(line + "\n" for line in [*lines, out.strip()]))
    figures = {name: [numbers_of(line) for line in record.read_text().splitlines()] for name, record in records.items()}
    return {name: {key: statistics.median(each[key] for each in lines) for key in lines[0]} for name, lines in figures.items()}


def measure(engines, work, queries, rounds):
    """Per engine, the median microseconds of each query."""
    running = {}
    for name, command in engines.items():
        running[name] = subprocess.Popen([*command, "serve", work / f"index-{name}", queries], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        assert running[name].stdout.readline().strip() == "ready"

    def once(name):
        running[name].stdin.write("go\n")
        running[name].stdin.flush()
        return [float(time) for time in running[name].stdout.readline().split()]

    for name in engines:
        for _ in range(WARM_ROUNDS):
            once(name)
    times = {name: [] for name in engines}
    for _ in range(rounds):
        for name in engines:
            times[name].append(once(name))
    for process in running.values():
        process.stdin.close()
        process.wait()
    return {name: [statistics.median(of_query) for of_query in zip(*all_rounds)] for name, all_rounds in times.items()}


def print_table(times, builds, queries):
    def percentile(values, share):
        return sorted(values)[int(share * (len(values) - 1))]

    print("| engine | p50 us | p90 us | p99 us | total ms | build s (CPU) | merged s (CPU) | index MB |\n|---|---|---|---|---|---|---|---|")
    for name, of_queries in times.items():
        build = builds[name]
        merged = f"{build['merged_wall']:.1f} ({build['merged_cpu']:.1f})" if "merged_wall" in build else ""
        print(f"| {name} | {percentile(of_queries, .5):.0f} | {percentile(of_queries, .9):.0f} | {percentile(of_queries, .99):.0f} | "
              f"{sum(of_queries) / 1e3:.0f} | {build['build_wall']:.1f} ({build['build_cpu']:.1f}) | {merged} | {build['bytes'] / 1e6:.0f} |")
    print("\nCodelore is so many times as fast (by count of terms: the sum of times):\n| than | p50 | p90 | p99 | total | "
          + " | ".join(str(n) for n in range(1, 9)) + " |\n|" + "---|" * 13)
    lengths = [len(line.split()) for line in queries.read_text().splitlines()]
    ours = times["codelore"]
    for name, of_queries in times.items():
        if name == "codelore":
            continue
        ratios = [percentile(of_queries, share) / percentile(ours, share) for share in (.5, .9, .99)] + [sum(of_queries) / sum(ours)]
        for length in range(1, 9):
            here = [i for i, of_query in enumerate(lengths) if of_query == length]
            ratios.append(sum(of_queries[i] for i in here) / max(sum(ours[i] for i in here), 1e-9))
        print(f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


def compare_partitions(args, corpus, queries):
    """The same chunks in one partition and in a thousand, asked in turn."""
    many = args.work / "index-partitions"
    if not many.exists():
        subprocess.run([args.bin / "lexical_bench", "build", corpus, many, "1000"], check=True, capture_output=True)
    print("\nOne partition and many, the same chunks:", flush=True)
    subprocess.run([args.bin / "lexical_bench", "partitions", args.work / "index-codelore", many, queries], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/lexical")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--chunks", type=int, default=1_200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--builds", type=int, default=3)
    parser.add_argument("--engines", default="codelore,tantivy,lucene")
    parser.add_argument("folders", nargs="*")
    args = parser.parse_args()
    args.work, args.bin = args.work.resolve(), args.bin.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    corpus, queries = args.work / "corpus.txt", args.work / "queries.txt"
    if not corpus.exists():
        make_corpus(args, corpus)
    if not queries.exists():
        subprocess.run([args.bin / "lexical_corpus", "queries", corpus, queries, "1000"], check=True)
    wanted = args.engines.split(",")
    engines = {"codelore": [args.bin / "lexical_bench"]}
    if wanted != ["codelore"]:
        engines |= build_rivals(args.work)
    engines = {name: command for name, command in engines.items() if name in wanted}
    builds = build_indexes(engines, args.work, corpus, args.builds)
    subprocess.run([args.bin / "lexical_bench", "check", args.work / "index-codelore", queries], check=True)
    print_table(measure(engines, args.work, queries, args.rounds), builds, queries)
    compare_partitions(args, corpus, queries)


if __name__ == "__main__":
    main()
