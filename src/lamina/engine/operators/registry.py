"""Operators by name: what runs each, and what it takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from lamina.errors import RegistrationError, TrainingError
from lamina.network.operators import FAMILIES, family_of
from lamina.network.operators import enter as enter_signature

F = TypeVar("F", bound=Callable[..., Any])
MOST_NUMBERS = 1 << 30
"""Numbers that one operator may make out of nothing, as by expanding; more is a mistake, or was made to fill memory."""
_SPECIAL = frozenset({"context", "wanted"})


@dataclass(frozen=True)
class Context:
    """What an operator may know beside its inputs.

    Attributes:
        real: The network's own type, which ``float32`` stands for.
        training: Whether the network is being trained.
        where: The operator, for messages.
        device: Where new tensors go.
    """

    real: torch.dtype = torch.float32
    training: bool = False
    where: str = "an operator"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def dtype(self, kind: str) -> torch.dtype:
        """The type of torch for of a kind of numbers; those of less than a byte are held in one."""
        if kind == "float32":
            return self.real
        found = getattr(torch, {"uint4": "uint8", "int4": "int8", "uint2": "uint8", "int2": "int8"}.get(kind, kind), None)
        if not isinstance(found, torch.dtype):
            raise self.refused(expected="numbers that torch knows", got=kind, fix="convert to another type")
        return found

    def allow(self, sizes: Sequence[int]) -> None:
        """See that a tensor of these sizes may be made.

        Raises:
            TrainingError: IO031, if it is too large, or a size is below 0.
        """
        count = 1
        for size in sizes:
            count *= size
            if size < 0 or count > MOST_NUMBERS:
                raise self.refused(
                    expected=f"at most {MOST_NUMBERS:,} numbers",
                    got=f"sizes {list(sizes)[:8]}",
                    fix="look at the inputs: a size that the data says is wrong",
                )

    def refused(
        self, *, expected: str, got: str, fix: str, cause: str = "the model's data asks for what can't be computed"
    ) -> TrainingError:
        """The error for an operator that can't be run on what it is given."""
        return TrainingError("IO031", where=self.where, expected=expected, got=got, cause=cause, fix=fix)


@dataclass(frozen=True)
class Entry:
    """An operator as it is entered.

    Attributes:
        name: In ONNX.
        domain: Set of operators.
        run: One tensor for each input, None where one is left out; attributes by name; gives a tensor, or a tuple of those.
        attributes: Names of the attributes.
        least: Fewest inputs.
        most: Most inputs; None: any number.
        special: Which of ``context`` (a `Context`) and ``wanted`` (how many outputs are asked for) it wants to know.
        renamed: Attributes whose parameters end in ``_``.
    """

    name: str
    domain: str
    run: Callable[..., Any]
    attributes: tuple[str, ...]
    least: int
    most: int | None
    special: frozenset[str]
    renamed: frozenset[str] = frozenset()

    def keyword(self, attribute: str) -> str:
        """The function's parameter for an attribute; one that Python has a word for ends in ``_``."""
        return f"{attribute}_" if attribute in self.renamed else attribute


_KNOWN: dict[tuple[str, str], Entry] = {}


def operator(*names: str, domain: str = "") -> Callable[[F], F]:
    """Decorator: this function runs the operators of these names.

    Positional parameters are the inputs, those with a default may be left out; keyword-only ones are the attributes, and those
    with a default may be left out, too. Written in torch, gradients pass by themselves.

    Args:
        names: In ONNX, or of an own operator.
        domain: Set of operators that they belong to.

    Raises:
        RegistrationError: IO030, if there is another for one of them.

    Example:
        >>> @operator("TimesThree", domain="org.example")
        ... def times_three(x, *, again: int = 0):
        ...     return x * 3 * (3 if again else 1)
        >>> find("TimesThree", "org.example").attributes
        ('again',)
    """

    def enter(function: F) -> F:
        for name in names:
            made = _entry(name, domain, function)
            taken = _KNOWN.get((domain, name))
            if taken is not None and _place(taken.run) != _place(function):
                raise RegistrationError(
                    "IO030",
                    where=f"operator {name}" + (f" of {domain}" if domain else ""),
                    expected="one function for each operator",
                    got=f"{_place(taken.run)} and {_place(function)}",
                    cause="two claim the same operator",
                    fix="remove one of them, or use a domain of your own",
                )
            _KNOWN[domain, name] = made
            if family_of(name, domain) is None:
                enter_signature(name, domain, least=made.least, most=made.most, attributes=made.attributes)
        return function

    return enter


def find(name: str, domain: str = "") -> Entry:
    """What runs an operator.

    Raises:
        RegistrationError: IO032, if nothing does.
    """
    if (domain, name) not in _KNOWN:
        family = family_of(name, domain)
        if family is not None:
            importlib.import_module(f"lamina.engine.operators.{family}")
    found = _KNOWN.get((domain, name))
    if found is None:
        raise RegistrationError(
            "IO032",
            where=f"operator {name}" + (f" of {domain}" if domain else ""),
            expected="an operator of ONNX, or one that was entered",
            got="a name that nothing runs",
            cause="the package that runs it isn't imported",
            fix="import it, or write the function and decorate it with @lamina.engine.operators.operator(NAME, domain=...)",
        )
    return found


def entries() -> dict[tuple[str, str], Entry]:
    """All operators of Lamina's own, and what was entered besides."""
    for family in FAMILIES:
        importlib.import_module(f"lamina.engine.operators.{family}")
    return dict(_KNOWN)


def _entry(name: str, domain: str, function: Callable[..., Any]) -> Entry:
    parameters = list(inspect.signature(function).parameters.values())
    inputs = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p.name.rstrip("_") for p in parameters if p.kind is p.KEYWORD_ONLY]
    many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    least = sum(p.default is p.empty for p in inputs)
    attributes = tuple(sorted(set(named) - _SPECIAL))
    renamed = frozenset(p.name.rstrip("_") for p in parameters if p.name.endswith("_"))
    return Entry(name, domain, function, attributes, least, None if many else len(inputs), _SPECIAL & set(named), renamed)


def _place(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}"
