"""Numeric proof: the outputs that a model gave where it comes from, compared with those it gives here."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.errors import InteropError, ProofError

if TYPE_CHECKING:
    import numpy as np

    from lamina.model import Model

LIMIT = 1e-4
"""Largest relative difference that counts as the same."""
FLOOR = 0.1
"""Numbers nearer to 0 count as this large: ``|y - ref| <= 1e-5 + 1e-4 |ref|`` is a relative difference of at most `LIMIT`."""
MOST_BYTES = 1 << 30
ACTIVATIONS = "activations/"


@dataclass(frozen=True)
class Difference:
    """How far an output is from the source's.

    Attributes:
        name: What the source calls it.
        absolute: Largest difference.
        relative: Largest difference as a share of the source's number; numbers below 0.1 count as 0.1.
    """

    name: str
    absolute: float
    relative: float

    @property
    def holds(self) -> bool:
        """Whether it is as small as rounding makes it."""
        return self.relative <= LIMIT

    def __str__(self) -> str:
        return f"{self.name}: largest difference {self.absolute:.2e}, relative {self.relative:.2e}"


@dataclass(frozen=True)
class Proof:
    """All outputs compared; print it.

    Attributes:
        outputs: Each output.
        first: The first layer whose stored activations differ, if any were stored.
        layers: How many layers' activations were compared.
    """

    outputs: tuple[Difference, ...]
    first: Difference | None = None
    layers: int = 0

    @property
    def holds(self) -> bool:
        """Whether all outputs are those of the source."""
        return all(difference.holds for difference in self.outputs)

    def check(self, where: str) -> None:
        """Raise what doesn't hold.

        Raises:
            ProofError: IO007.
        """
        if self.holds:
            return
        worst = max(self.outputs, key=lambda difference: difference.relative)
        raise ProofError(
            "IO007",
            where=f"{where}, output {worst.name!r}",
            expected=f"a relative difference of at most {LIMIT:g}",
            got=str(worst) + (f"; the first layer that differs is {self.first}" if self.first is not None else ""),
            cause="the stored outputs are of other weights or other inputs, or a layer is imported wrongly",
            fix="store inputs and outputs of the very file that is imported; if they are, report it with the file",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        rows = [{"output": d.name, "absolute": d.absolute, "relative": d.relative, "holds": d.holds} for d in self.outputs]
        return {"outputs": rows, "holds": self.holds, "layers": self.layers, "first": None if self.first is None else self.first.name}

    def __str__(self) -> str:
        lines = [f"{'proven' if d.holds else 'DIFFERS'}  {d}" for d in self.outputs]
        if self.layers:
            lines.append(
                f"{self.layers} layers compared; " + ("none differs" if self.first is None else f"the first that differs: {self.first}")
            )
        return "\n".join(lines)


def verify(model: Model, io: str | os.PathLike[str] | Mapping[str, np.ndarray]) -> Proof:
    """Compare a model's outputs with those that were stored where it comes from.

    The network is fed as it is, without a normaliser that came with it, as the source feeds it.

    Args:
        model: An imported model.
        io: An ``.npz`` file or named arrays: ``x`` and ``y``; of several, ``x0``, ``x1``, or ``x_NAME`` (or ``NAME`` alone) and the
            same for outputs; ``activations/LAYER`` for what layers give.

    Raises:
        InteropError: IO008, if they are not the inputs and outputs of this model.
    """
    arrays = dict(_read(io)) if isinstance(io, str | os.PathLike) else dict(io)
    plain = model.preprocessing
    model.preprocessing = None
    try:
        inputs = _named(arrays, "x", _input_names(model))
        outputs = model.outputs(inputs)
        wanted = _named(arrays, "y", list(outputs))
        found = tuple(difference(name, outputs[name], wanted[name]) for name in outputs)
        stored = {key.removeprefix(ACTIVATIONS): value for key, value in arrays.items() if key.startswith(ACTIVATIONS)}
        first, count = _layers(model, inputs, stored, outputs)
    finally:
        model.preprocessing = plain
    return Proof(found, first, count)


def _input_names(model: Model) -> list[str]:
    if model.origin is not None and model.origin.inputs:
        return [layout.name for layout in model.origin.inputs.values()]
    if model.plan is not None:
        return list(model.plan.inputs)
    return list(model.description.declared_inputs() or ["input"]) if model.description is not None else ["input"]


def _named(arrays: Mapping[str, np.ndarray], letter: str, names: list[str]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for number, name in enumerate(names):
        keys = [f"{letter}_{name}", name, f"{letter}{number}", *([letter] if len(names) == 1 else [])]
        key = next((key for key in keys if key in arrays), None)
        if key is None:
            what = "input" if letter == "x" else "output"
            raise InteropError(
                "IO008",
                where=f"the stored arrays, {what} {name!r}",
                expected=f"an array called {' or '.join(keys)}",
                got=", ".join(sorted(arrays)) or "none",
                cause=f"the file holds other {what}s than the model has",
                fix=f"call the {what} {letter}_{name}",
            )
        found[name] = arrays[key]
    return found


def difference(name: str, found: np.ndarray, wanted: np.ndarray) -> Difference:
    """How far an output is from what is wanted.

    Raises:
        InteropError: IO008, if they are of other shapes.
    """
    import numpy as np

    if found.size != wanted.size or found.shape[0] != wanted.shape[0]:
        raise InteropError(
            "IO008",
            where=f"output {name!r}",
            expected=f"{list(found.shape)}, as the model gives",
            got=f"{list(wanted.shape)}",
            cause="the stored outputs are of other inputs, or of another output",
            fix="store x and y of the same samples",
        )
    one, other = found.astype(np.float64).reshape(-1), wanted.astype(np.float64).reshape(-1)
    gap = np.where(one == other, 0.0, np.abs(one - other))
    gap = np.where(np.isnan(one) & np.isnan(other), 0.0, gap)
    if not gap.size:
        return Difference(name, 0.0, 0.0)
    relative = gap / np.maximum(np.abs(other) + FLOOR, FLOOR)
    return Difference(name, float(np.nan_to_num(gap, nan=np.inf).max()), float(np.nan_to_num(relative, nan=np.inf).max()))


def _layers(
    model: Model, inputs: Mapping[str, np.ndarray], stored: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> tuple[Difference | None, int]:
    """The first layer, in the order of the network, whose activations differ, and how many were looked at."""
    import torch

    from lamina.engine.network import NetworkModule

    network, origin, plan = model.network, model.origin, model.plan
    if not stored or plan is None or not isinstance(network, NetworkModule):
        return None, 0
    data, masks = model._inputs(model.as_here(inputs)[0])  # noqa: SLF001 - the same way that predict goes
    tensors = {name: torch.from_numpy(array) for name, array in data.items()}
    count = 0
    for node in plan.nodes:
        layout = None if origin is None else origin.layers.get(node.name)
        name = node.name if layout is None else layout.name
        if name not in stored:
            continue
        if name in outputs:  # Inside, an output layer gives scores, which its activation comes behind.
            found = difference(name, outputs[name], stored[name])
        else:
            with torch.inference_mode():
                value, _ = network.outputs_of(tensors, node.name, {key: torch.from_numpy(mask) for key, mask in masks.items()})
            array = value.numpy()
            found = difference(name, array if layout is None else layout.given(array), stored[name])
        count += 1
        if not found.holds:
            return found, count
    return None, count


def _read(path: str | os.PathLike[str]) -> Mapping[str, np.ndarray]:
    import numpy as np

    def refuse(*, got: str) -> InteropError:
        return InteropError(
            "IO008",
            where=str(path),
            expected="an .npz file of inputs x and outputs y",
            got=got,
            cause="the file isn't there, or is of another kind",
            fix="write it with numpy.savez('io.npz', x=inputs, y=outputs)",
        )

    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise refuse(got="a single array")
        with loaded as file, zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
            if size > MOST_BYTES:
                raise refuse(got=f"arrays of {size:,} bytes, above {MOST_BYTES:,}")
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise refuse(got=str(error)[:200]) from error
