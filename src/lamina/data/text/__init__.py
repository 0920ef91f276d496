"""Texts for networks: tokenizers, vocabularies, and what becomes of the tokens. A tokenizer is imported when it is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.data.text.byte_pair import BytePair as BytePair
    from lamina.data.text.raw_bytes import Bytes as Bytes
    from lamina.data.text.tokenizer_json import TokenizerJson as TokenizerJson
    from lamina.data.text.word_piece import WordPiece as WordPiece
    from lamina.data.text.words import Characters as Characters
    from lamina.data.text.words import NGrams as NGrams
    from lamina.data.text.words import Whitespace as Whitespace
    from lamina.data.text.words import Words as Words

_TOKENIZERS: dict[str, dict[str, str]] = {
    "byte_pair": {"byte_pair": "BytePair"},
    "raw_bytes": {"bytes": "Bytes"},
    "tokenizer_json": {"tokenizer_json": "TokenizerJson"},
    "word_piece": {"word_piece": "WordPiece"},
    "words": {"characters": "Characters", "ngrams": "NGrams", "whitespace": "Whitespace", "words": "Words"},
}
"""Module to its tokenizers: what they are called in files, and their classes."""

registry.announce("tokenizer", {name: f"{__name__}.{module}" for module, kinds in _TOKENIZERS.items() for name in kinds})
_HOME = {kind: module for module, kinds in _TOKENIZERS.items() for kind in kinds.values()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
