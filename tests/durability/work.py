"""Kinds of work that the crash oracle puts a daemon to, each with what must be found of it afterwards.

A kind has `begin` (once), `step` (one call that may be cut off), `check` (after a restart) and `end` (before the last comparison).
"""
import re, time

from daemon import Refused, Repository, differences


class Register:
    """Values by name: what was acknowledged, and what the call that was cut off may have made of it, as a whole or not at all."""

    def __init__(self):
        self.sure, self.open = {}, {}

    # `changes` are {name: value}, None for what is to go.
    def attempt(self, changes, send):
        self.open = changes
        answer = send()
        self.acknowledge()
        return answer

    def acknowledge(self):
        self.sure = {name: value for name, value in {**self.sure, **self.open}.items() if value is not None}
        self.open = {}

    # What does not agree, as texts. What was found is what holds from now on.
    def settle(self, found, what):
        after = {name: value for name, value in {**self.sure, **self.open}.items() if value is not None}
        wrong = []
        if found not in (self.sure, after):
            for name in sorted({*found, *self.sure, *after}):
                if found.get(name) not in (self.sure.get(name), after.get(name)):
                    wrong.append(f"{what} {name!r} is {found.get(name)!r}, acknowledged was {self.sure.get(name)!r}")
            wrong = wrong or [f"{what}: half of {self.open} is there"]
        self.sure, self.open = dict(found), {}
        return wrong


class Documents:
    """Pushed documents with links and expiry, one by one and many in a request."""

    def __init__(self, oracle):
        self.oracle, self.register, self.number = oracle, Register(), 0

    def begin(self):
        self.oracle.call("PUT", "/v1/sources/wiki", {"kind": "documents"})
        self.oracle.call("POST", "/v1/sources/wiki/grants", {"principal": "everyone"})

    def change(self):
        chance, sure = self.oracle.chance, self.register.sure
        if sure and chance.random() < .3:
            return chance.choice(sorted(sure)), None
        self.number += 1
        path = f"p{chance.randrange(12)}.txt"
        link = f"https://wiki.example.org/{self.number}" if chance.random() < .5 else ""
        expires = int(time.time()) + chance.choice([2, 4, 8]) if chance.random() < .3 else 0
        return path, (f"needle_doc_{self.number} stands here", link, expires)

    def step(self):
        changes = dict(self.change() for _ in range(self.oracle.chance.choice([1, 1, 3, 5])))
        lines = [{"path": path, "delete": True} if value is None else
                 {"path": path, "text": value[0], "link": value[1], **({"expires": written(value[2])} if value[2] else {})} for path, value in changes.items()]
        if len(lines) == 1 and lines[0].get("delete") and lines[0]["path"] not in self.register.sure:
            return
        self.oracle.log.note(tried="documents", changes=lines)
        try:
            self.register.attempt(changes, lambda: self.oracle.bulk("/v1/sources/wiki/documents", lines))
        except Refused as refused:  # its moment came before the request
            if "time to come" not in str(refused):
                raise
            self.register.open = {}
            return
        self.oracle.log.note(acknowledged="documents", changes=lines)
        self.oracle.count("documents", len(lines))

    def check(self):
        deadline = time.monotonic() + 15  # documents that have expired go when somebody looks
        while True:
            self.oracle.settled("wiki")
            listed = {d["path"]: (d["link"], d["expires_at"]) for d in self.oracle.call("GET", "/v1/sources/wiki/documents")["documents"]}
            late = [path for path, (_, expires) in listed.items() if expires and expires < written(time.time())]
            if not late:
                break
            if time.monotonic() > deadline:
                return self.oracle.violate(f"wiki: {late} have expired and are there")
            time.sleep(.2)
        texts = {path: self.text(path) for path in listed}
        found = {path: (text, listed[path][0], seconds(listed[path][1])) for path, text in texts.items() if text is not None}
        for values in (self.register.sure, self.register.open):  # what may have gone meanwhile
            for path in [p for p, v in values.items() if v is not None and v[2] and v[2] <= time.time() and p not in found]:
                if values is self.register.sure:
                    del values[path]
                else:
                    values[path] = None
        for wrong in self.register.settle(found, "document"):
            self.oracle.violate(wrong)
        if not any(value[2] for value in found.values()):
            for wrong in differences(self.oracle.daemon, self.oracle.admin, "wiki", {path: value[0] for path, value in found.items()}):
                self.oracle.violate("wiki: " + wrong)

    def text(self, path):
        try:
            return self.oracle.call("POST", "/v1/read", {"source": "wiki", "path": path})["text"]
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def end(self):
        for path in sorted(self.register.sure):
            self.register.attempt({path: None}, lambda path=path: self.oracle.bulk("/v1/sources/wiki/documents", [{"path": path, "delete": True}]))
        self.oracle.settled("wiki")
        self.check()


def written(unix_seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_seconds))


def seconds(text):
    import calendar
    return calendar.timegm(time.strptime(re.sub(r"\.\d+Z", "Z", text), "%Y-%m-%dT%H:%M:%SZ")) if text else 0


class Talks:
    """Conversations with their turns, and feedback."""

    def __init__(self, oracle):
        self.oracle, self.sessions, self.feedback, self.ids, self.number = oracle, Register(), Register(), {}, 0

    def begin(self):
        pass

    def step(self):
        self.number += 1
        chance, oracle = self.oracle.chance, self.oracle
        titles = sorted(self.sessions.sure)
        kind = chance.random()
        if kind < .3:
            text = f"feedback {self.number}"
            oracle.log.note(tried="feedback", text=text)
            self.feedback.attempt({text: "up"}, lambda: oracle.call("POST", "/v1/feedback", {"rating": "up", "text": text, "question": "what returns?"}))
            oracle.log.note(acknowledged="feedback", text=text)
            oracle.count("feedback")
        elif not titles or kind < .5 and len(titles) < 8:
            title = f"talk {self.number}"
            oracle.log.note(tried="session", title=title)
            self.ids[title] = self.sessions.attempt({title: ()}, lambda: oracle.call("POST", "/v1/sessions", {"title": title}))["id"]
            oracle.log.note(acknowledged="session", title=title)
            oracle.count("sessions")
        elif kind < .65:
            title = chance.choice(titles)
            oracle.log.note(tried="session-gone", title=title)
            self.sessions.attempt({title: None}, lambda: oracle.call("DELETE", "/v1/sessions/" + self.ids[title]))
            oracle.log.note(acknowledged="session-gone", title=title)
        else:
            title, question = chance.choice(titles), f"which function is needle number {self.number}?"
            oracle.log.note(tried="turn", title=title, question=question)
            self.sessions.attempt({title: self.sessions.sure[title] + (question,)},
                                  lambda: oracle.call("POST", "/v1/ask", {"question": question, "session": self.ids[title], "stream": False}))
            oracle.log.note(acknowledged="turn", title=title, question=question)
            oracle.count("turns")

    def check(self):
        listed = {s["title"]: s["id"] for s in self.oracle.call("GET", "/v1/sessions")["sessions"]}
        self.ids = listed
        found = {title: tuple(turn["question"] for turn in self.oracle.call("GET", "/v1/sessions/" + number)["turns"]) for title, number in listed.items()}
        given = {f["text"]: f["rating"] for f in self.oracle.call("GET", "/v1/feedback")["feedback"]}
        for wrong in self.sessions.settle(found, "session") + self.feedback.settle(given, "feedback"):
            self.oracle.violate(wrong)

    def end(self):
        pass


class Model:
    """The encoder's model, changed back and forth while vectors are written: the built-in one's precision, or that of another in `folder`."""

    def __init__(self, oracle, folder=""):
        self.oracle, self.register, self.folder = oracle, Register(), folder or "built-in"
        self.register.sure = {"model": "int8"}

    def begin(self):
        if self.folder != "built-in":
            self.oracle.call("POST", "/v1/encoder", {"model": self.folder, "precision": "int8"})
            self.wait()

    def state(self):
        return self.oracle.call("GET", "/v1/encoder")

    def step(self, wait=None):
        wanted = "f32" if self.register.sure["model"] == "int8" else "int8"
        self.oracle.log.note(tried="model", precision=wanted)
        self.register.attempt({"model": wanted}, lambda: self.oracle.call("POST", "/v1/encoder", {"model": self.folder, "precision": wanted}))
        self.oracle.log.note(acknowledged="model", precision=wanted)
        self.oracle.count("models")
        if wait if wait is not None else self.oracle.chance.random() < .5:
            self.wait()

    # Until the new model serves and nothing of the old one is left.
    def wait(self, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state()
            if "building" not in state and not state.get("vector_bytes_to_free"):
                return state
            time.sleep(.05)
        self.oracle.violate(f"the change of the model does not end: {state}")
        return state

    def check(self):
        state = self.state()
        latest = state.get("building", state["serving"])["precision"]
        for wrong in self.register.settle({"model": latest}, "the encoder's"):
            self.oracle.violate(wrong)

    def end(self):
        if self.register.sure["model"] != "int8":
            self.step(wait=True)
        if self.folder != "built-in":  # as the folder that this one is compared with
            self.oracle.call("POST", "/v1/encoder", {"model": "built-in", "precision": "int8"})
        state = self.wait()
        if state["serving"]["chunks_with_vectors"] != state["serving"]["chunks"]:
            self.oracle.violate(f"chunks without vectors of the new model: {state}")


class Branches:
    """A source that is followed with all of its branches."""

    def __init__(self, oracle):
        self.oracle = oracle
        self.repository = Repository(oracle.root / "gamma", oracle.chance, 8)
        self.names, self.number, self.synced, self.history = {"main"}, 0, None, []
        self.record()

    # What was there after each change: {branch: commit}.
    def record(self):
        self.history.append({name: self.repository.git("rev-parse", name) for name in sorted(self.names)})

    def begin(self):
        self.oracle.call("PUT", "/v1/sources/gamma", {"location": str(self.repository.folder), "branch": "main", "branches": ["*"], "poll": "never"})
        self.oracle.call("POST", "/v1/sources/gamma/grants", {"principal": "everyone"})
        self.synced = 0
        self.oracle.settled("gamma")

    def move(self, name):
        self.repository.git("checkout", "-q", "-f", name)
        self.repository.now = dict(self.repository.contents[self.repository.git("rev-parse", "HEAD")])

    def step(self):
        chance, others = self.oracle.chance, sorted(self.names - {"main"})
        kind = chance.random()
        if not others or kind < .25 and len(others) < 5:
            self.number += 1
            name = f"topic{self.number}"
            self.repository.git("branch", name, chance.choice(sorted(self.names)))
            self.names.add(name)
            if chance.random() < .7:
                self.move(name)
                self.repository.change()
        elif kind < .4:
            name = chance.choice(others)
            self.move("main")
            self.repository.git("branch", "-q", "-D", name)
            self.names.remove(name)
        else:
            self.move(chance.choice(sorted(self.names)))
            self.repository.change()
        self.record()
        at = len(self.history) - 1
        self.oracle.log.note(tried="branches", heads=self.history[at])
        self.oracle.call("POST", "/v1/sources/gamma/sync", {})
        self.synced = at
        self.oracle.log.note(acknowledged="branches", heads=self.history[at])
        self.oracle.count("branch_pushes")
        if chance.random() < .6:
            self.oracle.settled("gamma")

    def check(self):
        if self.synced is None:
            return
        state = self.oracle.settled("gamma")
        heads = {branch["name"]: branch["commit"] for branch in state["branches"]}
        if heads not in self.history[self.synced:]:
            return self.oracle.violate(f"gamma: branches are {heads}, acknowledged were {self.history[self.synced]}")
        for name, commit in heads.items():
            for wrong in differences(self.oracle.daemon, self.oracle.admin, "gamma", self.repository.contents[commit], name):
                self.oracle.violate(f"gamma, branch {name}: {wrong}")

    def end(self):
        self.move("main")
