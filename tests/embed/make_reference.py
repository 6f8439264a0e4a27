#!/usr/bin/env python3
"""Makes the reference outputs in tests/testdata/embed with the reference implementations.

    tests/embed/make_reference.py VENV MODEL_FOLDER

VENV is a folder for the pinned packages below (3 GB: torch); it is made if it is not there. MODEL_FOLDER
holds all-MiniLM-L6-v2. Rewrites, from the texts that are there:

    wordpiece_cases.jsonl   {"text": ..., "ids": [...]} a line: add a line without ids, run this
    wordpiece_hashes.txt    hashes of the ids of the generated corpus (the recipe of corpus.h), by block
    embeddings.f32          [texts of embedding_texts.jsonl, 384] little-endian float32, at most 256 tokens
    embeddings_512.f32      the same with at most 512 tokens, for the texts marked "long"
"""
import json
import os
import subprocess
import sys

PACKAGES = ["torch==2.15.0", "transformers==5.23.0", "sentence-transformers==6.2.0", "tokenizers==0.23.3", "numpy==2.4.6",
            "sentencepiece==0.2.3", "protobuf==7.36.2"]
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testdata", "embed")
MASK = (1 << 64) - 1
LINES, SWEEP_LINES, BLOCK = 20000, 0x110000 // 64, 100


class Rng:  # splitmix64
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return (z ^ (z >> 31)) % n

    def choice(self, items):
        return items[self.below(len(items))]


def fnv(value, data):
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


FNV = 0xCBF29CE484222325

OPERATORS = ["(", ")", "{", "}", "[", "]", " = ", " == ", "->", "::", ";", ", ", ".", "&&", "||", "<<", "// ", "/* ",
             " */", "# ", "!", "?", ":", "+=", "%d", "\\n", "$", "@", "`", "~", "^", "<T>", "0x", "1e-5", "__", "..."]
BETWEEN = [" ", " ", " ", ", ", ". ", " - ", "'", "\t", "\r\n", "\u2019", "\u2014"]
TELLING = [0xC0, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0x80, 0x9F, 0xA0, 0xBF, ord("a")]
NAMES = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "[cls]", "[MAS", "K]", "[[SEP]]", "[SEP"]
LETTERS = ["a", "Z", "7", "\u00e9", "\uac01", "\u304c", "e\u0301", "\u0436"]
KOREAN = [(0xAC00, 0xD7A3), (0xAC00, 0xD7A3), (0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3131, 0x318E), (0x4E00, 0x9FFF),
          (0x21, 0x2F)]
JAPANESE = [(0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FFF), (0xFF01, 0xFF9F), (0x3000, 0x303F), (0x3099, 0x309E)]
EMOJI = [(0x1F300, 0x1FAFF), (0x2600, 0x27BF), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF), (0x200D, 0x200D),
         (0xFE0F, 0xFE0F), (0x20E3, 0x20E3), (0xE0020, 0xE007F), (0x23, 0x39)]
CONTROL = [(0, 0x20), (0x7F, 0xA0), (0x2000, 0x206F), (0xFEFF, 0xFEFF), (0xAD, 0xAD), (0xFFF0, 0xFFFF),
           (0xE000, 0xF8FF), (0x180B, 0x180F), (0x1680, 0x1680)]
ANY = [(0, 0x10FFFF), (0, 0xFFFF), (0, 0x7FF)]
MARKS = [(0x41, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1FFF), (0x300, 0x36F), (0x300, 0x36F), (0x483, 0x489),
         (0x591, 0x5BD), (0x64B, 0x65F), (0x8D4, 0x8E1), (0x93C, 0x94D), (0x302A, 0x302F), (0x1D165, 0x1D172),
         (0x1DC0, 0x1DFF), (0x34F, 0x34F), (0x11930, 0x11938), (0x1133E, 0x1134D)]


def upper(word, most):
    return "".join(chr(ord(c) - 32) if i < most and "a" <= c <= "z" else c for i, c in enumerate(word))


class Corpus:
    """The recipe of corpus.h; lines are bytes."""

    def __init__(self, model):
        with open(os.path.join(model, "vocab.txt"), encoding="utf-8", newline="\n") as file:
            words = file.read().split("\n")[:-1]
        self.words = [w[2:] if len(w.encode()) > 2 and w.startswith("##") else w for w in words]

    def word(self, rng):
        return rng.choice(self.words)

    def mixed(self, rng, ranges, word_in):
        line = ""
        for _ in range(1 + rng.below(40)):
            if rng.below(word_in) == 0:
                line += self.word(rng)
            elif rng.below(5) == 0:
                line += " "
            else:
                first, last = rng.choice(ranges)
                c = first + rng.below(last - first + 1)
                line += "?" if 0xD800 <= c < 0xE000 else chr(c)
        return line.encode()

    def code(self, rng):
        line = " " * (4 * rng.below(4))
        for _ in range(1 + rng.below(14)):
            kind = rng.below(6)
            if kind == 0:
                line += self.word(rng)
                line += "_" + self.word(rng)
            elif kind == 1:
                line += self.word(rng)
                line += upper(self.word(rng), 1)
                line += upper(self.word(rng), 1)
            elif kind == 2:
                line += upper(self.word(rng), 1000)
            elif kind == 3:
                line += rng.choice(OPERATORS)
            elif kind == 4:
                line += str(rng.below(1000000000))
            else:
                line += '"' + self.word(rng) + '"'
            if rng.below(2) == 0:
                line += " "
        return line.encode()

    def english(self, rng):
        line = ""
        for _ in range(1 + rng.below(20)):
            case = rng.below(4)
            line += upper(self.word(rng), 1 if case == 0 else 1000 if case == 1 else 0)
            line += rng.choice(BETWEEN)
        return line.encode()

    def bytes(self, rng):
        line = []
        for _ in range(rng.below(60)):
            line.append(rng.below(256) if rng.below(2) == 0 else rng.choice(TELLING))
        return bytes(line)

    def long_words(self, rng):
        line = ""
        for _ in range(1 + rng.below(4)):
            letter = rng.choice(LETTERS)
            line += letter * (30 + rng.below(75))
            line += "" if rng.below(3) == 0 else rng.choice(NAMES)
            line += " " if rng.below(2) == 0 else self.word(rng)
        return line.encode()

    def line(self, number):
        rng = Rng(number)
        return [
            lambda: self.code(rng),
            lambda: self.english(rng),
            lambda: self.mixed(rng, KOREAN, 10),
            lambda: self.mixed(rng, JAPANESE, 10),
            lambda: self.mixed(rng, EMOJI, 3),
            lambda: self.mixed(rng, CONTROL, 3),
            lambda: self.mixed(rng, ANY, 10),
            lambda: self.bytes(rng),
            lambda: self.mixed(rng, MARKS, 20),
            lambda: self.long_words(rng),
        ][number % 10]()

    def sweep_line(self, number):
        points = [c for c in range(64 * number, 64 * number + 64) if not 0xD800 <= c < 0xE000]
        return "".join("a" + chr(c) + "b " for c in points).encode()


def read_jsonl(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def make_tokenizer(model):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def write_cases(encode):
    cases = read_jsonl("wordpiece_cases.jsonl")
    ids = encode([case["text"] for case in cases])
    with open(os.path.join(DATA, "wordpiece_cases.jsonl"), "w", encoding="utf-8") as file:
        for case, line in zip(cases, ids):
            file.write(json.dumps({"text": case["text"], "ids": line}, ensure_ascii=True, separators=(",", ":")) + "\n")


def write_hashes(encode, corpus):
    with open(os.path.join(DATA, "wordpiece_hashes.txt"), "w", encoding="ascii") as file:
        for name, make, count in (("line", corpus.line, LINES), ("sweep", corpus.sweep_line, SWEEP_LINES)):
            for first in range(0, count, BLOCK):
                lines = [make(i) for i in range(first, min(first + BLOCK, count))]
                text_hash = ids_hash = FNV
                for line, ids in zip(lines, encode([line.decode("utf-8", "replace") for line in lines])):
                    text_hash = fnv(text_hash, line + b"\n")
                    ids_hash = fnv(ids_hash, b"".join(i.to_bytes(4, "little") for i in ids) + b"\xff" * 4)
                file.write(f"{name} {first} {text_hash:016x} {ids_hash:016x}\n")


def write_embeddings(model):
    from sentence_transformers import SentenceTransformer
    encoder = SentenceTransformer(model, device="cpu")
    cases = read_jsonl("embedding_texts.jsonl")
    for name, tokens, chosen in (("embeddings.f32", 256, cases),
                                 ("embeddings_512.f32", 512, [c for c in cases if c.get("long")])):
        encoder.max_seq_length = tokens
        texts = [case["text"] * case.get("repeat", 1) for case in chosen]
        encoder.encode(texts, batch_size=8, normalize_embeddings=True).astype("<f4").tofile(os.path.join(DATA, name))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    venv, model = sys.argv[1:]
    python = os.path.join(venv, "bin", "python")
    if os.path.realpath(sys.prefix) != os.path.realpath(venv):
        if not os.path.exists(python):
            subprocess.check_call([sys.executable, "-m", "venv", venv])
        subprocess.check_call([python, "-m", "pip", "install", "--quiet", *PACKAGES])
        sys.exit(subprocess.call([python, os.path.abspath(__file__), venv, model]))
    os.environ["HF_HUB_OFFLINE"] = "1"
    encode = make_tokenizer(model)
    write_cases(encode)
    write_hashes(encode, Corpus(model))
    write_embeddings(model)


if __name__ == "__main__":
    main()
