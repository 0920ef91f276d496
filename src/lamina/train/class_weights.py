"""Weights of classes: samples of rare classes count for more, in training alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from lamina.errors import DescriptionError, nearest
from lamina.spec.fields import NonNegative

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.schema import DataSchema

WHERE = "train.class_weights"


def _by_label(value: Any) -> Any:
    # In YAML the label 0 is a number, and true a truth value; labels are text.
    return {str(label): weight for label, weight in value.items()} if isinstance(value, Mapping) else value


ClassWeights = Annotated[Literal["balanced"] | dict[str, NonNegative], BeforeValidator(_by_label)]
"""``balanced``, or the weight of each class by its label (or number, where the classes have no labels); 1 where none is given."""


def check_class_weights(setting: Literal["balanced"] | Mapping[str, float], schema: DataSchema) -> str:
    """See that data have classes to weigh, and give the name of their target.

    Raises:
        DescriptionError: TR112, if there isn't exactly one target of classes, or a label is none of its.
    """
    found = [name for name, target in schema.targets.items() if target.kind == "classes" and target.shape is None]
    if len(found) != 1 or len(schema.targets) > 1:
        kinds = ", ".join(f"{name!r} ({target.kind})" for name, target in schema.targets.items())
        raise DescriptionError(
            "TR112",
            where=WHERE,
            expected="data with one target: a class for each sample",
            got=kinds or "no target",
            cause="a weight belongs to a whole sample, in all losses",
            fix="leave class_weights out, and weigh classes in the loss of an output, {type: cross_entropy, weights: [1, 5]}, or samples",
        )
    (name,) = found
    labels = _labels(schema, name)
    if setting != "balanced" and labels is not None:
        wrong = next((label for label in setting if label not in labels), None)
        if wrong is not None:
            near = nearest(wrong, labels)
            raise DescriptionError(
                "TR112",
                where=f"{WHERE}.{wrong}",
                expected=f"labels of {name!r}: {', '.join(labels[:10])}{' ...' if len(labels) > 10 else ''}",
                got=repr(wrong),
                cause="no class is called so",
                fix=f"did you mean {near!r}?" if near else "write the labels as the data have them",
            )
    return name


def weighted_by_class(dataset: Dataset, setting: Literal["balanced"] | Mapping[str, float]) -> Dataset:
    """The same samples, each with the weight of its class, times the weight it had.

    Balanced weights are ``samples / (classes * samples of the class)``, with the classes that occur, as in scikit-learn.

    Raises:
        DescriptionError: TR112, see `check_class_weights`; also if all samples would weigh nothing.
    """
    import numpy as np

    name = check_class_weights(setting, dataset.schema)
    classes = np.asarray(dataset.targets[name])
    if classes.ndim != 1:
        classes = classes.reshape(len(classes), -1)[:, 0]
    counts = np.bincount(classes)
    if setting == "balanced":
        weights = len(classes) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        labels = _labels(dataset.schema, name) or tuple(map(str, range(len(counts))))
        weights = np.array([setting.get(label, 1.0) for label in labels])
    weight = weights[classes] if dataset.weight is None else weights[classes] * dataset.weight
    if not weight.any():
        raise DescriptionError(
            "TR112",
            where=WHERE,
            expected="a weight above 0 for a class that the training part has",
            got="0 for all of them",
            cause="samples that weigh nothing teach nothing",
            fix="leave out the classes that keep their weight of 1, or write balanced",
        )
    return dataset.replace(weight=weight)


def _labels(schema: DataSchema, name: str) -> tuple[str, ...] | None:
    target = schema.targets[name]
    if target.labels is not None:
        return tuple(target.labels)
    return None if target.count is None else tuple(map(str, range(target.count)))
