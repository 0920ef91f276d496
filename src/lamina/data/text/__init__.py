"""Texts for networks: tokenizers, vocabularies, and what becomes of the tokens; importing this registers the tokenizers."""

from lamina.data.text.byte_pair import BytePair
from lamina.data.text.raw_bytes import Bytes
from lamina.data.text.tokenizer_json import TokenizerJson
from lamina.data.text.word_piece import WordPiece
from lamina.data.text.words import Characters, NGrams, Whitespace, Words

__all__ = ["BytePair", "Bytes", "Characters", "NGrams", "TokenizerJson", "Whitespace", "WordPiece", "Words"]
