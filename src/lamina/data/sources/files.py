"""Files of data sets: looked for in `LAMINA_DATA`, then in the cache, then downloaded, checked by SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.data.storage.cache import OFFLINE, cache_folder, is_offline
from lamina.errors import DataError

if TYPE_CHECKING:
    from http.client import HTTPResponse

DATA, MIRROR = "LAMINA_DATA", "LAMINA_MIRROR"
CHUNK = 1 << 20
ATTEMPTS = 3
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """A file that never changes.

    Attributes:
        folder: Name of the data set's folder.
        name: Of the file.
        sha256: Of its bytes; None where only local copies are taken.
        size: In bytes.
        url: Where the original is; None if it is not downloaded.
    """

    folder: str
    name: str
    sha256: str | None = None
    size: int | None = None
    url: str | None = None

    @property
    def address(self) -> str | None:
        """Where to download it: below ``LAMINA_MIRROR``, if that is set, else the original."""
        mirror = os.environ.get(MIRROR)
        if mirror and self.sha256:
            return f"{mirror.rstrip('/')}/{self.folder}/{self.name}"
        return self.url


def local_file(file: RemoteFile) -> Path | None:
    """The file in ``LAMINA_DATA`` or the cache, if it is in one of them."""
    folders = [Path(os.environ[DATA])] if os.environ.get(DATA) else []
    found = (folder / file.folder / file.name for folder in [*folders, cache_folder()])
    return next((path for path in found if path.is_file()), None)


def find_file(file: RemoteFile, *, download: bool = True) -> Path:
    """The file, downloaded if need be.

    Args:
        file: Which.
        download: Whether it may be downloaded; ``LAMINA_OFFLINE=1`` forbids it as well.

    Raises:
        DataError: DA030, if it is nowhere; DA033, if it can't be downloaded; DA034, if it is damaged.
    """
    path = local_file(file)
    if path is not None:
        return path
    address = file.address
    offline = is_offline()
    if offline or not download or address is None:
        raise DataError(
            "DA030",
            where=f"the file {file.folder}/{file.name}",
            expected=f"it in {os.environ.get(DATA) or f'${DATA} (not set)'} or in {cache_folder()}",
            got="nowhere",
            cause=f"{OFFLINE} is set" if offline else "download: false" if not download else "it can't be downloaded",
            fix=f"set {DATA} to the folder that holds {file.folder}/" + (f", or unset {OFFLINE}" if offline else ""),
        )
    return fetch(file, address, cache_folder() / file.folder / file.name)


def fetch(file: RemoteFile, address: str, target: Path) -> Path:
    """Download a file, going on where an earlier try was cut off; it appears under its name only when its checksum is right.

    Raises:
        DataError: DA033, if the server doesn't give it; DA034, if what it gives is something else.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    failure: Exception | None = None
    for _ in range(ATTEMPTS):
        failure = _try(address, part, file.size)
        if failure is None:
            break
    else:
        raise _unreachable(file, address, failure)
    found = sha256_of(part)
    if found != file.sha256:
        part.unlink()
        raise DataError(
            "DA034",
            where=address,
            expected=f"the file with the SHA-256 {file.sha256}",
            got=f"{found}",
            cause="the server gave another file, such as an error page; it was not kept",
            fix=f"try again, set {MIRROR} to another server, or put the file into ${DATA}/{file.folder}/",
        )
    part.replace(target)
    return target


def _try(address: str, part: Path, size: int | None) -> Exception | None:
    """One connection: append what is missing; what went wrong, if anything."""
    import http.client
    import urllib.error
    import urllib.request

    have = part.stat().st_size if part.exists() else 0
    if size is not None and have >= size:
        if have == size:
            return None
        part.unlink()
        have = 0
    headers = {"User-Agent": "lamina", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 (http, https and file are all meant)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            # A server without ranges answers 200 and sends everything from the start.
            _append(answer, part, keep=answer.status == 206)
    except urllib.error.HTTPError as error:
        # It holds the connection until somebody closes it.
        error.close()
        if error.code == 416:
            part.unlink(missing_ok=True)
        return error
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        return error
    if size is not None and part.stat().st_size != size:
        return ConnectionError(f"the connection ended after {part.stat().st_size} of {size} bytes")
    return None


def _append(answer: HTTPResponse, part: Path, *, keep: bool) -> None:
    with part.open("ab" if keep else "wb") as file:
        while chunk := answer.read(CHUNK):
            file.write(chunk)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreachable(file: RemoteFile, address: str, failure: Exception | None) -> DataError:
    return DataError(
        "DA033",
        where=address,
        expected=f"the file {file.name}",
        got=str(failure),
        cause=f"the server is not reachable or has moved; tried {ATTEMPTS} times",
        fix=f"try again (it goes on where it was cut off), set {MIRROR} to another server, or put the file into ${DATA}/{file.folder}/",
    )


def first_local(files: Iterable[RemoteFile]) -> RemoteFile | None:
    """The first of these files that is there already."""
    return next((file for file in files if local_file(file) is not None), None)
