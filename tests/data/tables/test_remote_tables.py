"""Tables on a web server whose connections break: whole, or an error with file and byte."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lamina.data.sources import Csv
from lamina.data.storage import Storage, remote
from lamina.errors import DataError

ROWS = 40_000
CONTENT = b"a,b\n" + b"".join(b"%d,word %d\n" % (i, i % 7) for i in range(ROWS))


class Handler(BaseHTTPRequestHandler):
    """Ends each answer after 150,000 bytes, ``server.cuts`` times, and sends nothing while it is ``server.gone``."""

    def do_HEAD(self) -> None:
        self._head(0)

    def do_GET(self) -> None:
        start = int((self.headers.get("Range") or "bytes=0-")[len("bytes=") : -1])
        self._head(start)
        rest = self.server.content[start:]
        if self.server.cuts:
            self.server.cuts -= 1
            rest = rest[: 0 if start and self.server.gone else 150_000]
        self.wfile.write(rest)

    def _head(self, start: int) -> None:
        size = len(self.server.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.content, made.cuts, made.gone = CONTENT, 0, False
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("LAMINA_OFFLINE", raising=False)
    monkeypatch.setattr(remote, "PAUSE_SECONDS", 0.001)
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.mark.parametrize("packed", [False, True])
def test_broken_connections(server: ThreadingHTTPServer, small_blocks, packed: bool) -> None:
    small_blocks(10_000)
    server.content = gzip.compress(CONTENT, 0) if packed else CONTENT
    url = f"http://127.0.0.1:{server.server_address[1]}/rows.csv{'.gz' if packed else ''}"
    server.cuts = 3
    frame = Csv(path=url).frame().collect()
    assert frame.height == ROWS
    assert frame["a"].sum() == ROWS * (ROWS - 1) // 2
    server.cuts, server.gone = 100, True
    with pytest.raises(DataError, match=r"DA042.*rows\.csv.*, byte 150,000"):
        Csv(path=url, storage=Storage(attempts=3), columns={"a": {"type": "integer"}, "b": {"type": "string"}}).frame().collect()
