"""How checks are registered and run.

A check is a function over a plan that yields complaints:

    @check("CK001", severity="error")
    def softmax_on_one_unit(plan: Plan, near: Neighbours) -> Iterator[Complaint]: ...

An *error* is a network that can't do what it says; a *warning* is one that most probably isn't what was meant. Both are
switched off by ``ignore: [CK001]`` in the network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lamina.codes import TITLES
from lamina.errors import DescriptionError, Problem, nearest
from lamina.network.layers.dropout import Dropout
from lamina.network.layers.shaping import Flatten
from lamina.network.plan import Node, Plan
from lamina.spec import Path, format_path

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a check says of one node; ``fix`` names the possible corrections."""

    node: Node
    expected: str
    got: str
    cause: str
    fix: str


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """A complaint with its code.

    Attributes:
        problem: The message.
        severity: ``error`` stops before training, ``warning`` is shown.
        path: Where the layer stands in the description, below the network.
    """

    problem: Problem
    severity: Severity
    path: Path


class Neighbours:
    """Who feeds whom in a plan."""

    def __init__(self, plan: Plan) -> None:
        self._nodes = {node.name: node for node in plan.nodes}
        self._after: dict[str, list[Node]] = {}
        for node in plan.nodes:
            for source in node.inputs:
                self._after.setdefault(source, []).append(node)

    def before(self, node: Node, *, through: tuple[type, ...] = ()) -> Node | None:
        """The node that alone feeds this one, looking through layers of the kinds ``through``; None for an input or several."""
        if len(node.inputs) != 1:
            return None
        found = self._nodes.get(node.inputs[0])
        while found is not None and isinstance(found.layer, through):
            found = self._nodes.get(found.inputs[0]) if len(found.inputs) == 1 else None
        return found

    def after(self, node: Node) -> Sequence[Node]:
        """The nodes that this one feeds."""
        return self._after.get(node.name, ())


PASSING = (Dropout, Flatten)
"""Layers that are linear at prediction and only pass values on."""

Check = Callable[[Plan, Neighbours], Iterator[Complaint]]


@dataclass(frozen=True, slots=True)
class _Registered:
    function: Check
    severity: Severity
    training: bool


_CHECKS: dict[str, _Registered] = {}


def check(code: str, *, severity: Severity, title: str | None = None, training: bool = False) -> Callable[[Check], Check]:
    """Decorator: run this function over every network.

    Args:
        code: Of the findings, with a page ``docs/errors/CODE.md``.
        severity: Of the findings.
        title: What is wrong, in a few words; needed where `lamina.codes` doesn't have the code (a third party's).
        training: Run it only where the network is about to be trained.

    Raises:
        ValueError: If the code is taken or has no title.
    """
    if title is not None:
        TITLES.setdefault(code, title)
    if code not in TITLES:
        message = f"check {code} has no title: give one, or add it to lamina.codes.TITLES"
        raise ValueError(message)

    def decorate(function: Check) -> Check:
        taken = _CHECKS.get(code)
        if taken is not None and taken.function.__qualname__ != function.__qualname__:
            message = f"{function.__qualname__} and {taken.function.__qualname__} both have the code {code}"
            raise ValueError(message)
        _CHECKS[code] = _Registered(function, severity, training)
        return function

    return decorate


def codes() -> dict[str, Severity]:
    """Severity of all checks by code."""
    return {code: _CHECKS[code].severity for code in sorted(_CHECKS)}


def run_checks(plan: Plan, ignore: Collection[str] = (), *, training: bool = False) -> list[CheckFinding]:
    """Look for networks that run but are wrong.

    Args:
        plan: The network.
        ignore: Codes of checks to leave out.
        training: Also run the checks that matter only where the network is about to be trained.

    Returns:
        What was found, errors first, then by code and by place in the network.

    Raises:
        DescriptionError: SP004, if ``ignore`` names a code that no check has.
    """
    for code in ignore:
        if code not in _CHECKS:
            raise _unknown(code)
    near = Neighbours(plan)
    findings = []
    for code in sorted(_CHECKS):
        entry = _CHECKS[code]
        if code not in ignore and (training or not entry.training):
            findings += [_finding(code, entry.severity, complaint) for complaint in entry.function(plan, near)]
    return sorted(findings, key=lambda found: found.severity)


def _finding(code: str, severity: Severity, complaint: Complaint) -> CheckFinding:
    node = complaint.node
    # As `lamina.network.inference` writes it: a graph's node has its name in the path already.
    own = "" if node.path[-1] == node.name else f" {node.name!r}"
    problem = Problem(
        code=code,
        where=f"{format_path(('network', *node.path))}{own} ({node.layer.type_name or type(node.layer).__name__})",
        expected=complaint.expected,
        got=complaint.got,
        cause=complaint.cause,
        fix=f"{complaint.fix}; if it is meant so: ignore: [{code}]",
    )
    return CheckFinding(problem, severity, node.path)


def _unknown(code: str) -> DescriptionError:
    near = nearest(str(code), _CHECKS)
    return DescriptionError(
        "SP004",
        where="network.ignore",
        expected=f"codes of checks: {', '.join(sorted(_CHECKS))}",
        got=repr(code),
        cause="no check has this code",
        fix=f"did you mean {near!r}?" if near else "remove it",
    )
