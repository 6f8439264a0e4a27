#!/usr/bin/env python3
"""Texts to vectors, side by side with all-MiniLM-L6-v2: Codelore and the runtimes people use, tokenisation included.

    bench/rivals/encoder_rivals.py --model FOLDER [--work FOLDER] [--bin FOLDER] [--rounds N] [--tokens N] [--cpu LEVEL] FOLDER...

FOLDERs hold code; their files are cut into chunks of 16 to 512 tokens (evenly many of each length in logarithms).
Everything made (a virtual environment of 3 GB, the models converted) is kept in --work and used again. --bin holds
encoder_bench. The engines encode all texts in turn, round by round (ABC ABC ...), so that whatever else runs on the
machine meets all alike; a figure is the best of the rounds, in tokens per second of processor time with one thread (what
others run does not count) and of the clock with two. Padding, where an engine pads, does not count as tokens. Every engine
gets its texts sorted by length, in batches of 32 or, if that is faster, 8.

The engines llama-f16 and llama-q8 are llama_embed.cc, built by hand into --llama, where minilm-f16.gguf and minilm-q8.gguf lie as
llama.cpp's convert_hf_to_gguf.py makes them. --cpu avx512 (without VNNI) or avx2 restricts whom it can: ours, oneDNN (in torch,
OpenVINO); ONNX Runtime's and llama.cpp's own kernels cannot be told.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import time

PACKAGES = ["torch==2.15.0", "transformers==5.23.0", "sentence-transformers==6.2.0", "onnx==1.23.2", "onnxscript==0.7.2",
            "onnxruntime==1.31.1", "openvino==2026.4.1", "nncf==3.4.0", "numpy==2.4.6"]
ENGINES = ["torch", "ort-f32", "ort-int8", "openvino-f32", "openvino-bf16", "openvino-int8"]
LLAMA = ["llama-f16", "llama-q8"]
OURS = ["codelore-f32", "codelore-int8"]
ENDINGS = {".c", ".h", ".cc", ".py", ".go", ".ts", ".rs", ".java", ".md"}
LONGEST = 512


def chunks(folders, model, wanted):
    """Pieces of files, from 16 to 512 tokens with the special ones; reproducible."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(pathlib.Path(model) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    paths = sorted(p for folder in folders for p in pathlib.Path(folder).rglob("*") if p.suffix in ENDINGS and p.is_file())
    rng = random.Random(7)
    rng.shuffle(paths)
    found, total = [], 0
    for path in paths:
        text = path.read_text(errors="ignore").replace("\0", "")[:20000]
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        at = 0
        while at < len(offsets) and total < wanted:
            length = int(round(16 * (LONGEST / 16) ** rng.random())) - 2
            piece = offsets[at:at + length]
            if len(piece) < 14:
                break
            found.append(text[piece[0][0]:piece[-1][1]])
            total += len(tokenizer.encode(found[-1]).ids)
            at += 3 * length  # so that many files are seen
        if total >= wanted:
            break
    return found


# ---- the engines: each a process that encodes all texts when told so --------------------------------------------------


def export(model, work):
    """The network as ONNX, float32, any batch and length."""
    import torch
    from transformers import AutoModel
    path = work / "model.onnx"
    if path.exists():
        return path
    network = AutoModel.from_pretrained(model, attn_implementation="eager").eval()

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    # Not the exporter by torch.export: what it makes of this network gives other vectors.
    ids = torch.ones(2, 16, dtype=torch.long)
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(Plain(), (ids, ids), str(path), input_names=["input_ids", "attention_mask"], output_names=["y"],
                      dynamo=False, opset_version=17, dynamic_axes={"input_ids": axes, "attention_mask": axes, "y": axes})
    return path


def make_ort(kind, model, work, threads):
    import onnxruntime as ort
    path = work / "model.fused.onnx"
    if not path.exists():
        from onnxruntime.transformers import optimizer
        fused = optimizer.optimize_model(str(export(model, work)), model_type="bert", num_heads=12, hidden_size=384)
        print(fused.get_fused_operator_statistics(), file=sys.stderr)
        fused.save_model_to_file(str(path))
    if kind == "int8":
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantised = work / "model.int8.onnx"
        if not quantised.exists():
            quantize_dynamic(path, quantised, weight_type=QuantType.QInt8, per_channel=True,
                             extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True})
        path = quantised
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def make_openvino(kind, model, work, threads, texts):
    import openvino as ov
    core = ov.Core()
    network = core.read_model(export(model, work))
    if kind == "int8":
        path = work / "openvino.int8.xml"
        if not path.exists():
            import nncf
            tokenize = make_tokenizer(model)
            samples = [dict(zip(("input_ids", "attention_mask"), tokenize([t]))) for t in texts[::max(1, len(texts) // 300)]]
            ov.save_model(nncf.quantize(network, nncf.Dataset(samples), model_type=nncf.ModelType.TRANSFORMER), path)
        network = core.read_model(path)
    hint = {"f32": "f32", "bf16": "bf16", "int8": "f32"}[kind]
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads,
                                                   "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)[0]


def make_tokenizer(model):
    import numpy as np
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(pathlib.Path(model) / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()

    def tokenize(texts):
        encoded = tokenizer.encode_batch(texts)
        return (np.array([e.ids for e in encoded], dtype=np.int64), np.array([e.attention_mask for e in encoded], dtype=np.int64))
    return tokenize


def mean_pool(states, mask):
    import numpy as np
    sums = np.einsum("blh,bl->bh", states, mask.astype(np.float32))
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def make_engine(name, args, texts, batch_size):
    """A function from texts to vectors in their order."""
    import numpy as np
    family, _, kind = name.partition("-")
    if family == "torch":
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(args.threads)
        encoder = SentenceTransformer(args.model, device="cpu")
        encoder.max_seq_length = LONGEST
        return lambda some: encoder.encode(some, batch_size=batch_size, normalize_embeddings=True)
    work = pathlib.Path(args.work)
    run = (make_ort(kind, args.model, work, args.threads) if family == "ort"
           else make_openvino(kind, args.model, work, args.threads, texts))
    tokenize = make_tokenizer(args.model)

    def encode(some):
        order = sorted(range(len(some)), key=lambda i: -len(some[i]))  # as sentence-transformers does
        vectors = np.empty((len(some), 384), dtype=np.float32)
        for at in range(0, len(order), batch_size):
            members = order[at:at + batch_size]
            ids, mask = tokenize([some[i] for i in members])
            vectors[members] = mean_pool(run(ids, mask), mask)
        return vectors
    return encode


def worker(args):
    """Reads lines from stdin: "go" encodes all texts, "query" one of 16 tokens, "save FILE" writes the vectors."""
    texts = pathlib.Path(args.texts).read_bytes().decode().split("\0")
    query = texts[min(range(len(texts)), key=lambda i: len(texts[i]))][:48]
    encoders = {}
    for batch_size in (32, 8):
        encode = make_engine(args.worker, args, texts, batch_size)
        start = time.process_time()
        encode(texts[:64])
        encoders[time.process_time() - start] = encode
    encode = encoders[min(encoders)]
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith("save"):
            encode(texts).astype("<f4").tofile(line.split()[1])
            print("{}", flush=True)
            continue
        start, cpu = time.perf_counter(), time.process_time()
        if line.startswith("query"):
            for _ in range(20):
                encode([query])
        else:
            encode(texts)
        print(json.dumps({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}), flush=True)


# ---- the rounds -------------------------------------------------------------------------------------------------------


class Engine:
    def __init__(self, name, args, texts, threads):
        self.name, self.rounds, self.queries = name, [], []
        if name in OURS:
            command = [f"{args.bin}/encoder_bench", "--texts", texts, "--precision", name.split("-")[1], "--threads", str(threads)]
        elif name in LLAMA:
            command = [f"{args.llama}/llama_embed", f"{args.llama}/minilm-{name.split('-')[1]}.gguf", texts, str(threads)]
        else:
            command = [args.python, __file__, "--worker", name, "--texts", texts, "--threads", str(threads),
                       "--work", args.work, "--model", args.model]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="false",
                           RAYON_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1")
        if args.cpu:
            level = {"avx512": "AVX512_CORE", "avx2": "AVX2"}[args.cpu]
            environment.update(CODELORE_CPU=args.cpu, ONEDNN_MAX_CPU_ISA=level, DNNL_MAX_CPU_ISA=level,
                               ATEN_CPU_CAPABILITY=args.cpu)
        self.log = open(f"{args.work}/{name}.log", "w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=environment)
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
        raise RuntimeError(f"{name} did not start: see {self.log.name}")

    def ask(self, what):
        print(what, file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.name} stopped: see {self.log.name}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def flags():
    text = pathlib.Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split()
    interesting = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8"]
    return " ".join(f for f in interesting if f in text)


def compare(args, texts, tokens, threads):
    import numpy as np
    engines = []
    for name in OURS + args.engines.split(","):
        try:
            engines.append(Engine(name, args, texts, threads))
        except RuntimeError as error:
            print(error)
    for _ in range(args.rounds):
        for engine in engines:
            engine.rounds.append(engine.ask("go"))
            engine.queries.append(engine.ask("query"))
    key = "cpu" if threads == 1 else "seconds"
    if args.cpu_time:
        key = "cpu"
    what = "processor time" if key == "cpu" else "the clock"
    print(f"\n{threads} thread(s); tokens/s of {what}; best of {args.rounds} rounds")
    other = "seconds" if key == "cpu" else "cpu"
    speeds, others = ({engine.name: tokens / min(r[k] for r in engine.rounds) for engine in engines} for k in (key, other))
    exact = None
    for engine in engines:
        engine.ask(f"save {args.work}/vectors.f32")
        vectors = np.fromfile(f"{args.work}/vectors.f32", dtype="<f4").reshape(-1, 384)
        exact = vectors if exact is None else exact
        cosine = (vectors * exact).sum(1)
        worst = tokens / max(r[key] for r in engine.rounds)
        query_ms = min(r[key] for r in engine.queries) / 20 * 1e3
        ratio = speeds["codelore-int8"] / speeds[engine.name]
        # By the other of the two measures as well: on a busy machine they differ.
        by_other = f"by {other} {others[engine.name]:8.0f}, {others['codelore-int8'] / others[engine.name]:5.2f} x"
        print(f"{engine.name:15} {speeds[engine.name]:8.0f} (worst {worst:6.0f})  codelore-int8 is {ratio:5.2f} x   {by_other}"
              f"   query {query_ms:6.2f} ms   cosine to float32 {cosine.mean():.5f}, least {cosine.min():.5f}", flush=True)
        engine.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", default="/tmp/codelore-encoder-rivals")
    parser.add_argument("--bin", default="build/release")
    parser.add_argument("--python", help="of a virtual environment that has the packages")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=0, help="1 or 2; without it: one after the other")
    parser.add_argument("--llama", default="/tmp/llama-embed", help="folder of llama_embed and its models")
    parser.add_argument("--cpu", choices=["avx512", "avx2"], help="restrict the instructions, where that can be done")
    parser.add_argument("--cpu-time", action="store_true", help="processor time of all threads also with two: on a busy machine")
    parser.add_argument("--worker")
    parser.add_argument("--texts")
    args = parser.parse_args()
    if args.worker:
        return worker(args)
    pathlib.Path(args.work).mkdir(parents=True, exist_ok=True)
    if not args.python:
        args.python = f"{args.work}/venv/bin/python"
        if not os.path.exists(args.python):
            subprocess.run([sys.executable, "-m", "venv", f"{args.work}/venv"], check=True)
            subprocess.run([args.python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(pathlib.Path(args.python).parent.parent):
        os.execv(args.python, [args.python, *sys.argv, "--python", args.python])
    from tokenizers import Tokenizer
    found = chunks(args.folders, args.model, args.tokens)
    tokenizer = Tokenizer.from_file(f"{args.model}/tokenizer.json")
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    tokens = sum(len(e.ids) for e in tokenizer.encode_batch(found))
    texts = f"{args.work}/texts"
    pathlib.Path(texts).write_bytes("\0".join(found).encode())
    print(f"host: {flags()}\n{len(found)} chunks, {tokens} tokens")
    for threads in [args.threads] if args.threads else [1, 2]:
        compare(args, texts, tokens, threads)


if __name__ == "__main__":
    main()
