"""Files of trained tokenizers: bounded, checked, and each problem named with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lamina.errors import DataError

MOST_BYTES = 64 << 20
MOST_TOKENS = 1 << 20
AS_MADE = "give the file as it was made"
ANY = "type: tokenizer_json takes any tokenizer.json (pip install 'lamina[text]')"

Settings = dict[str, Any]


def read_word_piece(path: str) -> tuple[list[str], Settings]:
    """Vocabulary and settings of ``vocab.txt`` or ``tokenizer.json``.

    Raises:
        DataError: DA031, if the file can't be read; DA163, if it is not what it should be.
    """
    text = read_file(path)
    if not text.lstrip().startswith("{"):
        return _lines(text, path), {}
    data = parsed(text, path)
    model = _part(data, path, "model", dict)
    _check_kind(model, "WordPiece", path, "model")
    settings: Settings = {
        "prefix": _part(model, path, "model.continuing_subword_prefix", str),
        "longest_word": _part(model, path, "model.max_input_chars_per_word", int),
        "unknown": _part(model, path, "model.unk_token", str),
    }
    before = _part(data, path, "normalizer", dict)
    _check_kind(before, "BertNormalizer", path, "normalizer")
    _check_kind(_part(data, path, "pre_tokenizer", dict), "BertPreTokenizer", path, "pre_tokenizer")
    accents = before.get("strip_accents")
    settings |= {
        "lower": _part(before, path, "normalizer.lowercase", bool),
        "split_chinese": _part(before, path, "normalizer.handle_chinese_chars", bool),
        "clean": _part(before, path, "normalizer.clean_text", bool),
        "strip_accents": accents if isinstance(accents, bool) else None,
    }
    return vocabulary_of(data, path), settings


def read_byte_pair(path: str, merges_path: str | None) -> tuple[list[str], list[str], Settings]:
    """Vocabulary, merges and settings of ``tokenizer.json``, or of ``vocab.json`` and ``merges.txt``.

    Raises:
        DataError: DA031, if a file can't be read; DA163, if it is not what it should be.
    """
    from lamina.data.text.byte_pair import first_wrong

    data = parsed(read_file(path), path)
    settings: Settings = {}
    if merges_path is not None:
        vocabulary = in_order(data, path, "the vocabulary")
        lines = read_file(merges_path).split("\n")
        merges = [line.rstrip("\r") for line in lines[lines[0].startswith("#version") :] if line.strip("\r")]
    else:
        vocabulary, merges, settings = _byte_pair_json(data, path)
    wrong = first_wrong(vocabulary, merges)
    if wrong is not None:
        raise broken(merges_path or path, expected=wrong[0], got=wrong[1], fix="use the files of one and the same tokenizer; " + ANY)
    return vocabulary, merges, settings


def _byte_pair_json(data: Mapping[str, Any], path: str) -> tuple[list[str], list[str], Settings]:
    if "model" not in data:
        raise broken(
            path,
            expected="tokenizer.json, with a part model",
            got=f"the keys {', '.join(map(str, list(data)[:5]))}",
            fix="if this is vocab.json, write merges_path: merges.txt beside it",
        )
    model = _part(data, path, "model", dict)
    _check_kind(model, "BPE", path, "model")
    for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"):
        if model.get(key):
            raise broken(path, where=f"model.{key}", expected="nothing", got=repr(model[key])[:60], fix=ANY)
    cut = _part(data, path, "pre_tokenizer", dict)
    _check_kind(cut, "ByteLevel", path, "pre_tokenizer")
    if cut.get("use_regex", True) is not True:
        raise broken(path, where="pre_tokenizer.use_regex", expected="true", got="false", fix=ANY)
    if data.get("normalizer") is not None:
        _check_kind(_part(data, path, "normalizer", dict), "Lowercase", path, "normalizer")
    merges = _part(model, path, "model.merges", list)
    written = [" ".join(merge) if isinstance(merge, list) and all(isinstance(part, str) for part in merge) else merge for merge in merges]
    odd = next((number for number, merge in enumerate(written) if not isinstance(merge, str)), None)
    if odd is not None:
        raise broken(path, where=f"model.merges[{odd}]", expected="two tokens", got=repr(merges[odd])[:60], fix=AS_MADE)
    settings = {"add_blank": bool(cut.get("add_prefix_space")), "lower": data.get("normalizer") is not None}
    return vocabulary_of(data, path), written, settings


# -- reading -----------------------------------------------------------------------------------------------------------


def read_file(path: str) -> str:
    """A text file of bounded size.

    Raises:
        DataError: DA031, if it can't be read; DA163, if it is too large, or no text.
    """
    from lamina.data.storage import open_file

    file = open_file(path)
    with file.open() as opened:
        raw = opened.read(MOST_BYTES + 1)
    if path.endswith(".model") or (b"\x00" in raw[:64] and b"{" not in raw[:8]):
        raise broken(
            path,
            expected="a file of text: vocab.txt, vocab.json or tokenizer.json",
            got="a model of SentencePiece" if path.endswith(".model") else "bytes that are no text",
            fix="take the same tokenizer as tokenizer.json, with type: tokenizer_json: its publisher has one, or a fast tokenizer of"
            " transformers writes one with save_pretrained",
        )
    if len(raw) > MOST_BYTES:
        raise broken(path, expected=f"at most {MOST_BYTES >> 20} MiB", got="more", fix="give the file of a tokenizer, not of a model")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"the byte {error.object[error.start]:#04x} at {error.start}"
        raise broken(path, expected="text in UTF-8", got=got, fix=AS_MADE) from error


def parsed(text: str, path: str) -> dict[str, Any]:
    """JSON that is an object.

    Raises:
        DataError: DA163.
    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise broken(path, expected="JSON", got="brackets in brackets, thousands deep", fix=AS_MADE) from error
    except ValueError as error:
        raise broken(path, expected="JSON", got=str(error), fix="give the whole file, as it was made") from error
    if not isinstance(data, dict):
        raise broken(path, expected="an object, {...}", got=type(data).__name__, fix="give tokenizer.json, or vocab.json")
    return data


def vocabulary_of(data: Mapping[str, Any], path: str) -> list[str]:
    """Names of all tokens of a ``tokenizer.json`` by number: those of its model, and those that were added.

    Raises:
        DataError: DA163.
    """
    numbers = dict(_part(_part(data, path, "model", dict), path, "model.vocab", dict))
    added = data.get("added_tokens") or []
    if not isinstance(added, list):
        raise broken(path, where="added_tokens", expected="a list", got=type(added).__name__, fix=AS_MADE)
    for number, token in enumerate(added):
        where = f"added_tokens[{number}]"
        if not isinstance(token, dict) or not isinstance(token.get("content"), str):
            raise broken(path, where=where, expected="content: TEXT", got=repr(token)[:60], fix=AS_MADE)
        if token.get("special") is not True:
            raise broken(path, where=where, expected="a token that stands for no text (special: true)", got="an added word", fix=ANY)
        if numbers.setdefault(token["content"], token.get("id")) != token.get("id"):
            raise broken(path, where=where, expected=f"number {numbers[token['content']]}", got=repr(token.get("id")), fix="correct its id")
    return in_order(numbers, path, "model.vocab")


def in_order(numbers: Mapping[str, Any], path: str, where: str) -> list[str]:
    """Tokens in the order of their numbers, which are 0, 1, 2 ...

    Raises:
        DataError: DA163.
    """
    if not numbers or len(numbers) > MOST_TOKENS:
        raise broken(path, where=where, expected=f"1 to {MOST_TOKENS:,} tokens", got=f"{len(numbers):,}", fix=AS_MADE)
    names: list[str | None] = [None] * len(numbers)
    for token, number in numbers.items():
        right = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names)
        if not right or names[number] is not None:
            raise broken(
                path,
                where=f"{where}, token {token[:40]!r}",
                expected=f"a number from 0 to {len(names) - 1} that no other token has",
                got=repr(number)[:40],
                fix=f"give every token a number of its own, without gaps; {ANY}",
            )
        names[number] = token
    return _whole([name for name in names if name is not None], path)


def _lines(text: str, path: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not 0 < len(lines) <= MOST_TOKENS:
        raise broken(path, expected=f"1 to {MOST_TOKENS:,} lines", got=f"{len(lines):,}", fix="give vocab.txt, with a token in each line")
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line or line in seen:
            got = "nothing" if not line else f"{line[:40]!r}, which line {seen[line]} has already"
            raise broken(path, where=f"line {number}", expected="a token that is not there yet", got=got, fix="remove the line")
        seen[line] = number
    return _whole(lines, path)


def _whole(names: Sequence[str], path: str) -> list[str]:
    for number, name in enumerate(names):
        if not name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise broken(path, where=f"token {number}", expected="text", got=repr(name)[:60], fix=AS_MADE)
    return list(names)


def _part(data: Mapping[str, Any], path: str, where: str, kind: type[Any]) -> Any:
    value = data.get(where.rpartition(".")[2])
    if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or value < 1)):
        names = {dict: "an object", str: "text", int: "a number from 1", bool: "true or false", list: "a list"}
        got = "nothing" if value is None else repr(value)[:60]
        raise broken(path, where=where, expected=names[kind], got=got, fix=f"{AS_MADE}; {ANY}")
    return value


def _check_kind(part: Mapping[str, Any], kind: str, path: str, where: str) -> None:
    if part.get("type") != kind:
        raise broken(path, where=f"{where}.type", expected=kind, got=repr(part.get("type"))[:60], fix=ANY)


def broken(path: str, *, expected: str, got: str, fix: str, where: str = "") -> DataError:
    """What is said of a tokenizer's file that can't be used."""
    return DataError(
        "DA163",
        where=f"{path}, {where}" if where else path,
        expected=expected,
        got=got,
        cause="the file is of another kind of tokenizer, or damaged",
        fix=fix,
    )
