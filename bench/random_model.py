#!/usr/bin/env python3
"""Writes a random model of BGE-M3's shape, or of another, for measuring time and memory: its vectors mean nothing.

    bench/random_model.py FOLDER [--layers 24] [--hidden 1024] [--vocabulary 250002] [--positions 8194] [--heads]

XLM-RoBERTa in float32 as model.safetensors (2.27 GB with the defaults), with the small tokenizer of tests/testdata; with --heads
sparse_linear.pt and colbert_linear.pt, which needs torch. Needs numpy.
"""
import argparse
import json
import os
import shutil
import struct

import numpy as np

TEST_MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "testdata", "embed", "models", "bge_m3")


def tensors(args):
    h, middle = args.hidden, 4 * args.hidden
    norm = [("weight", (h,), 1.0), ("bias", (h,), 0.0)]
    yield "embeddings.word_embeddings.weight", (args.vocabulary, h), None
    yield "embeddings.position_embeddings.weight", (args.positions, h), None
    yield "embeddings.token_type_embeddings.weight", (1, h), None
    yield from ((f"embeddings.LayerNorm.{n}", s, v) for n, s, v in norm)
    for layer in range(args.layers):
        at = f"encoder.layer.{layer}."
        linears = [(f"attention.self.{n}", h, h) for n in ("query", "key", "value")]
        linears += [("attention.output.dense", h, h), ("intermediate.dense", middle, h), ("output.dense", h, middle)]
        for name, outputs, inputs in linears:
            yield f"{at}{name}.weight", (outputs, inputs), None
            yield f"{at}{name}.bias", (outputs,), 0.0
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            yield from ((f"{at}{name}.{n}", s, v) for n, s, v in norm)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    for name, value in (("layers", 24), ("hidden", 1024), ("vocabulary", 250002), ("positions", 8194)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--heads", action="store_true")
    args = parser.parse_args()
    os.makedirs(os.path.join(args.folder, "1_Pooling"), exist_ok=True)
    for name in ("modules.json", "1_Pooling/config.json", "tokenizer.json"):
        shutil.copy(os.path.join(TEST_MODEL, name), os.path.join(args.folder, name))
    with open(os.path.join(args.folder, "1_Pooling", "config.json")) as file:
        pooling = json.load(file)
    pooling["word_embedding_dimension"] = args.hidden
    with open(os.path.join(args.folder, "1_Pooling", "config.json"), "w") as file:
        json.dump(pooling, file)
    with open(os.path.join(TEST_MODEL, "config.json")) as file:
        config = json.load(file)
    config.update(hidden_size=args.hidden, num_hidden_layers=args.layers, num_attention_heads=args.hidden // 64,
                  intermediate_size=4 * args.hidden, vocab_size=args.vocabulary, max_position_embeddings=args.positions)
    with open(os.path.join(args.folder, "config.json"), "w") as file:
        json.dump(config, file)
    header, at = {}, 0
    for name, shape, _ in tensors(args):
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    generator = np.random.default_rng(1)
    noise = (generator.random(1 << 22, dtype=np.float32) - 0.5) * 0.08
    with open(os.path.join(args.folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape, value in tensors(args):
            left = int(np.prod(shape))
            while left > 0:
                part = min(left, len(noise))
                file.write((noise[:part] if value is None else np.full(part, value, dtype=np.float32)).tobytes())
                left -= part
    if args.heads:
        import torch
        torch.manual_seed(1)
        torch.save(torch.nn.Linear(args.hidden, 1).state_dict(), os.path.join(args.folder, "sparse_linear.pt"))
        torch.save(torch.nn.Linear(args.hidden, args.hidden).state_dict(), os.path.join(args.folder, "colbert_linear.pt"))


if __name__ == "__main__":
    main()
