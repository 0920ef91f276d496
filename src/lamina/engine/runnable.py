"""What the trainer knows of a runnable network, described or written by hand: scores, predictions and the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from lamina.engine.arrays import load_tensors, to_array
from lamina.engine.inputs import check_input, check_names, check_plan
from lamina.engine.layers.layer import Head, LayerModule
from lamina.engine.masks import Masks, combined
from lamina.errors import ShapeError, TrainingError
from lamina.network.plan import Plan
from lamina.shapes import Array, Shape

if TYPE_CHECKING:
    from lamina.engine.distillation import Tutor

Inputs = Tensor | Mapping[str, Tensor]
"""One tensor for a network of one input, or tensors by name."""


class Network(nn.Module):
    """What the trainer, the step and the archive know of a network, described or written by hand.

    Attributes:
        plan: The description it was made from; None for an own ``torch.nn.Module``.
        heads: Loss and activation of each output that has a loss, by name.
        random: Whether training draws random numbers.
        tutor: Adds to the training loss how far the network is from a teacher, in a distillation.
        input_shapes: What the inputs take, by name.
        outputs: Names of the outputs, in their order.
        masking: Whether a layer finds out itself which steps are real.
        penalizing: Layers that add to the training loss by themselves.
        pretraining: Whether parameters that only pretraining uses are trained.
    """

    plan: Plan | None = None
    random: bool = True
    tutor: Tutor | None = None
    masking: bool = False
    pretraining: bool = False

    def __init__(self, input_shapes: Mapping[str, Shape], outputs: tuple[str, ...], heads: Mapping[str, Head]) -> None:
        super().__init__()
        self.input_shapes = dict(input_shapes)
        self.outputs = outputs
        self.heads = dict(heads)
        only = next(iter(self.heads.items())) if len(outputs) == len(self.heads) == 1 else None
        self._only: tuple[str, Head] | None = only
        self.penalizing: list[LayerModule] = []
        self._seen: set[Any] = set()

    @property
    def judges_samples(self) -> bool:
        """Whether `per_sample_loss` can be asked: there is a loss, and none that exists for whole batches only."""
        return bool(self.heads) and all(head.loss.loss.per_sample for head in self.heads.values())

    @abstractmethod
    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """The outputs before their activations, in the order of `outputs`."""

    def run(self, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> tuple[tuple[Tensor, ...], tuple[Tensor | None, ...]]:
        """The scores of each output, and which of its steps are real, both in the order of `outputs`.

        Args:
            inputs: A tensor, or tensors by input name.
            masks: Which steps of an input are real, by input name.

        Raises:
            ShapeError: EN040, if a mask doesn't fit, or the network is an own module, which knows nothing of masks.
        """
        if masks:
            raise _no_masks(type(self).__name__)
        return self.scores(inputs), (None,) * len(self.outputs)

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers by the names under which they are kept."""

    def all_modules(self) -> list[tuple[str, LayerModule]]:
        """Every described layer by its full name; of an own module none."""
        return []

    def forward(self, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The scores of each output by name: what its loss takes, before the output's activation.

        Args:
            inputs: A tensor, or tensors by input name; batch first.
            masks: Which steps of an input are real, by input name; all, where there is no mask.

        Raises:
            ShapeError: EN003, EN004, EN005 or EN040, if inputs or masks don't fit.
        """
        return dict(zip(self.outputs, self.scores(inputs) if not masks else self.run(inputs, masks)[0], strict=True))

    def activate(self, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Predictions from scores: each output's activation applied."""
        return {name: self.heads[name].activate(value) if name in self.heads else value for name, value in scores.items()}

    def predict(self, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Predictions of each output by name. Call `eval` before, and ``torch.inference_mode`` around it."""
        return self.activate(self.forward(inputs, masks))

    def loss(
        self,
        inputs: Inputs,
        targets: Tensor | Mapping[str, Tensor],
        weight: Tensor | None = None,
        masks: Masks | None = None,
    ) -> Tensor:
        """What training minimises: the sum over outputs of loss weight times mean loss. A scalar, without L1 and L2.

        In training, what layers add by themselves (a load to balance, activity to keep small) is part of it.

        Args:
            inputs: A tensor, or tensors by input name.
            targets: A tensor, or tensors by output name; a single one may have any name.
            weight: Weight of each sample, ``[batch]``.
            masks: Which steps of inputs and targets are real; all, where there is no mask.

        Raises:
            ShapeError: If inputs or masks don't fit, or EN005 if a target is missing.
            TrainingError: EN006, if no output has a loss.
        """
        only = self._only
        if only is not None and not masks and not self.masking and not self.penalizing and self.tutor is None:
            name, head = only
            (scores,) = self.scores(inputs)
            value = head.loss.mean(scores, _only_target(targets, name), weight)
            return value if head.weight == 1.0 else head.weight * value
        scores_, found = self.run(inputs, None if masks is None else masks.inputs)
        named = dict(zip(self.outputs, scores_, strict=True))
        real = self.judged_steps(dict(zip(self.outputs, found, strict=True)), masks)
        value = self.loss_of(named, targets, weight, real)
        if self.tutor is not None and self.training:
            value = self.tutor.loss(value, inputs, named, weight, masks, real)
        return self.penalized(value, weight)

    def loss_of(
        self,
        scores: Mapping[str, Tensor],
        targets: Tensor | Mapping[str, Tensor],
        weight: Tensor | None = None,
        masks: Mapping[str, Tensor | None] | None = None,
    ) -> Tensor:
        """As `loss`, from scores that are known already, and without what layers add by themselves.

        Args:
            scores: By output name.
            targets: A tensor, or tensors by output name.
            weight: Weight of each sample.
            masks: Which steps count, by output name; see `judged_steps`.
        """
        losses = []
        for name, target in self._targets(targets).items():
            head, mask = self.heads[name], None if masks is None else masks.get(name)
            if mask is not None and mask.dim() == 1:
                value = _mean_of_those(head, scores[name], target, weight, mask)
            else:
                value = head.loss.mean(scores[name], target, weight, *(() if mask is None else (mask,)))
            losses.append(value if head.weight == 1.0 else head.weight * value)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def penalized(self, loss: Tensor, weight: Tensor | None = None) -> Tensor:
        """A loss with what layers have added by themselves, in training, when the scores were computed."""
        for module in self.penalizing if self.training else ():
            loss = loss + _mean_penalty(module.penalty, weight)
        return loss

    def judged_steps(self, found: Mapping[str, Tensor | None], masks: Masks | None) -> dict[str, Tensor | None]:
        """Which steps of each output count: those that are real in what reached it, and that the target's mask lets count.

        An output without steps has a mask ``[batch]`` where samples may lack its target.

        Args:
            found: The masks that `run` gave, by output name.
            masks: Those that came with the batch.
        """
        given = {} if masks is None else masks.targets
        if len(given) == len(self.heads) == 1:
            given = dict(zip(self.heads, given.values(), strict=True))
        return {name: combined([found.get(name), given.get(name)]) for name in self.outputs}

    def per_sample_loss(
        self,
        scores: Mapping[str, Tensor],
        targets: Tensor | Mapping[str, Tensor],
        masks: Mapping[str, Tensor | None] | None = None,
    ) -> Tensor:
        """The loss of each sample, ``[batch]``, from what `forward` gave: the sum over outputs of loss weight times loss.

        Raises:
            ShapeError: EN005, if a target is missing.
            TrainingError: EN006, if no output has a loss.
        """
        losses = []
        for name, target in self._targets(targets).items():
            head, mask = self.heads[name], None if masks is None else masks.get(name)
            if mask is not None and mask.dim() == 1:
                losses.append(head.weight * head.loss.per_sample(scores[name], target) * mask)
                continue
            losses.append(head.weight * head.loss.per_sample(scores[name], target, *(() if mask is None else (mask,))))
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum(0)

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers as NumPy arrays: ``{"dense_1/weight": ...}``."""
        return {name: to_array(tensor) for name, tensor in self.tensors().items()}

    def load_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `named_arrays` gave, in place; nothing is changed if anything doesn't fit.

        Raises:
            WeightsError: EN008, with all names that are missing, unexpected, or of another shape or kind of numbers.
        """
        load_tensors(self.tensors(), arrays)

    def _targets(self, targets: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
        if not self.heads:
            raise _no_loss(self.outputs)
        if len(self.heads) == 1:
            name = next(iter(self.heads))
            return {name: _only_target(targets, name)}
        given = {"": targets} if isinstance(targets, Tensor) else targets
        check_names(given, self.heads, "target")
        return {name: given[name] for name in self.heads}

    def _given(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """The input tensors in their order, each checked the first time that its shape is seen."""
        shapes = self.input_shapes
        if isinstance(inputs, Tensor):
            inputs = {next(iter(shapes)): inputs} if len(shapes) == 1 else {"": inputs}
        if inputs.keys() != shapes.keys():
            if not len(inputs) == len(shapes) == 1:
                check_names(inputs, shapes, "input")
            # The only input of the data is that of the network, whatever they are called; as with targets.
            inputs = dict(zip(shapes, inputs.values(), strict=True))
        given = tuple(inputs[name] for name in shapes)
        key = tuple((x.dtype, x.shape[1:]) if isinstance(x, Tensor) else None for x in given)
        if key not in self._seen:
            self._check(dict(zip(shapes, given, strict=True)))
            self._seen.add(key)
        return given

    def _check(self, inputs: dict[str, Tensor]) -> None:
        dtype = next((p.dtype for p in self.parameters() if p.dtype.is_floating_point), None)
        for name, x in inputs.items():
            shape = self.input_shapes[name]
            if isinstance(shape, Array) and shape.holds != "array":
                continue
            if not isinstance(x, Tensor):
                if isinstance(shape, Array) and shape.kind == "string":
                    continue
                raise _no_tensor(name, x)
            check_input(name, x, self.input_shapes[name], dtype)
        if self.plan is not None and any(None in shape.dims for shape in self.input_shapes.values()):
            check_plan(self.plan, inputs)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:  # noqa: FBT001, FBT002 - torch's signature
        # Another dtype makes other inputs right.
        self._seen = set()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def _only_target(targets: Tensor | Mapping[str, Tensor], name: str) -> Tensor:
    if isinstance(targets, Tensor):
        return targets
    if len(targets) == 1:
        return next(iter(targets.values()))
    check_names(targets, [name], "target")
    return targets[name]


def _mean_of_those(head: Head, scores: Tensor, target: Tensor, weight: Tensor | None, present: Tensor) -> Tensor:
    """The mean loss over the batch, where only some samples have the target: the others have none, and count as samples."""
    if not head.loss.loss.per_sample:
        return head.loss.mean(scores, target, present.to(scores.dtype) if weight is None else weight * present)
    each = head.loss.per_sample(scores, target) * present
    if weight is None:
        return each.mean()
    weight = weight.to(each.dtype)
    return (each * weight).sum() / weight.sum().clamp_min(torch.finfo(each.dtype).tiny)


def _mean_penalty(penalty: Tensor | None, weight: Tensor | None) -> Tensor | float:
    if penalty is None:
        return 0.0
    if weight is None or penalty.dim() == 0:
        return penalty.mean()
    weight = weight.to(penalty.dtype)
    return (penalty * weight).sum() / weight.sum().clamp_min(torch.finfo(penalty.dtype).tiny)


def _no_masks(kind: str) -> ShapeError:
    return ShapeError(
        "EN040",
        where=f"network {kind}",
        expected="no masks",
        got="sequences of different lengths",
        cause="an own torch.nn.Module knows nothing of masks",
        fix="give it the mask as a second input, or stand it as a layer in a described network",
    )


def _no_loss(outputs: tuple[str, ...]) -> TrainingError:
    return TrainingError(
        "EN006",
        where=f"outputs {', '.join(map(repr, outputs))}",
        expected="at least one output with a loss",
        got="none",
        cause="the network ends in layers that only compute",
        fix="end it in an output layer: {type: output, units: ..., loss: ...}, or in {type: loss, loss: ...}",
    )


def _no_tensor(name: str, x: object) -> ShapeError:
    kind = f"{type(x).__module__}.{type(x).__name__}"
    return ShapeError(
        "EN004",
        where=f"input {name!r}",
        expected="a torch.Tensor",
        got=kind,
        cause="the network itself works on tensors; Model.predict takes arrays",
        fix="use model.predict(x), or torch.as_tensor(x)",
    )
