#!/usr/bin/env python3
"""Does one tenant's flood reach another? Two tenants of the running binary with a folder each; one asks a little all the time,
the other's users ask over many connections as fast as they are answered, in turns of a second on and off.

    bench/permission/flood.py build/release/codelore build/release/permission_load --connections 64 --rounds 30

--quotas leaves the server's limits of requests a minute on; without it only the fair share of places holds the flood."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codelore")
    parser.add_argument("permission_load")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--quotas", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "docs").mkdir()
        for number in range(options.pages):
            lines = "\n\n".join(f"## Part {part}\n\nThe walrus of page {number} sleeps on rock {part}, and wakes at {part} o'clock." for part in range(4))
            (folder / "docs" / f"page{number}.md").write_text(f"# Page {number}\n\n{lines}\n")
        base = [options.codelore, "--data", str(folder / "data")]
        run = lambda *more: subprocess.run([*base, *more], check=True, capture_output=True, text=True).stdout
        run("init")
        run("tenant", "create", "loud")
        for tenant in ("default", "loud"):
            run("--tenant", tenant, "index", str(folder / "docs"), "--name", "docs")
            run("--tenant", tenant, "grant", "--source", "docs", "--everyone")
        token = lambda tenant, user: json.loads(run("--tenant", tenant, "token", "create", "--user", user, "--json"))["token"]
        quiet = token("default", "ann")
        (folder / "loud").write_text("".join(token("loud", f"u{number}") + "\n" for number in range(8)))
        limits = [] if options.quotas else ["--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"]
        if options.quotas:  # the quiet one's own would end a measurement of a minute
            limits = ["--user-requests-per-minute", "100000", "--tenant-requests-per-minute", "6000"]
        server = subprocess.Popen([*base, "serve", "--port", "0", *limits], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = re.search(r":(\d+) ", server.stdout.readline())[1]
            failed = subprocess.run([options.permission_load, "flood", port, quiet, str(folder / "loud"), str(options.connections), str(options.rounds)]).returncode
        finally:
            server.terminate()
            server.wait(timeout=60)
    sys.exit(failed)


if __name__ == "__main__":
    main()
