"""What importing a file would give, said before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import Problem
from lamina.spec import Description


@dataclass(frozen=True)
class Row:
    """A layer of the source and what becomes of it.

    Attributes:
        path: Where it stands in the source's description, such as ``confs[2]``.
        name: What the source calls it.
        kind: Its class there.
        layers: Its counterparts, as ``name: type`` with the settings that differ from the defaults; empty if it has none.
        parameters: Numbers that it keeps.
        note: What is worth knowing of it.
    """

    path: str
    name: str
    kind: str
    layers: tuple[str, ...] = ()
    parameters: int = 0
    note: str = ""


@dataclass(frozen=True)
class Remark:
    """Something that has a place in the source.

    Attributes:
        path: The place.
        what: What is so.
    """

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Report:
    """All that is known of a file before it is imported; print it.

    Attributes:
        format: Name of the format, such as ``dl4j``.
        title: Name of the system.
        version: Which version wrote it, as far as that can be told.
        files: The files.
        rows: A row for each layer.
        missing: Problems (IO004) of every layer and setting that has no counterpart; importing is refused while there are any.
        lost: What the imported model would not have: nothing that changes its outputs.
        assumed: What the file doesn't say, and what was taken instead.
        facts: What else is in the file, by name: the updater, the counters, the normaliser.
    """

    format: str
    title: str
    version: str
    files: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    missing: tuple[Problem, ...] = ()
    lost: tuple[Remark, ...] = ()
    assumed: tuple[Remark, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything has a counterpart."""
        return not self.missing

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "format": self.format,
            "system": self.title,
            "version": self.version,
            "files": list(self.files),
            "layers": [
                {
                    "path": r.path,
                    "name": r.name,
                    "kind": r.kind,
                    "becomes": list(r.layers),
                    "parameters": r.parameters,
                    "note": r.note or None,
                }
                for r in self.rows
            ],
            "missing": [
                {"where": p.where, "expected": p.expected, "got": p.got, "cause": p.cause, "fix": p.fix, "code": p.code}
                for p in self.missing
            ],
            "lost": [{"path": r.path, "what": r.what} for r in self.lost],
            "assumed": [{"path": r.path, "what": r.what} for r in self.assumed],
            "facts": dict(self.facts),
        }

    def __str__(self) -> str:
        lines = [f"{self.title} {self.version}: {', '.join(self.files)}", *(f"{name}: {value}" for name, value in self.facts.items())]
        lines += ["", *_table(self.rows)]
        lines += _section("No counterpart", [f"{p.where}: {p.got}; {p.fix}" for p in self.missing])
        lines += _section("Left out", [str(remark) for remark in self.lost])
        lines += _section("Taken, though the file doesn't say it", [str(remark) for remark in self.assumed])
        return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    cells = [("layer", "of kind", "parameters", "becomes")]
    for row in rows:
        becomes = "; ".join(row.layers) or "no counterpart"
        cells.append(
            (row.name, row.kind, f"{row.parameters:,}" if row.parameters else "", becomes + (f" ({row.note})" if row.note else ""))
        )
    widths = [max(len(line[place]) for line in cells) for place in range(3)]
    return [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in cells]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []


_STARTS = ("initializer", "recurrent_initializer", "bias_initializer")
"""How weights start says nothing of a trained model."""


def shown(description: Description) -> str:
    """A description in a few words: its type, and the settings that somebody gave.

    Example:
        >>> from lamina.network.layers import Dense
        >>> shown(Dense(4, activation="relu"))
        'dense activation=relu units=4'
    """
    fields = type(description).model_fields
    skipped = {"type", "name", "inputs", *(key for key, field in fields.items() if getattr(description, key) == field.default)}
    data = {key: value for key, value in description.to_dict().items() if key not in skipped and key not in _STARTS}
    return " ".join([str(description.type_name), *(f"{key}={_brief(value)}" for key, value in data.items())])


def _brief(value: Any) -> str:
    if isinstance(value, Mapping) and "type" in value:
        rest = [f"{key}={_brief(item)}" for key, item in value.items() if key != "type"]
        return f"{value['type']}({', '.join(rest)})" if rest else str(value["type"])
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_brief, value))}]" if len(value) <= 6 else f"[{len(value)} values]"
    return f"{value:g}" if isinstance(value, float) else str(value)
