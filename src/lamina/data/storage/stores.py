"""Files in object stores and other file systems that `fsspec` knows: s3, gs, abfs, hdfs ..."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lamina.data.storage.options import Storage
from lamina.data.storage.problems import changed, lost, unreachable
from lamina.data.storage.remote import check_online, pause
from lamina.data.storage.stream import Stream
from lamina.errors import DataError, DependencyError

BLOCK = 8 << 20
_VERSIONS = ("ETag", "etag", "md5Hash", "generation", "content_md5", "LastModified", "last_modified", "mtime", "modified", "created")


class Store:
    """A file system of `fsspec`, made with the settings and secrets of a `Storage`.

    Args:
        protocol: Such as ``s3``.
        where: The path that the user wrote, for messages.
        storage: How to reach it.

    Raises:
        DataError: DA048, for settings that the protocol doesn't have.
        DependencyError: DA059, if the package for it isn't installed.
    """

    def __init__(self, protocol: str, host: str, where: str, storage: Storage) -> None:
        self.protocol, self.storage = protocol, storage
        arguments = storage.for_protocol(protocol, where)
        self._secrets = [str(arguments[name]) for name in storage.secrets]
        if protocol != "memory":
            check_online(where)
        if protocol in ("hdfs", "webhdfs", "ftp", "sftp") and host:
            name, _, port = host.partition(":")
            arguments |= {"host": name, **({"port": int(port)} if port.isdigit() else {})}
        try:
            import fsspec

            self.system: Any = fsspec.filesystem(protocol, use_listings_cache=False, skip_instance_cache=True, **arguments)
        except ImportError as error:
            raise DependencyError(
                "DA059",
                where=where,
                expected=f"the package that reads {protocol} files",
                got=str(error) or type(error).__name__,
                cause="it is an optional part",
                fix="pip install 'lamina[cloud]'",
            ) from error
        except Exception as error:  # every file system has errors of its own
            raise self.failure(where, error) from error

    def failure(self, where: str, error: Exception) -> DataError:
        """What is said of an error of the file system; never with a secret in it."""
        if isinstance(error, FileNotFoundError):
            return unreachable(
                where, "no such file", cause="the path is mistyped, or the file gone", fix="list the folder to see its names"
            )
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            cause, fix = "the credentials are missing, or don't suffice", "check them; public data need storage: {anonymous: true}"
            return unreachable(where, self.told(error), cause=cause, fix=fix)
        return unreachable(where, self.told(error), cause="the store is not reachable, or the settings are wrong", fix="check storage:")

    def told(self, error: Exception) -> str:
        """An error's text without secrets."""
        text = f"{type(error).__name__}: {error}"
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text.splitlines()[0][:300]


class StoreOrigin:
    """A file in a store.

    Args:
        store: Which.
        key: Its path there.
        name: For messages.
    """

    def __init__(self, store: Store, key: str, name: str) -> None:
        self.store, self.key, self.name = store, key, name

    def state(self) -> tuple[object, ...]:
        try:
            info = self.store.system.info(self.key)
        except Exception as error:  # every file system has errors of its own
            raise self.store.failure(self.name, error) from error
        return info.get("size"), _version(info)

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        return _StoreStream(self, state)  # type: ignore[return-value]

    def path(self) -> Path | None:
        return None


def _version(info: Mapping[str, Any]) -> str:
    return next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), "")


class _StoreStream(Stream):
    def __init__(self, origin: StoreOrigin, state: tuple[object, ...]) -> None:
        super().__init__()
        self._origin, self._state = origin, state
        self._position = 0

    def piece(self) -> bytes:
        size = self._state[0]
        if not isinstance(size, int) or self._position >= size:
            now = self._origin.state()
            if now != self._state:
                raise changed(self._origin.name, " ".join(map(str, self._state)), " ".join(map(str, now)))
            return b""
        stop = min(self._position + BLOCK, size)
        found = self._block(self._position, stop, size)
        self._position = stop
        return found

    def _block(self, start: int, stop: int, size: int) -> bytes:
        store = self._origin.store
        for failures in range(1, store.storage.attempts + 1):
            failure: object
            try:
                found: bytes = store.system.cat_file(self._origin.key, start=start, end=stop)
            except (FileNotFoundError, PermissionError) as error:
                raise store.failure(self._origin.name, error) from error
            except Exception as error:  # every file system has errors of its own
                failure = store.told(error)
            else:
                if len(found) == stop - start:
                    return found
                now = self._origin.state()
                if now != self._state:
                    raise changed(self._origin.name, " ".join(map(str, self._state)), " ".join(map(str, now)))
                failure = f"{len(found):,} of {stop - start:,} bytes"
            if failures < store.storage.attempts:
                pause(failures)
        raise lost(self._origin.name, start, size, failure, store.storage.attempts)
