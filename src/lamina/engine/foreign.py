"""An own ``torch.nn.Module`` as a whole network: the same trainer, step, checkpoints and judging as for a described one."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import Head
from lamina.engine.losses import loss_function
from lamina.engine.network import Inputs, Network
from lamina.errors import DescriptionError, TrainingError
from lamina.network.losses import Loss
from lamina.shapes import Shape
from lamina.spec.document import Document

Losses = Loss | str | Mapping[str, Loss | str] | None


class ForeignNetwork(Network):
    """A module somebody wrote, with a loss. It keeps the values it has, and is used itself, not a copy.

    The module is called with one batch-first tensor for each input and returns *scores*: what stands before the activation
    that is natural to the loss (logits, for cross-entropy), as torch's own losses have it. With several losses it returns a
    dict of scores by output name. Parameters are kept under their own names: ``conv.weight``.

    It counts as random, since nobody knows whether it draws: torch's generators are seeded before every step.

    Args:
        module: The module.
        loss: Its loss, or a loss for each output by name; None: it can predict, but not be trained. One alone belongs to the
            output ``output``.
        inputs: Shapes of the inputs by name, in the order of ``forward``; None: one input called ``input``, of any shape.

    Raises:
        DescriptionError: EN007, if it is no module, or an SP code for a loss that isn't known.

    Example:
        >>> import torch
        >>> network = ForeignNetwork(nn.Linear(4, 3), loss="cross_entropy")
        >>> network.predict(torch.ones(2, 4))["output"].shape
        torch.Size([2, 3])
    """

    def __init__(self, module: nn.Module, *, loss: Losses = None, inputs: Mapping[str, Shape] | None = None) -> None:
        if not isinstance(module, nn.Module):
            raise DescriptionError(
                "EN007",
                where="network",
                expected="a described network (lm.Sequential, lm.Graph) or a torch.nn.Module",
                got=type(module).__name__,
                cause="only these can be trained",
                fix="wrap the computation in a class MyNetwork(torch.nn.Module) with a forward method",
            )
        losses = dict(loss) if isinstance(loss, Mapping) else {} if loss is None else {"output": loss}
        super().__init__(inputs or {}, tuple(losses) or ("output",), {name: _head(given) for name, given in losses.items()})
        self.module = module
        self._free = inputs is None
        self._named = isinstance(loss, Mapping)

    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        given = self._any(inputs) if self._free else self._given(inputs)
        found = self.module(*given)
        if isinstance(found, Tensor) and not self._named:
            return (found,)
        if self._named and isinstance(found, Mapping) and all(isinstance(found.get(name), Tensor) for name in self.outputs):
            return tuple(found[name] for name in self.outputs)
        raise TrainingError(
            "EN007",
            where=f"network {type(self.module).__name__}",
            expected=f"a dict of tensors by output: {', '.join(map(repr, self.outputs))}" if self._named else "one tensor",
            got=f"a dict with {', '.join(map(repr, found))}" if isinstance(found, Mapping) else type(found).__name__,
            cause="forward returns something else than the losses say",
            fix="return the scores alone, or give loss={name: loss} and return a dict of these names",
        )

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by the module's own names; a tied one under each."""
        return {name: value for name, value in self.module.state_dict(keep_vars=True).items() if isinstance(value, Tensor)}

    @staticmethod
    def _any(inputs: Inputs) -> tuple[Tensor, ...]:
        return (inputs,) if isinstance(inputs, Tensor) else tuple(inputs.values())


def _head(loss: Loss | str) -> Head:
    described = loss if isinstance(loss, Loss) else Loss.from_document(Document(loss, "loss"))
    activation = described.natural()
    return Head(loss_function(described, activation), activation_function(activation))
