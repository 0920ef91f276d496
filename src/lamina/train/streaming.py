"""Training on a stream: as on a data set, with offsets for a position and a number of steps for an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.streams.feed import StreamFeed
from lamina.data.streams.located import located, pairs_or_columns
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.streams.stream import Stream
    from lamina.model import Model

_REFUSED = ("targets", "sampling", "bucketing", "drop_last", "class_weights", "pretrain", "truncate", "target")


def check_settings(given: dict[str, Any]) -> None:
    """Refuse what has no meaning without a whole of the data.

    Raises:
        DataError: DA191, naming the setting.
    """
    name = next((name for name in _REFUSED if given.get(name)), None)
    if name is None and isinstance(given.get("validation"), float):
        name = "validation"
    if name is not None:
        raise _unfit(
            where=f"fit(stream, {name}=...)",
            expected="settings that need no more of the data than a batch",
            got=f"{name}={given[name]!r}",
            cause="a stream has no end, so nothing is known of all its records",
            fix="give validation data of their own: validation=(x, y)" if name == "validation" else f"leave {name} out",
        )


def check_steps(steps: int | None, steps_per_epoch: int | None, settings: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Batches of an epoch, and the settings of training that end it after ``steps`` updates.

    Raises:
        DataError: DA191, if nothing says when to stop.
    """
    if steps is None and steps_per_epoch is None:
        raise _unfit(
            where="fit(stream)",
            expected="a number of steps after which training ends",
            got="none",
            cause="a stream has no end",
            fix="write fit(stream, steps=1000), or steps_per_epoch=100 and epochs=10",
        )
    together = int(settings.get("accumulate", 1))
    per_epoch = steps_per_epoch or (steps or 1) * together
    if steps is None:
        return per_epoch, settings
    if "epochs" in settings or "max_steps" in settings:
        name = "epochs" if "epochs" in settings else "max_steps"
        raise _unfit(
            where=f"fit(stream, steps={steps}, {name}={settings[name]})",
            expected="one end",
            got=f"steps and {name}",
            cause="steps says how long training lasts already",
            fix=f"leave {name} out, or steps",
        )
    return per_epoch, {**settings, "epochs": -(-steps // -(-per_epoch // together)), "max_steps": steps}


def feed_for(model: Model, stream: Stream, *, batch_size: int, steps_per_epoch: int, ahead: int) -> StreamFeed:
    """What feeds a model from a stream; a model that knows nothing of its data yet learns it from the first records.

    Raises:
        LaminaError: If records don't fit the network, naming partition and offset.
    """

    def collate(values: Sequence[Any]) -> Dataset:
        return _collate(model, values)

    first = _first(stream, batch_size)
    if model.schema is None:
        _learn(model, located(collate, first))
    example = located(collate, first)
    return StreamFeed(stream, collate, example, batch_size, steps_per_epoch=steps_per_epoch, ahead=ahead)


def _first(stream: Stream, count: int) -> list[Any]:
    from lamina.data.streams.feed import Reading

    found = Reading(stream, stream.partitions, {name: stream.first(name) for name in stream.partitions}).records(count)
    if not found:
        raise _unfit(
            where="the stream",
            expected="at least one record",
            got="none, and it has ended",
            cause="nothing was written to it",
            fix="look at what writes to it",
        )
    return found


def _collate(model: Model, values: Sequence[Any]) -> Dataset:
    data, targets = pairs_or_columns(values)
    if isinstance(data, dict) and (model.preprocessing is None or model.preprocessing.columns is None):
        raise _unfit(
            where="the records of a stream",
            expected="a model that knows the columns, or pairs (x, y)",
            got=f"columns {', '.join(map(str, data))}",
            cause="categories and scales are learned from a table as a whole, which a stream never is",
            fix="train the model on a table first, fit(frame, target=...), and go on with the stream",
        )
    return model.dataset(data, targets)


def _learn(model: Model, example: Dataset) -> None:
    """Take the schema of the first records for that of all; classes are as many as the network has outputs for."""
    from lamina.network.layers.layer import last_axis
    from lamina.train.metrics import pair_outputs

    described = dict(example.schema.targets)
    outputs = (model.plan or model.network).outputs
    for output, name in pair_outputs(outputs, example.schema).items():
        if described[name].kind != "classes" or described[name].labels is not None:
            continue
        if model.plan is None:
            raise _unfit(
                where=f"target {name!r}",
                expected="a number of classes, from a described network",
                got="an own torch.nn.Module",
                cause="the first records need not hold every class",
                fix="train on a data set with labels first, or describe the network",
            )
        described[name] = described[name].replace(count=max(2, last_axis(model.plan.node(output).output_shape)))
    model.take_schema(example.schema.replace(targets=described))


def _unfit(*, where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    return DataError("DA191", where=where, expected=expected, got=got, cause=cause, fix=fix)
