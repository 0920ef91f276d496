"""Turns pydantic's findings into problems of five parts, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from lamina.errors import DescriptionError, Problem, nearest
from lamina.spec.document import Document
from lamina.spec.path import Path, format_path
from lamina.spec.registry import registry


def wrong_value(*, expected: str, cause: str, fix: str, got: str | None = None) -> PydanticCustomError:
    """What a validator of a description raises, so that the message has all five parts.

    Args:
        expected: What would have been right.
        cause: Why it probably is not.
        fix: What to write instead.
        got: What arrived, where it must not be shown as it is: a secret.

    Example:
        >>> raise wrong_value(expected="low < high", cause="the bounds are swapped", fix="exchange low and high")
        Traceback (most recent call last):
        pydantic_core._pydantic_core.PydanticCustomError: low < high
    """
    shown = {} if got is None else {"got": got}
    return PydanticCustomError("lamina_value", "{expected}", {"expected": expected, "cause": cause, "fix": fix, **shown})


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
            kept = PydanticCustomError(kind, "{msg}", {**context, "msg": found["msg"]})
            details.append({"type": kept, "loc": location, "input": found["input"]})
        else:
            details.append({"type": kind, "loc": location, "input": found["input"], "ctx": context})
    return ValidationError.from_exception_data(error.title, details)


def translate(error: ValidationError, name: str, data: Any, document: Document | None = None, prefix: Path = ()) -> DescriptionError:
    """All of pydantic's findings as one `DescriptionError`.

    Args:
        error: What pydantic raised.
        name: Stands for the description when there is no path.
        data: What was validated; tells keys that a person wrote from those that pydantic adds.
        document: Gives file, line and column.
        prefix: Where in the document ``data`` stands.
    """
    problems = []
    for own, found in _without_echoes([_Finding.of(found, data) for found in error.errors(include_url=False)]):
        path = prefix + own
        where = format_path(path) if document is not None else ".".join(filter(None, (name, format_path(path))))
        problem = _problem(found[0], where or name) if len(found) == 1 else _alternatives(found, where or name)
        problems.append(problem.at(document.source(_spot(path, found[0])) if document is not None else None))
    return DescriptionError.of(problems)


def _spot(path: Path, found: Any) -> Path:
    """What the reader has to change: of a wrong type, its key ``type``."""
    wrong_type = found["type"] == "lamina_family" and found["ctx"]["problem"] in ("unknown", "other")
    return (*path, "type") if wrong_type and isinstance(found["input"], Mapping) else path


@dataclass(frozen=True)
class _Finding:
    """One finding of pydantic.

    Attributes:
        path: Where it is, in keys that somebody wrote.
        fork: Where a choice of several kinds (``float | Schedule``) stands on that path, if there is one.
        branch: What pydantic calls the kind that this finding is about.
        found: Pydantic's own words.
    """

    path: Path
    fork: Path | None
    branch: str | int
    found: Any

    @classmethod
    def of(cls, found: Any, data: Any) -> _Finding:
        path: Path = ()
        fork, branch = None, ""
        for part in found["loc"]:
            if isinstance(data, Mapping) and part in data or isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
                path, data = (*path, part), data[part]
            elif found["type"] == "lamina_missing" and part == found["loc"][-1]:
                path = (*path, part)
            elif fork is None:
                fork, branch = path, part
        return cls(path, fork, branch, found)

    @property
    def of_kind(self) -> bool:
        """Whether it only says that the value is of another kind, so that another branch was meant."""
        if self.path != self.fork:
            return False
        if self.found["type"] != "lamina_family":
            return str(self.found["type"]).endswith("_type")
        context = self.found["ctx"]
        stray = isinstance(self.found["input"], str) and registry.nearest(context["family"], context["name"]) is None
        return context["problem"] == "kind" or (context["problem"] == "unknown" and stray)


def _without_echoes(findings: Sequence[_Finding]) -> Iterator[tuple[Path, list[Any]]]:
    """Each problem once, where pydantic tells it once for every branch of a choice; with the findings that stay."""
    done: set[Path] = set()
    for finding in findings:
        if finding.fork is None:
            yield finding.path, [finding.found]
            continue
        if finding.fork in done:
            continue
        done.add(finding.fork)
        branches: dict[str | int, list[_Finding]] = {}
        for other in findings:
            if other.fork == finding.fork:
                branches.setdefault(other.branch, []).append(other)
        meant = [branch for branch in branches.values() if not all(one.of_kind for one in branch)]
        if len(branches) == 1 or meant:
            for one in (meant or list(branches.values()))[0]:
                yield one.path, [one.found]
        else:
            yield finding.fork, [branch[0].found for branch in branches.values()]


def _alternatives(found: Sequence[Any], where: str) -> Problem:
    """One problem for a value that is none of the kinds that its place takes."""
    each = [_problem(one, where) for one in found]
    return replace(each[0], code="SP004", expected=", or ".join(problem.expected for problem in each))


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
        told = context.get("got") or _shown(got)
        return Problem(code="SP004", where=where, expected=context["expected"], got=told, cause=context["cause"], fix=context["fix"])
    message = re.sub(r"^(Value error|Assertion failed), ", "", found["msg"])
    message = re.sub(r"^Input should be ", "", message)
    return Problem(
        code="SP004",
        where=where,
        expected=message,
        got=_shown(got),
        cause=_cause(kind, got),
        fix=_fix(kind, where, got, message, context),
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
    listing, first = ", ".join(known), known[0] if known else "NAME"
    kind, near = _one(family), registry.nearest(family, name)
    home = next((other for other in registry.families() if name in registry.names(other)), None)
    if problem == "other":
        code, expected, cause = "SP003", f"type {context['wanted']}", "the type does not fit this place"
        fix = f"write type: {context['wanted']}"
    elif problem == "missing":
        code, expected, cause, fix = "SP005", f"a type for the {family}: {listing}", "the key 'type' is missing", f"add type: {first}"
    elif problem == "kind":
        code, expected = "SP004", f"{kind}: one of the words {listing}, or a mapping with 'type'"
        cause, fix = f"this is no description of {kind}", f"write {{type: {first}}} with its settings"
    elif home is not None and (near is None or (family, home) in _LAYERS_FOR):
        code, expected, cause = "SP003", f"{kind} of type {listing}", f"{name!r} is {_one(home)}, not {kind}"
        fix = _LAYERS_FOR.get((family, home), "use one of those above").format(name=name)
    else:
        code, expected = "SP003", f"{kind} of type {listing}"
        cause = "a typo" if near else "nothing is registered under this name; a package that registers it may not be installed"
        fix = f"did you mean {near!r}?" if near else "use one of those above"
    shown = repr(name) if problem in ("other", "unknown") else _shown(got)
    return Problem(code=code, where=where, expected=expected, got=shown, cause=cause, fix=fix)


_LAYERS_FOR = {
    ("layer", "activation"): "write {{type: activation, activation: {name}}}, or activation: {name} in the layer before",
    ("layer", "loss"): "write {{type: loss, loss: {name}}}, or loss: {name} in an output layer",
    ("layer", "noise"): "write {{type: dropout, rate: {{type: {name}, ...}}}}",
    ("activation", "layer"): "put a layer {{type: {name}}} after this one",
}
"""What to write for a component of the second family where one of the first was wanted: confusions likelier than typos."""


def _one(family: str) -> str:
    return f"{'an' if family[0] in 'aeio' else 'a'} {family}"


def _cause(kind: str, got: Any) -> str:
    if isinstance(got, str) and kind.endswith(("_type", "_parsing")):
        return "the value is text; in YAML, numbers and true/false stand without quotes"
    if isinstance(got, bool):
        return "true/false stands where a number or word belongs"
    if kind.startswith(("greater", "less", "too_")):
        return "the value is outside the allowed range"
    return "the value has the wrong kind"


def _fix(kind: str, where: str, got: Any, message: str, context: Any) -> str:
    if kind == "literal_error" and isinstance(got, str):
        near = nearest(got, re.findall(r"'([^']*)'", str(context.get("expected", ""))))
        if near:
            return f"did you mean {near!r}?"
    key = where.rsplit(".", 1)[-1]
    if kind.startswith(("greater_than", "less_than")):
        return f"give {key} a number {message}"
    if isinstance(got, str) and kind in ("float_type", "int_type", "bool_type") and re.fullmatch(r"[-+.\deE]+|true|false", got):
        return f"write {key}: {got} without quotes"
    return f"give {key} a value that is as expected above"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
