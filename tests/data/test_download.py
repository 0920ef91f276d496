"""Files are fetched from a real server on loopback: cut connections go on, wrong content is not kept, offline is offline."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lamina.data.sources.files import RemoteFile, find_file
from lamina.data.sources.images import Cifar10, Mnist, read_idx
from lamina.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = RemoteFile("letters", "a.bin", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Server(ThreadingHTTPServer):
    """Serves `content`, cuts the first `cuts` answers in the middle, and remembers what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {"/letters/a.bin": CONTENT}
        self.cuts = 0
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        body = server.content.get(self.path)
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
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if server.cuts:
            server.cuts -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    made = Server()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    monkeypatch.setenv("LAMINA_MIRROR", f"http://127.0.0.1:{made.server_address[1]}/")
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("LAMINA_DATA", "LAMINA_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def refused(code: str, *words: str, call) -> None:
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_file_is_fetched_once(server, tmp_path) -> None:
    path = find_file(FILE)
    assert path == tmp_path / "cache" / "letters" / "a.bin"
    assert path.read_bytes() == CONTENT
    assert find_file(FILE) == path
    assert server.asked == [("/letters/a.bin", None)]
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_a_cut_connection_goes_on_where_it_was(server) -> None:
    server.cuts = 2
    assert find_file(FILE).read_bytes() == CONTENT
    half, three = len(CONTENT) // 2, len(CONTENT) * 3 // 4
    assert server.asked == [("/letters/a.bin", wanted) for wanted in (None, f"bytes={half}-", f"bytes={three}-")]


def test_a_later_call_goes_on_too(server, tmp_path) -> None:
    server.cuts = 3
    refused("DA033", "ended after", "goes on where it was cut off", call=lambda: find_file(FILE))
    assert not (tmp_path / "cache" / "letters" / "a.bin").exists()
    assert find_file(FILE).read_bytes() == CONTENT
    assert server.asked[-1][1] == f"bytes={len(CONTENT) * 7 // 8}-"


def test_a_server_without_ranges_begins_again(server) -> None:
    server.cuts, server.ranges = 1, False
    assert find_file(FILE).read_bytes() == CONTENT


def test_a_partial_file_that_is_too_long_is_thrown_away(server, tmp_path) -> None:
    part = tmp_path / "cache" / "letters" / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    assert find_file(FILE).read_bytes() == CONTENT


def test_wrong_content_is_not_kept(server, tmp_path) -> None:
    server.content["/letters/a.bin"] = bytes(len(CONTENT))
    refused("DA034", FILE.sha256, "LAMINA_MIRROR", call=lambda: find_file(FILE))
    assert list((tmp_path / "cache" / "letters").iterdir()) == []


def test_what_is_not_there_is_said(server) -> None:
    refused("DA033", "404", "/letters/b.bin", call=lambda: find_file(RemoteFile("letters", "b.bin", "0" * 64, 5)))


@pytest.mark.parametrize("switch", ["LAMINA_OFFLINE", "download"])
def test_offline_asks_nobody(server, monkeypatch, switch) -> None:
    if switch == "LAMINA_OFFLINE":
        monkeypatch.setenv("LAMINA_OFFLINE", "1")
    refused("DA030", "letters/a.bin", "LAMINA_DATA", call=lambda: find_file(FILE, download=switch != "download"))
    assert server.asked == []


def test_own_data_come_before_the_cache(server, tmp_path, monkeypatch) -> None:
    own = tmp_path / "own" / "letters" / "a.bin"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path / "own"))
    assert find_file(FILE) == own
    assert server.asked == []


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_mnist_from_a_mirror(server, monkeypatch) -> None:
    rng = np.random.default_rng(1)
    arrays = {"train": (rng.integers(0, 256, (5, 28, 28), dtype=np.uint8), np.array([5, 0, 4, 1, 9], dtype=np.uint8))}
    arrays["t10k"] = (arrays["train"][0][:2], arrays["train"][1][:2])
    sums = {}
    for part, (pixels, labels) in arrays.items():
        for name, array in ((f"{part}-images-idx3-ubyte.gz", pixels), (f"{part}-labels-idx1-ubyte.gz", labels)):
            raw = idx(array)
            sums[name] = (len(raw), hashlib.sha256(raw).hexdigest())
            server.content[f"/mnist/{name}"] = raw
    monkeypatch.setattr(Mnist, "sums", sums)
    server.cuts = 1
    parts = Mnist().read()
    np.testing.assert_array_equal(parts.train.inputs["input"][:, 0], arrays["train"][0])
    assert parts.test.targets["output"].tolist() == [5, 0]


def test_the_real_mnist_is_what_it_should_be(shared_data, monkeypatch) -> None:
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    for name, (size, digest) in Mnist.sums.items():
        raw = (shared_data / "mnist" / name).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (size, digest)
    labels = read_idx(shared_data / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(
    "raw",
    [b"", b"no gzip", idx(np.zeros((2, 3), dtype=np.uint8))[:-9], gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc")],
    # Names of their own: gzip writes the time, which differs between the processes that run the tests.
    ids=["empty", "no_gzip", "cut_off", "too_short"],
)
def test_damaged_idx_files_are_refused(tmp_path, raw) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(raw)
    refused("DA034", "x.gz", "fetched anew", call=lambda: read_idx(path))


@pytest.mark.parametrize("form", [".bin", ".bin.xz", "tar"])
def test_cifar10_in_all_its_forms(tmp_path, monkeypatch, form) -> None:
    import io
    import lzma
    import tarfile

    rng = np.random.default_rng(2)
    rows = {name: rng.integers(0, 256, (3, 3073), dtype=np.uint8) for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")}
    for array in rows.values():
        array[:, 0] %= 10
    folder = tmp_path / "cifar10"
    folder.mkdir()
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    if form == "tar":
        with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
            for name, array in rows.items():
                info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
                info.size = array.nbytes
                archive.addfile(info, io.BytesIO(array.tobytes()))
    else:
        for name, array in rows.items():
            raw = array.tobytes()
            (folder / (name + form)).write_bytes(lzma.compress(raw) if form.endswith("xz") else raw)
    parts = Cifar10(download=False).read()
    everything = np.concatenate(list(rows.values())[:5])
    np.testing.assert_array_equal(parts.train.inputs["input"], everything[:, 1:].reshape(15, 3, 32, 32))
    assert parts.test.targets["output"].tolist() == rows["test_batch"][:, 0].tolist()
