"""A `codelore serve` under test, and git repositories whose every line is known. Shared by the durability tests."""
import http.client, json, os, pathlib, re, subprocess, time

IDENTITY = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": os.environ["PATH"], "HOME": "/nonexistent"}


class Gone(Exception):
    """The server does not answer: it was killed."""


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status} {text[:300]}")
        self.status, self.text = status, text


class Daemon:
    def __init__(self, binary, data, crash_at="", wait=True, also=None):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(also or {})}
        if crash_at:
            environment["CODELORE_CRASH_AT"] = crash_at
        self.began = time.perf_counter()
        self.port = None
        self.process = subprocess.Popen([binary, "--data", str(data), "serve", "--port", "0", "--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        if wait:
            self.wait()

    def wait(self):
        """True once it serves; False if it ended before."""
        line = self.process.stdout.readline()
        found = re.search(r"http://[^:]+:(\d+)", line)
        if not found:
            return False
        self.port, self.start_seconds = int(found.group(1)), time.perf_counter() - self.began
        return True

    def call(self, method, path, token, body=None, raw=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        payload = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": "Bearer " + token}
        if payload is not None:
            headers["Content-Type"] = "application/json" if raw is None else "text/plain"
        try:
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(answer.status, text.decode(errors="replace"))
        return json.loads(text) if text else {}

    def kill(self):
        self.process.kill()
        return self.reap()

    def stop(self):
        self.process.terminate()
        return self.reap()

    def reap(self):
        self.errors = self.process.communicate()[1]
        return self.process.returncode

    patience = 60

    def wait_idle(self, source, token, seconds=None):
        seconds = seconds or self.patience
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.call("GET", f"/v1/sources/{source}/freshness", token)
            if not state["pending"] or state["state"] == "parked":
                return state
            time.sleep(.01)
        raise AssertionError(f"{source} is pending for {seconds} s: {state} {self.call('GET', f'/v1/sources/{source}', token).get('indexing')}")


class Repository:
    """Files whose only lines are `needle_FILE_VERSION` words, so that what is indexed can be compared with what is there."""

    def __init__(self, folder, chance, files=12):
        self.folder, self.chance, self.version = pathlib.Path(folder), chance, 0
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "--initial-branch=main")
        self.contents = {}  # commit -> {path: text}
        self.order = []
        self.now = {}
        for i in range(files):
            self.write(f"d{i % 3}/f{i}.py")
        self.commit()

    def git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.folder), *arguments], check=True, capture_output=True, text=True, env=IDENTITY).stdout.strip()

    def write(self, path):
        self.version += 1
        name = re.sub(r"\W", "_", path)
        text = f"def needle_{name}_{self.version}():\n    return {self.chance.randrange(1000)}\n"
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.now[path] = text

    def change(self):
        for _ in range(self.chance.randrange(1, 4)):
            kind, paths = self.chance.random(), sorted(self.now)
            if kind < .25 and len(paths) > 4:
                path = self.chance.choice(paths)
                (self.folder / path).unlink()
                del self.now[path]
            elif kind < .5:
                self.write(f"d{self.chance.randrange(3)}/n{self.version}.py")
            else:
                self.write(self.chance.choice(paths))
        return self.commit()

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        commit = self.git("rev-parse", "HEAD")
        self.contents[commit] = dict(self.now)
        self.order.append(commit)
        return commit


def run(binary, data, *arguments):
    return subprocess.run([binary, "--data", str(data), *arguments], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})


def make_administrator(binary, data):
    made = run(binary, data, "token", "create", "--user", "root", "--role", "platform", "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["token"]


def differences(daemon, token, source, expected, branch=""):
    """What the index shows of a source, or one branch of it, against {path: text}: listing, text and words; an empty list if all is equal."""
    among = {"branch": branch} if branch else {}
    found, offset = [], 0
    while True:
        page = daemon.call("POST", "/v1/files", token, {"query": "", "sources": [source], "limit": 100, "offset": offset, **among})["files"]
        found += [file["path"] for file in page]
        if len(page) < 100:
            break
        offset += 100
    wrong = []
    if sorted(found) != sorted(expected):
        wrong.append(f"files: missing {sorted(set(expected) - set(found))}, too many {sorted(set(found) - set(expected))}, "
                     f"listed {len(found)}, different {len(set(found))}")
    matches = daemon.call("POST", "/v1/grep", token, {"pattern": r"needle_\w+", "regex": True, "sources": [source], "limit": 1000, **among})
    words = sorted(re.findall(r"needle_\w+", line["text"])[0] for file in matches["files"] for line in file["lines"])
    wanted = sorted(re.findall(r"needle_\w+", text)[0] for text in expected.values())
    if words != wanted:
        wrong.append(f"words: missing {sorted(set(wanted) - set(words))}, too many {sorted(set(words) - set(wanted))}, {len(words)} for {len(wanted)}")
    for path in sorted(expected)[:3]:
        text = daemon.call("POST", "/v1/read", token, {"source": source, "path": path, **among})["text"]
        if text != expected[path]:
            wrong.append(f"text of {path}: {text!r}")
    return wrong
