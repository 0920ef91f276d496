"""Turns pydantic's findings into problems of five parts, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from lamina.errors import DescriptionError, Problem, nearest
from lamina.spec.document import Document
from lamina.spec.path import format_path
from lamina.spec.registry import registry


def wrong_value(*, expected: str, cause: str, fix: str) -> PydanticCustomError:
    """What a validator of a description raises, so that the message has all five parts.

    Example:
        >>> raise wrong_value(expected="low < high", cause="the bounds are swapped", fix="exchange low and high")
        Traceback (most recent call last):
        pydantic_core._pydantic_core.PydanticCustomError: low < high
    """
    return PydanticCustomError("lamina_value", "{expected}", {"expected": expected, "cause": cause, "fix": fix})


def family_error(family: str, problem: str, name: str = "", *, wanted: str = "") -> PydanticCustomError:
    """A value that doesn't name a member of ``family``; ``problem`` is ``kind``, ``missing``, ``unknown`` or ``other``."""
    context = {"family": family, "problem": problem, "name": name, "wanted": wanted}
    return PydanticCustomError("lamina_family", "not a {family}", context)


def owned(error: ValidationError, owner: str, settings: Sequence[str]) -> ValidationError:
    """The same findings, where unknown and missing keys of ``owner`` itself say whose they are."""
    details: list[InitErrorDetails] = []
    for found in error.errors(include_url=False):
        kind, context = found["type"], dict(found.get("ctx", {}))
        location = found["loc"]
        if len(location) == 1 and kind in ("extra_forbidden", "missing"):
            context = {"owner": owner, "settings": ", ".join(settings)}
            details.append({"type": PydanticCustomError(f"lamina_{kind}", "{owner}", context), "loc": location, "input": found["input"]})
        elif kind.startswith("lamina_"):
            details.append({"type": PydanticCustomError(kind, "{msg}", {**context, "msg": found["msg"]}), "loc": location, "input": found["input"]})
        else:
            details.append({"type": kind, "loc": location, "input": found["input"], "ctx": context})
    return ValidationError.from_exception_data(error.title, details)


def translate(error: ValidationError, name: str, document: Document | None, prefix: tuple[str | int, ...]) -> DescriptionError:
    """All of pydantic's findings as one `DescriptionError`.

    Args:
        error: What pydantic raised.
        name: Stands for the description when there is no path.
        document: Gives file, line and column.
        prefix: Where in the document the validated part stands.
    """
    problems = []
    for found in error.errors(include_url=False):
        # Union branches and wrappers add parts such as "function-after[...]" that nobody wrote.
        path = prefix + tuple(part for part in found["loc"] if isinstance(part, int) or re.match(r"^[\w@/ -]+$", part))
        where = format_path(path) if document is not None else ".".join(filter(None, (name, format_path(path))))
        source = document.source(path) if document is not None else None
        problems.append(_problem(found, where or name).at(source))
    return DescriptionError.of(problems)


def _problem(found: Any, where: str) -> Problem:
    kind, context, got = found["type"], found.get("ctx", {}), found["input"]
    if kind == "lamina_extra_forbidden":
        return _unknown_key(where, str(found["loc"][-1]), context["owner"], context["settings"].split(", "))
    if kind == "lamina_missing":
        key = str(found["loc"][-1])
        return Problem(
            code="SP005",
            where=where,
            expected=f"{context['owner']!r} needs {key!r}",
            got="nothing",
            cause=f"{key!r} has no default",
            fix=f"add {key}: VALUE",
        )
    if kind == "lamina_family":
        return _wrong_family(where, context, got)
    if kind == "lamina_value":
        return Problem(code="SP004", where=where, expected=context["expected"], got=_shown(got), cause=context["cause"], fix=context["fix"])
    message = re.sub(r"^(Value error|Assertion failed), ", "", found["msg"])
    message = re.sub(r"^Input should be ", "", message)
    return Problem(
        code="SP004",
        where=where,
        expected=message,
        got=_shown(got),
        cause=_cause(kind, got),
        fix=_fix(kind, where, got, context),
    )


def _unknown_key(where: str, key: str, owner: str, settings: list[str]) -> Problem:
    near = nearest(key, settings)
    return Problem(
        code="SP002",
        where=where,
        expected=f"a setting of {owner!r}: {', '.join(settings)}",
        got=repr(key),
        cause="a typo" if near else f"{owner!r} has no such setting",
        fix=f"did you mean {near!r}?" if near else f"remove {key!r}",
    )


def _wrong_family(where: str, context: Any, got: Any) -> Problem:
    family, problem, name = context["family"], context["problem"], context["name"]
    known = registry.names(family)
    if problem == "other":
        return Problem(
            code="SP003",
            where=where,
            expected=f"type {context['wanted']}",
            got=repr(name),
            cause="the type does not fit this place",
            fix=f"write type: {context['wanted']}",
        )
    if problem == "missing":
        return Problem(
            code="SP005",
            where=where,
            expected=f"a type for the {family}: {', '.join(known)}",
            got=_shown(got),
            cause="the key 'type' is missing",
            fix=f"add type: {known[0] if known else 'NAME'}",
        )
    if problem == "kind":
        return Problem(
            code="SP004",
            where=where,
            expected=f"a {family}: one of the words {', '.join(known)}, or a mapping with 'type'",
            got=_shown(got),
            cause=f"this is no description of a {family}",
            fix=f"write {{type: {known[0] if known else 'NAME'}}} with its settings",
        )
    near = registry.nearest(family, name)
    return Problem(
        code="SP003",
        where=where,
        expected=f"a {family} of type {', '.join(known)}",
        got=repr(name),
        cause="a typo" if near else "nothing is registered under this name; a package that registers it may not be installed",
        fix=f"did you mean {near!r}?" if near else f"use one of the {family}s above",
    )


def _cause(kind: str, got: Any) -> str:
    if isinstance(got, str) and kind.endswith(("_type", "_parsing")):
        return "the value is text; in YAML, numbers and true/false stand without quotes"
    if isinstance(got, bool):
        return "true/false stands where a number or word belongs"
    if kind.startswith(("greater", "less", "too_")):
        return "the value is outside the allowed range"
    return "the value has the wrong kind"


def _fix(kind: str, where: str, got: Any, context: Any) -> str:
    if kind == "literal_error" and isinstance(got, str):
        near = nearest(got, re.findall(r"'([^']*)'", str(context.get("expected", ""))))
        if near:
            return f"did you mean {near!r}?"
    key = where.rsplit(".", 1)[-1]
    return f"give {key} a value that is as expected above"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
