"""Parts of a DataVec file: what each is, what it is set to, and where it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lamina.errors import DataError, DescriptionError
from lamina.spec import Document, Path, parse_document

CLASS = "@class"
MOST_CHARACTERS = 16 * 1024 * 1024
MOST_DEPTH = 120
"""How deeply parts may be nested; a condition of conditions is two deeper than these."""


@dataclass(frozen=True)
class Node:
    """A part of the file.

    Attributes:
        document: The whole file.
        path: Where the part stands in it.
        data: What it is.
        action: The action that it belongs to, for messages.
    """

    document: Document
    path: Path
    data: Any
    action: str = "the process"

    # -- going on -----------------------------------------------------------------------------------------------------

    def at(self, key: str | int, action: str | None = None) -> Node:
        """What stands under a key, or at a place of a list; None if nothing does."""
        found: Any = None
        if (isinstance(self.data, dict) and key in self.data) or (isinstance(self.data, list) and isinstance(key, int)):
            found = self.data[key]  # type: ignore[index]
        return Node(self.document, (*self.path, key), found, action or self.action)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.data, dict) and self.data.get(key) is not None

    def items(self, key: str) -> Iterator[Node]:
        """The parts of a list.

        Raises:
            DataError: DA242, if there is none.
        """
        found = self.at(key)
        if not isinstance(found.data, list):
            raise self.wrong(key, "a list")
        return (found.at(place) for place in range(len(found.data)))

    def entries(self, key: str) -> dict[str, Node]:
        """The parts of a mapping, by name; none if it is not there.

        Raises:
            DataError: DA242, if it is something else.
        """
        found = self.at(key)
        if found.data is None:
            return {}
        if not isinstance(found.data, dict):
            raise self.wrong(key, "a mapping")
        return {str(name): found.at(name) for name in found.data if name != CLASS}

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str | None:
        """Name of its class without package: ``{"@class": "org.datavec..."}``, or ``{"NAME": {...}}`` as the first versions wrote."""
        if isinstance(self.data, dict) and isinstance(self.data.get(CLASS), str):
            return str(self.data[CLASS]).rpartition(".")[2]
        if isinstance(self.data, dict) and len(self.data) == 1:
            return str(next(iter(self.data)))
        return None

    @property
    def full_kind(self) -> str:
        """Name of its class as the file says it."""
        if isinstance(self.data, dict) and isinstance(self.data.get(CLASS), str):
            return str(self.data[CLASS])
        return self.kind or "nothing"

    @property
    def settings(self) -> Node:
        """Where its settings stand: in itself, or under its name."""
        if isinstance(self.data, dict) and CLASS not in self.data and len(self.data) == 1:
            return self.at(next(iter(self.data)))
        return self

    # -- its settings -------------------------------------------------------------------------------------------------

    def text(self, key: str, default: str | None = None) -> str:
        """A setting that is text.

        Raises:
            DataError: DA242, if it is missing or something else.
        """
        value = self.at(key).data
        value = default if value is None else value
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def texts(self, key: str) -> list[str]:
        """A setting that is a list of texts.

        Raises:
            DataError: DA242.
        """
        values = [self.data.get(key)] if isinstance(self.data, dict) and isinstance(self.data.get(key), str) else self.at(key).data
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of texts")
        return values

    def mapping(self, key: str) -> dict[str, str]:
        """A setting that gives a text for each text.

        Raises:
            DataError: DA242.
        """
        values = self.at(key).data
        if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
            raise self.wrong(key, "a mapping of texts to texts")
        return {str(name): str(value) for name, value in values.items() if name != CLASS}

    def integer(self, key: str, default: int | None = None) -> int:
        """A setting that is a whole number of 64 bits.

        Raises:
            DataError: DA242.
        """
        value = self.at(key).data
        value = default if value is None else value
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise self.wrong(key, "a whole number of 64 bits")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A setting that is a finite number.

        Raises:
            DataError: DA242.
        """
        value = self.at(key).data
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, "a finite number")
        try:
            return float(value)
        except OverflowError:
            raise self.wrong(key, "a finite number") from None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A setting that is true or false.

        Raises:
            DataError: DA242.
        """
        value = self.at(key).data
        value = default if value is None else value
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def choice(self, key: str, among: Mapping[str, Any] | tuple[str, ...], default: str | None = None) -> str:
        """A setting that is one of some words.

        Raises:
            DataError: DA242.
        """
        value = self.text(key, default)
        if value not in among:
            raise self.wrong(key, f"one of {', '.join(among)}")
        return value

    # -- refusing it --------------------------------------------------------------------------------------------------

    def wrong(self, key: str, expected: str) -> DataError:
        """DA242: a setting that isn't what it must be."""
        value = self.data.get(key) if isinstance(self.data, dict) else self.data
        return self.error(
            "DA242",
            where=key,
            expected=f"{key}: {expected}",
            got="nothing" if value is None else repr(value)[:80],
            cause="the file was changed, or written by a version whose files nobody described",
            fix="write the setting as DataVec does, or save the process again",
            place=(*self.path, key),
        )

    def error(self, code: str, *, where: str, expected: str, got: str, cause: str, fix: str, place: Path | None = None) -> DataError:
        """An error about the action that it belongs to, with the place in the file."""
        source = self.document.source(self.path if place is None else place)
        return DataError(
            code, where=f"{self.action}, {where}" if where else self.action, expected=expected, got=got, cause=cause, fix=fix, source=source
        )


def read(text: str, name: str) -> Node:
    """A file of DataVec, JSON or YAML, whose tags of YAML are its classes.

    Raises:
        DataError: DA240, for a text that is neither, or that is too long or too deeply nested.
    """
    if len(text) > MOST_CHARACTERS:
        raise no_process(name, f"{len(text)} characters, more than {MOST_CHARACTERS}")
    try:
        document = parse_document(text, name, tag=CLASS)
    except DescriptionError as error:
        raise no_process(name, error.problems[0].got, error) from error
    if _depth(document.data) > MOST_DEPTH:
        raise no_process(name, f"parts nested more than {MOST_DEPTH} deep")
    return Node(document, (), document.data)


def no_process(name: str, got: str, error: DescriptionError | None = None) -> DataError:
    """DA240: a text that is no process."""
    return DataError(
        "DA240",
        where=name,
        expected="the JSON or YAML of a TransformProcess: an object with initialSchema and actionList",
        got=got,
        cause="the file is another one, is cut short, or was changed",
        fix="save it again with TransformProcess.toJson() or toYaml()",
        source=None if error is None else error.problems[0].source,
    )


def _depth(data: Any) -> int:
    """How deep a part is nested, counted no further than it matters."""
    level, depth = [data], 0
    while level and depth <= MOST_DEPTH:
        depth += 1
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
    return depth
