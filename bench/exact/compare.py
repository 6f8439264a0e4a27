#!/usr/bin/env python3
"""Exact and regex search beside ripgrep and Zoekt: the same patterns over the same files, interleaved.

    compare.py --bench build/release/exact_bench --data DATA --files FOLDER [--zoekt http://127.0.0.1:6070] [--rounds 3]

DATA is a data folder in which FOLDER's files are indexed. Ours is timed within its process, Zoekt by the duration its
server reports (zoekt-webserver -rpc), ripgrep as a process, since it has nothing to keep warm but the page cache; case
counts for all three. Prints a table in Markdown."""
import argparse, json, pathlib, re, statistics, subprocess, time, urllib.request

CAP = 10_000  # matches that ours and Zoekt count


def ripgrep(folder, kind, text):
    command = ["rg", "-s", "--no-unicode", "-uu", "--no-heading", "-n"] + (["-F"] if kind == "L" else []) + ["--", text, folder]
    start = time.perf_counter()
    out = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    return (time.perf_counter() - start) * 1e3, out.count(b"\n")


def zoekt(server, kind, text):
    expression = text if kind == "R" else re.escape(text).replace("\\ ", " ").replace("\\-", "-")
    quoted = expression.replace("\\", "\\\\").replace('"', '\\"')
    options = {"ShardMaxMatchCount": CAP, "TotalMaxMatchCount": CAP, "MaxDocDisplayCount": 50, "MaxWallTime": 20_000_000_000}
    body = json.dumps({"Q": f'case:yes content:"{quoted}"', "Opts": options}).encode()
    request = urllib.request.Request(server + "/api/search", body, {"Content-Type": "application/json"})
    start = time.perf_counter()
    with urllib.request.urlopen(request) as reply:
        result = json.load(reply)["Result"]
    wall = (time.perf_counter() - start) * 1e3
    return result["Duration"] / 1e6, result["MatchCount"], wall


class Ours:
    def __init__(self, bench, data):
        self.process = subprocess.Popen([bench, data, "search", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, kind, text):
        self.process.stdin.write(f"{kind} {text}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["ms"], answer["matches"]


def summary(name, times, ours):
    if not times:
        return
    ratios = [t / o for t, o in zip(times, ours)]
    print(f"| {name} | {statistics.median(times):.1f} | {sum(times):.0f} | {statistics.median(ratios):.1f}x | {sum(times) / sum(ours):.1f}x |")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--bench", "--data", "--files", "--zoekt"):
        parser.add_argument(option)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patterns", default=str(pathlib.Path(__file__).parent / "patterns.txt"))
    args = parser.parse_args()
    patterns = [line.split(" ", 1) for line in pathlib.Path(args.patterns).read_text().splitlines() if line]
    ours = Ours(args.bench, args.data)
    rows = []
    for kind, text in patterns:
        runs = {"ours": [], "rg": [], "zoekt": []}
        for _ in range(args.rounds):
            runs["rg"].append(ripgrep(args.files, kind, text))
            runs["ours"].append(ours(kind, text))
            if args.zoekt:
                runs["zoekt"].append(zoekt(args.zoekt, kind, text))
        rows.append((kind, text, {name: sorted(run)[len(run) // 2] for name, run in runs.items() if run}))
    print("| pattern | ours ms | matches | ripgrep ms | lines | Zoekt ms | matches |\n|---|---|---|---|---|---|---|")
    for kind, text, best in rows:
        z = best.get("zoekt", (0, 0))
        shown = text.replace("|", "\\|")
        print(f"| {kind} `{shown}` | {best['ours'][0]:.2f} | {best['ours'][1]} | {best['rg'][0]:.0f} | {best['rg'][1]} | {z[0]:.2f} | {z[1]} |")
    for kind, title in (("L", "literals"), ("R", "regular expressions"), ("LR", "all")):
        chosen = [best for k, _, best in rows if k in kind]
        print(f"\n{title}: {len(chosen)}\n\n| | p50 ms | total ms | p50 of ratios to ours | ratio of totals |\n|---|---|---|---|---|")
        own = [best["ours"][0] for best in chosen]
        summary("ours", own, own)
        summary("ripgrep", [best["rg"][0] for best in chosen], own)
        summary("Zoekt", [best["zoekt"][0] for best in chosen if "zoekt" in best], own)


if __name__ == "__main__":
    main()
