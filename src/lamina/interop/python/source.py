"""Source as it grows: modules in ``__init__``, lines in ``forward``, tensors in the file beside it."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from lamina.interop.emission.activations import activate
from lamina.interop.emission.draft import Draft, Operand, Operation, Value, Weight
from lamina.interop.emission.pen import Pen, refuse

if TYPE_CHECKING:
    from lamina.errors import Problem

WIDTH = 100
"""A line that would be longer is made of two."""
F = TypeVar("F", bound=Callable[["Source", Operation], "str"])
_WORDS: dict[str, Callable[[Source, Operation], str]] = {}
_TAKEN = {"self", "torch", "nn", "F", "Tensor", "Path", "load_file", "Network", "load", "LABELS", "forward", "dict", "float"}


def renders(*words: str) -> Callable[[F], F]:
    """Decorator: the function gives these words as an expression."""

    def enter(function: F) -> F:
        _WORDS.update(dict.fromkeys(words, function))
        return function

    return enter


class Source:
    """What is written of a draft.

    Args:
        draft: The network.

    Attributes:
        modules: Lines of ``__init__``.
        lines: Lines of ``forward``.
        state: Tensors by their names in the module's state dict.
        functions: Names of the functions that have to be written before the class.
        problems: What has no counterpart.
    """

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.modules: list[str] = []
        self.lines: list[str] = []
        self.state: dict[str, np.ndarray] = {}
        self.functions: set[str] = set()
        self.problems: list[Problem] = []
        self.dtype = next((array.dtype for array in draft.arrays.values() if array.dtype.kind == "f"), np.dtype("float32"))
        self._names: set[str] = set(_TAKEN)
        self._attributes: set[str] = set(dir_of_module())
        self._texts: dict[Value, str] = {}
        self._homes: dict[str, str] = {}
        self._made: dict[tuple[Any, ...], str] = {}
        self._layers: dict[Value, str] = {}
        self._uses: dict[Value, int] = {}
        for operation in draft.operations:
            for value in operation.inputs:
                if isinstance(value, Value):
                    self._uses[value] = self._uses.get(value, 0) + 1
        self.arguments = {name: self._named(value, name) for name, value in draft.inputs.items()}
        self.masks = {name: self._named(value, value.name) for name, value in draft.masks.items()}

    def write(self, operation: Operation) -> None:
        """The line of an operation, unless it becomes a part of the next."""
        word = _WORDS.get(operation.kind)
        if word is None:
            refuse(f"the operation {operation.kind!r}", expected="what PyTorch computes")
        text = word(self, operation)
        outputs = operation.outputs
        if len(outputs) > 1:
            given = self.draft.outputs.values()
            names = [self._named(value, self._short(value)) if self._uses.get(value) or value in given else "_" for value in outputs]
            self.lines.append(f"{', '.join(names)} = {text}")
            return
        (value,) = outputs
        last = value in self.draft.outputs.values()
        if not last and (self._inlined(operation, text) or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(\.shape\[\d+\])?", text)):
            self._texts[value] = text
            return
        name = self._named(value, self._short(value))
        self.lines += _line(f"{name} = ", text)

    def _inlined(self, operation: Operation, text: str) -> bool:
        """Whether it reads better as a part of the one line that uses it: short, and of the same layer."""
        (value,) = operation.outputs
        return self._uses.get(value, 0) <= 1 and len(text) <= 60 and value.name != operation.layer

    def _short(self, value: Value) -> str:
        if "/" not in value.name:
            return value.name
        return f"{value.layer.rpartition('/')[2]}_{value.name.rpartition('/')[2]}"

    def _named(self, value: Value, wanted: str) -> str:
        name = identifier(wanted)
        number = 2
        while name in self._names:
            name, number = f"{identifier(wanted)}_{number}", number + 1
        self._names.add(name)
        self._texts[value] = name
        return name

    # -- operands ---------------------------------------------------------------------------------------------------

    def text(self, value: Operand | None) -> str:
        """An operand as an expression."""
        if isinstance(value, Value):
            return self._texts[value]
        if isinstance(value, Weight):
            return self.weight(value)
        return "None" if value is None else number(value)

    def atom(self, value: Operand | None) -> str:
        """The same, so that anything may stand behind it."""
        return atomic(self.text(value))

    def variable(self, value: Operand) -> str:
        """The same as a name that can be written several times."""
        text = self.text(value)
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", text) or not isinstance(value, Value):
            return text
        name = self._named(value, self._short(value))
        self.lines += _line(f"{name} = ", text)
        return name

    # -- modules and parameters ---------------------------------------------------------------------------------------

    def attribute(self, operation: Operation) -> str:
        """A free attribute for the operation's layer or a part of it."""
        wanted = f"{operation.layer}.{operation.part}" if operation.part else operation.layer
        return self._attribute(wanted)

    def _attribute(self, wanted: str) -> str:
        base = identifier(wanted)
        name, number = base, 2
        while name in self._attributes:
            name, number = f"{base}_{number}", number + 1
        self._attributes.add(name)
        return name

    def module(self, operation: Operation, made: str, tensors: dict[str, Weight | np.ndarray]) -> str:
        """A module of torch's with its tensors; one that has the same tensors is used again.

        Args:
            operation: What it is for.
            made: The call that makes it.
            tensors: By their names in the module.
        """
        keys = tuple(sorted((name, item.key) for name, item in tensors.items() if isinstance(item, Weight)))
        if keys and (made, keys) in self._made:
            return self._made[made, keys]
        name = self.attribute(operation)
        self.modules.append(f"self.{name} = {made}")
        for key, item in tensors.items():
            if isinstance(item, Weight):
                self.state[f"{name}.{key}"] = self.draft.arrays[item.key]
                self._homes.setdefault(item.key, f"self.{name}.{key}")
            else:
                self.state[f"{name}.{key}"] = item
        if keys:
            self._made[made, keys] = f"self.{name}"
        return f"self.{name}"

    def owned(self, weights: dict[str, Weight] | Any, made: str) -> bool:
        """Whether some of the weights already belong to a module that is not this one again."""
        keys = tuple(sorted((name, weight.key) for name, weight in weights.items()))
        return (made, keys) not in self._made and any(weight.key in self._homes for weight in weights.values())

    def weight(self, weight: Weight) -> str:
        """A parameter or constant, as an attribute."""
        if weight.key not in self._homes:
            name = self._attribute(weight.key)
            sizes = ", ".join(map(str, weight.shape))
            array = self.draft.arrays[weight.key]
            if weight.trained:
                self.modules.append(f"self.{name} = nn.Parameter(torch.empty({sizes or '()'}{self.typed(array)}))")
            else:
                self.modules.append(f'self.register_buffer("{name}", torch.empty({sizes or "()"}{self.typed(array)}))')
            self.state[name] = array
            self._homes[weight.key] = f"self.{name}"
        return self._homes[weight.key]

    def typed(self, array: np.ndarray) -> str:
        """The type of an array, where it isn't what torch takes by itself."""
        return "" if array.dtype == np.float32 else f", dtype=torch.{array.dtype.name}"

    def function_of(self, activation: Any) -> str:
        """What an activation makes of ``x``, as one expression."""
        draft = Draft({})
        x = Value(draft.unique("x"), 2)
        node = SimpleNamespace(layer=None, name="y")
        value = activate(Pen(draft, SimpleNamespace(node=node), "", "y", {}), x, activation)  # type: ignore[arg-type]
        inner = Source(draft)
        inner._texts[x] = "x"
        for operation in draft.operations:
            inner.write(operation)
        if inner.lines or inner.modules:
            self.refuse(f"a recurrent layer with the activation {activation.type_name}")
        return inner.text(value)

    def stand_in(self, value: Value) -> None:
        """Something for a value that can't be computed, so that what follows from it is looked at too."""
        self._texts.setdefault(value, "missing")

    def needs(self, name: str) -> str:
        """A function of ours that is written before the class."""
        self.functions.add(name)
        return name

    def refuse(self, got: str, fix: str = "") -> NoReturn:
        """What can't be written.

        Raises:
            Refused: Always.
        """
        refuse(got, fix, "what PyTorch computes")


def dir_of_module() -> list[str]:
    """Names that a module has already."""
    from torch import nn

    return [*dir(nn.Module()), "forward"]


def identifier(wanted: str) -> str:
    """A name of Python's."""
    name = re.sub(r"\W", "_", wanted).strip("_") or "x"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else f"x{name}" if name[0].isdigit() else name


def atomic(text: str) -> str:
    """An expression so that anything may stand behind it."""
    if re.fullmatch(r"[\w.]+", text) or _closed(text):
        return text
    return f"({text})"


def _closed(text: str) -> bool:
    """Whether it is a name with calls and indices behind it."""
    depth = 0
    for place, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif depth == 0 and not (letter.isalnum() or letter in "_."):
            return False
        if depth == 0 and place == 0 and letter == "(":
            return False
    return not text.startswith("(")


def number(value: float) -> str:
    """A number as Python reads it."""
    if isinstance(value, float) and math.isinf(value):
        return "torch.inf" if value > 0 else "-torch.inf"
    return repr(value)


def several(items: Any) -> str:
    """A tuple, or one number where all are the same."""
    found = list(items)
    return number(found[0]) if len(set(found)) == 1 else f"({', '.join(map(number, found))})"


def _split(text: str) -> list[str]:
    """The arguments of one call; nothing if it is more than one call."""
    depth, first, found = 0, 0, []
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            return []
        if letter == "," and depth == 0:
            found.append(text[first:place].strip())
            first = place + 1
    return [*found, text[first:].strip()]


def _line(start: str, text: str) -> list[str]:
    """A statement, in several lines if it is long and can be."""
    if len(start) + len(text) <= WIDTH:
        return [start + text]
    call = re.fullmatch(r"([\w.]+)\((.*)\)", text)
    if call and not text.startswith("torch.cat"):
        arguments = _split(call[2])
        if arguments:
            return [f"{start}{call[1]}(", *(f"    {item}," for item in arguments), ")"]
    match = re.fullmatch(r"torch\.cat\(\((.*)\), (\d+)\)", text)
    if match and "(" not in match[1]:
        return [f"{start}torch.cat(", "    (", *(f"        {item}," for item in match[1].split(", ")), "    ),", f"    {match[2]},", ")"]
    return [start + text]
