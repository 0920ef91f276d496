"""What is said of sounds that can't be used."""

from __future__ import annotations

from lamina.errors import DataError


def unreadable(
    where: str, byte: int | None, *, expected: str, got: str, cause: str = "", fix: str = "record or convert it anew, or leave it out"
) -> DataError:
    """DA145: a file that is no sound, or a damaged one."""
    return DataError(
        "DA145",
        where=where if byte is None else f"{where}, byte {byte}",
        expected=expected,
        got=got,
        cause=cause or "the file is damaged, or was written by a faulty program",
        fix=fix,
    )


def cut_off(where: str, byte: int, *, expected: str, got: str) -> DataError:
    """DA146: a file that ends before its sound does."""
    return DataError(
        "DA146",
        where=f"{where}, byte {byte}",
        expected=expected,
        got=got,
        cause="the recording or the copy was broken off, or the header was never completed (as by a program that writes to a pipe)",
        fix="copy it again; to keep what is there, write it anew with a program that corrects the header",
    )


def too_large(where: str, size: int, most: int, seconds: float) -> DataError:
    """DA147: a file that would take more memory than any clip should."""
    return DataError(
        "DA147",
        where=where,
        expected=f"samples that take at most {most:,} bytes as float32",
        got=f"{size:,} bytes ({seconds:,.0f} seconds)",
        cause="a damaged or made-up header, or a recording of many hours",
        fix="cut it into pieces before",
    )


def other_sound(where: str, *, expected: str, got: str, fix: str) -> DataError:
    """DA148: a sound that is not like the others."""
    return DataError("DA148", where=where, expected=expected, got=got, cause="the files were recorded in different ways", fix=fix)
