#!/usr/bin/env python3
"""Permissions mirrored from a real Gitea: who reads a source here is who reads the code there, asked of Gitea as each user.

    tests/forge/gitea_mirror.py build/release/codelore [GITEA]

GITEA is the folder that tests/forge/build_gitea.sh made, by default where it makes it; without one the test is skipped (77). As
root it runs as `nobody`. Not in the fast suite. First a push is heard of by its signed webhook, and is not by a wrongly signed
one. Then each step changes something there (collaborators, teams, units, visibility, the repository itself, Gitea's end), and waits until
the two agree; the time it took is printed. Fails if they do not within the interval and a few seconds."""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

INTERVAL, LIMIT = 5, 20
USERS = ["ann", "bob", "kim", "eve"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gitea:
    def __init__(self, binary, static, folder):
        self.port, self.folder, self.binary = free_port(), folder, binary
        self.drop = ["setpriv", "--reuid", "nobody", "--clear-groups"] if os.getuid() == 0 else []
        self.config = folder / "app.ini"
        user = "nobody" if self.drop else os.environ.get("USER", "")
        self.config.write_text(f"""RUN_USER = {user}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {self.port}
ROOT_URL = http://127.0.0.1:{self.port}/
DISABLE_SSH = true
OFFLINE_MODE = true
{f"STATIC_ROOT_PATH = {static}" if static else ""}
APP_DATA_PATH = {folder}/data
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
[security]
INSTALL_LOCK = true
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = error
ROOT_PATH = {folder}/log
""")
        if self.drop:
            subprocess.run(["chown", "-R", "nobody", str(folder)], check=True)
        self.environment = {**os.environ, "HOME": str(folder), "GITEA_WORK_DIR": str(folder)}
        self.run("migrate")
        self.run("admin", "user", "create", "--username", "owner", "--password", "Owner-pass-1", "--email", "owner@x.test", "--admin", "--must-change-password=false")
        for name in USERS:
            self.run("admin", "user", "create", "--username", name, "--password", "User-pass-1", "--email", f"{name}@x.test", "--must-change-password=false")
        self.token = self.run("admin", "user", "generate-access-token", "--username", "owner", "--scopes", "all", "--raw").strip().split()[-1]
        self.process = subprocess.Popen(self.command("web"), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        until = time.time() + 60
        while self.call("GET", "/version")[0] != 200:
            if time.time() > until:
                sys.exit("Gitea does not answer")
            time.sleep(0.2)

    def command(self, *arguments):
        return [*self.drop, str(self.binary), *arguments[:1], "--config", str(self.config), *arguments[1:]] if arguments[0] == "web" else \
               [*self.drop, str(self.binary), "--config", str(self.config), *arguments]

    def run(self, *arguments):
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, cwd=self.folder)
        if done.returncode != 0:
            sys.exit(f"gitea {' '.join(arguments[:3])}: {done.stdout}{done.stderr}")
        return done.stdout

    def call(self, method, path, body=None, sudo=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"token {self.token}", "Content-Type": "application/json", **({"Sudo": sudo} if sudo else {})})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, None
        except OSError:
            return 0, None

    def must(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        if not 200 <= status < 300:
            sys.exit(f"{method} {path}: {status}")
        return answer

    def readers(self):
        """Who gets the code, asked as each user."""
        return sorted(name for name in USERS if self.call("GET", "/repos/team/app/contents/README.md", sudo=name)[0] == 200)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Codelore:
    """With two sources: "app", mirrored and read by whom Gitea says, and "open", a repository of Gitea's that pushes tell of."""
    def __init__(self, binary, folder, gitea):
        (folder / "docs").mkdir()
        (folder / "docs" / "a.md").write_text("# Walrus\n\nThe walrus sleeps.\n")
        (folder / "token").write_text(gitea.token)
        (folder / "secret").write_text("a shared secret")
        for name in ("token", "secret"):
            (folder / name).chmod(0o600)
        base = [binary, "--data", str(folder / "data"), "--allow-network", "127.0.0.1"]
        run = lambda *more: subprocess.run([*base, *more], check=True, capture_output=True, text=True).stdout
        run("index", str(folder / "docs"), "--name", "app")
        run("source", "add", str(folder / "docs"), "--name", "app", "--webhook-secret-file", str(folder / "secret"), "--mirror-permissions", "gitea",
            "--forge-url", f"http://127.0.0.1:{gitea.port}", "--forge-repository", "team/app", "--forge-token-file", str(folder / "token"),
            "--mirror-interval", f"{INTERVAL}s", "--mirror-limit", f"{LIMIT}s")
        run("source", "add", f"http://127.0.0.1:{gitea.port}/team/open.git", "--name", "open", "--poll", "never", "--webhook-secret-file", str(folder / "secret"))
        run("grant", "--source", "open", "--user", "eve")
        self.tokens = {name: json.loads(run("token", "create", "--user", name, "--json"))["token"] for name in USERS}
        self.server = subprocess.Popen([*base, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = re.search(r":(\d+) ", self.server.stdout.readline())[1]

    def reads(self, name):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/sources/app", headers={"Authorization": f"Bearer {self.tokens[name]}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def readers(self):
        return sorted(name for name in USERS if self.reads(name))

    def has_file(self, path):
        """Whether it is indexed in "open"."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/read", data=json.dumps({"source": "open", "path": path}).encode(),
                                         headers={"Authorization": f"Bearer {self.tokens['eve']}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def stop(self):
        self.server.terminate()
        self.server.wait(timeout=60)


def fill(gitea):
    gitea.must("POST", "/orgs", {"username": "team", "visibility": "public"})
    gitea.must("POST", "/orgs/team/repos", {"name": "app", "private": True, "auto_init": True, "default_branch": "main"})
    gitea.must("POST", "/orgs/team/repos", {"name": "open", "private": False, "auto_init": True, "default_branch": "main"})
    team = lambda name, units: gitea.must("POST", "/orgs/team/teams", {"name": name, "permission": "read", "units": list(units), "units_map": units, "includes_all_repositories": False})["id"]
    core, testers = team("core", {"repo.code": "read"}), team("testers", {"repo.issues": "write"})
    for number, member in ((core, "kim"), (testers, "eve")):
        gitea.must("PUT", f"/teams/{number}/members/{member}")
        gitea.must("PUT", f"/teams/{number}/repos/team/app")
    gitea.must("PUT", "/repos/team/app/collaborators/ann", {"permission": "read"})
    return core, testers


def check_webhooks(gitea, codelore):
    """A push whose webhook Gitea signs is indexed within seconds; one signed with another secret changes nothing."""
    good = True
    for number, (secret, wanted) in enumerate((("another secret", False), ("a shared secret", True))):
        config = {"url": f"http://127.0.0.1:{codelore.port}/v1/webhooks/gitea/open", "content_type": "json", "secret": secret}
        hook = gitea.must("POST", "/repos/team/open/hooks", {"type": "gitea", "config": config, "events": ["push"], "active": True})["id"]
        path, start = f"walrus{number}.md", time.time()
        gitea.must("POST", f"/repos/team/open/contents/{path}", {"content": base64.b64encode(b"# Walrus\n\nIt sleeps.\n").decode(), "message": "walrus"})
        while not codelore.has_file(path) and time.time() < start + (20 if wanted else 8):
            time.sleep(0.05)
        found = codelore.has_file(path)
        good = good and found == wanted
        print(f"a push signed with {secret}: {'indexed' if found else 'not indexed'} after {time.time() - start:.1f} s")
        gitea.must("DELETE", f"/repos/team/open/hooks/{hook}")
    return good


def steps(gitea, core, testers):
    """(what, change, who reads then; none: who reads there)."""
    units = lambda **more: {"name": "testers", "permission": "read", "units": list(more["units_map"]), **more}
    yield "as it is", lambda: None, ["ann", "kim"]
    yield "a collaborator is taken out", lambda: gitea.must("DELETE", "/repos/team/app/collaborators/ann"), ["kim"]
    yield "another comes", lambda: gitea.must("PUT", "/repos/team/app/collaborators/bob", {"permission": "write"}), ["bob", "kim"]
    yield "a member leaves a team", lambda: gitea.must("DELETE", f"/teams/{core}/members/kim"), ["bob"]
    yield "a team gets the code", lambda: gitea.must("PATCH", f"/teams/{testers}", units(units_map={"repo.code": "read", "repo.issues": "write"})), ["bob", "eve"]
    yield "a team loses the repository", lambda: gitea.must("DELETE", f"/teams/{testers}/repos/team/app"), ["bob"]
    yield "the repository becomes public", lambda: gitea.must("PATCH", "/repos/team/app", {"private": False}), "public"
    yield "and private again", lambda: gitea.must("PATCH", "/repos/team/app", {"private": True}), ["bob"]
    yield "the repository is removed", lambda: gitea.must("DELETE", "/repos/team/app"), []
    yield "it is there again", lambda: fill_again(gitea), ["bob"]
    yield "Gitea is gone: grants lapse", gitea.stop, "gone"


def fill_again(gitea):
    gitea.must("POST", "/orgs/team/repos", {"name": "app", "private": True, "auto_init": True, "default_branch": "main"})
    gitea.must("PUT", "/repos/team/app/collaborators/bob", {"permission": "read"})


def check(gitea, codelore, what, change, wanted):
    change()
    start, wait = time.time(), INTERVAL * 1.2 + 5
    if wanted == "gone":
        wanted, wait = [], LIMIT + 5
    elif wanted == "public":  # for nobody by that
        assert gitea.readers() == USERS or sorted(USERS) == gitea.readers(), gitea.readers()
        wanted = ["bob"]
        time.sleep(INTERVAL * 1.2 + 1)
    else:
        there = gitea.readers()
        assert there == wanted, f"{what}: there {there} read, and not {wanted}"
    while codelore.readers() != wanted:
        if time.time() > start + wait:
            print(f"{what}: here {codelore.readers()} read, and not {wanted}")
            return False
        time.sleep(0.1)
    print(f"{what}: {wanted} after {time.time() - start:.1f} s")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codelore")
    parser.add_argument("gitea", type=pathlib.Path, nargs="?")
    options = parser.parse_args()
    script = pathlib.Path(__file__).resolve().parent / "build_gitea.sh"
    built = options.gitea or pathlib.Path(subprocess.run([script, "--print"], check=True, capture_output=True, text=True).stdout.strip())
    if not (built / "gitea").is_file():
        print(f"skipped: there is no Gitea in {built}; tests/forge/build_gitea.sh builds it")
        sys.exit(77)
    root = pathlib.Path(tempfile.mkdtemp())
    root.chmod(0o755)
    good = True
    try:
        if os.getuid() == 0:  # the cache may be where nobody else may look
            shutil.copytree(built, root / "built")
            built = root / "built"
        (root / "gitea").mkdir()
        (root / "codelore").mkdir()
        gitea = Gitea(built / "gitea", built, root / "gitea")
        try:
            core, testers = fill(gitea)
            codelore = Codelore(options.codelore, root / "codelore", gitea)
            try:
                good = check_webhooks(gitea, codelore)
                for what, change, wanted in steps(gitea, core, testers):
                    good = check(gitea, codelore, what, change, wanted) and good
            finally:
                codelore.stop()
        finally:
            if gitea.process.poll() is None:
                gitea.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
