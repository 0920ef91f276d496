"""What a user writes for a path, taken apart; and the order in which files come."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from lamina.data.storage.archives import is_archive
from lamina.data.storage.known import located
from lamina.data.storage.options import PROTOCOLS
from lamina.data.storage.problems import odd_path
from lamina.errors import nearest

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SIGNED = re.compile(r"sig|token|secret|passw|credential|(^|_|-|api)key$", re.IGNORECASE)
_MAGIC = re.compile(r"[*?[]")
WEB = ("http", "https")


@dataclass(frozen=True)
class Place:
    """A path, taken apart.

    Attributes:
        protocol: ``file``, ``http``, or one of the stores.
        path: Of the file, folder or pattern; a whole URL unless it is local. It may hold credentials.
        inner: Patterns inside archives, one for each that is inside the one before.
    """

    protocol: str
    path: str
    inner: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The path without credentials, for messages."""
        return shown(self.path)


def parse(text: str, base: Path | None = None) -> Place:
    """Take apart what a user wrote.

    Args:
        text: A local path, a pattern, a URL, or ``ARCHIVE!MEMBER``; ``${NAME}`` stands for an environment variable, and
            ``data://NAME/`` for the folder of a data set in ``LAMINA_DATA`` or the cache.
        base: Folder of relative paths.

    Raises:
        DataError: DA040.

    Example:
        >>> parse("s3://bucket/photos.zip!cats/*.jpg")
        Place(protocol='s3', path='s3://bucket/photos.zip', inner=('cats/*.jpg',))
    """
    if not text.strip() or "\0" in text:
        raise odd_path("path", expected="a path", got=repr(text), cause="nothing is written", fix="write the path of a file")
    _check_credentials(text)
    text = located(text)
    path, *inner = _at_archives(_VARIABLE.sub(lambda match: _variable(match, text), text), base)
    scheme = _SCHEME.match(path)
    protocol = scheme[1].lower() if scheme else "file"
    if protocol == "file":
        return Place("file", str(_local(path[len("file://") :] if scheme else path, base)), tuple(inner))
    if protocol in WEB:
        if "*" in urlsplit(path).path:
            cause = "web servers can't be asked which files they have"
            raise odd_path(shown(path), expected="the address of one file", got="a pattern", cause=cause, fix="list the addresses")
        return Place("http", path, tuple(inner))
    if protocol not in PROTOCOLS:
        known = ["file", *WEB, *PROTOCOLS]
        near = nearest(protocol, known)
        raise odd_path(
            shown(path),
            expected=f"one of {', '.join(known)}",
            got=protocol,
            cause="this kind of address is not known",
            fix=f"did you mean {near}://?" if near else "copy the file to one of them",
        )
    return Place(protocol, path, tuple(inner))


def is_absolute(text: str) -> bool:
    """Whether a path means the same from any folder: a URL, one that an environment variable begins, an absolute one."""
    return bool(_SCHEME.match(text) or _VARIABLE.match(text)) or Path(text).expanduser().is_absolute()


def shown(path: str) -> str:
    """A URL without user, password and query; other paths as they are.

    Example:
        >>> shown("https://me:secret@example.org/a.csv?sig=abc")
        'https://example.org/a.csv'
    """
    if not _SCHEME.match(path):
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def has_magic(path: str) -> bool:
    """Whether a path is a pattern."""
    return _MAGIC.search(path) is not None


def natural(path: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Key of the order in which people count: ``2.csv`` before ``10.csv``, a folder's files together.

    Example:
        >>> sorted(["b10", "b9", "a/2", "a/10"], key=natural)
        ['a/2', 'a/10', 'b9', 'b10']
    """
    return tuple(
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
        for name in path.split("/")
    )


def hidden(relative: str) -> bool:
    """Whether a file in a folder is none of the data: names that begin with a dot, or with ``_`` as Spark's ``_SUCCESS``."""
    return any(part.startswith((".", "_")) for part in relative.split("/"))


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a path with ``/`` fits a pattern: ``*`` and ``?`` within a name, ``**`` over any number of folders.

    As in shells, only a pattern that says so takes hidden names.

    Example:
        >>> [name for name in ("a.csv", "b/a.csv", ".a.csv") if matcher("**/*.csv")(name)]
        ['a.csv', 'b/a.csv']
    """
    whole = re.compile("".join(_translated(pattern)))
    return lambda path: whole.fullmatch(path) is not None


def _translated(pattern: str) -> Iterator[str]:
    parts = pattern.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            yield r"(?:[^./][^/]*(?:/[^./][^/]*)*)?" if last else r"(?:[^./][^/]*/)*"
            continue
        text = "" if part.startswith(".") or not has_magic(part[:1]) else r"(?!\.)"
        place = 0
        while place < len(part):
            letter = part[place]
            closing = part.find("]", place + 2) if letter == "[" else -1
            if closing > 0:
                inside = part[place + 1 : closing].replace("\\", r"\\").replace("^", r"\^")
                text += f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"
                place = closing
            else:
                text += {"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter))
            place += 1
        yield text + ("" if last else "/")


def split_pattern(pattern: str) -> tuple[str, str]:
    """The folder that all matches lie in, and the rest.

    Example:
        >>> split_pattern("a/b/*/c.csv")
        ('a/b', '*/c.csv')
    """
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if has_magic(part))
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ""), "/".join(parts[first:])


def walk(folder: Path, pattern: str | None) -> Iterator[str]:
    """Paths of the files below a folder that fit a pattern (all that aren't hidden, without one), in no order."""
    wanted = matcher(pattern) if pattern is not None else lambda path: not hidden(path)
    deep = pattern is None or "**" in pattern
    levels = 0 if pattern is None else pattern.count("/")
    heap = [""]
    while heap:
        below = heap.pop()
        with os.scandir(folder / below) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir(follow_symlinks=not deep):
                    if deep or path.count("/") < levels:
                        heap.append(path)
                elif entry.is_file() and wanted(path):
                    yield path


def _variable(match: re.Match[str], text: str) -> str:
    value = os.environ.get(match[1])
    if not value:
        cause = "the environment variable is not set here"
        raise odd_path(text, expected=f"a value of {match[1]}", got="nothing", cause=cause, fix=f"export {match[1]}=...")
    return value


def _check_credentials(text: str) -> None:
    """See that what stands in the description holds no secret; what environment variables bring is not looked at."""
    if not _SCHEME.match(text):
        return
    parts = urlsplit(text)
    query = [key for key, value in parse_qsl(parts.query) if _SIGNED.search(key) and not _VARIABLE.search(value)]
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    if query or (password and not _VARIABLE.search(password)):
        raise odd_path(
            shown(text),
            expected="an address without credentials",
            got=f"{query[0]}=..." if query else "a password before @",
            cause="it would stand in the recipe, the run and its log",
            fix="put the whole address into an environment variable, and write path: ${NAME}",
        )


def _local(path: str, base: Path | None) -> Path:
    try:
        own = Path(path).expanduser()
    except RuntimeError as error:
        raise odd_path(path, expected="a path", got=str(error), cause="there is no such user", fix="write the whole path") from error
    return own if base is None else base / own


def _at_archives(text: str, base: Path | None) -> list[str]:
    """Cut at each ``!`` that follows the name of an archive, unless there is a file of the whole name."""
    if "!" not in text or os.path.exists(text if base is None else base / text):  # noqa: PTH110 (says no where Path raises)
        return [text]
    found = [""]
    for part in text.split("!"):
        if found[-1] and is_archive(found[-1]):
            found.append(part.strip("/"))
        else:
            found[-1] = f"{found[-1]}!{part}" if found[-1] else part
    return found


def key_of(place: Place) -> tuple[str, str]:
    """Host and path of a URL of a store."""
    rest = place.path.split("://", 1)[1]
    return rest.partition("/")[0], rest


def relative_to(path: str, folder: str) -> PurePosixPath:
    """A path below a folder, without it."""
    return PurePosixPath(path[len(folder) :].lstrip("/") if folder and path.startswith(folder) else path)
