"""A module of Torch7 as a converter is given it, and the table of converters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from lamina.interop.torch7.objects import Instance, Storage, Tensor, listed
from lamina.interop.torch7.values import Anything, Refused

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.torch7.builder import Builder

MOST = 1 << 30
HARMLESS = frozenset(
    {
        *("train", "inplace", "nInputPlane", "nOutputPlane", "iwidth", "iheight", "itime", "numElements", "nelement", "affine", "name"),
        *("copiedInput", "shouldScaleGradByFreq", "normType", "flag", "lazy", "mono", "v2", "nbatch", "nBatch", "workspace_limit"),
        *("fastest", "benchmark", "cudnn", "mode", "fmode", "bdmode", "bwmode", "iSize", "oSize", "groups", "nDim", "makeContiguous"),
        *("inputSize", "outputSize", "accUpdateGradWeight", "scaleT", "scale", "accUpdate", "lastBatchSize", "numInputDims", "batchMode"),
        *("validate_args", "key_value", "is_recursable", "stochasticInference", "stochastic_inference", "size_average", "verbose"),
        *("rho", "step", "rmInSharedClones", "recompute_backward", "hiddensize", "outputsize", "inputsize", "wrapped", "nFeature"),
        *("reset", "initialized", "nDim", "device", "usenngraph", "learningRate", "learningRateScale", "weightDecayScale", "squeeze"),
        *("inputDim", "hiddenDim", "outputDim", "nInputs", "ceil_mode", "count_include_pad", "divide", "dim", "elements", "nInputDims"),
        *("gradWeight", "gradBias", "printed", "training", "frozen", "partition", "version", "lookup", "accMode", "cacheBufferSize"),
    }
)
"""Settings that are read elsewhere, or that change nothing that is computed."""


class Module:
    """A module as the file has it.

    Attributes:
        instance: The object.
        full: Its class, such as ``nn.Linear``.
        kind: The class's last part.
        path: Where it stands: the numbers of containers' children, such as ``3.1``.
    """

    def __init__(self, instance: Instance, path: str) -> None:
        self.instance, self.full, self.path = instance, instance.kind, path
        self.kind = instance.kind.rpartition(".")[2]
        self.seen: set[str] = set()

    @property
    def name(self) -> str:
        """What its layer is called."""
        return f"{self.kind.lower()}_{self.path.replace('.', '_')}" if self.path else self.kind.lower()

    @property
    def where(self) -> str:
        """Its place, for messages."""
        return f"module {self.path or 'at the top'} ({self.full})"

    def get(self, *names: str) -> Any:
        """The first of these fields that is there."""
        self.seen.update(names)
        return next((self.instance.fields[name] for name in names if self.instance.fields.get(name) is not None), None)

    def leftovers(self) -> list[str]:
        """Settings that say something and that nobody looked at."""
        said = [name for name, item in self.instance.fields.items() if isinstance(item, str | float) or item is True]
        return sorted(str(name) for name in said if name not in self.seen | HARMLESS and not str(name).startswith("_"))

    def number(self, *names: str, default: float = 0.0) -> float:
        """A number."""
        found = self.get(*names)
        if isinstance(found, bool) or not isinstance(found, int | float):
            if found is not None:
                raise self.refused(names[0], "a number")
            return default
        return float(found)

    def whole(self, *names: str, default: int = 0) -> int:
        """A whole number."""
        found = self.number(*names, default=default)
        if not (-MOST <= found <= MOST and found == int(found)):
            raise self.refused(names[0], f"a whole number up to {MOST:,}")
        return int(found)

    def size(self, *names: str, default: int | None = None) -> int:
        """A whole number of at least 1, which must be there unless there is a default."""
        found = self.whole(*names, default=default or 0)
        if found < 1:
            raise self.refused(names[0], "a whole number of at least 1")
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value."""
        self.seen.add(name)
        found = self.instance.fields.get(name)
        return found if isinstance(found, bool) else bool(found) if isinstance(found, int | float) else default

    def tensor(self, *names: str) -> np.ndarray | None:
        """The numbers of a tensor; None if there is none, or an empty one."""
        found = self.get(*names)
        return found.array() if isinstance(found, Tensor) and found.count else None

    def weight(self, *names: str) -> np.ndarray:
        """The numbers of a tensor that must be there."""
        found = self.tensor(*names)
        if found is None:
            raise self.refused(names[0], "a tensor with numbers", cause="the module was cleared, or never given weights")
        return found

    def keys(self) -> tuple[Any, ...]:
        """Equal for modules that share all their weights."""
        found = self.instance.fields
        return tuple(found[name].key for name in ("weight", "bias") if isinstance(found.get(name), Tensor) and found[name].count)

    def sizes(self, name: str) -> list[int]:
        """Whole numbers in a storage, a tensor or a table."""
        found = self.instance.fields.get(name)
        if isinstance(found, Storage):
            return [int(item) for item in found.array[:64]]
        if isinstance(found, Tensor):
            return [int(item) for item in found.array().reshape(-1)[:64]]
        items = listed(found)
        if not all(isinstance(item, int | float) and item == item and abs(item) < MOST for item in items):
            raise self.refused(name, "whole numbers")
        return [int(item) for item in items]

    def children(self, name: str = "modules") -> list[Module]:
        """The modules that it holds."""
        found = []
        for place, child in enumerate(listed(self.instance.fields.get(name)), 1):
            if not isinstance(child, Instance):
                entry = f"{name}[{place}]"
                raise self.refused(entry, "a module")
            found.append(Module(child, f"{self.path}.{place}" if self.path else str(place)))
        return found

    def child(self, *names: str) -> Module | None:
        """The module in a field."""
        found = self.get(*names)
        return Module(found, f"{self.path}.{names[0]}" if self.path else names[0]) if isinstance(found, Instance) else None

    def refused(self, setting: str, expected: str, cause: str = "Lamina has nothing that computes the same") -> Refused:
        """The error for a setting that has no counterpart."""
        got = self.instance.fields.get(setting)
        return Refused(f"{self.where}, {setting}", expected, "nothing" if got is None else repr(got)[:100], cause)

    def __repr__(self) -> str:
        return f"Module({self.full!r}, {self.path!r})"


Converter = Callable[[Module, Anything, "Builder"], Anything]
CONVERTERS: dict[str, Converter] = {}
F = TypeVar("F", bound=Converter)


def converts(*kinds: str) -> Callable[[F], F]:
    """Decorator: this function converts modules of these kinds."""

    def enter(function: F) -> F:
        for kind in kinds:
            CONVERTERS[kind] = function
        return function

    return enter
