"""Addresses of databases: what of them is secret comes from the environment, and never goes into a file or message."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote

from lamina.errors import DataError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PARTS = re.compile(r"(?P<kind>[\w+]+)://(?:(?P<user>[^:/@]*)(?::(?P<password>.*?))?@(?=[^@]*$))?(?P<rest>.*)", re.DOTALL)
_SECRET = re.compile(r"passw|pwd|secret|token|credential|api_?key|access_?key|sslpassword", re.IGNORECASE)
HIDDEN = "***"


def secret_in(url: str) -> str | None:
    """Which part of an address is a secret that stands in it: ``password``, or the name of a setting; None, if there is none.

    Example:
        >>> secret_in("postgresql://anna:${PGPASSWORD}@db/sales"), secret_in("postgresql://anna:geheim@db/sales")
        (None, 'password')
    """
    found = _PARTS.fullmatch(url)
    if found is None:
        return None
    password = found["password"]
    if password and not _VARIABLE.fullmatch(password):
        return "password"
    for setting in found["rest"].partition("?")[2].split("&"):
        name, _, value = setting.partition("=")
        if _SECRET.search(name) and value and not _VARIABLE.fullmatch(value):
            return name
    return None


def masked(url: str) -> str:
    """An address that can be shown.

    Example:
        >>> masked("postgresql://anna:geheim@db/sales?sslpassword=x"), masked("sqlite:///sales.db")
        ('postgresql://anna:***@db/sales?sslpassword=***', 'sqlite:///sales.db')
    """
    found = _PARTS.fullmatch(url)
    if found is None:
        return url
    head, mark, settings = found["rest"].partition("?")
    shown = []
    for setting in settings.split("&") if mark else ():
        name, _, value = setting.partition("=")
        hidden = _SECRET.search(name) and value and not _VARIABLE.fullmatch(value)
        shown.append(f"{name}={HIDDEN}" if hidden else setting)
    password = found["password"]
    safe = password if password is None or _VARIABLE.fullmatch(password) else HIDDEN
    user = "" if found["user"] is None else f"{found['user']}{'' if safe is None else f':{safe}'}@"
    return f"{found['kind']}://{user}{head}{mark}{'&'.join(shown)}"


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Attributes:
        shown: For messages: variables by their names, secrets hidden.
        url: The whole; never to be shown or kept.
        secrets: What must not be in any message.
    """

    shown: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def of(cls, url: str) -> Address:
        """An address with its variables filled in from the environment.

        Raises:
            DataError: DA068, for a variable that isn't set, or what is no address.
        """
        shown = masked(url)

        def value(name: str) -> str:
            found = os.environ.get(name)
            if found is None:
                raise DataError(
                    "DA068",
                    where=shown,
                    expected=f"an environment variable {name}",
                    got="none of this name",
                    cause="what is secret, or differs between machines, is taken from the environment, and it isn't set here",
                    fix=f"export {name}=...",
                )
            return found

        parts = _PARTS.fullmatch(url)
        secrets: list[str] = []
        if parts is None:
            # The whole address may be one variable.
            text = _VARIABLE.sub(lambda match: value(match[1]), url)
            parts = _PARTS.fullmatch(text)
        else:
            text = _filled(url, parts, value)
            parts = _PARTS.fullmatch(text)
        if parts is None:
            raise DataError(
                "DA068",
                where=shown,
                expected="an address such as postgresql://USER:${PASSWORD}@HOST/DATABASE or sqlite:///FILE",
                got="something else" if _VARIABLE.search(url) else shown[:80],
                cause="an address begins with the kind of the database and ://",
                fix="write the address as SQLAlchemy wants it",
            )
        if parts["password"]:
            secrets += [parts["password"], unquote(parts["password"])]
        for setting in parts["rest"].partition("?")[2].split("&"):
            name, _, own = setting.partition("=")
            if _SECRET.search(name) and own:
                secrets += [own, unquote(own)]
        return cls(shown, text, tuple(dict.fromkeys(secret for secret in secrets if len(secret) > 2)))

    def scrub(self, text: str) -> str:
        """A text without the secrets, and without the address that holds them."""
        found = text.replace(self.url, self.shown)
        for secret in sorted(self.secrets, key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
                found = found.replace(form, HIDDEN)
        return found


def _filled(url: str, parts: re.Match[str], value: Callable[[str], str]) -> str:
    """Variables filled in; in the user's name and password with what an address can't hold written otherwise."""

    def plain(text: str) -> str:
        return _VARIABLE.sub(lambda match: value(match[1]), text)

    def coded(text: str) -> str:
        return _VARIABLE.sub(lambda match: quote(value(match[1]), safe=""), text)

    if parts["user"] is None:
        return plain(url)
    password = "" if parts["password"] is None else f":{coded(parts['password'])}"
    return f"{parts['kind']}://{coded(parts['user'])}{password}@{plain(parts['rest'])}"
