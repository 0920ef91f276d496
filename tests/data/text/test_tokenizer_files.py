"""Broken files of tokenizers: refused with their place, whatever was done to them."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest

from lamina.data.text import BytePair, TokenizerJson, WordPiece
from lamina.data.text import tokenizer_files as files
from lamina.data.text.byte_level import alphabet
from lamina.data.text.counts import WordCounts
from lamina.data.vectorization import TextVectorization
from lamina.errors import LaminaError

CASES = 600
PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def bert() -> dict[str, Any]:
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *string.ascii_lowercase,
        *(f"##{letter}" for letter in string.ascii_lowercase),
        "play",
    ]
    return {
        "version": "1.0",
        "added_tokens": [{"id": 0, "content": "[PAD]", **PLAIN}],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(words)},
        },
    }


def gpt2() -> dict[str, Any]:
    words = [*alphabet(), "th", "the", "Ġthe", "<|endoftext|>"]
    return {
        "version": "1.0",
        "added_tokens": [{"id": 259, "content": "<|endoftext|>", **PLAIN}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "byte_fallback": False,
            "fuse_unk": False,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": ["t h", "th e", "Ġ the"],
        },
    }


def use(kind: str, path: Path) -> None:
    """Read a file as whoever trains does, and cut a text."""
    tokenizer = {"bert": WordPiece, "gpt2": BytePair, "any": TokenizerJson}[kind](path=str(path))
    read = TextVectorization(tokenizer=tokenizer).fit([])
    assert read.numbers(["the play", "", "é!"])
    assert read.decode(read.numbers(["the play"]))


def mutated(data: Any, rng: random.Random) -> str:
    """The file with something done to it: to its letters, or to a value somewhere in it."""
    text = json.dumps(data)
    what = rng.randrange(8)
    place = rng.randrange(len(text))
    if what == 0:
        return text[:place]
    if what == 1:
        return text[:place] + text[place + rng.randint(1, 20) :]
    if what == 2:
        return text[:place] + rng.choice(['"', "{", "[", "\\ud800", "\x00", "1e999", "-1", "é", '"a":1,', "null"]) + text[place:]
    if what == 3:
        other = rng.randrange(len(text))
        return text[:place] + text[other : other + 30] + text[place:]
    for _ in range(rng.randint(1, 3)):
        parts = [part for part in _parts(data) if part]
        part = rng.choice(parts)
        key = rng.choice(list(part) if isinstance(part, dict) else range(len(part)))
        odd = [None, -1, 0, 3, 2**70, 1.5, True, "", "x y z", "[UNK]", "\ud800", [], ["a"], {}, {"type": "ByteLevel"}, {"a": {"b": []}}]
        if rng.random() < 0.3:
            del part[key]
        else:
            part[key] = rng.choice(odd)
    return json.dumps(data)


def _parts(data: Any) -> list[Any]:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    own = [data] if isinstance(data, dict | list) else []
    return own + [part for value in inner for part in _parts(value)]


@pytest.mark.parametrize("kind", ["bert", "gpt2", "any"])
def test_whatever_is_done_to_a_file_it_works_or_teaches(kind: str, tmp_path: Path) -> None:
    if kind == "any":
        pytest.importorskip("tokenizers")
    rng = random.Random(7)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(gpt2() if kind == "gpt2" else bert()))
    use(kind, path)
    refused: dict[str, int] = {}
    for _ in range(CASES):
        path.write_text(
            mutated(gpt2() if kind == "gpt2" or (kind == "any" and rng.random() < 0.5) else bert(), rng), "utf-8", "surrogatepass"
        )
        try:
            use(kind, path)
        except LaminaError as error:
            refused[error.code] = refused.get(error.code, 0) + 1
    assert {*refused} <= {"DA163", "DA164", "SP004"}
    assert refused["DA163"] > CASES // 3


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        (lambda d: d["model"]["vocab"].update(a=1), "model.vocab, token", "a number of its own"),
        (lambda d: d["model"]["vocab"].update(new=500), "token 'new'", "without gaps"),
        (lambda d: d["model"].update(type="Unigram"), "model.type", "tokenizer_json"),
        (lambda d: d.update(normalizer={"type": "NFC"}), "normalizer.type", "tokenizer_json"),
        (lambda d: d.update(normalizer=None), "normalizer", "tokenizer_json"),
        (lambda d: d["added_tokens"].append({"id": 60, "content": "x", "special": False}), "added_tokens[1]", "tokenizer_json"),
        (lambda d: d["added_tokens"].append({"id": 9, "content": "[UNK]", "special": True}), "added_tokens[1]", "id"),
        (lambda d: d.update(added_tokens=3), "added_tokens", "as it was made"),
        (lambda d: d.pop("model"), "model", "as it was made"),
    ],
)
def test_places_are_named(change: Any, where: str, fix: str, tmp_path: Path) -> None:
    data = bert()
    change(data)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LaminaError) as caught:
        use("bert", path)
    problem = caught.value.problems[0]
    assert problem.code == "DA163"
    assert where in problem.where
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda m: m.update(byte_fallback=True), "byte_fallback"),
        (lambda m: m.update(dropout=0.1), "dropout"),
        (lambda m: m["merges"].append("t h"), ""),
        (lambda m: m["merges"].append("h t"), ""),
        (lambda m: m["merges"].append(["a", 3]), "model.merges[3]"),
        (lambda m: m["vocab"].pop("a"), "model.vocab"),
    ],
)
def test_merges_are_looked_at(change: Any, where: str, tmp_path: Path) -> None:
    data = gpt2()
    change(data["model"])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LaminaError) as caught:
        use("gpt2", path)
    assert caught.value.code == "DA163"
    assert where in caught.value.problems[0].where


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("spiece.model", b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "SentencePiece"),
        ("vocab.txt", b"[PAD]\n[UNK]\na\na\n", "line 4"),
        ("vocab.txt", b"[PAD]\n\n[UNK]\n", "line 2"),
        ("vocab.txt", b"", "1 to 1,048,576 lines"),
        ("vocab.txt", b"[PAD]\n\xff\n", "0xff"),
        ("tokenizer.json", b'{"a":' * 100_000, "JSON"),
        ("tokenizer.json", b"{" + b'"a":[' + b"[" * 100_000, "thousands deep"),
        ("vocab.json", b'{"a": 0}', "merges_path: merges.txt"),
    ],
)
def test_files_of_other_kinds(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LaminaError) as caught:
        use("gpt2" if name == "vocab.json" else "bert", path)
    assert caught.value.code == "DA163"
    assert says in str(caught.value)


def test_too_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(f"w{number}" for number in range(2000)))
    monkeypatch.setattr(files, "MOST_TOKENS", 1000)
    with pytest.raises(LaminaError, match="1 to 1,000 lines"):
        use("bert", path)
    monkeypatch.setattr(files, "MOST_BYTES", 100)
    with pytest.raises(LaminaError, match="at most 0 MiB"):
        use("bert", path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("a")
    with pytest.raises(LaminaError, match=r"did you mean 'vocab.txt'"):
        WordPiece(path=str(tmp_path / "vocb.txt")).learn(WordCounts())
