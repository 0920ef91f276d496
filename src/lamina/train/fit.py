"""Training from Python: what `lamina.Model.fit` does."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.streams.stream import Stream
from lamina.errors import DescriptionError, LaminaWarning
from lamina.evaluate.evaluation import Evaluation
from lamina.keep import save_model
from lamina.network.checks import run_checks
from lamina.train.config import TrainConfig
from lamina.train.going_on import forget, settings_of, take_state
from lamina.train.metrics import evaluations
from lamina.train.run import RunDirectory
from lamina.train.session import Feed, Run, Session
from lamina.train.streaming import check_settings, check_steps, feed_for

if TYPE_CHECKING:
    from lamina.data.dataset import DataLike
    from lamina.data.sampling import Sampling
    from lamina.distribute.cluster import Cluster
    from lamina.model import Model


def fit(
    model: Model,
    data: DataLike,
    targets: Any = None,
    *,
    validation: DataLike | float | None = None,
    batch_size: int = 32,
    shuffle: bool = True,
    sampling: Sampling | str | None = None,
    bucketing: int | None = None,
    steps_per_epoch: int | None = None,
    steps: int | None = None,
    workers: int = 0,
    drop_last: bool = False,
    evaluation: Evaluation | str | Sequence[Evaluation | str] = (),
    run_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    go_on: bool = False,
    target: str | Sequence[str] | None = None,
    **settings: Any,
) -> Run:
    """Train a model on data.

    Args:
        model: What is trained.
        data: A `Dataset`, a pair ``(x, y)``, a frame with `target`, or ``x`` with `targets` beside it; or a
            `lamina.data.streams.Stream`.
        targets: Targets for ``data``.
        validation: Data to judge each epoch by, of any of these kinds, or the fraction of ``data`` to set aside for it.
        batch_size: Samples a step; on a cluster, of each process.
        shuffle: Whether each epoch has an order of its own, a function of the model's seed and the epoch.
        sampling: Which samples an epoch feeds, and how often: ``"balanced"``, ``lm.data.sampling.Weighted(...)`` ...; None: each
            once.
        bucketing: Put sequences of like lengths into a batch, which is then filled up less: so many batches are sorted together.
        steps_per_epoch: Batches in an epoch, where it isn't to be a pass over the data; the next epoch goes on where it ended.
        steps: Of a stream: updates after which training ends.
        workers: Threads that gather batches ahead; results don't depend on it.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        evaluation: How validation is judged; by default what fits the targets.
        run_dir: Folder to keep checkpoints, log and model in; None keeps nothing.
        resume: Go on from the last good checkpoint in ``run_dir``.
        go_on: Of an imported model: go on with the training it comes from, by its optimiser, with its state and counters.
        target: Of a frame: the column, or columns, to learn.
        **settings: Any setting of `lamina.train.config.TrainConfig`: ``epochs``, ``optimizer``, ``callbacks``, ``clip`` ...

    Returns:
        History, reason to stop, and the model.

    Raises:
        LaminaError: With what doesn't fit together, before the first step; a `TrainingError` if training goes wrong.

    Example:
        >>> import lamina as lm, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> model = lm.Model(lm.Sequential(lm.features(2), [lm.Output(2)]))
        >>> run = model.fit(x, (x.sum(axis=1) > 0).astype(int), epochs=2, progress=False)
        >>> len(run.history)
        2
    """
    per_epoch = steps_per_epoch
    if isinstance(data, Stream):
        given = {"targets": targets, "sampling": sampling, "bucketing": bucketing, "drop_last": drop_last, "target": target}
        check_settings({**settings, **given, "validation": validation})
        per_epoch, settings = check_steps(steps, steps_per_epoch, settings)
    elif steps is not None:
        raise _endless(steps)
    config = TrainConfig(**(settings_of(model, settings) if go_on else settings))
    feed = Feed(
        batch_size=batch_size,
        shuffle=shuffle,
        sampling=sampling,
        bucketing=bucketing,
        steps_per_epoch=per_epoch,
        workers=workers,
        drop_last=drop_last,
    )
    if resume and run_dir is None:
        raise _nowhere()
    if config.precision == "float64":
        model.widen()
    streamed = None
    if isinstance(data, Stream):
        streamed = feed_for(model, data, batch_size=batch_size, steps_per_epoch=per_epoch or 1, ahead=2 * min(workers, 1))
        train = streamed.dataset
    else:
        train = model.training_data(data, targets, target=target)
    _warn_of(model)
    held = None
    if isinstance(validation, float | int):
        if validation:  # 0 is no such part, as in a recipe's split.
            train, held = train.split_off(float(validation), seed=model.seed)
    elif validation is not None:
        held = model.dataset(validation, target=target)
    session = Session(model, config, train, held, evaluations(evaluation), feed, kept=run_dir is not None, streamed=streamed)
    if config.cluster is not None:
        return _together(session, config.cluster, run_dir, resume=resume, go_on=go_on)
    trainer = session.prepare()
    if go_on:
        take_state(model, trainer)
    forget(model)
    if run_dir is None:
        return session.run(trainer)
    directory = RunDirectory.open(run_dir, resume=resume)
    with directory.locked():
        trainer = session.enter(trainer, directory, resume=resume)
        directory.write_environment(seed=model.seed, device=str(trainer.device))
        run = session.run(trainer)
        if run.interrupted is None:
            keep_model(model, directory)
    return run


def _together(session: Session, cluster: Cluster, run_dir: str | os.PathLike[str] | None, *, resume: bool, go_on: bool) -> Run:
    """Train on several processes, once all that can be found out before has been."""
    from lamina.train.handed import fit_together
    from lamina.train.spreading import check_spread

    trainer = session.prepare()
    losses = {name: head.loss.loss for name, head in session.model.network.heads.items()}
    check_spread(session.config, losses, streamed=session.streamed is not None)
    if go_on:
        take_state(session.model, trainer)
    directory = None if run_dir is None else RunDirectory.open(run_dir, resume=resume)
    run = fit_together(session, cluster, directory, resume=resume, go_on=go_on)
    forget(session.model)
    return run


def _warn_of(model: Model) -> None:
    """What `lamina check` refuses in a recipe is said here too: the network runs, but can't do what it says."""
    if model.plan is None or model.description is None:
        return
    for found in run_checks(model.plan, model.description.ignore, training=True):
        if found.severity == "error":
            warnings.warn(str(found.problem), LaminaWarning, stacklevel=4)


def _endless(steps: int) -> DescriptionError:
    return DescriptionError(
        "TR002",
        where=f"fit(steps={steps})",
        expected="a stream, which has no end of its own",
        got="data that have one",
        cause="steps ends the training on a stream",
        fix=f"write max_steps={steps} to stop early, or steps_per_epoch for epochs that are no pass over the data",
    )


def _nowhere() -> DescriptionError:
    return DescriptionError(
        "TR002",
        where="fit(resume=True)",
        expected="the folder of a run to go on with",
        got="no run_dir",
        cause="only a run that was kept in a folder can be gone on with",
        fix="give run_dir, the same as when the run was started",
    )


def keep_model(model: Model, directory: RunDirectory) -> None:
    """Write ``model.lamina`` into the run directory; of an own module, the weights."""
    save_model(model, directory.model, own_modules=True)
