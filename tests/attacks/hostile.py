"""Repositories, archives and settings that mean harm (sections F and G)."""
import gzip, io, json, os, pathlib, random, stat, subprocess, sys, tarfile, time, zipfile

from daemon import Repository, run
from packs import MEGABYTE, BombRepository

# Runs a command and says, last, what its largest process had in memory.
MEASURED = "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(code)"


def measured(binary, data, *arguments):
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", MEASURED, binary, "--data", str(data), *arguments], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    assert done.returncode in (0, 1), done.stderr
    return done, int(done.stdout.split()[-1]), round(time.monotonic() - begun, 1)


def outcome(binary, data, file):
    why = run(binary, data, "why", file, "--json")
    assert why.returncode == 0, f"{file} has no entry: {why.stderr}"
    entry = json.loads(why.stdout)
    return f"{entry['state']} {entry['reason']}".strip()


def attack107_a_pack_of_kilobytes_that_is_gigabytes_costs_neither_memory_nor_other_files(binary, root, given):
    report = {}
    for way, inflated in (("read", 1600), ("fetched", 300), ("fetched", 1600)):
        bomb = BombRepository(root / f"bomb{way}{inflated}.git", inflated * MEGABYTE)
        data = root / f"{way}{inflated}"
        location = str(bomb.folder) if way == "read" else f"file://{bomb.folder}"
        done, megabytes, seconds = measured(binary, data, "--allow-network", "all", "index", location, "--name", "bomb")
        assert seconds < 120 and megabytes < (600 if way == "read" else 1100), (way, inflated, megabytes, seconds)
        report[f"{way}, {len(bomb.pack) // 1024} kB for {inflated} MB"] = {"most_mb": megabytes, "seconds": seconds}
        if way == "fetched" and inflated > 1000:  # what checks a pack makes each object; nothing of it comes in
            assert done.returncode == 1 and "ut of memory" in done.stderr, done.stderr
            continue
        outcomes = {name: outcome(binary, data, "bomb:" + name) for name in bomb.names}
        small = "skipped too large" if inflated > 1000 else "indexed"  # made from the large one
        assert outcomes == {name: "skipped too large" if name == "huge.txt" else "indexed" if name == "plain.py" else small for name in bomb.names}, outcomes
    return report


def attack107_a_gigabyte_of_zeros_is_listed_and_not_read(binary, root, given):
    repository = Repository(root / "repository", random.Random(1), 2)
    with open(repository.folder / "zeros.txt", "wb") as file:
        file.truncate(1 << 30)
    repository.git("-c", "core.bigFileThreshold=1m", "-c", "core.compression=1", "add", "-A")
    repository.git("-c", "core.bigFileThreshold=1m", "commit", "-q", "-m", "change")
    (repository.folder / "zeros.txt").unlink()
    _, megabytes, seconds = measured(binary, root / "data", "index", str(repository.folder), "--name", "r")
    assert outcome(binary, root / "data", "r:zeros.txt") == "skipped too large"
    assert outcome(binary, root / "data", "r:d0/f0.py") == "indexed"
    assert megabytes < 600 and seconds < 60, (megabytes, seconds)
    return {"most_mb": megabytes, "seconds": seconds}


def zip_of(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def attack113_archives_are_not_unpacked(binary, root, given):
    repository = Repository(root / "repository", random.Random(1), 2)
    zeros = bytes(200 * MEGABYTE)
    bomb = zip_of({"0.bin": zeros})
    nested = bomb
    for _ in range(3):
        nested = zip_of({f"lib{i}.zip": nested for i in range(16)})
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("../../escaped.txt", "/tmp/escaped-from-a-tar.txt"):
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"hello"))
    word = zip_of({"word/document.xml": b"<w:document><w:body><w:p><w:t>" + b"a" * (200 * MEGABYTE)})
    files = {"bomb.zip": bomb, "nested.zip": nested, "nested.jar": nested, "bomb.gz": gzip.compress(zeros), "escape.tar": tar.getvalue(), "escape.zip": zip_of({"../../escaped.txt": "x"}),
             "bomb.txt": bomb, "nested.py": nested, "escape.md": tar.getvalue(), "page.html": gzip.compress(zeros), "bomb.docx": word}
    for name, content in files.items():
        (repository.folder / name).write_bytes(content)
    repository.commit()
    _, megabytes, seconds = measured(binary, root / "data", "index", str(repository.folder), "--name", "r")
    outcomes = {name: outcome(binary, root / "data", "r:" + name) for name in files}
    assert all(text.startswith("skipped ") for text in outcomes.values()), outcomes
    assert outcome(binary, root / "data", "r:d0/f0.py") == "indexed"
    assert not [path for path in root.rglob("escaped*")] and not pathlib.Path("/tmp/escaped-from-a-tar.txt").exists()
    assert megabytes < 1100 and seconds < 60, (megabytes, seconds)
    return {"most_mb": megabytes, "seconds": seconds, "reasons": sorted(set(outcomes.values()))}


def attack125_settings_that_are_wrong_end_the_start_and_say_why(binary, root, given):
    data, port = root / "data", ["serve", "--port", "0"]
    secret, config = root / "secret", root / "codelore.toml"
    secret.write_text("hush\n")
    secret.chmod(0o644)
    serve = port[:1]  # what the command line says wins over the file
    wrong = [("datta = \"x\"\n", port, "datta"), ("[serve]\nportt = 80\n", port, "portt"), ("[serve]\nport = \"eighty\"\n", serve, "port"), ("[serve]\nport = -1\n", serve, "port"),
             ("[serve]\nport = 70000\n", serve, "port"), ("[serve\nport = 1\n", port, str(config)), ("\t\tdatta\t=\t1\n", port, "datta"),
             ("[serve]\nuser-requests-per-minute = -5\n", port, "requests"), ("[index]\nthreads = 0\n", ["index", str(root)], "threads"),
             ("", ["index", str(root), "--threads", "0"], "threads"), ("", ["index", str(root), "--threads", "-1"], "threads"), ("", ["index", str(root), "--threads", "many"], "threads"),
             ("", [*port, "--user-requests-per-minute", "-1"], "requests"), ("", [*port, "--max-body-bytes", "-1"], "--max-body-bytes"), ("", ["--precision", "f8", *port], "precision"),
             ("", [*port, "--tls-cert", str(secret), "--tls-key", str(secret)], str(secret)), ("", [*port, "--generator", f"name=m url=http://127.0.0.1:9/v1 model=m key-file={secret}"], str(secret)),
             ("", ["source", "add", "https://git.example.com/a.git", "--token-file", str(secret)], str(secret)),
             ("", ["source", "add", "https://git.example.com/a.git", "--webhook-secret-file", str(secret)], str(secret)),
             ("", ["source", "add", "https://git.example.com/a.git", "--poll", "-5m"], "how often to look"), ("", ["--config", str(root / "none.toml"), *port], "none.toml")]
    messages = []
    for text, arguments, named in wrong:
        config.write_text(text)
        begun = time.monotonic()
        done = subprocess.run([binary, "--data", str(data), *(["--config", str(config)] if text else []), *arguments], capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        said = f"{text!r} {arguments}: {done.returncode} {done.stderr[:300]!r}"
        assert done.returncode in (1, 2, 3) and time.monotonic() - begun < 20, said
        assert named in done.stderr and len(done.stderr) < 1500 and "hush" not in done.stderr + done.stdout, said
        messages.append(done.stderr.strip())
    secret.chmod(0o600)
    done = run(binary, data, "source", "add", "https://git.example.com/a.git", "--token-file", str(secret), "--poll", "never")
    assert done.returncode == 0, done.stderr
    return {"refused": len(messages)}


# Whoever has an account on the machine is none of those who may read.
def attack125_nothing_in_the_data_folder_is_open_to_other_accounts(binary, root, given):
    repository, data = Repository(root / "repository", random.Random(1), 3), root / "data"
    done = run(binary, data, "--allow-network", "all", "index", f"file://{repository.folder}", "--name", "r")
    assert done.returncode == 0, done.stderr
    open_ones = []
    for folder, folders, files in os.walk(data):
        closed = [name for name in folders if stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o077 == 0]
        folders[:] = [name for name in folders if name not in closed]  # nobody else comes further
        open_ones += [os.path.join(folder, name) for name in files if stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o077]
    assert not open_ones, open_ones
