"""What runs an optimiser: the order of an update, the groups of values it works on, and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from lamina.engine.constraints import constrain
from lamina.engine.implementations import Implementations
from lamina.engine.optimizers.clipping import clipper
from lamina.engine.parameters import FlatBuffer, FlatParameters, Slot
from lamina.errors import TrainingError
from lamina.learning.clipping import Clip
from lamina.learning.optimizers import Optimizer
from lamina.learning.schedules import value_of

D = TypeVar("D", bound=Optimizer)


@dataclass(frozen=True)
class Group:
    """Slices of a vector that are updated alike, as lists of equal length: what torch's fused operations take.

    Attributes:
        factor: Of the learning rate.
        decay: Decoupled weight decay.
        values: Slices of the parameters.
        gradients: The same of the gradients.
        state: The same of each vector of state, by name.
        scratch: The same of vectors to compute in, which hold nothing between updates.
        counts: Number of updates, once for each slice, in a tensor: what torch's fused operations take.
    """

    factor: float
    decay: float
    values: list[Tensor]
    gradients: list[Tensor]
    state: dict[str, list[Tensor]]
    scratch: list[list[Tensor]]
    counts: list[Tensor]


class OptimizerRun(Generic[D]):
    """Updates parameters from their gradients, by one rule; subclasses write `update`.

    The order of an update: clip the gradients; add L1 and L2 of the layers; decay, on the values before the update; the
    rule; constraints. Clipping and L1/L2 change the gradient vector in place.

    Args:
        description: The rule.
        flat: What is trained.
        clip: What is done to large gradients.

    Attributes:
        learning_rate: The rate of the last update; before the first, that of the first. Without the layers' factors.
        updates: Number of updates made.
        begun: Updates and epochs made before, elsewhere, that schedules count from.
    """

    scratches: ClassVar[int] = 0
    """How many vectors the rule needs to compute in."""
    decays: ClassVar[bool] = False
    """Whether the rule does the weight decay itself."""
    by_parameter: ClassVar[bool] = False
    """Whether `update` is to see each parameter as a slice of its own, in its own shape, and not neighbours as one."""
    searches: ClassVar[bool] = False
    """Whether it asks for the loss at several points (`lamina.engine.optimizers.search`), so that `step` is not enough."""

    def __init__(self, description: D, flat: FlatParameters, clip: Clip | None = None) -> None:
        self.description = description
        self.flat = flat
        self.updates = 0
        self.begun = (0, 0)
        self.learning_rate = value_of(description.learning_rate, 0, 0.0)
        self._state: dict[str, Tensor] = {}
        self._counts: list[Tensor] = []
        self.groups = [group for buffer in flat.buffers for group in self._make_groups(buffer)]
        self._fixed = isinstance(description.learning_rate, float | int)
        self._clip = None if clip is None else clipper(clip, flat)
        self._penalties = [penalty for buffer in flat.buffers for penalty in _penalties(buffer)]
        self._constraints = [(slot.view, constraint) for slot in flat.slots for constraint in slot.settings.constraints]

    def update(self, group: Group, rate: float) -> None:
        """Update one group; `updates` already counts this one.

        Args:
            group: What is updated.
            rate: Learning rate, with the group's factor.
        """
        raise NotImplementedError(type(self).__name__)

    def prepare(self, step: int, epoch: float) -> None:
        """Numbers that all groups share, before an update."""

    def initial(self, slot: str) -> float:
        """Where a vector of state starts."""
        return 0.0

    def step(self, step: int, epoch: float) -> None:
        """Update the parameters from their gradients.

        Args:
            step: Steps made before this one; for schedules.
            epoch: Epochs made before it, with the fraction of the current one; for schedules.
        """
        step, epoch = step + self.begun[0], epoch + self.begun[1]
        if self._clip is not None:
            self._clip()
        for add in self._penalties:
            add()
        if not self._fixed:
            self.learning_rate = value_of(self.description.learning_rate, step, epoch)
        self.updates += 1
        for count in self._counts:
            count.fill_(self.updates)
        self.prepare(step, epoch)
        for group in self.groups:
            rate = self.learning_rate * group.factor
            if group.decay and not self.decays:
                torch._foreach_mul_(group.values, 1 - rate * group.decay)
            self.update(group, rate)
        for view, constraint in self._constraints:
            constrain(view, constraint)

    # -- state ------------------------------------------------------------------------------------------------------

    def extra_state(self) -> dict[str, float]:
        """Numbers, besides `updates`, that change in training."""
        return {}

    def load_extra_state(self, state: Mapping[str, float]) -> None:
        """Go on from `extra_state`."""

    def state_dict(self) -> dict[str, Tensor]:
        """All that changes in training: ``updates`` and each vector of state by name.

        The vectors are the live ones, not copies. Of several dtypes, each has its own: ``mean/float32``.
        """
        numbers = {name: torch.tensor(value, dtype=torch.float64) for name, value in self.extra_state().items()}
        begun = {"begun": torch.tensor(self.begun)} if any(self.begun) else {}
        return {"updates": torch.tensor(self.updates), **begun, **numbers, **self._state}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state_dict`; nothing is changed if it doesn't fit.

        Raises:
            TrainingError: EN022, for other names or sizes than this optimiser has.
        """
        own = self.state_dict()
        if state.keys() != own.keys():
            raise self._misfit(", ".join(sorted(own)), ", ".join(sorted(state)), "use the optimiser that the state was saved with")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                expected, got = f"{name} of size {list(tensor.shape)}", str(list(state[name].shape))
                raise self._misfit(expected, got, "use the network, and the frozen layers, that the state was saved with")
        for name, tensor in self._state.items():
            tensor.copy_(state[name])
        self.updates = int(state["updates"])
        self.load_extra_state({name: float(state[name]) for name in self.extra_state()})

    def _misfit(self, expected: str, got: str, fix: str) -> TrainingError:
        return TrainingError(
            "EN022",
            where=f"state of optimizer {self.description.type_name!r}",
            expected=expected,
            got=got,
            cause="the state was saved by another optimiser, or by this one with other settings or another network",
            fix=fix,
        )

    # -- construction -----------------------------------------------------------------------------------------------

    def _make_groups(self, buffer: FlatBuffer) -> list[Group]:
        """Neighbouring segments that differ in nothing become one slice, and slices that differ in nothing one group."""
        vector = buffer.vector
        end = f"/{str(vector.dtype).removeprefix('torch.')}" if len(self.flat.buffers) > 1 else ""
        state = {slot: torch.full_like(vector, self.initial(slot)) for slot in self.description.state_slots}
        self._state |= {slot + end: tensor for slot, tensor in state.items()}
        scratch = [torch.empty_like(vector) for _ in range(self.scratches)]
        count = torch.zeros((), dtype=torch.float32, device=vector.device)
        self._counts.append(count)
        views = {slot.start: slot.view for slot in buffer.slots}

        def slots_in(start: int, stop: int) -> list[Slot]:
            return [slot for slot in buffer.slots if start <= slot.start < stop]

        def shaped(piece: Tensor, start: int) -> Tensor:
            # In the parameter's own layout in memory, which channels-last weights have too.
            return piece.as_strided(views[start].shape, views[start].stride())

        places: dict[tuple[float, float], list[tuple[int, int]]] = {}
        last: tuple[float, float] | None = None
        for segment in buffer.segments:
            key = (segment.learning_rate_factor, self._decay(segment.weight_decay, weights=segment.weights))
            runs = places.setdefault(key, [])
            if key == last:
                runs[-1] = (runs[-1][0], segment.stop)
            else:
                runs.append((segment.start, segment.stop))
            last = key

        if self.by_parameter:
            places = {key: [(s.start, s.stop) for start, stop in runs for s in slots_in(start, stop)] for key, runs in places.items()}

        def cut(whole: Tensor, runs: list[tuple[int, int]]) -> list[Tensor]:
            pieces = [whole[start:stop] for start, stop in runs]
            return [shaped(piece, start) for piece, (start, _) in zip(pieces, runs, strict=True)] if self.by_parameter else pieces

        return [
            Group(
                factor=factor,
                decay=decay,
                values=cut(vector, runs),
                gradients=cut(buffer.gradient, runs),
                state={slot: cut(tensor, runs) for slot, tensor in state.items()},
                scratch=[cut(tensor, runs) for tensor in scratch],
                counts=[count] * len(runs),
            )
            for (factor, decay), runs in places.items()
        ]

    def _decay(self, own: float | None, *, weights: bool) -> float:
        if not weights and self.description.decayed == "weights":
            return 0.0
        return self.description.weight_decay if own is None else own


def _penalties(buffer: FlatBuffer) -> list[Callable[[], None]]:
    """What adds the derivatives of L1 and L2 to the gradient: one operation for each coefficient, on the slices that have it."""
    found: dict[tuple[str, float], list[slice]] = {}
    for slot in buffer.slots:
        for kind, coefficient in (("l2", slot.settings.l2), ("l1", slot.settings.l1)):
            if coefficient:
                runs = found.setdefault((kind, coefficient), [])
                if runs and runs[-1].stop == slot.start:
                    runs[-1] = slice(runs[-1].start, slot.stop)
                else:
                    runs.append(slice(slot.start, slot.stop))
    return [_penalty(kind, coefficient, buffer, runs) for (kind, coefficient), runs in found.items()]


def _penalty(kind: str, coefficient: float, buffer: FlatBuffer, runs: list[slice]) -> Callable[[], None]:
    values, gradients = [buffer.vector[run] for run in runs], [buffer.gradient[run] for run in runs]

    def l2() -> None:
        torch._foreach_add_(gradients, values, alpha=coefficient)

    def l1() -> None:
        torch._foreach_add_(gradients, torch._foreach_sign(values), alpha=coefficient)

    return l2 if kind == "l2" else l1


_RUNS: Implementations[type[OptimizerRun[Any]]] = Implementations("optimizer", "updates", of="an OptimizerRun", missing="EN025")
updates = _RUNS.register
"""Class decorator: this class runs these optimisers."""


def optimizer_for(description: Optimizer, flat: FlatParameters, clip: Clip | None = None) -> OptimizerRun[Any]:
    """Make an optimiser runnable on parameters.

    Args:
        description: Which, with all lengths of its schedules known (`Optimizer.bind`).
        flat: What it trains.
        clip: What is done to large gradients before.

    Raises:
        RegistrationError: EN025, if nothing runs this description.
        DescriptionError: EN020, if a schedule waits for the length of the run.
    """
    return _RUNS.find(description)(description, flat, clip)
