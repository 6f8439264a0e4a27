#!/usr/bin/env python3
"""Makes the small SentencePiece vocabulary that the unigram tokenizer is tested with, and its reference ids.

    tests/embed/make_unigram.py VENV [--train]

Run inside the pinned packages of make_reference.py (VENV is made if it is not there). Writes in tests/testdata/embed:

    unigram/sentencepiece.bpe.model    with --train only: a unigram model of 6,000 pieces like XLM-RoBERTa's, trained on
                                       translations and documentation that Debian installs, and on our own source
    unigram/tokenizer.json             the same for `tokenizers`, as transformers converts an XLM-RoBERTa
    unigram_hashes.txt                 hashes of the ids of the generated corpus (corpus.h), by block, from
                                       tokenizer.json (kinds "line", "sweep"; "modern_", "nfkc_" with other steps) and from `sentencepiece` ("sp_...")
"""
import glob
import gettext
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_reference import BLOCK, DATA, FNV, PACKAGES, SWEEP_LINES, Corpus, fnv  # noqa: E402

FOLDER = os.path.join(DATA, "unigram")
MODEL = os.path.join(FOLDER, "sentencepiece.bpe.model")
TOKENIZER = os.path.join(FOLDER, "tokenizer.json")
LINES = 100000
SPECIAL = re.compile(r"<s>|<pad>|</s>|<unk>|\s*<mask>")
FIRST = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}


def training_lines():
    root = os.path.join(DATA, "..", "..", "..")
    for language in ("ko", "ja"):
        for path in sorted(glob.glob(f"/usr/share/locale/{language}/LC_MESSAGES/*.mo")):
            try:
                with open(path, "rb") as file:
                    catalog = gettext.GNUTranslations(file)
            except (OSError, UnicodeDecodeError):
                continue
            for key, text in catalog._catalog.items():
                yield from str(text).splitlines()
                if isinstance(key, str) and language == "ko":
                    yield from key.splitlines()
    for path in sorted(glob.glob(os.path.join(root, "src", "**", "*.cc"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            yield from file.read().splitlines()


def train():
    import sentencepiece
    os.makedirs(FOLDER, exist_ok=True)
    lines = [line for line in training_lines() if 3 < len(line) < 400]
    prefix = MODEL.removesuffix(".model")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=prefix, vocab_size=6000, model_type="unigram",
        normalization_rule_name="nmt_nfkc", byte_fallback=False, character_coverage=0.9995, num_threads=2,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, input_sentence_size=120000, shuffle_input_sentence=True, minloglevel=1)
    os.remove(prefix + ".vocab")


def with_steps(path, steps):
    """The tokenizer of `path` with the normalisation, and the pre-tokenizer, that later converters write."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    tokenizer = Tokenizer.from_file(path)
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    return tokenizer


def convert():
    """What transformers' XLMRobertaConverter makes of the model."""
    from sentencepiece import sentencepiece_model_pb2 as protobuf
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    proto = protobuf.ModelProto()
    with open(MODEL, "rb") as file:
        proto.ParseFromString(file.read())
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocab += [(piece.piece, piece.score) for piece in proto.pieces[3:]] + [("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")])
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<s>", "<pad>", "</s>", "<unk>")])
    tokenizer.add_special_tokens([AddedToken("<mask>", normalized=False, lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A", "</s>"], pair=["<s>", "$A", "</s>", "</s>", "$B", "</s>"],
        special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.save(TOKENIZER, pretty=False)
    return tokenizer


class UnigramCorpus(Corpus):
    """The recipe of corpus.h over the pieces of the vocabulary."""

    def __init__(self, pieces):
        self.words = pieces

    def line(self, number):
        line = super().line(number)
        if number % 50 == 9:  # names of special tokens in the text
            names = ["<s>", "</s>", "<pad>", "<unk>", "<mask>", " <mask> ", "\u3000<mask>", "\uff1cs\uff1e"]
            line += b" x" + names[number // 50 % len(names)].encode() + b"y  z"
        return line


def sentencepiece_ids(processor):
    """Ids as transformers' XLMRobertaTokenizer numbers what sentencepiece gives."""
    mask = processor.get_piece_size() + 1

    def plain(text):
        return [i + 1 if i else 3 for i in processor.encode(text)] if text else []

    def encode(text):
        ids, start = [], 0
        for match in SPECIAL.finditer(text):
            ids += plain(text[start:match.start()])
            ids.append(FIRST.get(match.group(), mask))
            start = match.end()
        return ids + plain(text[start:])

    return lambda texts: [encode(text) for text in texts]


def write_hashes(kinds):
    with open(os.path.join(DATA, "unigram_hashes.txt"), "w", encoding="ascii") as file:
        for name, encode, make, count in kinds:
            for first in range(0, count, 10 * BLOCK):
                lines = [make(i) for i in range(first, min(first + 10 * BLOCK, count))]
                text_hash = ids_hash = FNV
                for line, ids in zip(lines, encode([line.decode("utf-8", "replace") for line in lines])):
                    text_hash = fnv(text_hash, line + b"\n")
                    ids_hash = fnv(ids_hash, b"".join(i.to_bytes(4, "little") for i in ids) + b"\xff" * 4)
                file.write(f"{name} {first} {text_hash:016x} {ids_hash:016x}\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    venv = sys.argv[1]
    python = os.path.join(venv, "bin", "python")
    if os.path.realpath(sys.prefix) != os.path.realpath(venv):
        if not os.path.exists(python):
            subprocess.check_call([sys.executable, "-m", "venv", venv])
            subprocess.check_call([python, "-m", "pip", "install", "--quiet", *PACKAGES])
        sys.exit(subprocess.call([python, os.path.abspath(__file__), *sys.argv[1:]]))
    if "--train" in sys.argv:
        train()
    import sentencepiece
    tokenizer = convert()
    processor = sentencepiece.SentencePieceProcessor(model_file=MODEL)
    corpus = UnigramCorpus([processor.id_to_piece(i).replace("\u2581", "") for i in range(3, processor.get_piece_size())])
    encode = sentencepiece_ids(processor)
    from tokenizers import Regex, normalizers
    modern = with_steps(TOKENIZER, [tokenizer.normalizer[0], normalizers.Strip(left=False, right=True),
                                    normalizers.Replace(Regex(" {2,}"), "\u2581")])
    nfkc = with_steps(TOKENIZER, [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    fast, modern, nfkc = (lambda texts, t=t: [e.ids for e in t.encode_batch(texts, add_special_tokens=False)]
                          for t in (tokenizer, modern, nfkc))
    write_hashes([("line", fast, corpus.line, LINES), ("sweep", fast, corpus.sweep_line, SWEEP_LINES),
                  ("modern_line", modern, corpus.line, LINES), ("modern_sweep", modern, corpus.sweep_line, SWEEP_LINES),
                  ("nfkc_line", nfkc, corpus.line, LINES), ("nfkc_sweep", nfkc, corpus.sweep_line, SWEEP_LINES),
                  ("sp_line", encode, corpus.line, LINES), ("sp_sweep", encode, corpus.sweep_line, SWEEP_LINES)])


if __name__ == "__main__":
    main()
