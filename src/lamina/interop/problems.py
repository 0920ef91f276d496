"""What is wrong with files of other systems, in words."""

from __future__ import annotations

from lamina.errors import InteropError


def damaged(*, where: str, expected: str, got: str, cause: str = "the file was cut short or changed after it was written") -> InteropError:
    """A file that is not what its system wrote."""
    return InteropError("IO002", where=where, expected=expected, got=got, cause=cause, fix="copy the file again from where it was saved")


def too_large(*, where: str, expected: str, got: str) -> InteropError:
    """A file that declares more than is read; said before anything of that size is allocated."""
    return InteropError(
        "IO003",
        where=where,
        expected=expected,
        got=got,
        cause="the file is damaged, or was made to fill memory",
        fix="get the model from someone you trust, saved again",
    )


def unreadable(
    *, where: str, expected: str, got: str, cause: str = "the file was written by a version that is not known here"
) -> InteropError:
    """A description of a model that says what can't be, or is not understood."""
    return InteropError(
        "IO010",
        where=where,
        expected=expected,
        got=got,
        cause=cause,
        fix="save the model again with the system it comes from, in a version named in docs/importing.md",
    )


def misfit(*, where: str, expected: str, got: str, cause: str = "the weights were saved from another network") -> InteropError:
    """Weights that are not those of the layers."""
    return InteropError(
        "IO005",
        where=where,
        expected=expected,
        got=got,
        cause=cause,
        fix="save weights and network together with the system they come from",
    )
