"""Texts for networks: tokenizers, vocabularies, and what becomes of the tokens; importing this registers the tokenizers."""

from lamina.data.text.raw_bytes import Bytes
from lamina.data.text.words import Characters, NGrams, Whitespace, Words

__all__ = ["Bytes", "Characters", "NGrams", "Whitespace", "Words"]
