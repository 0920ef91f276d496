"""Files on web servers, read through: a connection that breaks is taken up again where it broke."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lamina.data.storage.cache import OFFLINE, is_offline
from lamina.data.storage.options import Storage
from lamina.data.storage.problems import changed, lost, unreachable
from lamina.data.storage.stream import PIECE, Stream

if TYPE_CHECKING:
    from http.client import HTTPResponse

PAUSE_SECONDS = 0.2
"""Before the second attempt; each further one waits twice as long, up to `LONGEST_SECONDS`."""
LONGEST_SECONDS = 5.0
_AGAIN = (408, 425, 429, 500, 502, 503, 504)


def pause(failures: int) -> None:
    """Wait before the next attempt."""
    time.sleep(min(LONGEST_SECONDS, PAUSE_SECONDS * 2.0 ** (failures - 1)))


def check_online(where: str) -> None:
    """See that the network may be used.

    Raises:
        DataError: DA042.
    """
    if is_offline():
        raise unreachable(where, f"{OFFLINE} is set", cause="it forbids to use the network", fix=f"unset {OFFLINE}, or give a local copy")


class HttpOrigin:
    """A file on a web server.

    Args:
        url: Its address, which may hold credentials.
        name: The address without them.
        storage: How patient to be.
    """

    def __init__(self, url: str, name: str, storage: Storage) -> None:
        self.url, self.name, self.storage = url, name, storage

    def state(self) -> tuple[object, ...]:
        failures = 0
        while True:
            failure: object
            try:
                with self.ask("HEAD") as answer:
                    return state_of(answer)
            except Retry as error:
                failure = error
            failures += 1
            if failures >= self.storage.attempts:
                raise unreachable(self.name, failure, cause="the server is not reachable", fix="try again, or give a local copy")
            pause(failures)

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        return _HttpStream(self, state)  # type: ignore[return-value]

    def path(self) -> Path | None:
        return None

    def ask(self, method: str, start: int = 0) -> HTTPResponse:
        """The server's answer.

        Raises:
            Retry: If it may be another one next time.
            DataError: DA042, if it will not.
        """
        import http.client
        import urllib.error
        import urllib.request

        check_online(self.name)
        headers = {"User-Agent": "lamina", "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        try:
            request = urllib.request.Request(self.url, headers=headers, method=method)  # noqa: S310 (only http and https come here)
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=self.storage.timeout)  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()  # It holds the connection until somebody closes it.
            if method == "HEAD" and error.code in (403, 405, 501):
                return self.ask("GET")  # Some servers, and addresses signed for reading, know no HEAD.
            if error.code in _AGAIN:
                message = f"{error.code} {error.reason}"
                raise Retry(message) from None
            cause = {401: "the server wants credentials", 403: "the server refuses it", 404: "the address is mistyped, or the file gone"}
            told = cause.get(error.code, "the server does not give the file")
            raise unreachable(self.name, f"{error.code} {error.reason}", cause=told, fix="check the address in a browser") from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise Retry(str(getattr(error, "reason", None) or error or type(error).__name__)) from None
        if answer.headers.get("Content-Encoding", "identity") not in ("identity", "") and not self.url.lower().endswith(".gz"):
            answer.close()
            raise unreachable(
                self.name,
                f"content packed on the way ({answer.headers['Content-Encoding']}), which was not asked for",
                cause="the server packs all it sends, so that a broken connection can't be taken up",
                fix="download the file, and give the local copy",
            )
        return answer


class Retry(Exception):
    """The network failed in a way that may pass."""


class _HttpStream(Stream):
    def __init__(self, origin: HttpOrigin, state: tuple[object, ...]) -> None:
        super().__init__()
        self._origin, self._state = origin, state
        self._answer: HTTPResponse | None = None
        self._position, self._failures = 0, 0
        self._size = state[0] if isinstance(state[0], int) else None

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        super().close()

    def piece(self) -> bytes:
        import http.client

        while self._size is None or self._position < self._size:
            failure: Exception
            try:
                if self._answer is None:
                    self._answer = self._connect()
                found = self._answer.read1(PIECE)
                if found:
                    self._position += len(found)
                    self._failures = 0
                    return found
                if self._size is None:
                    return b""  # The last piece of an answer in chunks, which http.client has seen to be whole.
                failure = ConnectionError("the connection ended")
            except (Retry, OSError, http.client.HTTPException) as error:
                failure = error
            if self._answer is not None:
                self._answer.close()
                self._answer = None
            self._failures += 1
            if self._failures >= self._origin.storage.attempts:
                raise lost(self._origin.name, self._position, self._size, failure, self._failures) from failure
            pause(self._failures)
        return b""

    def _connect(self) -> HTTPResponse:
        answer = self._origin.ask("GET", self._position)
        try:
            self._check(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    def _check(self, answer: HTTPResponse) -> None:
        now = state_of(answer)
        if not same_state(now, self._state):
            raise changed(self._origin.name, " ".join(map(str, self._state)), " ".join(map(str, now)))
        if self._size is None and isinstance(now[0], int):
            self._size = now[0]
        if self._size is None and answer.headers.get("Transfer-Encoding", "").lower() != "chunked":
            raise unreachable(
                self._origin.name,
                "an answer without a length",
                cause="the server doesn't say where the file ends, so that a broken connection would go unnoticed",
                fix="download the file, and give the local copy",
            )
        if self._position and answer.status != 206:
            self._skip(answer)

    def _skip(self, answer: HTTPResponse) -> None:
        """A server that knows no ranges sends everything from the start."""
        left = self._position
        while left:
            found = answer.read(min(left, PIECE))
            if not found:
                message = "the connection ended"
                raise Retry(message)
            left -= len(found)


def state_of(answer: HTTPResponse) -> tuple[object, ...]:
    """Size and version of the whole file by the head of an answer that may be a part of it."""
    headers = answer.headers
    part = answer.status == 206
    whole = headers.get("Content-Range", "").rpartition("/")[2] if part else headers.get("Content-Length", "")
    return int(whole) if whole.isdigit() else None, headers.get("ETag") or "", headers.get("Last-Modified") or ""


def same_state(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two answers speak of the same version; not every answer says all."""
    return all(a == b or a in (None, "") or b in (None, "") for a, b in zip(one, other, strict=True))
