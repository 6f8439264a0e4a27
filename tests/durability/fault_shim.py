"""The test's side of faults.c: says what fails, and undoes what was not flushed."""
import mmap, os, pathlib, shutil, struct

WRITE, SYNC, NAME, OPEN, REMOVE, FOLDER, READ = 1, 2, 4, 8, 16, 32, 64


class Faults:
    """What of a running daemon's writes fails. Counting begins anew with every `fail`."""

    def __init__(self, shim, root, data):
        self.file = root / "control"
        self.file.write_bytes(b"\0" * 32)
        with open(self.file, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 32)
        self.environment = {"LD_PRELOAD": str(shim), "CODELORE_FAULT_ROOT": str(data), "CODELORE_FAULT_CONTROL": str(self.file)}

    # Operations of `kinds`, from the `first` one, `count` of them (0: all); first 0 counts and lets all pass.
    def fail(self, kinds, error, first, count=1):
        self.shared[24:32] = struct.pack("<Ii", 0, 0)
        self.shared[0:24] = struct.pack("<QQQ", 0, first, first + count - 1 if count else 2**63)
        self.shared[24:32] = struct.pack("<Ii", kinds, error)

    def clear(self):
        seen = self.seen()
        self.shared[24:32] = struct.pack("<Ii", 0, 0)
        return seen

    def seen(self):
        return struct.unpack("<Q", self.shared[0:8])[0]


class PowerLoss:
    """Keeps a daemon's changes since each file and folder was flushed, and takes some of them back."""

    def __init__(self, shim, root, data, chance):
        self.data, self.chance, self.folder = pathlib.Path(data), chance, root / "unflushed"
        self.environment = {"LD_PRELOAD": str(shim), "CODELORE_FAULT_ROOT": str(data), "CODELORE_FAULT_JOURNAL": str(self.folder)}
        self.undone = {"writes": 0, "torn": 0, "names": 0}
        self.forget()

    def forget(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    # The daemon is gone. Each file and each folder forgets by itself, some of the latest or all, as if they had reached the
    # disk in any order; the last write that is left may be torn.
    def strike(self):
        records = self.records()
        synced = {fields[0]: i for i, (kind, fields, _) in enumerate(records) if kind == "sync"}
        files, folders = {}, {}
        for i, (kind, fields, _) in enumerate(records):
            if kind == "write" and i > synced.get(fields[0], -1):
                files.setdefault(fields[0], []).append(i)
            elif kind in ("create", "rename", "remove"):
                folder = os.path.dirname(fields[0])
                if os.path.isdir(folder) and i > synced.get(str(os.stat(folder).st_ino), -1):
                    folders.setdefault(folder, []).append(i)
        paths = {str(p.lstat().st_ino): p for base in (self.folder, self.data) for p in base.rglob("*") if p.is_file()}
        for inode, unsynced in files.items():
            if inode in paths:
                self.undo_writes(paths[inode], [records[i] for i in unsynced])
        self.undo_names(records, sorted((i for unsynced in folders.values() for i in self.lost(unsynced)), reverse=True))
        self.forget()

    def lost(self, unsynced):
        kind = self.chance.random()
        return [] if kind < .25 else unsynced if kind < .65 else unsynced[self.chance.randrange(len(unsynced)):]

    def undo_writes(self, path, writes):
        lost = self.lost(writes)
        with open(path, "r+b") as file:
            for number, (_, (_, offset, size, _), before) in enumerate(reversed(lost)):
                now = os.fstat(file.fileno()).st_size
                file.seek(int(offset))
                file.write(before)
                torn = number == len(lost) - 1 and now > int(size) and self.chance.random() < .5
                file.truncate(int(size) + self.chance.randrange(now - int(size)) if torn else min(now, int(size)) if now > int(size) else now)
                self.undone["torn"] += torn
                self.undone["writes"] += 1

    def undo_names(self, records, lost):
        for i in lost:
            kind, fields, _ = records[i]
            grave = fields[-1]
            if kind == "create" and os.path.lexists(fields[0]):
                os.unlink(fields[0])
            elif kind == "rename":
                if os.path.lexists(fields[1]):
                    os.rename(fields[1], fields[0])
                if grave != "-":
                    os.link(grave, fields[1])
            elif kind == "remove" and grave != "-" and not os.path.lexists(fields[0]):
                os.link(grave, fields[0])
            self.undone["names"] += 1

    def records(self):
        journal = self.folder / "journal"
        content, at, records = journal.read_bytes() if journal.exists() else b"", 0, []
        while (end := content.find(b"\n", at)) >= 0:
            kind, _, rest = content[at:end].decode().partition(" ")
            fields = rest.split(" ") if kind in ("write", "sync") else rest.split("\t")
            size = int(fields[3]) if kind == "write" else 0
            if end + 1 + size > len(content):
                break  # cut off by the kill, before what it tells of was done
            records.append((kind, fields, content[end + 1:end + 1 + size]))
            at = end + 1 + size
        return records
