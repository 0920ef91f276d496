"""Going on with the training of an imported model: with the optimiser it was trained by, its state, and its counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lamina.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamina.model import Model
    from lamina.origin import Learning
    from lamina.train.trainer import Trainer


def settings_of(model: Model, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of training: the given ones, and for the rest those by which the model was trained where it comes from.

    Raises:
        StartError: IO011, if that is not known.
    """
    return {**_learning(model).settings, **settings}


def take_state(model: Model, trainer: Trainer) -> None:
    """Set a trainer's optimiser to where the training stopped that the model comes from; weights without a state keep a fresh one.

    Raises:
        StartError: IO011, if another optimiser was chosen.
    """
    learning = _learning(model)
    run, wanted = trainer.optimizer, learning.optimizer.type_name
    if run.description.type_name != wanted:
        raise _refused(
            expected=f"the optimiser {wanted!r}, whose state came with the model",
            got=repr(run.description.type_name),
            cause="go_on takes over the state of the optimiser",
            fix="remove optimizer=, or go_on=True",
        )
    state = run.state_dict()
    for buffer in trainer.flat.buffers:
        end = f"/{str(buffer.vector.dtype).removeprefix('torch.')}" if len(trainer.flat.buffers) > 1 else ""
        for slot in run.description.state_slots:
            vector = state[slot + end]
            for own in buffer.slots:
                array = model.slots.get(f"{slot}/{own.name}")
                if array is None or array.shape != tuple(own.view.shape):
                    continue
                view = vector[own.start : own.start + own.view.numel()].as_strided(own.view.shape, own.view.stride())
                view.copy_(torch.from_numpy(np.array(array)))
    run.updates = learning.updates
    run.begun = (learning.updates, learning.epochs)


def forget(model: Model) -> None:
    """After training, the state that came with the model is no longer its own."""
    if model.origin is not None and model.origin.learning is not None:
        model.origin, model.slots = model.origin.replace(learning=None), {}


def _learning(model: Model) -> Learning:
    if model.origin is None or model.origin.learning is None:
        raise _refused(
            expected="an imported model that came with its optimiser",
            got="one that was made or trained here" if model.origin is None else "one whose optimiser is not known",
            cause="only a file that says by which rule the model was trained can be gone on with",
            fix="remove go_on=True; to go on with a run of Lamina's, give run_dir and resume=True",
        )
    return model.origin.learning


def _refused(*, expected: str, got: str, cause: str, fix: str) -> StartError:
    return StartError("IO011", where="fit(go_on=True)", expected=expected, got=got, cause=cause, fix=fix)
