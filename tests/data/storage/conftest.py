"""A folder of files, a cache of its own, and servers on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lamina.data.storage import remote


class Server(ThreadingHTTPServer):
    """Serves `content`; each answer ends after `most` bytes, `cuts` times."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.cuts, self.most = 0, 100_000
        self.ranges, self.lengths, self.chunked = True, True, False
        self.version = "1"
        self.fail: list[int] = []
        self.asked: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def _answer(self, head: bool) -> None:
        server = self.server
        if not head:
            server.asked.append((self.path, self.headers.get("Range")))
        self.close_connection = True
        if server.fail:
            self.send_error(server.fail.pop(0))
            return
        body = server.content.get(self.path.partition("?")[0])
        if body is None:
            self.send_error(404)
            return
        start = 0
        if server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif server.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", f'"{server.version}"')
        self.send_header("Connection", "close")
        self.end_headers()
        if head:
            return
        rest = body[start:]
        if server.cuts and len(rest) > server.most:
            server.cuts -= 1
            rest = rest[: server.most]
        if server.chunked:
            self.wfile.write(f"{len(body) - start:x}\r\n".encode() + rest)
            if len(rest) == len(body) - start:
                self.wfile.write(b"\r\n0\r\n\r\n")
            return
        self.wfile.write(rest)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(remote, "PAUSE_SECONDS", 0.001)
    for name in ("LAMINA_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "files"
