#!/usr/bin/env python3
"""How soon a revocation at a forge acts here, through its webhook: a scripted forge with the shapes of GitHub's API, the
running binary, a reader who asks all the time while others ask, too.

    bench/permission/revoke.py build/release/codelore --rounds 500

A round takes a collaborator back (or makes them one again), sends the signed webhook, and asks as that collaborator until the
answer is the other one; the time counts from before the webhook is sent. Fails if p99 of the revocations is over a second, or
if anything is read after the end of a round."""
import argparse
import hashlib
import hmac
import http.client
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

SECRET = "a shared secret"


class Forge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    readers = []

    def do_GET(self):
        path = self.path.split("?")[0]
        page = int((re.search(r"[?&]page=(\d+)", self.path) or [0, "1"])[1])
        if path == "/repos/team/app":
            answer = {"full_name": "team/app", "private": True, "visibility": "private"}
        elif path.endswith("/collaborators"):
            answer = [{"login": name, "permissions": {"pull": True}} for name in Forge.readers] if page == 1 else []
        elif path.endswith("/teams"):
            answer = []
        else:
            return self.send_error(404)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Client:
    def __init__(self, port, token):
        self.port, self.token, self.connection = port, token, None

    def call(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body) if not isinstance(body, str) else body
        fields = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        for _ in range(3):
            try:
                self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request(method, path, data, fields if data is not None else {k: v for k, v in fields.items() if k != "Content-Type"})
                answer = self.connection.getresponse()
                text = answer.read().decode()
                if answer.getheader("Connection") == "close":
                    self.connection = None
                return answer.status, text
            except (http.client.HTTPException, OSError):
                self.connection = None
        raise RuntimeError("no answer")


def deliver(client):
    body = json.dumps({"action": "removed", "member": {"login": "ann"}})
    mac = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    status, text = client.call("POST", "/v1/webhooks/github/app", body, {"X-GitHub-Event": "member", "X-Hub-Signature-256": f"sha256={mac}"})
    assert status == 202 and '"accepted":true' in text, (status, text)


def measure(port, token, rounds):
    hook, reader = Client(port, ""), Client(port, token)
    times = {True: [], False: []}
    stale = 0
    for _ in range(rounds):
        for reads in (True, False):
            Forge.readers = ["ann"] if reads else []
            start = time.monotonic()
            deliver(hook)
            while ("walrus" in reader.call("POST", "/v1/search", {"query": "walrus", "mode": "lexical"})[1].split('"hits"')[-1]) != reads:
                if time.monotonic() - start > 30:
                    sys.exit("no effect within 30 seconds")
            times[reads].append(time.monotonic() - start)
            if not reads:
                stale += any(reader.call("GET", "/v1/sources/app")[0] == 200 for _ in range(5))
    return times, stale


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codelore")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--others", type=int, default=4, help="connections that ask all the time")
    options = parser.parse_args()
    forge = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    threading.Thread(target=forge.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "docs").mkdir()
        for number in range(20):
            (folder / "docs" / f"{number}.md").write_text(f"# Page {number}\n\nThe walrus of page {number} sleeps.\n")
        for name, text in (("secret", SECRET), ("token", "t0ken")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        base = [options.codelore, "--data", str(folder / "data"), "--allow-network", "127.0.0.1"]
        run = lambda *more: subprocess.run([*base, *more], check=True, capture_output=True, text=True).stdout
        run("index", str(folder / "docs"), "--name", "app")
        run("source", "add", str(folder / "docs"), "--name", "app", "--webhook-secret-file", str(folder / "secret"), "--mirror-permissions", "github",
            "--forge-url", f"http://127.0.0.1:{forge.server_port}", "--forge-repository", "team/app", "--forge-token-file", str(folder / "token"))
        tokens = {user: json.loads(run("token", "create", "--user", user, "--json"))["token"] for user in ("ann", "bob")}
        server = subprocess.Popen([*base, "serve", "--port", "0", "--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        stop = threading.Event()
        try:
            port = int(re.search(r":(\d+) ", server.stdout.readline())[1])

            def others():
                client = Client(port, tokens["bob"])
                while not stop.is_set():
                    client.call("POST", "/v1/search", {"query": "walrus", "mode": "lexical"})
                    time.sleep(0.01)
            threads = [threading.Thread(target=others, daemon=True) for _ in range(options.others)]
            for thread in threads:
                thread.start()
            times, stale = measure(port, tokens["ann"], options.rounds)
        finally:
            stop.set()
            server.terminate()
            server.wait(timeout=60)
    failed = stale != 0
    for reads, what in ((False, "revoked"), (True, "granted")):
        seconds = sorted(times[reads])
        p50, p99 = seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)]
        print(f"{what}: {len(seconds)}, p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {seconds[-1] * 1000:.0f} ms")
        failed |= not reads and p99 > 1
    print(f"read after the effect of a revocation: {stale}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
