"""What is said of sequence files that can't be used."""

from __future__ import annotations

from lamina.errors import DataError


def odd_row(where: str, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA153: a line that can't be a step of a sequence."""
    return DataError("DA153", where=where, expected=expected, got=got, cause=cause, fix=fix)


def misaligned(where: str, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA154: labels that don't go along with steps."""
    return DataError("DA154", where=where, expected=expected, got=got, cause=cause, fix=fix)


def unpaired(where: str, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA155: two folders whose files don't belong together."""
    return DataError("DA155", where=where, expected=expected, got=got, cause=cause, fix=fix)
