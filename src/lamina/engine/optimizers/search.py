"""Optimisers that search along a line, at work; each iteration is a direction and how far it is followed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from lamina.engine.constraints import constrain
from lamina.engine.line_search import Probe, search_for
from lamina.engine.optimizers.run import OptimizerRun, updates
from lamina.engine.parameters import FlatParameters
from lamina.errors import TrainingError
from lamina.learning.clipping import Clip
from lamina.learning.schedules import value_of
from lamina.learning.searching import ConjugateGradient, Lbfgs, LineGradientDescent, SearchOptimizer

S = TypeVar("S", bound=SearchOptimizer)

Evaluate = Callable[[], Tensor]
"""Fills the gradients at the present parameters and gives the loss, a detached scalar without L1 and L2."""

_LEAST_CURVATURE = 1e-10


class SearchRun(OptimizerRun[S]):
    """Updates parameters by searching along directions; subclasses write `direction` and `learn`."""

    searches: ClassVar[bool] = True

    def __init__(self, description: S, flat: FlatParameters, clip: Clip | None = None) -> None:
        super().__init__(description, flat, clip)
        self._check(clip)
        self._search = search_for(description.line_search)
        self._vector, self._gradient = flat.vector, flat.gradient
        self._norms = [(slot.view, slot.settings.l1, slot.settings.l2) for slot in flat.slots if slot.settings.l1 or slot.settings.l2]
        self._decays = [(group.values, group.decay) for group in self.groups if group.decay]

    def direction(self, gradient: Tensor) -> Tensor:
        """Where to go from a point with this gradient, a new vector."""
        raise NotImplementedError(type(self).__name__)

    def learn(self, moved: Tensor, direction: Tensor, start: Probe, end: Probe) -> None:
        """Remember what the next direction needs.

        Args:
            moved: By how much the parameters have changed.
            direction: In which direction they were moved.
            start: Loss and gradient before.
            end: Loss and gradient now.
        """

    def first_length(self, start: Probe) -> float:
        """The length to try first, before the learning rate."""
        return min(1.0, 1.0 / float(start.gradient.abs().sum()))

    def step(self, step: int, epoch: float) -> None:
        """Only `search` can update.

        Raises:
            TrainingError: EN111.
        """
        raise TrainingError(
            "EN111",
            where=f"optimizer {self.description.type_name!r}",
            expected="a way to ask for the loss again: optimizer.search(evaluate, step, epoch)",
            got="optimizer.step(step, epoch), with one gradient",
            cause="it searches along a line, for which it needs the loss at several points",
            fix="call search with a function that fills the gradients and gives the loss, or take an optimiser such as adam",
        )

    def search(self, evaluate: Evaluate, step: int, epoch: float) -> Tensor:
        """Update the parameters.

        Args:
            evaluate: Asked again and again, at changing parameters.
            step: Steps made before this one; for schedules.
            epoch: Epochs made before it, with the fraction of the current one; for schedules.

        Returns:
            The loss before the update, as ``evaluate`` gave it.
        """
        if not self._fixed:
            self.learning_rate = value_of(self.description.learning_rate, step, epoch)
        self.updates += 1
        first = evaluate()
        before = self._vector.clone() if self._decays else None
        if self.learning_rate > 0:
            self._iterate(evaluate, self._measured(first, 0.0))
        if before is not None:
            self._decay_from(before)
        if self.learning_rate > 0:
            for view, constraint in self._constraints:
                constrain(view, constraint)
        return first

    def _iterate(self, evaluate: Evaluate, here: Probe) -> None:
        settings = self.description
        for _ in range(settings.iterations):
            if not here.finite or float(here.gradient.abs().max()) <= settings.tolerance_gradient:
                return
            direction = self.direction(here.gradient)
            slope = float(here.gradient.dot(direction))
            if not slope < -settings.tolerance_change:
                return
            found = self._follow(evaluate, here, direction, slope)
            if found is None:
                return
            moved, there = found
            small = float(moved.abs().max()) <= settings.tolerance_change
            if small or abs(there.value - here.value) < settings.tolerance_change:
                return
            here = there

    def _follow(self, evaluate: Evaluate, here: Probe, direction: Tensor, slope: float) -> tuple[Tensor, Probe] | None:
        """Go along a direction as far as the line search says; None if that is nowhere."""
        origin, vector = self._vector.clone(), self._vector
        start = Probe(0.0, here.value, slope, here.gradient)

        def line(length: float) -> Probe:
            torch.add(origin, direction, alpha=length, out=vector)
            return self._measured(evaluate(), length, direction)

        width = float(direction.abs().max())
        there = self._search(line, start, self.learning_rate * self.first_length(start), width)
        torch.add(origin, direction, alpha=there.length, out=vector)
        if there.length == 0.0:
            vector.copy_(origin)
            return None
        if not there.finite:
            return direction * there.length, there
        for view, constraint in self._constraints:
            constrain(view, constraint)
        if self._constraints:
            there = self._measured(evaluate(), there.length, direction)
        moved = vector - origin if self._constraints else direction * there.length
        self.learn(moved, direction, start, there)
        return moved, there

    def _measured(self, loss: Tensor, length: float, direction: Tensor | None = None) -> Probe:
        """Loss, slope and a copy of the gradient at the present parameters, with L1 and L2."""
        value = float(loss)
        for view, l1, l2 in self._norms:
            value += (l1 * float(view.abs().sum()) if l1 else 0.0) + (l2 / 2 * float(view.square().sum()) if l2 else 0.0)
        for add in self._penalties:
            add()
        gradient = self._gradient.clone()
        return Probe(length, value, 0.0 if direction is None else float(gradient.dot(direction)), gradient)

    def _decay_from(self, before: Tensor) -> None:
        # Groups are slices of one vector, so the same slices of the copy are found by their place in it.
        for values, decay in self._decays:
            for part in values:
                start = part.storage_offset() - self._vector.storage_offset()
                part.sub_(before[start : start + part.numel()], alpha=self.learning_rate * decay)

    def _check(self, clip: Clip | None) -> None:
        slot = next((slot for slot in self.flat.slots if slot.settings.learning_rate_factor != 1.0), None)
        if clip is None and slot is None:
            return
        raise TrainingError(
            "EN110",
            where=f"optimizer {self.description.type_name!r}" + ("" if slot is None else f", layer {slot.settings.layer!r}"),
            expected="gradients as they are, and one length for all parameters",
            got=f"clip {clip.type_name!r}" if slot is None and clip is not None else "a learning_rate_factor of its own",
            cause="a changed gradient doesn't belong to the loss that is searched along a line",
            fix="remove clip" if slot is None else "remove learning_rate_factor; a layer that shall keep its values is frozen: true",
        )


@updates(LineGradientDescent)
class LineGradientDescentRun(SearchRun[LineGradientDescent]):
    """Against the gradient; the first length tried promises the same fall as the last one taken."""

    _promised = 0.0

    def direction(self, gradient: Tensor) -> Tensor:
        return gradient.neg()

    def first_length(self, start: Probe) -> float:
        return _as_before(self._promised, start) or super().first_length(start)

    def learn(self, moved: Tensor, direction: Tensor, start: Probe, end: Probe) -> None:
        self._promised = end.length * start.slope

    def extra_state(self) -> dict[str, float]:
        return {"promised": self._promised}

    def load_extra_state(self, state: Mapping[str, float]) -> None:
        self._promised = state["promised"]


@updates(ConjugateGradient)
class ConjugateGradientRun(SearchRun[ConjugateGradient]):
    """Keeps the last direction, and how much of it goes into the next."""

    _promised = 0.0
    _beta = 0.0
    _since = 0

    def direction(self, gradient: Tensor) -> Tensor:
        settings, before = self.description, self._state["direction"]
        due = settings.restart is not None and self._since >= settings.restart
        direction = gradient.neg() if due or self._beta == 0.0 else torch.add(gradient.neg(), before, alpha=self._beta)
        if due or not float(gradient.dot(direction)) < 0:
            direction, self._since = gradient.neg(), 0
        return direction

    def first_length(self, start: Probe) -> float:
        return _as_before(self._promised, start) or super().first_length(start)

    def learn(self, moved: Tensor, direction: Tensor, start: Probe, end: Probe) -> None:
        squared = float(start.gradient.dot(start.gradient))
        overlap = 0.0 if self.description.formula == "fletcher_reeves" else float(end.gradient.dot(start.gradient))
        self._beta = max(0.0, (float(end.gradient.dot(end.gradient)) - overlap) / squared)
        self._promised, self._since = end.length * start.slope, self._since + 1
        self._state["direction"].copy_(direction)

    def extra_state(self) -> dict[str, float]:
        return {"promised": self._promised, "beta": self._beta, "since": float(self._since)}

    def load_extra_state(self, state: Mapping[str, float]) -> None:
        self._promised, self._beta, self._since = state["promised"], state["beta"], int(state["since"])


@updates(Lbfgs)
class LbfgsRun(SearchRun[Lbfgs]):
    """Keeps the last moves and the changes of the gradient along them, in rings; the direction is their two-loop recursion."""

    def __init__(self, description: Lbfgs, flat: FlatParameters, clip: Clip | None = None) -> None:
        super().__init__(description, flat, clip)
        size = (description.memory, self._vector.numel())
        self._moves, self._changes = self._vector.new_zeros(size), self._vector.new_zeros(size)
        self._state |= {"moves": self._moves, "changes": self._changes}
        self._learned = 0
        self._iterated = False

    def first_length(self, start: Probe) -> float:
        return 1.0 if self._iterated else super().first_length(start)

    def direction(self, gradient: Tensor) -> Tensor:
        memory, direction = self.description.memory, gradient.neg()
        # From the newest to the oldest.
        places = [index % memory for index in range(self._learned - 1, max(self._learned - memory, 0) - 1, -1)]
        pairs = [(s, y, 1.0 / float(y.dot(s))) for s, y in ((self._moves[i], self._changes[i]) for i in places)]
        shares = []
        for s, y, inverse in pairs:
            share = float(s.dot(direction)) * inverse
            direction.add_(y, alpha=-share)
            shares.append(share)
        if pairs:
            _, newest, inverse = pairs[0]
            direction.mul_(1.0 / inverse / float(newest.dot(newest)))
        for (s, y, inverse), share in zip(reversed(pairs), reversed(shares), strict=True):
            direction.add_(s, alpha=share - float(y.dot(direction)) * inverse)
        return direction

    def learn(self, moved: Tensor, direction: Tensor, start: Probe, end: Probe) -> None:
        self._iterated = True
        change = end.gradient - start.gradient
        # Without positive curvature the next direction might lead uphill.
        if float(change.dot(moved)) > _LEAST_CURVATURE:
            place = self._learned % self.description.memory
            self._moves[place], self._changes[place] = moved, change
            self._learned += 1

    def extra_state(self) -> dict[str, float]:
        return {"learned": float(self._learned), "iterated": float(self._iterated)}

    def load_extra_state(self, state: Mapping[str, float]) -> None:
        self._learned, self._iterated = int(state["learned"]), bool(state["iterated"])


def _as_before(promised: float, start: Probe) -> float:
    """The length whose promised fall is that of the last; 0 if there is none, or it is no number."""
    length = promised / start.slope
    return length if math.isfinite(length) and length > 0 else 0.0
