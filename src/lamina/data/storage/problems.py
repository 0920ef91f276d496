"""What is said when files can't be found or read."""

from __future__ import annotations

from pathlib import Path

from lamina.errors import DataError, nearest


def unreadable(path: Path, error: OSError) -> DataError:
    """DA031: a file that can't be opened, with the name that was probably meant."""
    near = None
    if path.parent.is_dir():
        near = nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    return DataError(
        "DA031",
        where=str(path),
        expected="a file that can be read",
        got=error.strerror or str(error),
        cause="a typo" if near else "the path is wrong; relative paths start at the recipe's folder",
        fix=f"did you mean {near!r}?" if near else "write the right path",
    )


def odd_path(where: str, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA040: a path that means nothing."""
    return DataError("DA040", where=where, expected=expected, got=got, cause=cause, fix=fix)


def nothing_there(where: str, *, expected: str, got: str, names: list[str], wanted: str, cause: str, fix: str) -> DataError:
    """DA041: a pattern or member that fits no file."""
    near = nearest(wanted, names) if wanted else None
    if near:
        cause, fix = "a typo", f"did you mean {near!r}?"
    return DataError("DA041", where=where, expected=expected, got=got, cause=cause, fix=fix)


def lost(where: str, position: int, size: int | None, failure: object, attempts: int) -> DataError:
    """DA042: the connection broke, and stayed broken."""
    return DataError(
        "DA042",
        where=f"{where}, byte {position:,}",
        expected=f"all of its {size:,} bytes" if size is not None else "the whole file",
        got=f"{failure or 'the connection ended'} ({attempts} attempts in a row)",
        cause="the network or the server is gone; what was read of the file so far was not kept",
        fix="try again; storage: {attempts: 20} is more patient",
    )


def unreachable(where: str, failure: object, *, cause: str, fix: str) -> DataError:
    """DA042: a remote file that can't be opened at all."""
    return DataError("DA042", where=where, expected="a remote file that can be read", got=str(failure), cause=cause, fix=fix)


def changed(where: str, before: object, after: object) -> DataError:
    """DA043: a file that is another one than when it was opened."""
    return DataError(
        "DA043",
        where=where,
        expected=f"the file as it was when it was opened: {before}",
        got=f"{after}",
        cause="another program wrote it while it was read",
        fix="let the other program finish, or give a copy; programs should write to a new name and rename",
    )


def damaged_archive(where: str, got: object, *, cause: str = "the file is damaged, cut off, or no archive of this kind") -> DataError:
    """DA044: an archive that can't be read."""
    said = str(got) or type(got).__name__
    return DataError("DA044", where=where, expected="an archive that can be read", got=said, cause=cause, fix="get the file once more")


def refused_member(where: str, member: str, got: str, *, cause: str, fix: str) -> DataError:
    """DA045: a member that would be harmful or ambiguous."""
    return DataError(
        "DA045", where=f"{where}, member {member!r}", expected="plain files, each with a name of its own", got=got, cause=cause, fix=fix
    )


def too_large(where: str, got: str, *, limit: str, setting: str) -> DataError:
    """DA046: content that unpacks to more than is allowed."""
    return DataError(
        "DA046",
        where=where,
        expected=limit,
        got=got,
        cause="a file that is made to fill the disk, or one that packs uncommonly well",
        fix=f"if the file is trusted, raise the bound: storage: {{{setting}}}",
    )


def damaged_stream(where: str, kind: str, read: int, made: int, failure: object, *, short: bool) -> DataError:
    """DA047: a compressed file that ends too early or is damaged."""
    return DataError(
        "DA047",
        where=f"{where}, byte {read:,}",
        expected=f"whole {kind} data",
        got=f"{failure} (after {made:,} bytes of content)",
        cause="the file is cut off: a copy or download that did not finish" if short else f"the file is damaged, or is no {kind} at all",
        fix="get the file once more",
    )


def no_room(where: str, folder: object, failure: object) -> DataError:
    """DA049: the cache can't take a file."""
    return DataError(
        "DA049",
        where=where,
        expected=f"a place for it below {folder}",
        got=str(failure),
        cause="the disk is full or read-only; the file has to be unpacked or fetched before it can be read",
        fix="free some space, or set LAMINA_CACHE to a folder with more of it",
    )
