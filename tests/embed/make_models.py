#!/usr/bin/env python3
"""Makes small random models of each architecture in tests/testdata/embed/models, and what the reference makes of texts.

    tests/embed/make_models.py VENV

Runs inside the pinned packages of make_reference.py (VENV is made if it is not there). Each folder looks like a
download: configuration, tokenizer, weights in one of the formats that published models have, and golden.json:

    bert          CLS pooling, weights in two shards of float32, tokenizer.json for WordPiece
    bge_m3        XLM-RoBERTa as pytorch_model.bin in float16, with sparse_linear.pt and colbert_linear.pt
    e5            XLM-RoBERTa, mean pooling, prompts, bfloat16, sentencepiece.bpe.model (of ../unigram; see the test)
    nomic         NomicBERT, mean pooling, well-known prefixes, bfloat16
    nomic_long    the same with biases and stretched rotation beyond 16 positions; computed here, not by transformers
    bert_rerank   BertForSequenceClassification, float16 like what follows
    xlmr_rerank   XLMRobertaForSequenceClassification
    ../tensors.pt all kinds of tensors that torch.save writes
"""
import copy
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_reference import DATA, PACKAGES  # noqa: E402

FOLDER = os.path.join(DATA, "models")
TEXTS = ["", "a", "the file was not found", "def read(self, path): return open(path)", "사용자 이름을 입력하십시오",
         "ファイルが見つかりません", "a a a the the file", "unknown \U0001F600 things \u2603 here", "x" * 40,
         "one two three four five six seven eight nine ten " * 3]
LONG = "the file was not found at line 7. "
HIDDEN, LAYERS, HEADS, MIDDLE = 32, 2, 4, 64


def words(count):
    """The commonest pieces of the unigram vocabulary: with their scores."""
    from sentencepiece import sentencepiece_model_pb2 as protobuf
    proto = protobuf.ModelProto()
    with open(os.path.join(DATA, "unigram", "sentencepiece.bpe.model"), "rb") as file:
        proto.ParseFromString(file.read())
    return [(piece.piece, round(piece.score, 6)) for piece in proto.pieces[3:3 + count]]


def unigram_tokenizer():
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    letters = [(c, -12.0 - i / 100) for i, c in enumerate("abcdefghijklmnopqrstuvwxyz가나다하십시오ファイル")]
    known = words(200)
    names = {piece for piece, _ in known}
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + known
    vocab += [(c, score) for c, score in letters if c not in names] + [("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<s>", "<pad>", "</s>", "<unk>")])
    tokenizer.add_special_tokens([AddedToken("<mask>", normalized=False, lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A", "</s>"], pair=["<s>", "$A", "</s>", "</s>", "$B", "</s>"],
        special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def wordpiece_tokenizer():
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghijklmnopqrstuvwxyz0123456789().,:_")
    tokens += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    for piece, _ in words(400):
        word = piece.replace("\u2581", "").lower()
        if word.isascii() and word.isalpha() and len(word) > 1 and word not in tokens:
            tokens += [word, "##" + word]
    tokens += list("사용자이름") + ["##" + c for c in "사용자이름"]
    tokens = list(dict.fromkeys(tokens))
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def write_json(folder, name, value, **more):
    path = os.path.join(FOLDER, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, **more)
        file.write("\n")


def randomize(model, dtype):
    """Weights large enough that every part of the network shows in the result, rounded as they are stored."""
    import torch
    generator = torch.Generator().manual_seed(len(list(model.parameters())))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.rand(parameter.shape, generator=generator) * 2 - 1
            values = 1 + 0.2 * values if "norm" in name.lower() and name.endswith("weight") or "emb_ln.weight" in name else 0.3 * values
            parameter.copy_(values.to(dtype).float())
    return model.eval()


def rounded(tensor):
    return [round(float(x), 9) for x in tensor.flatten()]


def golden(folder, rows, **more):
    write_json(folder, "golden.json", {**more, "rows": rows}, separators=(",", ":"))


def encode_rows(tokenizer, texts, limit, forward, mean):
    """ids and the normalised dense vector of each text; forward(ids) gives [tokens, hidden]."""
    import torch
    rows = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        first, last = tokenizer.post_processor_ids
        ids = [first] + ids[:limit - 2] + [last]
        with torch.no_grad():
            vectors = forward(torch.tensor([ids]))[0]
        dense = torch.nn.functional.normalize(vectors.mean(0) if mean else vectors[0], dim=0)
        rows.append((text, ids, vectors, dense))
    return rows


class Ids:
    """A tokenizer with the ids that go around a text."""

    def __init__(self, tokenizer, first, last):
        self.tokenizer, self.post_processor_ids = tokenizer, (first, last)

    def encode(self, *args, **kwargs):
        return self.tokenizer.encode(*args, **kwargs)


def base_config(kind, vocabulary, positions, types, epsilon, **more):
    return {"model_type": kind, "hidden_act": "gelu", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "intermediate_size": MIDDLE, "vocab_size": vocabulary,
            "max_position_embeddings": positions, "type_vocab_size": types, "layer_norm_eps": epsilon,
            "position_embedding_type": "absolute", **more}


def pooling(folder, mean):
    write_json(folder, "1_Pooling/config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": not mean,
                                                 "pooling_mode_mean_tokens": mean})
    write_json(folder, "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])


def plain(state):
    return {name: tensor.clone().contiguous() for name, tensor in state.items() if "position_ids" not in name}


def make_bert():
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel
    tokenizer = wordpiece_tokenizer()
    config = base_config("bert", tokenizer.get_vocab_size(), 48, 2, 1e-12, architectures=["BertModel"])
    write_json("bert", "config.json", config)
    pooling("bert", False)
    tokenizer.save(os.path.join(FOLDER, "bert", "tokenizer.json"), pretty=False)
    model = randomize(BertModel(BertConfig(**config, attn_implementation="eager"), add_pooling_layer=False), torch.float32)
    names = sorted(plain(model.state_dict()).items())
    half, files = len(names) // 2, ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for file, part in zip(files, (names[:half], names[half:])):
        save_file(dict(part), os.path.join(FOLDER, "bert", file))
    write_json("bert", "model.safetensors.index.json", {
        "metadata": {"total_size": 0}, "weight_map": {n: files[i >= half] for i, (n, _) in enumerate(names)}})
    rows = encode_rows(Ids(tokenizer, 2, 3), TEXTS, 48, lambda ids: model(ids).last_hidden_state, False)
    golden("bert", [{"text": t, "tokens": len(ids), "dense": rounded(d)} for t, ids, _, d in rows])


def xlmr(folder, tokenizer, vocabulary, dtype, **more):
    from transformers import XLMRobertaConfig, XLMRobertaModel
    config = base_config("xlm-roberta", vocabulary, 50, 1, 1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                         architectures=["XLMRobertaModel"], **more)
    write_json(folder, "config.json", config)
    return randomize(XLMRobertaModel(XLMRobertaConfig(**config, attn_implementation="eager"), add_pooling_layer=False), dtype)


def make_bge_m3():
    import torch
    tokenizer = unigram_tokenizer()
    model = xlmr("bge_m3", tokenizer, tokenizer.get_vocab_size(), torch.float16)
    pooling("bge_m3", False)
    tokenizer.save(os.path.join(FOLDER, "bge_m3", "tokenizer.json"), pretty=False)
    torch.save({n: t.half() for n, t in plain(model.state_dict()).items()}, os.path.join(FOLDER, "bge_m3", "pytorch_model.bin"))
    sparse, colbert = randomize(torch.nn.Linear(HIDDEN, 1), torch.float16), randomize(torch.nn.Linear(HIDDEN, HIDDEN), torch.float16)
    for head, name in ((sparse, "sparse_linear.pt"), (colbert, "colbert_linear.pt")):
        torch.save(copy.deepcopy(head).half().state_dict(), os.path.join(FOLDER, "bge_m3", name))  # with attributes
    out, vectors = [], []
    names = ["a <pad> the <pad><mask> file", "</s><s><unk> file"]
    for text, ids, last, dense in encode_rows(Ids(tokenizer, 0, 2), TEXTS + names, 48, lambda ids: model(ids).last_hidden_state, False):
        with torch.no_grad():
            weights = torch.relu(sparse(last))[:, 0]
            multi = torch.nn.functional.normalize(colbert(last[1:]), dim=-1)
        lexical = {}
        for weight, token in zip(weights.tolist(), ids):  # FlagEmbedding's _process_token_weights
            if token not in (0, 1, 2, 3) and weight > lexical.get(token, 0):
                lexical[token] = weight
        vectors.append(multi)
        out.append({"text": text, "tokens": len(ids), "dense": rounded(dense), "sparse": sorted([k, round(v, 7)] for k, v in lexical.items())})
    query = vectors[2]
    for row, passage in zip(out, vectors):  # FlagEmbedding's colbert_score
        row["maxsim"] = round(float((query @ passage.T).max(-1).values.sum() / len(query)), 7)
    golden("bge_m3", out, query=2)


def make_e5():
    import sentencepiece
    import torch
    from safetensors.torch import save_file
    from make_unigram import MODEL, sentencepiece_ids
    encode = sentencepiece_ids(sentencepiece.SentencePieceProcessor(model_file=MODEL))

    class Slow:
        post_processor_ids = (0, 2)

        def encode(self, text, add_special_tokens):
            return type("", (), {"ids": encode([text])[0]})

    # 6,002 tokens of 32 numbers would be large: this one has 8.
    global HIDDEN, HEADS
    HIDDEN, HEADS = 8, 2
    model = xlmr("e5", None, 6002, torch.bfloat16)
    pooling("e5", True)
    write_json("e5", "config_sentence_transformers.json", {"prompts": {"query": "query: ", "passage": "passage: "}})
    save_file({n: t.bfloat16() for n, t in plain(model.state_dict()).items()}, os.path.join(FOLDER, "e5", "model.safetensors"))
    rows = encode_rows(Slow(), ["query: " + t for t in TEXTS], 48, lambda ids: model(ids).last_hidden_state, True)
    golden("e5", [{"text": t.removeprefix("query: "), "tokens": len(ids), "dense": rounded(d)} for t, ids, _, d in rows])
    HIDDEN, HEADS = 32, 4


def nomic_names(state):
    """transformers' own names to those of the published checkpoints."""
    import torch
    out = {}
    for name, tensor in plain(state).items():
        if "q_proj" in name:
            parts = [state[name.replace("q_proj", p)] for p in ("q_proj", "k_proj", "v_proj")]
            out["encoder." + name.replace("self_attn.q_proj", "attn.Wqkv")] = torch.cat(parts)
        elif "k_proj" not in name and "v_proj" not in name:
            for new, old in (("emb_ln", "embeddings.LayerNorm"), ("attn.out_proj", "self_attn.o_proj"), ("fc11", "up_proj"),
                             ("fc12", "gate_proj"), ("fc2", "down_proj"), ("norm1", "post_attention_layernorm"),
                             ("norm2", "post_mlp_layernorm")):
                name = name.replace(old, new)
            out[("encoder." if name.startswith("layers") else "") + name] = tensor
    return {n: t.contiguous() for n, t in out.items()}


def nomic_config(folder, vocabulary, **more):
    config = {"model_type": "nomic_bert", "architectures": ["NomicBertModel"], "activation_function": "swiglu", "n_embd": HIDDEN,
              "n_head": HEADS, "n_inner": MIDDLE, "n_layer": LAYERS, "n_positions": 48, "vocab_size": vocabulary,
              "type_vocab_size": 2, "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
              "rotary_emb_interleaved": False, "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "prenorm": False,
              "causal": False, "parallel_block": False, "use_rms_norm": False, "qkv_proj_bias": False, "mlp_fc1_bias": False,
              "mlp_fc2_bias": False, "max_trained_positions": 2048, **more}
    write_json(folder, "config.json", config)


def vocab_text(tokenizer):
    return "".join(t + "\n" for t, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))


def make_nomic():
    import torch
    from safetensors.torch import save_file
    from transformers import NomicBertConfig, NomicBertModel
    tokenizer = wordpiece_tokenizer()
    nomic_config("nomic", tokenizer.get_vocab_size())
    pooling("nomic", True)
    with open(os.path.join(FOLDER, "nomic", "vocab.txt"), "w", encoding="utf-8") as file:
        file.write(vocab_text(tokenizer))
    config = NomicBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=MIDDLE, max_position_embeddings=48, rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        attn_implementation="eager")
    model = randomize(NomicBertModel(config, add_pooling_layer=False), torch.bfloat16)
    save_file({n: t.bfloat16() for n, t in nomic_names(model.state_dict()).items()}, os.path.join(FOLDER, "nomic", "model.safetensors"))
    prefix = "search_query: "
    rows = encode_rows(Ids(tokenizer, 2, 3), [prefix + t for t in TEXTS], 48, lambda ids: model(ids).last_hidden_state, True)
    golden("nomic", [{"text": t.removeprefix(prefix), "tokens": len(ids), "dense": rounded(d)} for t, ids, _, d in rows])


class LongNomic:
    """NomicBERT by its paper and its published code: biases, and rotation stretched beyond `trained` positions."""

    def __init__(self, vocabulary, trained, scaling):
        import torch
        generator = torch.Generator().manual_seed(7)
        self.trained, self.scaling, self.tensors = trained, scaling, {}

        def add(name, *shape, scale=0.3, offset=0.0):
            self.tensors[name] = (offset + scale * (torch.rand(shape, generator=generator) * 2 - 1)).half().float()

        add("embeddings.word_embeddings.weight", vocabulary, HIDDEN)
        add("embeddings.token_type_embeddings.weight", 2, HIDDEN)
        for norm in ["emb_ln"] + [f"encoder.layers.{i}.norm{n}" for i in range(LAYERS) for n in (1, 2)]:
            add(norm + ".weight", HIDDEN, scale=0.2, offset=1.0)
            add(norm + ".bias", HIDDEN)
        for i in range(LAYERS):
            for name, inputs, outputs in (("attn.Wqkv", HIDDEN, 3 * HIDDEN), ("attn.out_proj", HIDDEN, HIDDEN),
                                          ("mlp.fc11", HIDDEN, MIDDLE), ("mlp.fc12", HIDDEN, MIDDLE), ("mlp.fc2", MIDDLE, HIDDEN)):
                add(f"encoder.layers.{i}.{name}.weight", outputs, inputs)
                add(f"encoder.layers.{i}.{name}.bias", outputs)

    def linear(self, name, x):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def norm(self, name, x):
        import torch
        return torch.nn.functional.layer_norm(x, (HIDDEN,), self.tensors[name + ".weight"], self.tensors[name + ".bias"], 1e-12)

    def rotate(self, x):  # [heads, tokens, size]
        import torch
        tokens, size = x.shape[1:]
        base = 1000.0
        if tokens > self.trained:
            base *= (self.scaling * tokens / self.trained - (self.scaling - 1)) ** (size / (size - 2))
        angle = torch.outer(torch.arange(tokens).float(), base ** (-torch.arange(0, size, 2).float() / size))
        cos, sin = angle.cos().repeat(1, 2), angle.sin().repeat(1, 2)
        turned = torch.cat((-x[..., size // 2:], x[..., :size // 2]), -1)
        return x * cos + turned * sin

    def __call__(self, ids):
        import torch
        x = self.tensors["embeddings.word_embeddings.weight"][ids[0]] + self.tensors["embeddings.token_type_embeddings.weight"][0]
        x = self.norm("emb_ln", x)
        for i in range(LAYERS):
            layer = f"encoder.layers.{i}."
            q, k, v = (self.linear(layer + "attn.Wqkv", x).reshape(len(x), 3, HEADS, HIDDEN // HEADS).permute(1, 2, 0, 3))
            weights = torch.softmax(self.rotate(q) @ self.rotate(k).transpose(1, 2) / (HIDDEN // HEADS) ** 0.5, -1)
            context = (weights @ v).transpose(0, 1).reshape(len(x), HIDDEN)
            x = self.norm(layer + "norm1", x + self.linear(layer + "attn.out_proj", context))
            middle = self.linear(layer + "mlp.fc11", x) * torch.nn.functional.silu(self.linear(layer + "mlp.fc12", x))
            x = self.norm(layer + "norm2", x + self.linear(layer + "mlp.fc2", middle))
        return x[None]


def make_nomic_long():
    from safetensors.torch import save_file
    tokenizer = wordpiece_tokenizer()
    nomic_config("nomic_long", tokenizer.get_vocab_size(), qkv_proj_bias=True, mlp_fc1_bias=True, mlp_fc2_bias=True,
                 rotary_scaling_factor=2, max_trained_positions=16, n_positions=8192)
    pooling("nomic_long", False)
    with open(os.path.join(FOLDER, "nomic_long", "vocab.txt"), "w", encoding="utf-8") as file:
        file.write(vocab_text(tokenizer))
    model = LongNomic(tokenizer.get_vocab_size(), 16, 2)
    save_file({n: t.half() for n, t in model.tensors.items()}, os.path.join(FOLDER, "nomic_long", "model.safetensors"))
    rows = encode_rows(Ids(tokenizer, 2, 3), TEXTS + [LONG * 600], 8192, model, False)
    golden("nomic_long", [{"text": t if len(t) < 1000 else LONG, "repeat": 1 if len(t) < 1000 else 600, "tokens": len(ids),
                           "dense": rounded(d)} for t, ids, _, d in rows])


def rerank_rows(tokenizer, model, types):
    """Pairs cut as FlagEmbedding cuts them: the query at three quarters, then the passage."""
    import torch
    rows = []
    front, between, back = ([2], [3], [3]) if types else ([0], [2, 2], [2])
    around = len(front + between + back)
    for query in (TEXTS[2], TEXTS[9]):
        q = tokenizer.encode(query, add_special_tokens=False).ids[:(48 - around) * 3 // 4]
        for passage in TEXTS:
            head = front + q + between
            p = tokenizer.encode(passage, add_special_tokens=False).ids[:48 - len(head) - 1] + back
            with torch.no_grad():
                inputs = {"token_type_ids": torch.tensor([[0] * len(head) + [1] * len(p)])} if types else {}
                score = model(torch.tensor([head + p]), **inputs).logits[0, 0]
            rows.append({"query": query, "passage": passage, "score": round(float(score), 7)})
    return rows


def make_rerankers():
    import torch
    from safetensors.torch import save_file
    from transformers import (BertConfig, BertForSequenceClassification, XLMRobertaConfig,
                              XLMRobertaForSequenceClassification)
    tokenizer = wordpiece_tokenizer()
    config = base_config("bert", tokenizer.get_vocab_size(), 48, 2, 1e-12, architectures=["BertForSequenceClassification"],
                         id2label={"0": "LABEL_0"})
    write_json("bert_rerank", "config.json", config)
    with open(os.path.join(FOLDER, "bert_rerank", "vocab.txt"), "w", encoding="utf-8") as file:
        file.write(vocab_text(tokenizer))
    model = randomize(BertForSequenceClassification(BertConfig(**config, attn_implementation="eager")), torch.float16)
    save_file({n: t.half() for n, t in plain(model.state_dict()).items()}, os.path.join(FOLDER, "bert_rerank", "model.safetensors"))
    golden("bert_rerank", rerank_rows(tokenizer, model, True))

    tokenizer = unigram_tokenizer()
    config = base_config("xlm-roberta", tokenizer.get_vocab_size(), 50, 1, 1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                         architectures=["XLMRobertaForSequenceClassification"], id2label={"0": "LABEL_0"})
    write_json("xlmr_rerank", "config.json", config)
    tokenizer.save(os.path.join(FOLDER, "xlmr_rerank", "tokenizer.json"), pretty=False)
    model = randomize(XLMRobertaForSequenceClassification(XLMRobertaConfig(**config, attn_implementation="eager")), torch.float16)
    save_file({n: t.half() for n, t in plain(model.state_dict()).items()}, os.path.join(FOLDER, "xlmr_rerank", "model.safetensors"))
    golden("xlmr_rerank", rerank_rows(tokenizer, model, False))


def make_tensors():
    import torch
    values = torch.arange(12.0) - 1.5
    matrix = values.reshape(3, 4).clone()
    torch.save({"f32": matrix, "f16": matrix.half(), "bf16": matrix.bfloat16(), "i64": torch.arange(4),
                "parameter": torch.nn.Parameter(matrix.clone()), "slice": values[4:8], "shared": values[:4]},
               os.path.join(DATA, "tensors.pt"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    venv = sys.argv[1]
    python = os.path.join(venv, "bin", "python")
    if os.path.realpath(sys.prefix) != os.path.realpath(venv):
        if not os.path.exists(python):
            subprocess.check_call([sys.executable, "-m", "venv", venv])
            subprocess.check_call([python, "-m", "pip", "install", "--quiet", *PACKAGES])
        sys.exit(subprocess.call([python, os.path.abspath(__file__), venv]))
    os.environ["HF_HUB_OFFLINE"] = "1"
    shutil.rmtree(FOLDER, ignore_errors=True)
    for make in (make_bert, make_bge_m3, make_e5, make_nomic, make_nomic_long, make_rerankers, make_tensors):
        make()


if __name__ == "__main__":
    main()
