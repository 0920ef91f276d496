"""Compressed files as streams: bounded, whole or an error, with several members one after the other."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from lamina.data.storage.options import Storage
from lamina.data.storage.problems import damaged_stream, too_large
from lamina.data.storage.stream import Stream
from lamina.errors import DependencyError

ENDINGS = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".tgz": "gzip",
    ".tzst": "zstd",
    ".tbz2": "bzip2",
    ".txz": "xz",
}
_PIECE = {"gzip": 1 << 16, "bzip2": 1 << 16, "xz": 1 << 16, "zstd": 1 << 12}
"""How much is unpacked at once. A zstd decoder gives all at once, up to 32,000 times as much."""
_MOST = 1 << 20
"""How much content an unpacking step may give, where the decoder can be told."""


def compression_of(name: str) -> str | None:
    """Kind of compression by the ending of a name.

    Example:
        >>> compression_of("rows.csv.GZ"), compression_of("rows.csv")
        ('gzip', None)
    """
    return next((kind for ending, kind in ENDINGS.items() if name.lower().endswith(ending)), None)


def plain_name(name: str) -> str:
    """A name without the ending of its compression.

    Example:
        >>> plain_name("rows.csv.gz"), plain_name("rows.csv")
        ('rows.csv', 'rows.csv')
    """
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)] + (".tar" if ending.startswith(".t") else "")


def decoder_of(kind: str) -> Callable[[], Any]:
    """What makes a decoder of one member.

    Raises:
        DependencyError: DA059, for zstd if the extra isn't installed.
    """
    if kind == "gzip":
        return lambda: _Gzip(zlib.decompressobj(wbits=31))
    if kind == "bzip2":
        return bz2.BZ2Decompressor
    if kind == "xz":
        return lzma.LZMADecompressor
    try:
        import zstandard
    except ImportError as error:
        raise DependencyError(
            "DA059",
            where="a .zst file",
            expected="the package zstandard",
            got=str(error) or type(error).__name__,
            cause="it is an optional part",
            fix="pip install 'lamina[zstd]'",
        ) from error
    return lambda: _Zstd(zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj())


class _Gzip:
    """zlib's decoder with the interface of the other two."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def decompress(self, data: bytes, max_length: int) -> bytes:
        made: bytes = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        return made

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        rest: bytes = self._decoder.unused_data
        return rest


class _Zstd:
    """zstandard's decoder, which takes no bound, with the interface of the others."""

    needs_input = True

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def decompress(self, data: bytes, max_length: int) -> bytes:
        made: bytes = self._decoder.decompress(data) if data else b""
        return made

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        rest: bytes = self._decoder.unused_data
        return rest


class Decompressed(Stream):
    """The content of a compressed stream.

    Args:
        source: The compressed bytes; closed together with this.
        kind: As `compression_of` gives it.
        name: For messages.
        storage: The bounds.
    """

    def __init__(self, source: BinaryIO, kind: str, name: str, storage: Storage) -> None:
        super().__init__()
        self._source, self._kind, self._name, self._storage = source, kind, name, storage
        self._make = decoder_of(kind)
        self._decoder = self._make()
        self._read, self._made = 0, 0
        self._ended = False

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def piece(self) -> bytes:
        while not self._ended:
            if made := self._more():
                return made
        return b""

    def _more(self) -> bytes:
        """The next piece of content; nothing at the end, and nothing now and then before it."""
        data = b""
        if self._decoder.eof:
            # Another member may follow, and zeros as padding.
            data = self._decoder.unused_data.lstrip(b"\0")
            while not data:
                piece = self._next_piece()
                if not piece:
                    self._ended = True
                    return b""
                data = piece.lstrip(b"\0")
            self._decoder = self._make()
        elif self._decoder.needs_input:
            data = self._next_piece()
        try:
            made: bytes = self._decoder.decompress(data, _MOST)
        except Exception as error:  # zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError, EOFError: each decoder has its own
            raise damaged_stream(self._name, self._kind, self._read, self._made, error, short=False) from error
        if not data and not made and self._decoder.needs_input and not self._decoder.eof:
            raise damaged_stream(self._name, self._kind, self._read, self._made, "the end of the file", short=True)
        self._made += len(made)
        check_size(self._name, self._made, self._storage)
        check_ratio(self._name, self._read, self._made, self._storage)
        return made

    def _next_piece(self) -> bytes:
        piece = self._source.read(_PIECE[self._kind])
        self._read += len(piece)
        return piece


def check_size(name: str, made: int, storage: Storage) -> None:
    """See that content is not larger than allowed.

    Raises:
        DataError: DA046.
    """
    if made > storage.max_size:
        limit = f"at most {storage.max_size:,} bytes of content"
        raise too_large(name, f"{made:,} bytes and more", limit=limit, setting=f"max_size: {2 * made}")


def check_ratio(name: str, read: int, made: int, storage: Storage) -> None:
    """See that content is not out of proportion to what it was packed in.

    Raises:
        DataError: DA046.
    """
    if made > storage.grace and made > storage.max_ratio * max(read, 1):
        ratio = made / max(read, 1)
        limit = f"content of at most {storage.max_ratio:g} times the bytes it is packed in"
        raise too_large(name, f"{made:,} bytes out of {read:,}, {ratio:,.0f} times", limit=limit, setting=f"max_ratio: {2 * ratio:.0f}")
