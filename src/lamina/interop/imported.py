"""What reading a foreign model gives: a description, named arrays, and what is known of where they come from. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lamina.errors import InteropError, ShapeError
from lamina.interop.problems import misfit
from lamina.interop.report import Report
from lamina.origin import Origin

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import DataSchema
    from lamina.model import Model
    from lamina.network import Network
    from lamina.network.plan import Plan
    from lamina.shapes import Shape


@dataclass(frozen=True)
class Options:
    """What the user says about an import.

    Attributes:
        inputs: Shapes of inputs that the file doesn't say, by the source's names; ``""`` is the only input.
        layout: ``source``: arrays go in and out as the source has them; ``lamina``: as Lamina does.
        onto: The network that weights without one are put onto: a description, a model, or a file of either.
        mapping: Where tensors, or all whose names begin so, belong in it; to an empty word: left out.
    """

    inputs: Mapping[str, Shape] = field(default_factory=dict)
    layout: Literal["source", "lamina"] = "source"
    onto: Any = None
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """A foreign model, read.

    Attributes:
        report: Everything that was found.
        network: Its description; None if something has no counterpart.
        arrays: All parameters and buffers by ``layer/name``.
        shapes: Shape of each input; of those that only the data know, a shape that fits, if there is one.
        open_inputs: Channels of each input of images whose height and width the file doesn't say.
        origin: Where it comes from.
        slots: The state of the optimiser, ``slot/layer/parameter``.
        schema: What its data are, where that is known.
        preprocessing: What was done to raw data.
        dtype: Of the weights.
        seed: Of the model.
        fresh: Parameters and buffers that the files don't hold: they start as a new network's do.
    """

    report: Report
    network: Network | None = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    shapes: Mapping[str, Shape] | None = None
    open_inputs: Mapping[str, int] = field(default_factory=dict)
    origin: Origin | None = None
    slots: Mapping[str, np.ndarray] = field(default_factory=dict)
    schema: DataSchema | None = None
    preprocessing: Preprocessing | None = None
    dtype: Literal["float32", "float64"] = "float32"
    seed: int = 0
    fresh: frozenset[str] = frozenset()

    def described(self) -> Network:
        """The network.

        Raises:
            InteropError: IO004, with everything that has no counterpart.
        """
        if self.report.missing:
            raise InteropError.of(self.report.missing)
        if self.network is None:
            raise TypeError(self.report.format)
        return self.network

    def plan(self) -> Plan:
        """The network with all shapes, its weights checked against it.

        Raises:
            InteropError: IO004; IO005, if the weights are not those of the layers; IO006, if the size of an input isn't known.
        """
        network = self.described()
        if self.shapes is None:
            raise _open(self)
        try:
            plan = network.resolve(self.shapes)
        except ShapeError as error:
            problem = error.problems[0]
            where = f"{', '.join(self.report.files)}, {problem.where}"
            raise misfit(where=where, expected=problem.expected, got=problem.got, cause=problem.cause) from error
        check_arrays(plan, self.arrays, ", ".join(self.report.files), self.fresh)
        return plan

    def model(self) -> Model:
        """The model, ready to be asked, trained and kept.

        Raises:
            InteropError: As for `plan`.
        """
        from lamina.model import Model
        from lamina.origin import Waiting

        network = self.described()
        waits = bool(self.open_inputs)
        plan = None if waits else self.plan()
        model = Model(network, seed=self.seed, input=None if plan is None else plan.inputs, dtype=self.dtype)
        model.waiting = Waiting(self.arrays, self.open_inputs) if waits else None
        model.schema, model.preprocessing, model.origin, model.slots = self.schema, self.preprocessing, self.origin, self.slots
        if not waits and self.fresh:
            model.load_parameters({**model.parameters(), **self.arrays})
        elif model.plan is not None:
            fill(model, model.plan, self.arrays)
        return model

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.lamina`` file, without torch.

        Raises:
            InteropError: As for `plan`; of a network whose image sizes only the data know, one that fits is taken.
            ArchiveError: AR020, if it can't be written.
        """
        from lamina.keep import Extras, Kept, write_model

        if self.fresh:
            # Weights that are drawn need torch.
            self.model().save(path)
            return
        plan = self.plan()
        kept = Kept(self.described(), plan, self.seed, self.dtype)
        write_model(path, kept, self.arrays, Extras(self.schema, self.preprocessing, self.origin, self.slots))


def fill(model: Model, plan: Plan, arrays: Mapping[str, np.ndarray]) -> None:
    """Build a model's network of its weights, without drawing first values for them.

    Args:
        model: The model, not built yet.
        plan: Its plan.
        arrays: All its parameters and buffers.

    Raises:
        LaminaError: EN008, if they are not those.
    """
    import torch

    from lamina.engine.build import build

    network = build(plan, model.seed, dtype=getattr(torch, model.dtype), first_values=False)
    network.load_arrays(arrays)
    network.eval()
    model._network = network  # noqa: SLF001 - as Model builds it, but for what is overwritten


def check_arrays(plan: Plan, arrays: Mapping[str, np.ndarray], where: str, fresh: frozenset[str] = frozenset()) -> None:
    """See that arrays are the weights of a plan, but for those that start afresh.

    Raises:
        InteropError: IO005.
    """
    wanted = {f"{node.name}/{name}": p.shape for node in plan.nodes for name, p in node.parameters.items()}
    wanted |= {f"{node.name}/{name}": shape for node in plan.nodes for name, shape in node.buffers.items()}
    found = {*wanted, *arrays} - ({*wanted} & fresh - {*arrays})
    wrong = [name for name in sorted(found) if name not in arrays or wanted.get(name) != arrays[name].shape]
    if wrong:
        name = wrong[0]
        got = f"{list(arrays[name].shape)}" if name in arrays else "none"
        raise misfit(
            where=f"{where}, weight {name!r}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
            expected=f"{list(wanted[name])}" if name in wanted else "no such weight",
            got=got,
        )


def _open(imported: Imported) -> InteropError:
    names = ", ".join(imported.open_inputs) or "the input"
    return InteropError(
        "IO006",
        where=f"{', '.join(imported.report.files)}, input {names}",
        expected="channels, height and width of the images",
        got="channels alone",
        cause="the source leaves sizes to the data, and any size fits these layers",
        fix="say them: lamina import ... --input image=1,28,28, or lm.interop.load(path, inputs=lm.image(1, 28, 28))",
    )
