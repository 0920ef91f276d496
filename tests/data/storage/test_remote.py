"""Web servers and an S3 store on loopback: connections that break go on where they broke, or end in an error."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lamina.data.storage import Storage, open_file, open_files, remote, stores
from lamina.errors import DataError, DependencyError

CONTENT = np.random.default_rng(0).bytes(1_000_000)


@pytest.mark.parametrize("cuts", [0, 1, 4])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_breaks_is_taken_up_again(web, cuts: int, ranges: bool) -> None:
    web.content["/a.bin"], web.cuts, web.ranges = CONTENT, cuts, ranges
    file = open_file(f"{web.address}/a.bin", storage=Storage(attempts=5))
    assert file.size == len(CONTENT)
    assert file.read() == CONTENT
    assert len(web.asked) == cuts + 1
    if ranges:
        assert [asked[1] for asked in web.asked[1:]] == [f"bytes={(i + 1) * web.most}-" for i in range(cuts)]


def test_a_connection_that_stays_broken(web, cache: Path) -> None:
    web.content["/a.bin"], web.cuts = CONTENT, 3
    file = open_file(f"{web.address}/a.bin", storage=Storage(attempts=3))
    with file.open() as stream:
        assert stream.read(250_000) == CONTENT[:250_000]
        web.fail = [503] * 3
        web.cuts = 1
        with pytest.raises(DataError, match="DA042") as caught:
            stream.read()
    assert f"{web.address}/a.bin, byte " in str(caught.value)
    assert "3 attempts" in str(caught.value)
    web.cuts, web.most, web.fail = 100, 0, []
    with pytest.raises(DataError, match="byte 0"):
        file.local()
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_copy_in_the_cache(web, cache: Path) -> None:
    web.content["/a.csv.gz"] = gzip.compress(CONTENT)
    path = open_file(f"{web.address}/a.csv.gz?x=1").local()
    assert path.read_bytes() == CONTENT
    assert path.name == "a.csv"
    asked = len(web.asked)
    assert open_file(f"{web.address}/a.csv.gz?x=1").local() == path
    assert len(web.asked) == asked
    web.version = "2"
    assert open_file(f"{web.address}/a.csv.gz?x=1").local() != path


def test_a_file_that_changes_between_two_connections(web) -> None:
    web.content["/a.bin"], web.cuts = CONTENT, 1
    with open_file(f"{web.address}/a.bin").open() as stream:
        stream.read(1000)
        web.version = "2"
        with pytest.raises(DataError, match="DA043"):
            stream.read()


def test_answers_in_chunks_and_without_an_end(web) -> None:
    web.content["/a.bin"], web.chunked = CONTENT, True
    file = open_file(f"{web.address}/a.bin")
    assert file.read() == CONTENT
    assert file.size is None
    web.cuts = 2
    assert open_file(f"{web.address}/a.bin").read() == CONTENT
    web.chunked, web.lengths = False, False
    with pytest.raises(DataError, match="DA042.*\n.*\n.*without a length"):
        open_file(f"{web.address}/a.bin").read()


@pytest.mark.parametrize(("status", "said"), [(401, "credentials"), (403, "refuses"), (404, "gone"), (418, "does not give")])
def test_servers_that_refuse(web, status: int, said: str) -> None:
    web.fail = [status, status]
    with pytest.raises(DataError, match=f"DA042(.*\n)*.*{said}"):
        open_file(f"{web.address}/a.bin").read()


def test_servers_that_are_busy_or_not_there(web) -> None:
    web.content["/a.bin"], web.fail = CONTENT, [503, 429, 500]
    assert open_file(f"{web.address}/a.bin").read() == CONTENT
    with pytest.raises(DataError, match="DA042"):
        open_file("http://127.0.0.1:9/a.bin", storage=Storage(attempts=2)).read()


def test_offline_is_offline(web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_OFFLINE", "1")
    for path in (f"{web.address}/a.bin", "s3://bucket/a.bin"):
        with pytest.raises(DataError, match="LAMINA_OFFLINE"):
            open_file(path).read()
    assert web.asked == []


def test_an_archive_on_a_web_server(web, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("rows/1.csv", b"one")
        archive.writestr("rows/2.csv", b"two")
    web.content["/a.zip"], web.cuts, web.most = (tmp_path / "a.zip").read_bytes(), 1, 100
    found = open_files(f"{web.address}/a.zip!rows/*.csv")
    assert [file.read() for file in found] == [b"one", b"two"]
    assert found[0].name == f"{web.address}/a.zip!rows/1.csv"


# -- a store ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("LAMINA_OFFLINE", raising=False)
    monkeypatch.setattr(remote, "PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("STORE_KEY", "testing-key")
    monkeypatch.setenv("STORE_SECRET", "testing-hush")
    import boto3

    client = boto3.client(
        "s3", endpoint_url=s3_server, region_name="us-east-1", aws_access_key_id="testing-key", aws_secret_access_key="testing-hush"
    )
    client.create_bucket(Bucket="bucket")
    for name, content in {
        "rows/2.csv": b"two",
        "rows/10.csv": b"ten",
        "rows/deep/1.csv": b"one",
        "big.bin": CONTENT,
        "rows/_SUCCESS": b"",
    }.items():
        client.put_object(Bucket="bucket", Key=name, Body=content)
    client.put_object(Bucket="bucket", Key="a.csv.gz", Body=gzip.compress(CONTENT))
    return Storage(endpoint=s3_server, region="us-east-1", secrets={"key": "STORE_KEY", "secret": "STORE_SECRET"})


def test_an_s3_store(s3: Storage, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def names(path: str) -> list[str]:
        return [file.name for file in open_files(path, storage=s3)]

    assert names("s3://bucket/rows/*.csv") == ["s3://bucket/rows/2.csv", "s3://bucket/rows/10.csv"]
    assert names("s3://bucket/rows") == ["s3://bucket/rows/2.csv", "s3://bucket/rows/10.csv", "s3://bucket/rows/deep/1.csv"]
    assert names("s3://bucket/**/1.csv") == ["s3://bucket/rows/deep/1.csv"]
    assert [str(file.relative) for file in open_files("s3://bucket/rows/**/*.csv", storage=s3)] == ["2.csv", "10.csv", "deep/1.csv"]
    monkeypatch.setattr(stores, "BLOCK", 300_000)
    file = open_file("s3://bucket/big.bin", storage=s3)
    assert file.size == len(CONTENT)
    assert file.read() == CONTENT
    assert file.local().read_bytes() == CONTENT
    assert open_file("s3://bucket/a.csv.gz", storage=s3).read() == CONTENT
    for path in ("s3://bucket/none.csv", "s3://bucket/x/*.csv", "s3://nobucket/a.csv"):
        with pytest.raises(DataError, match="DA04[12]"):
            open_files(path, storage=s3)


def test_an_object_that_is_replaced_while_it_is_read(s3: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "BLOCK", 100_000)
    file = open_file("s3://bucket/big.bin", storage=s3)
    with file.open() as stream:
        stream.read(1000)
        with file._origin.store.system.open("bucket/big.bin", "wb") as other:
            other.write(CONTENT[::-1])
        with pytest.raises(DataError, match="DA043.*big.bin"):
            stream.read()


def test_a_store_whose_network_breaks(s3: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "BLOCK", 100_000)
    file = open_file("s3://bucket/big.bin", storage=s3.replace(attempts=4))
    system, real, calls = file._origin.store.system, file._origin.store.system.cat_file, []

    def breaking(path, start, end):
        calls.append(start)
        if len(calls) % 2:
            raise ConnectionError("reset by testing-hush")
        return real(path, start=start, end=end)[: -1 if len(calls) == 2 else None]

    monkeypatch.setattr(system, "cat_file", breaking)
    assert file.read() == CONTENT
    monkeypatch.setattr(
        system, "cat_file", lambda path, start, end: breaking(path, start, end) if start < 500_000 else calls.append(0) or 1 / 0
    )
    with pytest.raises(DataError, match="DA042.*big.bin, byte 500,000"):
        file.read()
    monkeypatch.setattr(system, "cat_file", lambda path, start, end: (_ for _ in ()).throw(OSError("testing-hush")))
    with pytest.raises(DataError, match=r"\*\*\*") as caught:
        file.read()
    assert "testing-hush" not in str(caught.value)


def test_other_stores_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/lamina/rows.csv", b"a,b")
    try:
        assert open_file("memory://lamina/rows.csv").read() == b"a,b"
        assert [file.read() for file in open_files("memory://lamina/*.csv")] == [b"a,b"]
    finally:
        memory.rm("/lamina", recursive=True)
    monkeypatch.delenv("LAMINA_OFFLINE", raising=False)

    def missing(*_, **__):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(DependencyError, match=r"lamina\[cloud\]"):
        open_file("s3://bucket/a.csv")


def test_a_store_without_credentials(s3: Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(DataError, match="DA042(.*\n)*.*credentials are missing"):
        open_files("s3://bucket/rows/*.csv", storage=Storage(endpoint=s3.endpoint))
