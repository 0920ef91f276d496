"""YAML and JSON with a memory of where everything stood, so that errors can say file:line:column."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from lamina.errors import DescriptionError, Problem, Source
from lamina.spec.path import Path, format_path, parse_path, set_value

MAX_BYTES = 16 * 1024 * 1024
"""Largest description that is read; a recipe has a few kilobytes."""
MAX_NODES = 1_000_000
"""Most values one description may hold once its YAML aliases are followed (stops "billion laughs")."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars: ``1e-3`` is a number, ``on``, ``yes`` and ``12:30`` are words."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own protocol)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
    list("-+.0123456789"),
)


def reads_as_text(word: str) -> bool:
    """Whether a word that stands in YAML without quotes is read as itself: ``1e3`` is not."""
    resolvers = _Loader.yaml_implicit_resolvers
    return not any(pattern.match(word) for _, pattern in [*resolvers.get(word[:1], []), *resolvers.get("", [] if word else [])])


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    # SafeLoader would read 010 as octal 8, as YAML 1.1 has it; YAML 1.2 and people read ten.
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


@dataclass
class Document:
    """What a description file says, and where each part of it stands.

    Attributes:
        data: Nested dicts, lists and scalars.
        name: The file as the user named it.
        sources: Path to the place of its key (or, in a list, of its value).
    """

    data: Any
    name: str = "<description>"
    sources: dict[Path, Source] = field(default_factory=dict)

    def source(self, path: Path) -> Source | None:
        """Where ``path`` stands: its own place, or that of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.sources:
                return self.sources[path[:end]]
        return None

    def set(self, assignment: str) -> None:
        """Apply one ``path=value``; the value is read as YAML.

        Raises:
            DescriptionError: SP007 for a wrong path, SP001 for a value that isn't YAML.

        Example:
            >>> document = Document({"train": {"epochs": 5}})
            >>> document.set("train.epochs=2")
            >>> document.data
            {'train': {'epochs': 2}}
        """
        text, equals, value = assignment.partition("=")
        if not equals:
            raise DescriptionError(
                "SP007",
                where=f"--set {assignment}",
                expected="path=value",
                got=repr(assignment),
                cause="there is no = in it",
                fix=f"write --set {assignment}=VALUE",
            )
        path = parse_path(text.strip())
        read = parse_document(value, f"--set {text.strip()}").data
        if self.data is None:
            self.data = {}
        path = set_value(self.data, path, read)
        for known in [p for p in self.sources if p[: len(path)] == path]:
            del self.sources[known]
        source = Source("--set " + text.strip(), 1, len(text) + 2)
        # Mappings made on the way stand nowhere else.
        for end in range(1, len(path) + 1):
            self.sources.setdefault(path[:end], source)


def load_document(file: str | FilePath) -> Document:
    """Read a YAML or JSON file.

    Raises:
        DescriptionError: SP010 if it can't be read, SP001 if it can't be parsed, SP006 if keys stand twice.
    """
    path = FilePath(file)
    try:
        with path.open("rb") as stream:
            # Not by the size that the file system tells: a pipe or a device has none.
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _unreadable(path, f"more than {MAX_BYTES} bytes", "this is not a description", "give the recipe's own file")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "the path is mistyped or not readable", "check the path") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "bytes that are not UTF-8 text", "this is not a text file", "save the file as UTF-8") from error
    return parse_document(text, str(file))


def parse_document(text: str, name: str = "<description>", *, tag: str | None = None) -> Document:
    """Read YAML or JSON from a string.

    Args:
        text: The text.
        name: Stands for the file in messages.
        tag: Key under which a mapping of YAML holds its tag (``!<NAME>``), for those that have one; None: tags don't count.

    Raises:
        DescriptionError: SP001 if it can't be parsed, SP006 if keys stand twice.

    Example:
        >>> parse_document("train: {epochs: 3, learning_rate: 1e-3}").data
        {'train': {'epochs': 3, 'learning_rate': 0.001}}
    """
    try:
        loader = _Loader(_without_tabs(text))
    except yaml.YAMLError as error:  # characters that no text has
        raise _unparsable(Source(name, 1, 1), str(error)) from error
    try:
        node = loader.get_single_node()
        document = Document(None, name)
        if node is None:
            document.sources[()] = Source(name, 1, 1)
            return document
        reader = _Reader(loader, document, tag)
        document.data = reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source = Source(name, mark.line + 1, mark.column + 1) if mark else Source(name, 1, 1)
        raise _unparsable(source, " ".join(filter(None, (error.context, error.problem)))) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unparsable(Source(name, 1, 1), str(error) or type(error).__name__) from error
    finally:
        loader.dispose()
    if reader.problems:
        raise DescriptionError.of(reader.problems)
    return document


class _Reader:
    """Builds plain data from YAML nodes and writes down where each key stood."""

    def __init__(self, loader: _Loader, document: Document, tag: str | None = None) -> None:
        self.loader = loader
        self.document = document
        self.tag = tag
        self.problems: list[Problem] = []
        self.count = 0

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES} values once aliases are followed"
            raise ValueError(message)
        self.document.sources.setdefault(path, self._source(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        value = self.loader.construct_object(node)
        return _joined(value) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        tagged = self.tag is not None and not node.tag.startswith("tag:yaml.org,2002:")
        result: dict[Any, Any] = {self.tag: node.tag.lstrip("!")} if tagged else {}
        if tagged:
            self.document.sources[(*path, str(self.tag))] = self._source(node)
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key_node.start_mark)
            key = _joined(key_node.value)
            here = (*path, key)
            if key in result:
                self.problems.append(
                    Problem(
                        code="SP006",
                        where=format_path(here),
                        expected="each key once",
                        got=f"{key!r} again, first at {self.document.sources[here]}",
                        cause="a block was copied, or the indentation is off",
                        fix=f"keep one of the two {key!r}",
                        source=self._source(key_node),
                    )
                )
                continue
            self.document.sources[here] = self._source(key_node)
            result[key] = self.read(value_node, here)
        return result

    def _source(self, node: yaml.Node) -> Source:
        return Source(self.document.name, node.start_mark.line + 1, node.start_mark.column + 1)


def _without_tabs(text: str) -> str:
    """JSON may be indented by tabs, which YAML refuses; no place shifts, since inside its strings JSON has no tabs."""
    if "\t" in text and text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            json.loads(text)
        except ValueError:
            return text
        return text.replace("\t", " ")
    return text


def _joined(text: str) -> str:
    """Characters beyond 16 bits, which JSON escapes as two halves, made whole."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _unreadable(path: FilePath, got: str, cause: str, fix: str) -> DescriptionError:
    return DescriptionError("SP010", where=str(path), expected="a YAML or JSON file", got=got, cause=cause, fix=fix)


def _unparsable(source: Source, got: str) -> DescriptionError:
    escape = "unknown escape character" in got
    return DescriptionError(
        "SP001",
        where="the text",
        expected="valid YAML or JSON",
        got=got,
        cause="a backslash between double quotes begins a special character"
        if escape
        else "usually a missing colon, an unclosed bracket, or indentation by tabs",
        fix=r"write it between single quotes, such as '\d+'" if escape else "mend the line named above",
        source=source,
    )
