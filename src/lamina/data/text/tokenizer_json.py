"""Any tokenizer of Hugging Face's library, by that library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.storage.opening import absolute
from lamina.data.text.counts import WordCounts
from lamina.data.text.tokenizer import SPECIAL, Numbering
from lamina.data.text.tokenizer_files import MOST_TOKENS, broken, parsed, read_file
from lamina.errors import DataError, DependencyError
from lamina.spec import register, wrong_value

USUAL = {
    "pad": ("[PAD]", "<pad>", "<|endoftext|>"),
    "unknown": ("[UNK]", "<unk>", "<|endoftext|>"),
    "begin": ("[CLS]", "<s>", "<bos>", "<|endoftext|>"),
    "end": ("[SEP]", "</s>", "<eos>", "<|endoftext|>"),
    "mask": ("[MASK]", "<mask>"),
}
"""What tokens that stand for no text are usually called."""


@register("tokenizer_json")
class TokenizerJson(Numbering):
    """A tokenizer of any kind that a ``tokenizer.json`` describes (Unigram, SentencePiece's byte-pair encoding ...).

    It is computed by the package ``tokenizers`` (``pip install 'lamina[text]'``), where the model is used too. The file's content is kept
    with the model. Tokens that stand for no text are not looked for in texts.

    Attributes:
        path: The file, relative to the recipe.
        pad: Name of the token that fills texts up; None: one of the usual names, if it is there.
        unknown: Name of the token that stands for a text without any token.
        begin: Name of the token that texts begin with, where that is wanted.
        end: Name of the token that texts end with, where that is wanted.
        mask: Name of the token for what is hidden.
        definition: The content of the file.

    Example:
        >>> kept = TokenizerJson(definition={"model": {"type": "WordLevel", "vocab": {"<unk>": 0, "hi": 1}, "unk_token": "<unk>"}})
        >>> kept.encode(["hi", "ho"])
        [[1], [0]]
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    local: ClassVar[bool] = False
    path: str | None = None
    pad: str | None = None
    unknown: str | None = None
    begin: str | None = None
    end: str | None = None
    mask: str | None = None
    definition: dict[str, Any] | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        letters = {"[PAD]": 0, "<unk>": 1, **{chr(97 + letter): letter + 2 for letter in range(26)}}
        cut = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
        model = {"type": "WordLevel", "vocab": letters, "unk_token": "<unk>"}
        return [cls(definition={"normalizer": {"type": "Lowercase"}, "pre_tokenizer": cut, "model": model})]

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.path is None and self.definition is None:
            raise wrong_value(
                expected="path", cause="this tokenizer is not learned, but read from its file", fix="write path: tokenizer.json"
            )
        return self

    @property
    def is_learned(self) -> bool:
        return self.definition is not None

    def count(self, texts: Any) -> WordCounts:
        return WordCounts()

    def learn(self, counts: WordCounts) -> Self:
        path = self.path or ""
        made = self.replace(path=None, definition=parsed(read_file(path), path))
        for what in SPECIAL:
            made.special(what)
        return made

    def resolve_paths(self, base: Path) -> Self:
        return self if self.path is None else self.replace(path=absolute(self.path, base))

    # -- using it -----------------------------------------------------------------------------------------------------

    def special(self, what: str) -> int | None:
        if getattr(self, what) is None:
            return next((self.places[name] for name in USUAL[what] if name in self.places), None)
        return super().special(what)

    @cached_property
    def _tokenizer(self) -> Any:
        import json

        try:
            import tokenizers
        except ImportError as error:
            raise DependencyError(
                "DA166",
                where="tokenizer tokenizer_json",
                expected="the package tokenizers",
                got=str(error),
                cause="it is an optional part",
                fix="pip install 'lamina[text]'; word_piece and byte_pair need no package",
            ) from error
        parts = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
        defaults: dict[str, Any] = {"version": "1.0", "added_tokens": [], **dict.fromkeys(parts)}
        made = _guarded(lambda: tokenizers.Tokenizer.from_str(json.dumps({**defaults, **(self.definition or {})})))
        made.no_truncation()
        made.no_padding()
        made.encode_special_tokens = True
        return made

    @cached_property
    def tokens(self) -> Sequence[str]:
        numbers: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        last = max(numbers.values(), default=-1)
        if not 0 <= last < MOST_TOKENS:
            raise _unusable(expected=f"1 to {MOST_TOKENS:,} tokens", got=f"{last + 1:,}")
        names = [f"[no token {number}]" for number in range(last + 1)]
        for token, number in numbers.items():
            names[number] = token
        return names

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        tokenizer = self._tokenizer
        return [found.ids for found in _guarded(lambda: tokenizer.encode_batch(list(texts), add_special_tokens=False))]

    @cached_property
    def _marks_beginnings(self) -> bool:
        return any(token.startswith(("\u2581", "Ġ")) for token in self.tokens)

    def goes_on(self, token: str) -> bool:
        return not token.startswith(("\u2581", "Ġ")) if self._marks_beginnings else token.startswith("##")

    def decode(self, numbers: Sequence[int]) -> str:
        tokenizer = self._tokenizer
        text: str = _guarded(lambda: tokenizer.decode(list(numbers), skip_special_tokens=True))
        return text


def _guarded(use: Any) -> Any:
    """What the library gives; what it says of a file that it can't use, and where it panics, is an error of ours."""
    try:
        return use()
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _unusable(expected="a tokenizer that the package tokenizers can use", got=_said(error)) from error


def _unusable(*, expected: str, got: str) -> DataError:
    return broken("tokenizer.json", expected=expected, got=got, fix="give the file as it was made")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
