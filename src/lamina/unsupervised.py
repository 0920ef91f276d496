"""What layers that learn without targets can be asked: reconstructions, probabilities, free energies, new samples.

Data are given as the model takes them (images, frames, raw numbers with the model's preprocessing); the answers are about what
then comes into the layer, as NumPy arrays. Random draws are functions of ``seed`` and the number of the sample alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from lamina.data.loader import Loader
from lamina.engine.device import choose_device
from lamina.engine.layers.autoencoder import AutoEncoderModule
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.engine.layers.rbm import RBMModule
from lamina.engine.layers.variational import VariationalModule
from lamina.engine.network import NetworkModule
from lamina.engine.pretraining import incoming
from lamina.engine.randomness import generator
from lamina.engine.step import seed_generator
from lamina.errors import DescriptionError, TrainingError
from lamina.model import Model
from lamina.train.pretrain import unlabelled

M = TypeVar("M", bound=PretrainableModule)
Answer = Callable[[Tensor, int], Tensor]
"""From what comes into the layer, and the number of its first sample, to a row for each sample."""


class LayerView(Generic[M]):
    """A layer of a model, to be asked.

    Args:
        model: The model.
        name: The layer; may be left out where there is only one of the kind.
        batch_size: Samples computed at once; answers don't depend on it.
        device: Where to compute.

    Raises:
        DescriptionError: EN103, if there is no such layer.
    """

    kind: ClassVar[type[PretrainableModule]]

    def __init__(self, model: Model, name: str | None = None, *, batch_size: int = 1024, device: str = "auto") -> None:
        self.model = model
        self.batch_size = batch_size
        self.device = choose_device(device)
        network = model.network.to(self.device)
        modules = network.modules_of_nodes if isinstance(network, NetworkModule) else []
        able = {module.node.name: module for module in modules if isinstance(module, self.kind)}
        chosen = next(iter(able)) if name is None and len(able) == 1 else name
        if chosen not in able or not isinstance(network, NetworkModule):
            raise self._missing(name, list(able))
        self.module: M = able[chosen]  # type: ignore[assignment]
        self._network = network.eval()

    def incoming(self, data: Any) -> np.ndarray:
        """What comes into the layer, ``[samples, n]``."""
        return self._ask(data, lambda x, first: x)

    def encode(self, data: Any) -> Any:
        """What the layer makes of it, ``[samples, units]``."""
        return self._ask(data, lambda x, first: self.module(x))

    @torch.no_grad()
    def _ask(self, data: Any, answer: Answer) -> np.ndarray:
        dataset = unlabelled(self.model, data)
        found = []
        first = 0
        for batch in Loader(dataset, self.batch_size, shuffle=False, device=self.device, dtype=getattr(torch, self.model.dtype)):
            x = incoming(self._network, self.module.node.name, batch.inputs, None if batch.masks is None else batch.masks.inputs)
            found.append(answer(x, first).cpu().numpy())
            first += batch.size
        return np.concatenate(found)

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(np.asarray(values), dtype=getattr(torch, self.model.dtype), device=self.device)

    def _missing(self, name: str | None, able: list[str]) -> DescriptionError:
        view = type(self).__name__
        return DescriptionError(
            "EN103",
            where=view,
            expected=f"the name of one of these: {', '.join(able)}" if able else "a network that has such a layer",
            got="no name" if name is None else repr(name),
            cause="there are several" if name is None and able else "the layer is of another kind, or the name is mistyped",
            fix=f"write {view}(model, {able[0]!r})" if able else "take RbmView, AutoEncoderView or VariationalView, whichever the layer is",
        )


class AutoEncoderView(LayerView[AutoEncoderModule]):
    """An ``autoencoder`` layer, to be asked; see `LayerView` for the arguments."""

    kind = AutoEncoderModule

    def reconstruct(self, data: Any) -> np.ndarray:
        """What comes back, ``[samples, n]``, where nothing is wiped out."""
        return self._ask(data, lambda x, first: self.module.reconstruct(x))

    def error(self, data: Any) -> np.ndarray:
        """The layer's loss of each sample, ``[samples]``, where nothing is wiped out: large for samples unlike those it learnt from."""
        return self._ask(data, lambda x, first: self.module.error(x))


class RbmView(LayerView[RBMModule]):
    """An ``rbm`` layer, to be asked; see `LayerView` for the arguments."""

    kind = RBMModule

    def free_energy(self, data: Any) -> np.ndarray:
        """``-log sum_h exp(-E(v, h))``, ``[samples]``: the less, the more probable; comparable within one machine only.

        Raises:
            TrainingError: EN101, for rectified hidden units.
        """
        return self._ask(data, lambda x, first: self.module.free_energy(x))

    def error(self, data: Any) -> np.ndarray:
        """How badly means there and back give each sample back, ``[samples]``."""
        return self._ask(data, lambda x, first: self.module.error(x))

    @torch.no_grad()
    def sample(self, count: int, *, steps: int = 1000, seed: int = 0) -> np.ndarray:
        """New samples: means of the visible units after Gibbs sampling from a random start, ``[count, n]``.

        Args:
            count: How many.
            steps: Of Gibbs sampling; too few, and the samples are still like the start.
            seed: Of the draws.
        """
        module = self.module
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            seed_generator(self.device, generator(seed, "sample").initial_seed())
            visible = module.visible_units.draw(module.weight.new_zeros((count, module.weight.shape[1])))
            visible = module.gibbs(visible, max(steps - 1, 0))
            hidden = module.hidden_units.draw(module.hidden_input(visible))
            return module.visible_units.mean(module.visible_input(hidden)).cpu().numpy()


class VariationalView(LayerView[VariationalModule]):
    """A ``variational_autoencoder`` layer, to be asked; see `LayerView` for the arguments."""

    kind = VariationalModule

    def encode(self, data: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and logarithm of the variance of the code, ``[samples, units]`` each."""
        both = self._ask(data, lambda x, first: torch.cat(self.module.encode(x), 1))
        mean, log_variance = np.split(both, 2, axis=1)
        return mean, log_variance

    def reconstruct(self, data: Any) -> np.ndarray:
        """What is expected back from the mean of the code, ``[samples, n]``."""
        module = self.module
        return self._ask(data, lambda x, first: module.reconstruction.mean(module.decode(module.encode(x)[0])))

    def reconstruction_log_probability(self, data: Any, *, samples: int = 16, seed: int = 0) -> np.ndarray:
        """The mean of ``log p(x | z)`` over draws of the code, ``[samples]`` (An and Cho 2015): small for what is unlike the training data.

        Args:
            data: As the model takes it.
            samples: Draws of the code for each sample.
            seed: Of the draws.

        Raises:
            TrainingError: EN102, if the reconstruction is a mere loss.
        """
        self._check_probability(wanted=True)
        module = self.module

        def answer(x: Tensor, first: int) -> Tensor:
            code = module.draw(*module.encode(x), self._noise(samples, first, len(x), seed))
            return -module.costs(x, code).mean(0)

        return self._ask(data, answer)

    def reconstruction_probability(self, data: Any, *, samples: int = 16, seed: int = 0) -> np.ndarray:
        """``exp`` of `reconstruction_log_probability`; of many values it is often 0 in floating point, so prefer the logarithm."""
        found: np.ndarray = np.exp(self.reconstruction_log_probability(data, samples=samples, seed=seed))
        return found

    def reconstruction_error(self, data: Any) -> np.ndarray:
        """The loss of what comes back from the mean of the code, ``[samples]``.

        Raises:
            TrainingError: EN102, if the reconstruction is a distribution.
        """
        self._check_probability(wanted=False)
        return self._ask(data, lambda x, first: self.module.costs(x, self.module.encode(x)[0][None])[0])

    def log_likelihood(self, data: Any, *, samples: int = 256, seed: int = 0) -> np.ndarray:
        """``log p(x)`` by importance sampling, ``[samples]``, a little too small; the more draws, the closer.

        Raises:
            TrainingError: EN102, if the reconstruction is a mere loss.
        """
        self._check_probability(wanted=True)

        def answer(x: Tensor, first: int) -> Tensor:
            weights = self.module.importance(x, self._noise(samples, first, len(x), seed))
            return torch.logsumexp(weights, 0) - math.log(samples)

        return self._ask(data, answer)

    @torch.no_grad()
    def generate(self, code: Any) -> np.ndarray:
        """What is expected for codes ``[samples, units]``: ``[samples, n]``."""
        return self.module.reconstruction.mean(self.module.decode(self._tensor(code))).cpu().numpy()

    @torch.no_grad()
    def generate_random(self, code: Any, *, seed: int = 0) -> np.ndarray:
        """Draws from ``p(x | z)`` for codes ``[samples, units]``: ``[samples, n]``."""
        scores = self.module.decode(self._tensor(code)).cpu()
        return self.module.reconstruction.draw(scores, generator(seed, "generate")).numpy()

    def sample(self, count: int, *, seed: int = 0) -> np.ndarray:
        """New samples: what is expected for codes drawn from ``N(0, I)``, ``[count, n]``."""
        units = self.module.node.output_shape.dims[0] or 1
        return self.generate(torch.randn(count, units, generator=generator(seed, "code"), dtype=torch.float64))

    def _noise(self, draws: int, first: int, count: int, seed: int) -> Tensor:
        """Standard normal numbers, ``[draws, count, units]``; those of a sample are a function of its number."""
        units = self.module.node.output_shape.dims[0] or 1
        rows = [torch.randn(draws, units, generator=generator(seed, "draw", first + row), dtype=torch.float64) for row in range(count)]
        return self._tensor(torch.stack(rows, 1))

    def _check_probability(self, *, wanted: bool) -> None:
        described = self.module.reconstruction.description
        if described.has_probability == wanted:
            return
        raise TrainingError(
            "EN102",
            where=f"layer {self.module.node.name!r} (variational_autoencoder)",
            expected="a reconstruction that is a distribution" if wanted else "a reconstruction that is a loss",
            got=f"reconstruction: {described.type_name}",
            cause="a loss says how far off a reconstruction is, not how probable"
            if wanted
            else "a distribution has probabilities, and no error",
            fix="ask for reconstruction_error, or write reconstruction: bernoulli or gaussian"
            if wanted
            else "ask for reconstruction_log_probability, or write reconstruction: {type: loss, loss: mse}",
        )
