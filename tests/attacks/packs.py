"""Repositories as no git would write them: objects that are a few bytes on disk and gigabytes in memory."""
import hashlib, pathlib, struct, subprocess, zlib

BLOB, REF_DELTA = 3, 7
MEGABYTE = 1 << 20


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def entry(kind, size, body, base=b""):
    head = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head) + base + zlib.compress(body, 9)


def blob_id(chunks, size):
    sha = hashlib.sha1(b"blob %d\0" % size)
    for chunk in chunks:
        sha.update(chunk)
    return sha.digest()


def copy(size):
    """A delta's instruction: `size` bytes from the base's beginning."""
    return bytes([0x80 | 0x70]) + struct.pack("<I", size)[:3]


class BombRepository:
    """`inflated` bytes of zeros that are a delta of some kilobytes, and `deltas` small files that are each a delta on them."""

    def __init__(self, folder, inflated=1600 * MEGABYTE, deltas=3):
        self.folder, piece = pathlib.Path(folder), 16 * MEGABYTE - 1
        self.git("init", "-q", "--bare", "--initial-branch=main", str(folder), within=False)
        zeros, count = bytes(piece), inflated // piece
        size = piece * count
        small, large = blob_id([zeros], piece), blob_id([zeros] * count, size)
        entries = [entry(BLOB, piece, zeros)]
        delta = varint(piece) + varint(size) + copy(piece) * count
        entries.append(entry(REF_DELTA, len(delta), delta, small))
        names = {"huge.txt": large}
        for number in range(deltas):
            text = b"def hidden_%d(): pass\n" % number
            delta = varint(size) + varint(len(text)) + bytes([len(text)]) + text
            entries.append(entry(REF_DELTA, len(delta), delta, large))
            names[f"small{number}.py"] = blob_id([text], len(text))
        plain = b"def plain(): return 'needle'\n"
        entries.append(entry(BLOB, len(plain), plain))
        names["plain.py"] = blob_id([plain], len(plain))
        pack = b"PACK" + struct.pack(">II", 2, len(entries)) + b"".join(entries)
        self.pack = pack + hashlib.sha1(pack).digest()
        self.git("index-pack", "--stdin", given=self.pack)
        listing = "".join(f"100644 blob {names[name].hex()}\t{name}\n" for name in sorted(names))
        tree = self.git("mktree", "--missing", given=listing.encode()).decode().strip()
        commit = self.git("commit-tree", "-m", "change", tree).decode().strip()
        self.git("update-ref", "refs/heads/main", commit)
        self.names = sorted(names)

    def git(self, *arguments, given=None, within=True):
        where = ["--git-dir=" + str(self.folder)] if within else []
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
                       "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
        return subprocess.run(["git", *where, *arguments], input=given, check=True, capture_output=True, env=environment).stdout
