"""What the tests of formats share."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamina.errors import DataError


@pytest.fixture
def refused() -> Callable[[str], contextlib.AbstractContextManager[None]]:
    """A context in which a `DataError` must come, with this code, and with these words in its message."""

    @contextlib.contextmanager
    def context(code: str, *words: str) -> Iterator[None]:
        with pytest.raises(DataError) as caught:
            yield
        problem = caught.value.problems[0]
        assert problem.code == code, str(caught.value)
        for word in words:
            assert word in str(problem), f"{word!r} is not in: {problem}"
        # All five parts are there.
        assert all((problem.where, problem.expected, problem.got, problem.cause, problem.fix))

    return context  # type: ignore[return-value]


@pytest.fixture
def damages() -> Callable[[bytes], Iterator[bytes]]:
    """Files that were cut off, overwritten in places, or turned around, of a whole one; the same each time."""
    import random

    def ways(whole: bytes, count: int = 60) -> Iterator[bytes]:
        rng = random.Random(len(whole))
        for share in (0, 0.1, 0.5, 0.9, 0.999):
            yield whole[: int(share * len(whole))]
        for _ in range(count):
            changed = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            yield bytes(changed)

    return ways


USER, PASSWORD, DATABASE = "tester", "p@ss/w:rd " + secrets.token_hex(4), "shop"
"""The password has all that an address can't hold as it is."""


@dataclass(frozen=True)
class Server:
    """A running server of its own, which wants a password on its port of loopback."""

    port: int
    password: str = PASSWORD

    def url(self, variable: str, database: str = DATABASE) -> str:
        """Its address, with the password in an environment variable."""
        return f"postgresql://{USER}:${{{variable}}}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = DATABASE) -> Any:
        """A connection of the driver."""
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database, autocommit=True)


def programs() -> Path | None:
    """Where PostgreSQL's programs are: of the system, or of the package pgserver."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    own = shutil.which("initdb")
    if own is not None:
        return Path(own).parent
    try:
        import pgserver
    except ImportError:
        return None
    folder = Path(pgserver.__file__).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").is_file() else None


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server, stopped and removed afterwards."""
    folder = programs()
    assert folder is not None
    # The server refuses to run as root.
    user = _unprivileged()
    home = Path(tempfile.mkdtemp(prefix="lamina-pg-", dir=None if user is None else _reachable()))
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": "/"}
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    process = None
    try:
        secret = home / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = subprocess.run(
            [folder / "initdb", "-D", home / "data", "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8"],
            timeout=120,
            **options,
        )
        assert made.returncode == 0, made.stdout
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": home,
            "fsync": "off",
            "max_connections": 20,
            "temp_file_limit": "200MB",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = (home / "log").open("w")
        process = subprocess.Popen([folder / "postgres", "-D", home / "data", *arguments], **{**options, "stdout": log})
        log.close()
        yield _ready(Server(port))
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody")


def _reachable() -> str:
    """A folder for temporary files that another user can enter; that of this process may be its own alone."""
    own = Path(tempfile.gettempdir()).resolve()
    closed = any(not folder.stat().st_mode & stat.S_IXOTH for folder in (own, *own.parents))
    return "/tmp" if closed else str(own)


def _ready(server: Server) -> Server:
    import psycopg

    until = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(
                host="127.0.0.1", port=server.port, user=USER, password=PASSWORD, dbname="postgres", autocommit=True
            ) as own:
                own.execute(f"create database {DATABASE}")
                return server
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server with a database of its own; skipped where there are no programs for it."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if programs() is None:
        pytest.skip("there is no PostgreSQL here: /usr/lib/postgresql/*/bin, initdb on PATH, or pip install pgserver")
    with running() as server:
        yield server
