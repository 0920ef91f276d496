"""The tokenizer that needs no vocabulary: the bytes of UTF-8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.data.text.tokenizer import Numbering
from lamina.spec import register


@register("bytes")
class Bytes(Numbering):
    """The bytes of a text in UTF-8, so that there is nothing to learn and nothing unknown, in any language; sequences are long.

    The first tokens are those for ``pad``, ``unknown``, ``begin``, ``end`` and ``mask``, as far as there are such, then the 256 bytes.

    Attributes:
        pad: Name of the token that fills texts up; None: there is none.
        unknown: Name of the token that stands for a text without any.
        begin: Name of the token that texts begin with, where that is wanted.
        end: Name of the token that texts end with, where that is wanted.
        mask: Name of the token for what is hidden.

    Example:
        >>> Bytes().encode(["Aé"]), Bytes().decode([70, 200, 174])
        ([[70, 200, 174]], 'Aé')
    """

    pad: str | None = "[pad]"
    unknown: str | None = "[unknown]"
    begin: str | None = "[begin]"
    end: str | None = "[end]"
    mask: str | None = "[mask]"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(mask=None)]

    @property
    def _first(self) -> int:
        return len(self._named)

    @property
    def _named(self) -> list[str]:
        return [name for name in (self.pad, self.unknown, self.begin, self.end, self.mask) if name is not None]

    @property
    def tokens(self) -> Sequence[str]:
        return [*self._named, *(f"<0x{byte:02X}>" for byte in range(256))]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        first = self._first
        return [[byte + first for byte in text.encode()] for text in texts]

    def goes_on(self, token: str) -> bool:
        return token not in ("<0x20>", "<0x0A>", "<0x09>")

    def decode(self, numbers: Sequence[int]) -> str:
        first = self._first
        return bytes(number - first for number in numbers if number >= first).decode(errors="replace")
