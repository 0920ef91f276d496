"""What the import knows, and what it doesn't: all of it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec import arrays, choosing, mathematics, sequences, times, windows, words
from lamina.data.pipeline.datavec.conditions import CONDITIONS, FILTERS
from lamina.data.pipeline.datavec.reductions import REDUCTIONS
from lamina.data.pipeline.datavec.values import WRITABLES
from lamina.errors import DataError, Problem, nearest

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

Action = Callable[["Draft", "Node"], None]
TRANSFORMS: dict[str, Action] = {
    **choosing.ACTIONS,
    **mathematics.ACTIONS,
    **words.ACTIONS,
    **times.ACTIONS,
    **sequences.ACTIONS,
    **windows.ACTIONS,
    **arrays.ACTIONS,
}
LEGACY = {"InvalidNumCols": "InvalidNumColumns"}
"""Names that the first versions wrote for classes that are called otherwise."""
_PARTS: Mapping[str, Collection[str]] = {
    "condition": CONDITIONS,
    "condiiton": CONDITIONS,
    "comparator": (*sequences.COMPARATORS, *sequences.SINGLE),
    "windowFunction": windows.FUNCTIONS,
    "reducer": ("Reducer",),
    **dict.fromkeys(("newValue", "fixedValue", "edgeCaseValue", "defaultValue", "specifiedValueWritable", "yesVal", "noVal"), WRITABLES),
}
"""Settings that hold an object of one of several classes."""


def check_known(actions: list[Node], replaced: Collection[str]) -> None:
    """See that each action, and each part of one, has a counterpart.

    Args:
        actions: The actions.
        replaced: Classes that the user has steps for.

    Raises:
        DataError: DA241, one problem for each that has none.
    """
    problems = [problem for action in actions for problem in _unknown(action, replaced)]
    if problems:
        raise DataError.of(problems)


def _unknown(action: Node, replaced: Collection[str]) -> Iterator[Problem]:
    slot = slot_of(action)
    one = action.at(slot)
    allowed = {
        "transform": TRANSFORMS,
        "filter": (*FILTERS, *LEGACY),
        "sequenceSplit": sequences.SPLITS,
        "reducer": ("Reducer",),
        "calculateSortedRank": ("CalculateSortedRank",),
    }.get(slot)
    if one.full_kind in replaced or (one.kind or "") in replaced:
        return
    if allowed is not None and one.kind not in allowed:
        yield _problem(one, "", allowed)
        return
    yield from _within(one.settings if allowed is not None else one)


def _within(node: Node) -> Iterator[Problem]:
    for key, allowed in _PARTS.items():
        if key in node and (allowed is not WRITABLES or isinstance(node.at(key).data, dict)):
            part = node.at(key)
            if part.kind not in allowed:
                yield _problem(part, key, allowed)
            else:
                yield from _within(part.settings)
    for name, part in (node.entries("customReductions") if isinstance(node.at("customReductions").data, dict) else {}).items():
        if part.kind not in REDUCTIONS:
            yield _problem(part, f"customReductions, {name}", REDUCTIONS)
    for key in ("conditions", "conditionalReductions", "pad"):
        listed = node.at(key).data
        for place in listed if isinstance(listed, dict) else range(len(listed)) if isinstance(listed, list) else ():
            part = node.at(key).at(place)
            if key == "conditionalReductions":
                yield from _within(part)
            elif part.kind not in (CONDITIONS if key == "conditions" else WRITABLES):
                yield _problem(part, f"{key}[{place}]", CONDITIONS if key == "conditions" else WRITABLES)
            else:
                yield from _within(part.settings)


SLOTS = ("transform", "filter", "convertToSequence", "convertFromSequence", "sequenceSplit", "reducer", "calculateSortedRank")


def slot_of(action: Node) -> str:
    """What kind of action it is.

    Raises:
        DataError: DA242, for none.
    """
    found = [slot for slot in SLOTS if slot in action]
    if len(found) != 1:
        raise action.error(
            "DA242",
            where="",
            expected=f"one of {', '.join(SLOTS)}",
            got=", ".join(found) or repr(action.data)[:80],
            cause="the file was changed, or written by a version whose files nobody described",
            fix="save the process again",
        )
    return found[0]


def _problem(node: Node, where: str, allowed: Collection[str]) -> Problem:
    ours = node.full_kind == node.kind or node.full_kind.startswith("org.datavec.")
    near = nearest(node.kind or "", allowed) if ours else None
    error = node.error(
        "DA241",
        where=", ".join(filter(None, (where, node.full_kind[:120]))),
        expected="a class of DataVec that has a counterpart",
        got=node.full_kind[:120],
        cause=f"a typo of {near}" if near else "a class of your own, or one that describes no more than a column",
        fix=f"write {near}"
        if near
        else f"give the steps that do the same: replaced={{{node.full_kind[:120]!r}: function}}; they can call functions that you register",
    )
    return error.problems[0]
