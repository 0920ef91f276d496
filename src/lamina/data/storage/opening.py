"""From what a user writes to the files that it means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lamina.data.storage.archives import is_archive, members_of
from lamina.data.storage.file import DataFile, LocalOrigin
from lamina.data.storage.options import Storage
from lamina.data.storage.paths import (
    Place,
    has_magic,
    hidden,
    is_absolute,
    key_of,
    matcher,
    natural,
    parse,
    relative_to,
    split_pattern,
    walk,
)
from lamina.data.storage.problems import nothing_there, odd_path, unreadable
from lamina.data.storage.remote import HttpOrigin
from lamina.data.storage.stores import Store, StoreOrigin

MOST_DEPTH = 3
"""How many archives may lie one in the other."""


def open_files(path: str | os.PathLike[str] | Sequence[str], base: Path | None = None, storage: Storage | None = None) -> list[DataFile]:
    """The files that a path means, in an order that is the same everywhere: as listed, and naturally within a pattern or folder.

    Nothing of them is read yet, but archives are looked into (and remote or compressed ones fetched or unpacked for it).

    Args:
        path: Of a file; of a folder, which means all files below it whose names don't begin with ``.`` or ``_``; a pattern with ``*``,
            ``?``, ``[ab]`` and ``**``; an archive, which is a folder, or ``ARCHIVE!PATTERN``; ``http(s)://``, ``s3://``, ``gs://``,
            ``abfs://``, ``hdfs://`` ...; or a list of these. ``${NAME}`` stands for an environment variable, ``data://NAME/`` for a
            data set's folder in ``LAMINA_DATA`` or the cache.
        base: Folder of relative paths; the working directory unless given.
        storage: How remote files are reached, and what bounds reading.

    Returns:
        At least one file.

    Raises:
        DataError: DA031 or DA041, if there is no such file; DA040, for what is no path; DA042 for stores that can't be reached;
            DA044, DA045 and DA046 for archives that can't be read or trusted; DA048 for settings that don't fit.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("part-10.csv", "part-9.csv", "note.txt"):
        ...     _ = (folder / name).write_text("a,b")
        >>> [file.relative.name for file in open_files("*.csv", base=folder)]
        ['part-9.csv', 'part-10.csv']
    """
    settings = storage or Storage()
    given = [os.fspath(path)] if isinstance(path, str | os.PathLike) else list(path)
    if not given:
        raise odd_path("path", expected="at least one path", got="an empty list", cause="nothing is listed", fix="list the files")
    found: dict[str, DataFile] = {}
    for text in given:
        for file in _files(parse(text, base), settings):
            if file.name in found:
                raise odd_path(
                    file.name,
                    expected="each file once",
                    got=f"it again by {text!r}",
                    cause="two of the paths mean the same file, whose rows would count twice",
                    fix="remove one of them",
                )
            found[file.name] = file
    return list(found.values())


def open_file(path: str | os.PathLike[str], base: Path | None = None, storage: Storage | None = None) -> DataFile:
    """The one file that a path means; see `open_files`.

    Raises:
        DataError: As `open_files`; DA040, if it means several files.
    """
    files = open_files(path, base, storage)
    if len(files) > 1:
        raise odd_path(
            os.fspath(path),
            expected="one file",
            got=f"{len(files)}: {', '.join(file.name for file in files[:3])} ...",
            cause="a pattern, a folder or an archive means all files in it",
            fix="name one of them",
        )
    return files[0]


def absolute(path: str, base: Path) -> str:
    """A path that means from any folder what it means from ``base``; URLs, and what begins with ``${NAME}``, as they are.

    Example:
        >>> absolute("rows.csv", Path("/data")), absolute("s3://bucket/rows.csv", Path("/data"))
        ('/data/rows.csv', 's3://bucket/rows.csv')
    """
    return path if is_absolute(path) else str(base / path)


def absolutes(paths: tuple[str, ...], base: Path) -> tuple[str, ...]:
    """`absolute` for each of several."""
    return tuple(absolute(path, base) for path in paths)


def _files(place: Place, storage: Storage) -> list[DataFile]:
    if place.protocol == "file":
        storage.for_protocol("file", place.shown)
        files = _local(place, storage)
    elif place.protocol == "http":
        storage.for_protocol("http", place.shown)
        name = PurePosixPath(PurePosixPath(place.shown).name or "index")
        files = [DataFile(place.shown, name, HttpOrigin(place.path, place.shown, storage), storage)]
    else:
        files = _stored(place, storage)
    whole = not has_magic(place.path)
    return [inner for file in files for inner in _inside(file, place.inner, single=whole and len(files) == 1)]


def _inside(file: DataFile, patterns: tuple[str, ...], *, single: bool, depth: int = 0) -> list[DataFile]:
    """The members of an archive; a file that is none as it is. An archive that a pattern found is one file among others."""
    if not patterns and not (single and is_archive(file.relative.name)):
        return [file]
    if not is_archive(file.relative.name):
        raise odd_path(file.name, expected="an archive", got="another file", cause="only archives have members", fix="remove the !")
    if depth >= MOST_DEPTH:
        cause = "archives in archives in archives are a way to hide things"
        raise odd_path(file.name, expected=f"at most {MOST_DEPTH} archives", got="more", cause=cause, fix="unpack some by hand")
    pattern = patterns[0] if patterns else ""
    exact = bool(pattern) and not has_magic(pattern)
    folder, rest = ("", "") if exact or not pattern else split_pattern(pattern)
    seen: list[str] = []

    def wanted(name: str) -> bool:
        seen.append(name)
        if exact:
            return name == pattern or (name.startswith(pattern + "/") and not hidden(name[len(pattern) + 1 :]))
        return matches(name) if pattern else not hidden(name)

    matches = matcher(pattern)
    found = sorted(members_of(file, wanted), key=lambda member: natural(member[0]))
    if not found:
        raise nothing_there(
            f"{file.name}!{pattern}" if pattern else file.name,
            expected="a member that fits",
            got=f"none of {len(seen)}" + (f": {', '.join(seen[:5])}{' ...' if len(seen) > 5 else ''}" if seen else ""),
            names=seen,
            wanted=pattern if exact else "",
            cause="the pattern fits no member" if pattern else "the archive is empty",
            fix="look at the names in the archive",
        )
    below = pattern if exact and found[0][0] != pattern else folder
    lone = exact and found[0][0] == pattern
    files = [
        DataFile(
            f"{file.name}!{name}",
            PurePosixPath(name).relative_to(below) if not lone else PurePosixPath(PurePosixPath(name).name),
            origin,
            file.storage,
        )
        for name, origin in found
    ]
    return [inner for one in files for inner in _inside(one, patterns[1:], single=False, depth=depth + 1)]


def _local(place: Place, storage: Storage) -> list[DataFile]:
    path = Path(place.path)
    try:
        if path.is_file():
            return [DataFile(str(path), PurePosixPath(path.name), LocalOrigin(path), storage)]
        if path.is_dir():
            folder, names = path, sorted(walk(path, None), key=natural)
        elif has_magic(place.path):
            fixed, pattern = split_pattern(path.as_posix())
            folder = Path(fixed or ".")
            names = sorted(walk(folder, pattern), key=natural) if folder.is_dir() else []
        else:
            path.stat()  # Says why not: no such file, no permission, a loop of links.
            raise unreadable(path, OSError(0, "neither a file nor a folder"))
    except OSError as error:
        raise unreadable(path, error) from error
    if not names and path.is_dir():
        raise unreadable(path, OSError(0, "a folder without files"))
    if not names:
        raise nothing_there(
            place.path,
            expected="a file that fits the pattern",
            got="none" if folder.is_dir() else f"no folder {folder}",
            names=[],
            wanted="",
            cause="the pattern or its folder is mistyped; relative paths start at the recipe's folder",
            fix="correct it; ** stands for any number of folders",
        )
    # Joined by hand: what pathlib does is felt with a million files.
    prefix = "" if str(folder) == "." else f"{folder}/".replace("//", "/")
    return [DataFile(prefix + name, PurePosixPath(name), LocalOrigin(Path(prefix + name)), storage) for name in names]


def _stored(place: Place, storage: Storage) -> list[DataFile]:
    host, key = key_of(place)
    store = Store(place.protocol, host, place.shown, storage)
    root = store.system._strip_protocol(place.path)
    infos: dict[str, Any]
    try:
        if has_magic(key):
            folder, pattern = split_pattern(root)
            fits = matcher(pattern)
            infos = store.system.find(folder, detail=True)
            names = [name for name in infos if fits(str(relative_to(name, folder)))]
        elif store.system.isfile(root):
            folder, names = str(PurePosixPath(root).parent), [root]
        else:
            folder, infos = root, store.system.find(root, detail=True)
            names = [name for name in infos if not hidden(str(relative_to(name, folder)))]
    except Exception as error:  # every file system has errors of its own
        raise store.failure(place.shown, error) from error
    if not names:
        raise nothing_there(
            place.shown,
            expected="a file",
            got="none",
            names=[],
            wanted="",
            cause="the path is mistyped, the pattern fits nothing, or the credentials don't show it",
            fix="list the folder to see its names",
        )
    prefix = f"{place.protocol}://"
    return [
        DataFile(prefix + name.lstrip("/"), relative_to(name, folder), StoreOrigin(store, name, prefix + name.lstrip("/")), storage)
        for name in sorted(names, key=natural)
    ]
