"""Layer-wise pretraining from Python: what `lamina.Model.pretrain` does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.data.dataset import Dataset, as_dataset
from lamina.data.preprocessing import Preprocessing
from lamina.data.schema import DataSchema
from lamina.errors import DescriptionError
from lamina.train.config import TrainConfig
from lamina.train.fit import keep_model
from lamina.train.run import RunDirectory
from lamina.train.session import Feed, refusing
from lamina.train.stages import Layerwise

if TYPE_CHECKING:
    from lamina.data.dataset import DataLike
    from lamina.model import Model

_MEANT = {
    *("epochs", "max_steps", "optimizer", "accumulate", "sharpness", "clip", "early_stopping", "checkpoints", "callbacks"),
    *("device", "precision", "threads", "progress"),
}
"""Settings of training that mean something without targets."""


@dataclass
class PretrainRun:
    """What came of pretraining.

    Attributes:
        model: The model.
        history: Observed values after each epoch, by layer: ``train/loss`` is what the layer made small, of an `rbm` how badly it
            gives its input back.
        interrupted: The signal that stopped it; such a run can be resumed.
        directory: Where everything is kept.
    """

    model: Model
    history: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    interrupted: int | None = None
    directory: RunDirectory | None = None

    def __str__(self) -> str:
        lines = [
            f"{name}: train/loss {rows[-1]['train/loss']:.4g} after epoch {rows[-1]['epoch']}"
            for name, rows in self.history.items()
            if rows
        ]
        return "\n".join(lines)


def pretrain(
    model: Model,
    data: DataLike,
    *,
    layers: str | Sequence[str] = (),
    batch_size: int = 32,
    shuffle: bool = True,
    workers: int = 0,
    drop_last: bool = False,
    run_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    target: str | Sequence[str] | None = None,
    **settings: Any,
) -> PretrainRun:
    """Train layer after layer without targets, each on what the layers below it give at prediction.

    Layers that can: ``autoencoder``, ``variational_autoencoder``, ``rbm``, and own ones derived from
    `lamina.network.layers.Pretrainable`. Afterwards `fit` trains the whole network from there.

    Args:
        model: What is trained.
        data: As for `fit`; targets, where there are any, are not looked at. A model that doesn't know its data yet learns shapes
            and preprocessing from these.
        layers: Names of the layers, in any order; all that can and aren't frozen, unless set.
        batch_size: Samples a step.
        shuffle: Whether each epoch has an order of its own.
        workers: Threads that gather batches ahead.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        run_dir: Folder to keep checkpoints, logs and the model in; None keeps nothing.
        resume: Go on in ``run_dir`` with the layer, and from the step, where it stopped.
        target: Of a frame: the columns that are no inputs.
        **settings: Of `lamina.train.config.TrainConfig`, for each layer: ``epochs``, ``optimizer``, ``clip``, ``callbacks`` ...

    Raises:
        LaminaError: TR120 to TR122 for layers that aren't there or can't; EN100 for values that a layer can't give back.

    Example:
        >>> import lamina as lm, numpy as np
        >>> x = np.random.default_rng(0).random((64, 6)).round()
        >>> model = lm.Model(lm.Sequential(lm.features(6), [lm.layers.RBM(4, name="below"), lm.Output(2)]))
        >>> run = model.pretrain(x, epochs=3, optimizer=lm.Sgd(0.1), progress=False)
        >>> len(run.history["below"])
        3
    """
    if stray := next((name for name in settings if name in TrainConfig.model_fields and name not in _MEANT), None):
        raise _stray(stray)
    config = TrainConfig(**settings)
    if resume and run_dir is None:
        raise _nowhere()
    if config.precision == "float64":
        model.widen()
    feed = Feed(batch_size=batch_size, shuffle=shuffle, workers=workers, drop_last=drop_last)
    dataset = unlabelled(model, data, target=target)
    work = Layerwise(model, config, dataset, feed, (layers,) if isinstance(layers, str) else tuple(layers))
    with refusing():
        work.check()
    if run_dir is None:
        work.run()
        return PretrainRun(model, work.history, work.interrupted)
    directory = RunDirectory.open(run_dir, resume=resume)
    with directory.locked():
        directory.write_environment(seed=model.seed, device=config.device)
        work.run(directory)
        if work.interrupted is None:
            keep_model(model, directory)
    return PretrainRun(model, work.history, work.interrupted, directory)


def unlabelled(model: Model, data: DataLike, *, target: str | Sequence[str] | None = None) -> Dataset:
    """Data as the model takes them, without targets; a model that knows nothing of its data yet learns what it can.

    Raises:
        LaminaError: If the inputs don't fit the network, or the preprocessing the model has.
    """
    if not isinstance(data, Dataset):
        data = data[0] if isinstance(data, tuple) and len(data) == 2 else data
        if model.preprocessing is not None:
            data = model.preprocessing.unlabelled(data)
        else:
            data = as_dataset(data, shapes=model.plan.inputs if model.plan else None, dtype=model.dtype, target=target)
    dataset: Dataset = data.replace(targets={}, target_masks={}, schema=DataSchema(inputs=data.schema.inputs))
    if dataset.preprocessing is None and model.preprocessing is not None:
        dataset = model.preprocessing.prepare(dataset)
    elif dataset.preprocessing is not None:
        model.preprocessing = model.preprocessing or dataset.preprocessing
    elif dataset.columns is not None:
        model.preprocessing = Preprocessing.fit(dataset, dtype=model.dtype)
        dataset = model.preprocessing.prepare(dataset)
    model.take_inputs(dataset.schema)
    return dataset.astype(model.dtype)


def _stray(name: str) -> DescriptionError:
    return DescriptionError(
        "SP002",
        where=f"pretrain({name}=...)",
        expected=f"settings of pretraining: layers, {', '.join(sorted(_MEANT))}",
        got=name,
        cause="the setting is one of training with targets",
        fix="remove it, or write fit(data, pretrain={...}) with the settings of pretraining"
        if name == "pretrain"
        else f"remove {name} here; fit takes it",
    )


def _nowhere() -> DescriptionError:
    return DescriptionError(
        "TR002",
        where="pretrain(resume=True)",
        expected="the folder of a run to go on with",
        got="no run_dir",
        cause="only a run that was kept in a folder can be gone on with",
        fix="give run_dir, the same as when the run was started",
    )
