"""Which callbacks a training has: the user's, and the defaults that nobody replaced."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.errors import DescriptionError
from lamina.train.callbacks.callback import Callback
from lamina.train.callbacks.checkpoint import Checkpoint
from lamina.train.callbacks.data_wait import DataWait
from lamina.train.callbacks.early_stopping import EarlyStopping
from lamina.train.callbacks.logs import JsonlLog, TimingLog
from lamina.train.callbacks.nan_watch import NanWatch
from lamina.train.callbacks.progress import Progress
from lamina.train.callbacks.signals import Signals


def callbacks_for(
    own: Sequence[Callback],
    *,
    early_stopping: EarlyStopping | None = None,
    checkpoints: Checkpoint | None = None,
    progress: bool = True,
    kept: bool = False,
) -> list[Callback]:
    """All callbacks of a training.

    Args:
        own: What the user listed; one of these replaces the default of its type.
        early_stopping: The section of that name.
        checkpoints: The section of that name.
        progress: Whether anything may be shown; else those that speak are started only if they were listed.
        kept: Whether there is a run directory: then metrics, times and checkpoints are kept.

    Raises:
        DescriptionError: TR008, if a callback stands twice.

    Example:
        >>> [callback.type_name for callback in callbacks_for([], progress=False)]
        ['nan_watch', 'signals']
    """
    given = [*own, *(callback for callback in (early_stopping, checkpoints) if callback is not None)]
    defaults: list[Callback] = [NanWatch(), Signals(), Progress(), DataWait()]
    if kept:
        defaults += [JsonlLog(), TimingLog(), Checkpoint()]
    types = {type(callback) for callback in given}
    found = given + [d for d in defaults if type(d) not in types and (progress or not d.speaks)]
    names = [callback.start().name for callback in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DescriptionError(
            "TR008",
            where="train.callbacks",
            expected="every callback once",
            got=f"{twice!r} {names.count(twice)} times",
            cause="it is listed twice, or stands under a section of its own too; its state could not be told apart",
            fix=f"remove one of them ({twice.partition('/')[0]})",
        )
    return found
