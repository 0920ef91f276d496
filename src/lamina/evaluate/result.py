"""What an evaluation says in the end: figures by name, tables to print, charts to draw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamina.errors import Problem
from lamina.page.parts import MAX_ROWS, Cell, Chart, Series, Table, plain_number, show

__all__ = [
    "MAX_ROWS",
    "Cell",
    "Chart",
    "Report",
    "Result",
    "Series",
    "Table",
    "full_names",
    "metric_table",
    "plain_number",
    "show",
    "whole",
]


@dataclass(frozen=True)
class Result:
    """What one evaluation found.

    Attributes:
        evaluation: Type of the evaluation.
        samples: How many samples (or steps of sequences) were judged.
        metrics: Figures by name, such as ``accuracy`` or ``f1/macro``; NaN where one is undefined.
        tables: What is printed.
        charts: What the HTML report draws.
        cautions: What the reader must know to read the figures rightly: which are 0 or undefined by convention.
    """

    evaluation: str
    samples: int
    metrics: dict[str, float]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    cautions: tuple[Problem, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The cautions, each in one line."""
        return tuple(f"[{caution.code}] {caution.got}. {caution.cause}." for caution in self.cautions)

    def __getitem__(self, metric: str) -> float:
        return self.metrics[metric]

    def __str__(self) -> str:
        head = f"{self.evaluation}: {self.samples} samples"
        return "\n\n".join([head, *(str(table) for table in self.tables), *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON): an undefined figure is None, a table a list of rows."""
        return {
            "type": self.evaluation,
            "samples": self.samples,
            "metrics": {name: plain_number(value) for name, value in self.metrics.items()},
            "tables": [table.to_dict() for table in self.tables],
            "charts": [chart.to_dict() for chart in self.charts],
            "notes": list(self.notes),
        }


def full_names(results: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    """What the figures of several results are called together; the one rule for reports, validation and early stopping.

    A figure keeps its own name. Where two results about the same output have a figure of one name, the name of the evaluation
    stands before it; where results are about several outputs, the name of the output stands before all.

    Args:
        results: Names of the figures of each result; the keys are those of `Report.results`.

    Returns:
        For each result, the full name of each of its figures.

    Example:
        >>> full_names({"roc": ["auc"], "roc_2": ["auc", "bins"]})
        {'roc': {'auc': 'roc/auc'}, 'roc_2': {'auc': 'roc_2/auc', 'bins': 'bins'}}
        >>> full_names({"left/regression": ["mse"], "right/regression": ["mse"]})["right/regression"]
        {'mse': 'right/mse'}
    """
    lists = {key: list(names) for key, names in results.items()}
    outputs = {key: key.rpartition("/")[0] for key in lists}
    taken = Counter((outputs[key], name) for key, names in lists.items() for name in names)

    def full(key: str, name: str) -> str:
        prefix = f"{outputs[key]}/" if outputs[key] else ""
        return prefix + (name if taken[outputs[key], name] == 1 else f"{key.rpartition('/')[2]}/{name}")

    return {key: {name: full(key, name) for name in names} for key, names in lists.items()}


@dataclass(frozen=True)
class Report:
    """Several results about the same predictions, by name.

    Attributes:
        results: The results, by the name of their evaluation; with several outputs, by ``output/evaluation``.
        figures: What belongs to none of them: the loss.
    """

    results: Mapping[str, Result] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """All figures, called as `full_names` says."""
        names = full_names({key: result.metrics for key, result in self.results.items()})
        found = dict(self.figures)
        for key, result in self.results.items():
            found |= {names[key][name]: value for name, value in result.metrics.items()}
        return found

    def __getitem__(self, metric: str) -> float:
        return self.metrics[metric]

    def __str__(self) -> str:
        parts = ["  ".join(f"{name} {show(value)}" for name, value in self.figures.items())]
        for key, result in self.results.items():
            output = key.rpartition("/")[0]
            parts.append(f"output {output}, {result}" if output else str(result))
        return "\n\n".join(part for part in parts if part)

    def brief(self) -> str:
        """The main figures in one line: all but other ways to average and those of single classes or columns."""
        names = full_names({key: result.metrics for key, result in self.results.items()})
        shown = {full for group in names.values() for own, full in group.items() if "/" not in own and "=" not in own}
        return "  ".join(f"{name} {show(value)}" for name, value in self.metrics.items() if name in shown or name in self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON)."""
        metrics = {name: plain_number(value) for name, value in self.metrics.items()}
        return {"metrics": metrics, "results": {name: result.to_dict() for name, result in self.results.items()}}

    def to_json(self, *, indent: int | None = 2) -> str:
        """JSON text; undefined figures are null."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_html(self, path: str | Path, title: str = "Evaluation") -> None:
        """Write one self-contained HTML file with tables and charts, see `lamina.evaluate.html`."""
        from lamina.evaluate.html import render
        from lamina.files import atomic_write_text

        atomic_write_text(Path(path), render(self, title))


def metric_table(metrics: Mapping[str, float], names: Sequence[str], title: str = "") -> Table:
    """A table of two columns: metric and value."""
    return Table(title, ("metric", "value"), tuple((name, metrics[name]) for name in names))


def whole(value: float) -> int | float:
    """A count as a whole number, unless weights made it a fraction."""
    return int(value) if float(value).is_integer() else float(value)
