"""A model run piece by piece: what `lamina.Model.step` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.arrays import check_lengths, to_array
from lamina.data.dataset import as_inputs
from lamina.errors import TrainingError
from lamina.generation.generate import opened

if TYPE_CHECKING:
    from lamina.engine.state import State
    from lamina.model import Model


def step(
    model: Model,
    x: Any,
    state: State | None = None,
    *,
    given: Mapping[str, Any] | None = None,
    masks: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> tuple[Any, State]:
    """Outputs for the next piece of some sequences, and the state to go on from.

    Args:
        model: A model whose layers can all be run piece by piece.
        x: The next steps, as for `lamina.Model.predict`, any number of them: ``[samples, steps, ...]``; for several inputs a
            mapping by name.
        state: What the last call gave, or a kept one; None begins anew. It is not changed, so one state can be gone on from
            in several ways.
        given: At the beginning: inputs that are known as a whole, by name; they are not given again.
        masks: Which steps are real, by input name.
        device: Where to compute.

    Returns:
        The outputs for these steps, as `lamina.Model.predict` gives them, and the new state.

    Raises:
        TrainingError: EN041, naming a layer that has to see all steps at once.
        ShapeError: EN042, if the state is that of another batch or network.
        DataError: If the data are not as in training.

    Example:
        >>> import lamina as lm, numpy as np
        >>> model = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.LSTM(3), lm.Output(1, loss="mse")]))
        >>> x = np.ones((4, 6, 2))
        >>> first, state = model.step(x[:, :2])
        >>> rest, state = model.step(x[:, 2:], state)
        >>> bool(np.allclose(np.concatenate([first, rest], 1), model.predict(x), atol=1e-6))
        True
    """
    import torch

    from lamina.engine.device import choose_device
    from lamina.engine.network import NetworkModule

    network = model.network
    if not isinstance(network, NetworkModule):
        raise TrainingError(
            "EN041",
            where="step of an own torch.nn.Module",
            expected="a described network, whose layers say what they remember",
            got=type(network).__name__,
            cause="what an own module remembers is its own affair",
            fix="describe the network with Lamina's layers, or carry the module's state yourself",
        )
    network.to(choose_device(device)).eval()
    on = next((p.device for p in network.parameters()), torch.device("cpu"))

    def tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(array).to(on) for name, array in arrays.items()}

    known = (given or {}) if state is None else state.given
    free = [name for name in network.input_shapes if name not in known]
    pieces = _arrays(model, x if isinstance(x, Mapping) or len(free) != 1 else {free[0]: x})
    whole = _arrays(model, given or {})
    real = {name: torch.from_numpy(to_array(mask, f"the mask of {name!r}").astype(bool)).to(on) for name, mask in (masks or {}).items()}
    lengths = {f"input {name!r}": len(array) for name, array in {**pieces, **whole}.items()}
    batch = check_lengths(lengths)
    with torch.inference_mode():
        if state is None:
            state = network.start_state(batch, tensors(whole), {name: mask for name, mask in real.items() if name in whole})
        own = {name: mask for name, mask in real.items() if name not in whole}
        scores, _, after = network.advance(tensors(pieces), state.to(on), own)
        outputs = {name: model.restored(name, value.cpu().numpy()) for name, value in network.activate(scores).items()}
    return (outputs if len(outputs) > 1 else next(iter(outputs.values()))), after


def _arrays(model: Model, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    shapes = model.network.input_shapes
    arrays: dict[str, np.ndarray] = {}
    for name, value in given.items():
        if name not in shapes and len(shapes) == len(given) == 1:
            name = next(iter(shapes))
        own = {name: opened(shapes[name])} if name in shapes else dict(shapes)
        arrays |= as_inputs({name: value}, shapes=own, dtype=model.dtype)
    return arrays if model.preprocessing is None else model.preprocessing.scaled(arrays)
