"""A whole network, runnable: scores, predictions and the loss, with a short path for chains of layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from lamina.engine.arrays import load_tensors, to_array
from lamina.engine.inputs import check_input, check_names, check_plan
from lamina.engine.layers.layer import Head, LayerModule, module_for
from lamina.errors import ShapeError, TrainingError
from lamina.network.plan import Plan
from lamina.shapes import Shape

Inputs = Tensor | Mapping[str, Tensor]
"""One tensor for a network of one input, or tensors by name."""


class Network(nn.Module):
    """What the trainer, the step and the archive know of a network, described or written by hand.

    Attributes:
        plan: The description it was made from; None for an own ``torch.nn.Module``.
        heads: Loss and activation of each output that has a loss, by name.
        random: Whether training draws random numbers.
        input_shapes: What the inputs take, by name.
        outputs: Names of the outputs, in their order.
    """

    plan: Plan | None = None
    random: bool = True

    def __init__(self, input_shapes: Mapping[str, Shape], outputs: tuple[str, ...], heads: Mapping[str, Head]) -> None:
        super().__init__()
        self.input_shapes = dict(input_shapes)
        self.outputs = outputs
        self.heads = dict(heads)
        only = next(iter(self.heads.items())) if len(outputs) == len(self.heads) == 1 else None
        self._only: tuple[str, Head] | None = only
        self._seen: set[Any] = set()

    @property
    def judges_samples(self) -> bool:
        """Whether `per_sample_loss` can be asked: there is a loss, and none that exists for whole batches only."""
        return bool(self.heads) and all(head.loss.loss.per_sample for head in self.heads.values())

    @abstractmethod
    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """The outputs before their activations, in the order of `outputs`."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers by the names under which they are kept."""

    def forward(self, inputs: Inputs) -> dict[str, Tensor]:
        """The scores of each output by name: what its loss takes, before the output's activation.

        Args:
            inputs: A tensor, or tensors by input name; batch first.

        Raises:
            ShapeError: EN003, EN004 or EN005, if the inputs don't fit.
        """
        return dict(zip(self.outputs, self.scores(inputs), strict=True))

    def activate(self, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Predictions from scores: each output's activation applied."""
        return {name: self.heads[name].activate(value) if name in self.heads else value for name, value in scores.items()}

    def predict(self, inputs: Inputs) -> dict[str, Tensor]:
        """Predictions of each output by name. Call `eval` before, and ``torch.inference_mode`` around it."""
        return self.activate(self.forward(inputs))

    def loss(self, inputs: Inputs, targets: Tensor | Mapping[str, Tensor], weight: Tensor | None = None) -> Tensor:
        """What training minimises: the sum over outputs of loss weight times mean loss. A scalar, without L1 and L2.

        Args:
            inputs: A tensor, or tensors by input name.
            targets: A tensor, or tensors by output name; a single one may have any name.
            weight: Weight of each sample, ``[batch]``.

        Raises:
            ShapeError: If the inputs don't fit, or EN005 if a target is missing.
            TrainingError: EN006, if no output has a loss.
        """
        only = self._only
        if only is not None:
            name, head = only
            (scores,) = self.scores(inputs)
            value = head.loss.mean(scores, _only_target(targets, name), weight)
            return value if head.weight == 1.0 else head.weight * value
        wanted, found = self._targets(targets), self.forward(inputs)
        losses = [self.heads[name].weight * self.heads[name].loss.mean(found[name], target, weight) for name, target in wanted.items()]
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def per_sample_loss(self, scores: Mapping[str, Tensor], targets: Tensor | Mapping[str, Tensor]) -> Tensor:
        """The loss of each sample, ``[batch]``, from what `forward` gave: the sum over outputs of loss weight times loss.

        Raises:
            ShapeError: EN005, if a target is missing.
            TrainingError: EN006, if no output has a loss.
        """
        losses = [self.heads[n].weight * self.heads[n].loss.per_sample(scores[n], t) for n, t in self._targets(targets).items()]
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
            if not isinstance(x, Tensor):
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


class NetworkModule(Network):
    """The network that a plan describes.

    Attributes:
        plan: The plan.
        layers: The modules of its nodes, in order; each has its ``node``.
    """

    plan: Plan
    chains: ClassVar[bool] = True
    """Whether chains take the short path; tests switch it off to compare."""

    def __init__(self, plan: Plan) -> None:
        modules = [module_for(node) for node in plan.nodes]
        named = {module.node.name: module for module in modules}
        heads = {name: head for name in plan.outputs if (head := named[name].head()) is not None}
        super().__init__(plan.inputs, plan.outputs, heads)
        self.plan = plan
        self._channels_last = False
        self.random = plan.random
        self.layers = nn.ModuleList(modules)
        # Lists of bound methods: calling a module costs microseconds that small networks would feel.
        self._chain = [module.forward for module in modules] if plan.chain else None
        places = {name: index for index, name in enumerate([*plan.inputs, *named])}
        self._steps = [(module.forward, tuple(places[source] for source in module.node.inputs)) for module in modules]
        self._places = [places[name] for name in plan.outputs]
        fed = {source for node in plan.nodes for source in node.inputs}
        # What flows on from an output in the middle of a graph are its predictions.
        self._activations = {places[name]: head.activate for name, head in heads.items() if name in fed}

    def use_channels_last(self) -> Self:
        """Lay images out with the channels last in memory: convolutions on CPUs and tensor cores are faster so.

        Shapes stay. Sums are added up in another order, so results differ in the last digits, which training magnifies: a
        run is reproducible with or without it, not across. Call it before the parameters become one vector.
        """
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._channels_last = True
        return self

    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        given = self._given(inputs)
        if self._channels_last:
            given = tuple(x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in given)
        if self._chain is not None and self.chains:
            (x,) = given
            for run in self._chain:
                x = run(x)
            return (x,)
        values = self._run(given)
        return tuple(values[index] for index in self._places)

    def activations(self, inputs: Inputs) -> dict[str, Tensor]:
        """What every node gives, by name, in order; outputs give their scores."""
        given = self._given(inputs)
        return {node.name: value for node, value in zip(self.plan.nodes, self._run(given)[len(given) :], strict=True)}

    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers as ``node/parameter``."""
        return {f"{module.node.name}/{name}": tensor for module in self.modules_of_nodes for name, tensor in module.tensors().items()}

    @property
    def modules_of_nodes(self) -> list[LayerModule]:
        """`layers`, as a typed list."""
        return [module for module in self.layers if isinstance(module, LayerModule)]

    def _run(self, given: tuple[Tensor, ...]) -> list[Tensor]:
        values = list(given)
        for run, sources in self._steps:
            feeds = [values[i] for i in sources]
            if self._activations:
                feeds = [self._activations[i](x) if i in self._activations else x for i, x in zip(sources, feeds, strict=True)]
            values.append(run(*feeds))
        return values
