#!/usr/bin/env python3
"""Writes small sound files for a reader's fuzz target: a reader is fast on them, so ten million runs are minutes.

    tests/fuzz/small_seeds.py TARGET FOLDER
"""
import base64
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


def stored_zip(entries, large):
    """A zip file of stored entries; a large one has its sizes in zip64 fields."""
    file, directory = b"", b""
    for name, content in entries.items():
        at, size, most = len(file), len(content), 0xFFFFFFFF
        file += struct.pack("<I14xIIHH", 0x04034B50, size, size, len(name), 0) + name + content
        extra = struct.pack("<HHQQQ", 1, 24, size, size, at) if large else b""
        sizes = (most, most) if large else (size, size)
        directory += struct.pack("<I16xIIHH10xI", 0x02014B50, *sizes, len(name), len(extra), most if large else at) + name + extra
    count, end = len(entries), len(file) + len(directory)
    if not large:
        return file + directory + struct.pack("<I4xHHIIH", 0x06054B50, count, count, len(directory), len(file), 0)
    end64 = struct.pack("<IQ12xQQQQ", 0x06064B50, 44, count, count, len(directory), len(file))
    locator = struct.pack("<I4xQI", 0x07064B50, end, 1)
    return file + directory + end64 + locator + struct.pack("<I4xHHIIH", 0x06054B50, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)


def entry_of(path, name):
    with zipfile.ZipFile(os.path.join(DATA, path)) as file:
        return next(file.read(entry) for entry in file.namelist() if entry.endswith(name))


def torch_file():
    one = entry_of("models/bge_m3/sparse_linear.pt", "/data.pkl")
    yield one
    yield entry_of("tensors.pt", "/data.pkl")
    for large in (False, True):
        yield stored_zip({b"m/data.pkl": one, b"m/byteorder": b"little", b"m/data/0": bytes(64), b"m/data/1": bytes(2)}, large)


def zip_archive():
    yield stored_zip({}, False)
    for large in (False, True):
        yield stored_zip({b"a/b": b"content", b"c": b""}, large)


def charsmap():
    """One leaf: "a" becomes "b"."""
    units = [1 << 10, *[0] * 95, 1 << 8 | 0x61 | 1 << 10, 1 << 31]
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + b"b\0"


def tokenizer_json():
    ends = [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]
    token = {"id": 4, "content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
    unigram = {"type": "Unigram", "unk_id": 2, "vocab": [["<s>", 0], ["</s>", 0], ["<unk>", 0], ["\u2581a", -2.5], ["b", -3]]}
    around = {"type": "TemplateProcessing", "single": ends, "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [1]}}}
    steps = [{"type": "NFKC"}, {"type": "Strip", "strip_left": True}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
             {"type": "Replace", "pattern": {"String": "x"}, "content": "y"}]
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace"}]}
    mapped = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap()).decode()}
    roberta = {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1]}
    yield compact({"added_tokens": [token], "normalizer": {"type": "Sequence", "normalizers": steps}, "pre_tokenizer": split,
                   "post_processor": around, "model": unigram})
    yield compact({"normalizer": mapped, "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "never", "split": False},
                   "post_processor": roberta, "model": unigram})
    yield compact({"normalizer": {"type": "BertNormalizer", "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
                   "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                             "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "##b": 6}}})


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def sentencepiece_model():
    def field(number, kind, value):
        return bytes([number << 3 | kind]) + value

    def counted(number, value):
        return field(number, 2, (bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7])) + value)

    def piece(text, score, kind):
        body = field(1, 2, bytes([len(text)]) + text) + field(2, 5, struct.pack("<f", score)) + field(3, 0, bytes([kind]))
        return field(1, 2, bytes([len(body)]) + body)
    pieces = piece(b"<unk>", 0, 2) + piece(b"<s>", 0, 3) + piece(b"</s>", 0, 3)
    for i, text in enumerate([b"\xe2\x96\x81the", b"a", b"b", b"file", b"\xe2\x96\x81"]):
        pieces += piece(text, -1.5 * i, 1)
    trainer = field(3, 0, b"\1")
    normalizer = field(1, 2, b"\4nmt_") + field(3, 0, b"\1") + field(4, 0, b"\1") + field(5, 0, b"\1")
    yield pieces + counted(2, trainer) + counted(3, normalizer)
    yield pieces + counted(3, counted(2, charsmap()) + field(4, 0, b"\0") + field(5, 0, b"\0"))
    yield charsmap()


def wordpiece():
    yield b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfile\na\nb\n##b\nw\n##as\n"


def tokenizer():
    yield "the file[SEP] was Not <mask>".encode()
    yield "\uc548\ub155  \uff41e\u0301 \U0001f600 \u4e2d \u2581 x\u00a0y".encode()


def model_config():
    for model in ("bert", "bge_m3", "nomic_long"):
        parts = []
        for name in ("config.json", "modules.json", "1_Pooling/config.json"):
            with open(os.path.join(DATA, "models", model, name), "rb") as file:
                parts.append(compact(json.loads(file.read())))
        parts.append(compact({"do_lower_case": True, "unk_token": {"content": "[UNK]"}, "model_max_length": 512}))
        parts.append(compact({"max_seq_length": 8}))
        parts.append(compact({"prompts": {"query": "q: ", "passage": "p: "}}))
        yield b"\0".join(parts)


def main():
    target, folder = sys.argv[1:]
    for i, seed in enumerate(globals()[target.removesuffix("_fuzz")]()):
        with open(os.path.join(folder, f"small_{i}"), "wb") as file:
            file.write(seed)


if __name__ == "__main__":
    main()
