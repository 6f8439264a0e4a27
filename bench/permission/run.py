#!/usr/bin/env python3
"""Permission of the running binary, as a client sees it: do 32 principals who ask at once ever get each other's answers, and
does what is hidden differ from what does not exist, in bytes or in time?

    bench/permission/run.py build/release/codelore build/release/permission_load --requests 1000000 --pairs 10000

Fails if one answer is mixed up or different, or a |t| reaches 4.5."""
import argparse
import json
import pathlib
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request

PRINCIPALS = 32


def call(port, token, method, path, body=None, raw=None):
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    kind = "application/x-ndjson" if raw is not None else "application/json"
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method,
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def fill(port, admin, folder):
    """A source, a user and a token for each mark; the marks stand in the source's name and in its files."""
    principals, names = [], []
    for number in range(PRINCIPALS):
        mark = "zq" + secrets.token_hex(5)
        name = f"s-{mark}"
        call(port, admin, "PUT", f"/v1/sources/{name}", {"kind": "documents"})
        lines = [json.dumps({"path": path, "text": f"# Notes\n\nThe walrus of {mark} sleeps.\n"}) for path in ("a.md", "b.md")]
        call(port, admin, "POST", f"/v1/sources/{name}/documents", raw="\n".join(lines).encode())
        call(port, admin, "POST", f"/v1/sources/{name}/grants", {"principal": f"user:u{number}"})
        token = call(port, admin, "POST", "/v1/tokens", {"user": f"u{number}"})["token"]
        principals.append(f"{mark} {token}")
        names.append(name)
    for name in names:
        while call(port, admin, "GET", f"/v1/sources/{name}/freshness")["state"] != "current":
            time.sleep(0.1)
    (folder / "principals").write_text("\n".join(principals) + "\n")
    (folder / "hidden").write_text("\n".join(names[1:]) + "\n")
    return principals[0].split()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codelore")
    parser.add_argument("permission_load")
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--pairs", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        base = [options.codelore, "--data", str(folder / "data")]
        admin = json.loads(subprocess.run([*base, "init", "--json"], check=True, capture_output=True, text=True).stdout)["token"]
        server = subprocess.Popen([*base, "serve", "--port", "0", "--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = re.search(r":(\d+) ", server.stdout.readline()).group(1)
            reader = fill(port, admin, folder)
            failed = 0
            if options.pairs:
                failed |= subprocess.run([options.permission_load, "pairs", port, reader, str(folder / "hidden"), str(options.pairs)]).returncode
            if options.requests:
                failed |= subprocess.run([options.permission_load, "marks", port, str(folder / "principals"), str(options.requests)]).returncode
        finally:
            server.terminate()
            server.wait(timeout=60)
    sys.exit(failed)


if __name__ == "__main__":
    main()
