#!/usr/bin/env python3
"""Writes small sound files for a reader's fuzz target: a reader is fast on them, so ten million runs are minutes.

    tests/fuzz/small_seeds.py TARGET FOLDER
"""
import json
import os
import struct
import sys
import zipfile

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testdata", "embed")


def safetensors():
    header = json.dumps({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                         "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}}).encode()
    yield struct.pack("<Q", len(header)) + header + bytes(22)


def sharded_safetensors():
    files = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    yield json.dumps({"metadata": {"total_size": 16}, "weight_map": {"a": files[0], "b": files[1]}}).encode()


def torch_file():
    with zipfile.ZipFile(os.path.join(DATA, "tensors.pt")) as file:
        yield file.read(file.namelist()[0])
    with open(os.path.join(DATA, "models", "bge_m3", "sparse_linear.pt"), "rb") as file:
        yield file.read()


def zip_archive():
    with open(os.path.join(DATA, "models", "bge_m3", "sparse_linear.pt"), "rb") as file:
        yield file.read()
    yield b"PK\5\6" + bytes(18)


def tokenizer_json():
    for model in ("bert", "bge_m3"):
        with open(os.path.join(DATA, "models", model, "tokenizer.json"), encoding="utf-8") as file:
            tokenizer = json.load(file)
        vocabulary = tokenizer["model"]["vocab"]
        first = list(vocabulary.items())[:12] if isinstance(vocabulary, dict) else vocabulary[:12]
        tokenizer["model"]["vocab"] = dict(first) if isinstance(vocabulary, dict) else first
        tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["id"] < 12]
        yield json.dumps(tokenizer, separators=(",", ":")).encode()


def sentencepiece_model():
    def field(number, kind, value):
        return bytes([number << 3 | kind]) + value

    def piece(text, score, kind):
        body = field(1, 2, bytes([len(text)]) + text) + field(2, 5, struct.pack("<f", score)) + field(3, 0, bytes([kind]))
        return field(1, 2, bytes([len(body)]) + body)
    pieces = piece(b"<unk>", 0, 2) + piece(b"<s>", 0, 3) + piece(b"</s>", 0, 3)
    for i, text in enumerate([b"\xe2\x96\x81the", b"a", b"b", b"file", b"\xe2\x96\x81"]):
        pieces += piece(text, -1.5 * i, 1)
    trainer = field(3, 0, b"\1")
    normalizer = field(1, 2, b"\4nmt_") + field(3, 0, b"\1") + field(4, 0, b"\1") + field(5, 0, b"\1")
    yield pieces + field(2, 2, bytes([len(trainer)]) + trainer) + field(3, 2, bytes([len(normalizer)]) + normalizer)


def wordpiece():
    yield b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfile\na\nb\n##b\nw\n##as\n"


def model_config():
    for model in ("bert", "bge_m3", "nomic_long"):
        parts = []
        for name in ("config.json", "modules.json", "1_Pooling/config.json"):
            with open(os.path.join(DATA, "models", model, name), "rb") as file:
                parts.append(file.read())
        yield b"\0".join(parts)


def main():
    target, folder = sys.argv[1:]
    for i, seed in enumerate(globals()[target.removesuffix("_fuzz")]()):
        with open(os.path.join(folder, f"small_{i}"), "wb") as file:
            file.write(seed)


if __name__ == "__main__":
    main()
