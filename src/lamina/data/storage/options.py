"""How files are reached and how much of them is believed: the ``storage:`` of a source."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.errors import DataError, nearest
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, Positive

_SECRET = re.compile(r"secret|token|passw|credential|sas|connection_string|(^|_)key($|_|id)|signature", re.IGNORECASE)
_ANYWHERE = ("max_ratio", "max_size")
_HTTP = {"attempts": "", "timeout": ""}
_S3 = {
    "anonymous": "anon",
    "endpoint": "endpoint_url",
    "region": "client_kwargs.region_name",
    "profile": "profile",
    "timeout": "config_kwargs.read_timeout",
    "attempts": "",
}
_GS = {"anonymous": "token", "endpoint": "endpoint_url", "project": "project", "attempts": ""}
_ABFS = {"anonymous": "anon", "account": "account_name", "endpoint": "account_host", "attempts": ""}
PROTOCOLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "s3": _S3,
        "s3a": _S3,
        "gs": _GS,
        "gcs": _GS,
        "abfs": _ABFS,
        "abfss": _ABFS,
        "az": _ABFS,
        "hdfs": {"user": "user", "attempts": ""},
        "webhdfs": {"user": "user", "attempts": ""},
        "ftp": {"user": "username", "attempts": ""},
        "sftp": {"user": "username", "attempts": ""},
        "memory": {"attempts": ""},
    }
)
"""What fsspec may open, and what it calls our settings; others could read local files or run programs."""


class Storage(Description):
    """Where remote files are reached, and what bounds the reading of any file.

    Credentials never stand here: stores find them in their usual places (environment variables, profiles, the machine's role),
    and ``secrets`` names environment variables for all others.

    Attributes:
        endpoint: Address of the store, if it is not the provider's own, such as ``http://127.0.0.1:9000`` of a MinIO.
        anonymous: Ask without credentials, as public buckets allow.
        region: Of the buckets (s3).
        profile: Name of the profile that holds the credentials (s3).
        account: Name of the storage account (abfs).
        project: That pays (gs).
        user: Name of the user (hdfs, ftp, sftp).
        options: Further settings of the file system of `fsspec`, by their names there.
        secrets: Settings of the file system whose values are in environment variables: ``{key: MINIO_KEY, secret: MINIO_SECRET}``.
        attempts: How often in a row a read of a remote file may fail, without a byte of progress, before it is an error.
        timeout: Seconds to wait for an answer (http, s3).
        max_ratio: How many times larger than its file unpacked content may be (once it is above 64 MiB).
        max_size: Bytes that one file may have when it is unpacked.

    Example:
        >>> Storage.from_yaml("{endpoint: 'http://127.0.0.1:9000', secrets: {key: MINIO_KEY}}").endpoint
        'http://127.0.0.1:9000'
    """

    grace: ClassVar[int] = 64 << 20
    endpoint: str | None = None
    anonymous: bool = False
    region: str | None = None
    profile: str | None = None
    account: str | None = None
    project: str | None = None
    user: str | None = None
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    attempts: Count = 5
    timeout: Positive = 30.0
    max_ratio: Annotated[float, Field(ge=1)] = 250.0
    max_size: Count = 64 << 30

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(endpoint="http://127.0.0.1:9000", secrets={"key": "MINIO_KEY", "secret": "MINIO_SECRET"})]

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        named = next((key for key in self.options if _SECRET.search(key)), None)
        if named is not None:
            raise wrong_value(
                expected="settings without credentials",
                cause=f"{named} would stand in the recipe, the run and its log",
                fix=f"put its value into an environment variable, and write secrets: {{{named}: NAME_OF_THE_VARIABLE}}",
            )
        return self

    def for_protocol(self, protocol: str, where: str) -> dict[str, Any]:
        """Arguments of the file system of a protocol, credentials among them: never to be shown or kept.

        Args:
            protocol: Such as ``s3``; ``file`` and ``http`` take none.
            where: For messages.

        Raises:
            DataError: DA048, for a setting that this protocol doesn't have, or an environment variable that isn't set.
        """
        names = PROTOCOLS.get(protocol, _HTTP if protocol == "http" else {})
        given = [name for name in self.model_fields_set if name not in _ANYWHERE and getattr(self, name) not in (None, False, {})]
        free = ("options", "secrets") if protocol in PROTOCOLS else ()
        kind = "local" if protocol == "file" else protocol
        odd = next((name for name in sorted(given) if name not in names and name not in free), None)
        if odd is not None:
            near = nearest(odd, [*names, *free])
            raise DataError(
                "DA048",
                where=f"{where}, storage.{odd}",
                expected=f"settings of {kind} files: {', '.join([*names, *free, *_ANYWHERE])}",
                got=odd,
                cause=f"{kind} files have no such setting, and it would do nothing",
                fix=f"did you mean {near!r}? Otherwise remove it" if near else f"remove {odd}",
            )
        arguments: dict[str, Any] = dict(self.options)
        for name in given:
            if names.get(name):
                outer, _, inner = names[name].partition(".")
                value = "anon" if names[name] == "token" else getattr(self, name)
                arguments[outer] = {**arguments.get(outer, {}), inner: value} if inner else value
        for name, variable in self.secrets.items():
            if not os.environ.get(variable):
                raise DataError(
                    "DA048",
                    where=f"{where}, storage.secrets.{name}",
                    expected=f"an environment variable {variable}",
                    got="none of this name",
                    cause="credentials are taken from the environment, and it isn't set here",
                    fix=f"export {variable}=...",
                )
            arguments[name] = os.environ[variable]
        return arguments
