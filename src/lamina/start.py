"""Starting from a trained model: transfer learning, and features computed once and for all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.dataset import Dataset
from lamina.data.lazy import blocks_of
from lamina.data.schema import INPUT
from lamina.errors import DescriptionError, nearest
from lamina.files import atomic_write
from lamina.model import Model
from lamina.network import Graph, Network, Sequential
from lamina.network.plan import Plan
from lamina.trained import Files, trained
from lamina.transfer import Taken, Transfer, take_weights

if TYPE_CHECKING:
    from lamina.data.dataset import DataLike


def start_from(source: Model | Files, changes: Transfer | None = None, *, seed: int = 0, **settings: Any) -> Model:
    """A new model that begins with the weights of a trained one.

    Args:
        source: The trained model, or its file: ``.lamina``, or a model of another system (several files, if they make one).
            Left as it is.
        changes: What is different in the new one.
        seed: Of the weights that start anew, and of everything random in training.
        **settings: In place of ``changes``, or on top of them: ``freeze=``, ``replacements=``, ``remove_after=``, ``append=`` and so on
            of `Transfer`.

    Returns:
        The model; ``model.taken`` says which weights were taken over, and which start anew.

    Raises:
        DescriptionError: TR130 to TR132, with every change that can't be made.

    Example:
        >>> import lamina as lm
        >>> base = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(8, activation="relu"), lm.Output(3)]))
        >>> model = lm.start_from(base, freeze="dense_1", replacements={"output_1": lm.Output(5)})
        >>> print(model.taken)
        Kept 2 weights: dense_1/weight, dense_1/bias
        Starting anew 2: output_1/weight (its layer was replaced); output_1/bias (its layer was replaced)
    """
    transfer = Transfer(**settings) if changes is None else changes.replace(**settings)
    if isinstance(source, Model):
        if source.description is None:
            raise DescriptionError(
                "TR132",
                where="transfer",
                expected="a described network",
                got="an own torch.nn.Module",
                cause="its layers are known to its author alone",
                fix="change the module in Python",
            )
        network, shapes, dtype = source.description, None if source.plan is None else source.plan.inputs, source.dtype
    else:
        kept = trained(source).kept
        network, shapes, dtype = kept.network, kept.plan.inputs, kept.dtype
    model = Model(transfer.apply(network), seed=seed, input=shapes, dtype=dtype)
    start(model, source, transfer)
    return model


def start(model: Model, source: Model | Files, transfer: Transfer) -> Taken:
    """Give a model the weights of a trained one, as far as they fit."""
    if isinstance(source, Model):
        weights, preprocessing = source.parameters(), source.preprocessing
    else:
        opened = trained(source)
        weights, preprocessing = dict(opened.weights()), opened.extras().preprocessing
    own = model.parameters()
    if model.plan is None:
        message = "a described network has a plan"
        raise TypeError(message)
    found, taken = take_weights(model.plan, weights, transfer.replaced)
    taken = replace(taken, scaled=preprocessing is not None)
    model.load_parameters({**own, **{name: array.astype(own[name].dtype) for name, array in found.items()}})
    model.taken = taken
    return taken


class Featurizer:
    """A model cut in two: features, computed once and kept on disk, and a head that learns on them, many times faster.

    Args:
        model: The whole model.
        at: The layer whose outputs are the features; everything behind it is the head.

    Attributes:
        head: The rest of the network as a model of its own, with the whole one's weights; train it on what `features` gives.

    Raises:
        DescriptionError: TR130, if there is no such layer; TR134, if what is behind it needs more than its outputs.

    Example:
        >>> import lamina as lm
        >>> x, y = np.random.default_rng(0).normal(size=(40, 4)).astype("float32"), np.arange(40) % 2
        >>> whole = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(8, activation="relu"), lm.Output(2)]))
        >>> cut = lm.Featurizer(whole, "dense_1")
        >>> run = cut.head.fit(cut.features((x, y)), epochs=2, progress=False)
        >>> cut.join().predict(x).shape
        (40, 2)
    """

    def __init__(self, model: Model, at: str) -> None:
        if model.plan is None or model.description is None:
            model.network  # noqa: B018 - resolves it, or says why it can't
        plan = model.plan
        if plan is None or model.description is None:
            raise _uncut(at, got="an own torch.nn.Module", fix="cut the module in Python")
        self.model = model
        self.at = at
        names = [node.name for node in plan.nodes]
        if at not in names:
            raise _nowhere(at, names)
        head = _head(model.description, plan, at)
        self.head = Model(head, seed=model.seed, dtype=model.dtype)
        self.head.load_parameters({name: array for name, array in model.parameters().items() if name in self.head.parameters()})

    def features(
        self, data: DataLike, targets: Any = None, *, cache: str | os.PathLike[str] | None = None, batch_size: int = 256
    ) -> Dataset:
        """The outputs of the layer for every sample, as a data set with the same targets, weights and masks.

        Args:
            data: As for `lamina.Model.evaluate`, or inputs alone.
            targets: As for `lamina.Model.evaluate`.
            cache: Folder to keep them in; features of the same data by the same weights are read from there, without loading all of
                them into memory.
            batch_size: Samples computed at once.
        """
        dataset = self.model.training_data(data, targets)
        file = None if cache is None else Path(cache) / f"{self._key(dataset)}.npy"
        if file is not None and file.is_file():
            found, mask = _kept(file)
        else:
            found, mask = self._compute(dataset, batch_size)
            if file is not None:
                _keep(file, found, mask)
                found, mask = _kept(file)
        shape = next(iter(self.head.plan.inputs.values())) if self.head.plan is not None else None
        schema = dataset.schema.replace(inputs={INPUT: shape})
        masks = {} if mask is None else {INPUT: mask}
        return dataset.replace(inputs={INPUT: found}, schema=schema, columns=None, preprocessing=None, input_masks=masks)

    def join(self) -> Model:
        """The whole model with the head's present weights; the one that was cut is changed too."""
        own = self.model.parameters()
        self.model.load_parameters({**own, **self.head.parameters()})
        return self.model

    def _compute(self, dataset: Dataset, batch_size: int) -> tuple[np.ndarray, np.ndarray | None]:
        import torch

        from lamina.engine.network import NetworkModule

        network = self.model.network.to("cpu").eval()
        if not isinstance(network, NetworkModule):
            raise _uncut(self.at, got="an own torch.nn.Module", fix="cut the module in Python")
        parts, real = [], []
        with torch.inference_mode():
            for start in range(0, len(dataset), batch_size):
                part = dataset.read(np.arange(start, min(start + batch_size, len(dataset))))
                inputs = {name: torch.from_numpy(array) for name, array in part.inputs.items()}
                masks = {name: torch.from_numpy(mask) for name, mask in part.input_masks.items()}
                value, mask = network.outputs_of(inputs, self.at, masks)
                parts.append(value.numpy())
                real += [] if mask is None else [mask.numpy()]
        return np.concatenate(parts), np.concatenate(real) if real else None

    def _key(self, dataset: Dataset) -> str:
        """A name for these features: of all layers and weights before the cut, and all numbers of the data."""
        digest = hashlib.blake2b(digest_size=16, person=b"lamina features"[:16])
        digest.update(self.at.encode())
        head = set(self.head.parameters())
        for name, array in sorted(self.model.parameters().items()):
            if name not in head:
                digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        for node in self.model.plan.nodes if self.model.plan is not None else ():
            if self.head.plan is None or all(node.name != other.name for other in self.head.plan.nodes):
                digest.update(f"{node.name}{node.inputs}{node.layer!r}".encode())
        for name, array in sorted({**dataset.inputs, **dataset.input_masks}.items()):
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            for block in blocks_of(array):
                digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()


def _keep(file: Path, found: np.ndarray, mask: np.ndarray | None) -> None:
    """Features in one file, their mask in another, which is there first: features without it count as such that need none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if mask is not None:
        atomic_write(_mask_file(file), lambda stream: np.save(stream, mask, allow_pickle=False))
    atomic_write(file, lambda stream: np.save(stream, found, allow_pickle=False))


def _kept(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    mask = _mask_file(file)
    found: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    return found, np.load(mask, allow_pickle=False) if mask.is_file() else None


def _mask_file(file: Path) -> Path:
    return file.with_name(f"{file.stem}-mask.npy")


def _head(network: Network, plan: Plan, at: str) -> Network:
    """What is behind a layer, as a network whose input is its output."""
    shape = plan.node(at).output_shape
    behind: list[str] = []
    for node in plan.nodes:
        if any(source == at or source in behind for source in node.inputs):
            behind.append(node.name)
            other = next((source for source in node.inputs if source != at and source not in behind), None)
            if other is not None:
                raise _uncut(
                    at, got=f"{node.name!r}, which also reads {other!r}", fix=f"cut where all paths meet, before or behind {node.name!r}"
                )
    if not behind or set(plan.outputs) - set(behind):
        raise _uncut(at, got="outputs before the cut, or none behind it", fix="cut at a layer before the last one")
    for node in (plan.node(name) for name in behind):
        lender = next((n for n in (node.shares, *(b.node for b in node.borrowed.values())) if n is not None and n not in behind), None)
        if lender is not None:
            raise _uncut(at, got=f"{node.name!r}, with the weights of {lender!r}", fix=f"cut before {lender!r}")
    steps = {step.name: step for step in network.steps()}
    if isinstance(network, Sequential):
        layers = [layer.replace(name=step.name) for step, layer in zip(network.steps(), network.layers, strict=True) if step.name in behind]
        return network.replace(input=shape, layers=layers)
    nodes = {
        name: steps[name].layer.replace(inputs=tuple(INPUT if s == at else s for s in steps[name].inputs))
        for name in behind
        if name in steps
    }
    return Graph(inputs={INPUT: shape}, nodes=nodes, outputs=plan.outputs)


def _nowhere(at: str, names: list[str]) -> DescriptionError:
    near = nearest(at, names)
    return DescriptionError(
        "TR130",
        where=f"the cut at layer {at!r}",
        expected=f"layers of the model: {', '.join(names)}",
        got=repr(at),
        cause="a typo" if near else "the model has no layer of this name; model.summary() lists them",
        fix=f"did you mean {near!r}?" if near else "use one of the names above",
    )


def _uncut(at: str, *, got: str, fix: str) -> DescriptionError:
    return DescriptionError(
        "TR134",
        where=f"the cut at layer {at!r}",
        expected="a layer whose outputs are all that is needed behind it",
        got=got,
        cause="features of one layer are kept; whatever else the head would need isn't",
        fix=fix,
    )
