"""Contract suites of sources, splits, ways of sampling and normalizers: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lamina.data.dataset import Dataset
from lamina.data.normalizers import Fitted, Normalizer
from lamina.data.sampling import Sampling
from lamina.data.schema import DataSchema
from lamina.data.sources.source import Source
from lamina.data.splits import Split
from lamina.spec import Description

SAMPLES = 101
"""A prime: no part divides it."""


def check_source(source: Source) -> None:
    """Run the whole contract on a source whose data are there.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(source)
    promised = source.schema()
    _require(DataSchema.from_yaml(promised.to_yaml()) == promised, "the schema reads back from YAML")
    first, second = source.read(), source.read()
    _require((first.test is not None) == source.has_test, "has_test says whether read() gives a test part")
    for own, again in ((first.train, second.train), (first.test, second.test)):
        if own is None or again is None:
            continue
        _require(own.schema == promised, f"read() gives what schema() says: {promised}, not {own.schema}")
        _require(list(own.inputs) == list(promised.inputs) and list(own.targets) == list(promised.targets), "names are those of the schema")
        for name, shape in promised.inputs.items():
            _require(shape.matches(own.inputs[name].shape[1:]), f"input {name!r} has the shape of the schema")
        for name, target in promised.targets.items():
            array = np.asarray(own.targets[name])
            if target.kind == "classes":
                inside = array.dtype == np.int64 and array.min() >= 0 and array.max() < (target.width or np.inf)
                _require(bool(inside), f"target {name!r} holds int64 numbers of its classes")
        arrays, others = ({**data.inputs, **data.targets} for data in (own, again))
        same = all(np.array_equal(arrays[name], others[name], equal_nan=arrays[name].dtype.kind == "f") for name in arrays)
        _require(same, "reading twice gives the same")
    _require(source.resolve_paths(Path.cwd()).schema() == promised, "absolute paths mean the same")


def check_split(split: Split) -> None:
    """Run the whole contract on a split.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(split)
    data = sample_dataset()
    parts, again, other = split.parts(data, 7), split.parts(data, 7), split.parts(data, 8)
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    unused = [] if parts.unused is None else [parts.unused]
    together = np.sort(np.concatenate([*named.values(), *unused]))
    _require(np.array_equal(together, np.arange(SAMPLES)), "every sample is in exactly one part, or said to be unused")
    _require(len(parts.train) > 0, "something is left to train on")
    _require((len(parts.validation) > 0) == split.has_validation, "has_validation says whether there is a validation part")
    _require((len(parts.test) > 0) == split.has_test, "has_test says whether there is a test part")
    for name, indices in named.items():
        _require(np.array_equal(indices, getattr(again, name)), "the same seed gives the same parts")
        _require(len(indices) > 0 or len(getattr(other, name)) == 0, "which parts there are does not depend on the seed")


def check_sampling(sampling: Sampling) -> None:
    """Run the whole contract on a way of sampling.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(sampling)
    data = sample_dataset()
    data = data.replace(weight=np.arange(SAMPLES) % 5 + 0.0)
    sampling.check(data.schema)
    drawing, again = sampling.start(data, 7), sampling.start(data, 7)
    for epoch in (0, 3):
        order = drawing.epoch(epoch)
        places = np.arange(drawing.size)
        _require(len(order) == drawing.size > 0, "an epoch has as many places as the drawing says")
        samples, turns = order.at(places), order.turns(places)
        _require(samples.dtype == np.int64 and bool(((samples >= 0) & (samples < SAMPLES)).all()), "every place has a sample")
        _require(np.array_equal(again.epoch(epoch).at(places), samples), "the same seed and epoch give the same samples")
        some = places[::-3]
        _require(np.array_equal(order.at(some), samples[some]), "a place has its sample, whichever others are asked for")
        _require(np.array_equal(order.turns(some), turns[some]), "a place has its turn, whichever others are asked for")
        pairs = set(zip(samples.tolist(), turns.tolist(), strict=True))
        _require(len(pairs) == drawing.size, "a sample that is fed again has another turn")
        _require(all(turn == 0 or (sample, turn - 1) in pairs for sample, turn in pairs), "turns count from 0")
        _require(order.repeats or len(set(samples.tolist())) == drawing.size, "repeats says whether a sample comes twice")


def check_normalizer(normalizer: Normalizer) -> None:
    """Run the whole contract on a normalizer: vectors, sequences, images; constants; round trip; archive.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(normalizer)
    rng = np.random.default_rng(3)
    for shape in ((SAMPLES, 4), (SAMPLES, 5, 3), (SAMPLES, 3, 4, 5), (SAMPLES, 2, 3, 4, 5)):
        array = rng.normal(size=shape) * 7 + 1000
        array[..., 0] = 0.1
        fitted = normalizer.fit(array)
        scaled = fitted.apply(array)
        _require(scaled.shape == array.shape and scaled.dtype == array.dtype, "shape and type stay")
        _require(bool(np.isfinite(scaled).all()), "a feature that never changes makes no NaN")
        _require(np.allclose(fitted.invert(scaled), array, rtol=1e-9, atol=1e-9), "invert gives back what apply was given")
        kept = Fitted.from_arrays(fitted.to_arrays())
        _require(np.array_equal(kept.apply(array), scaled), "what the archive keeps scales the same")
        _require(np.array_equal(fitted.apply(array[:7]), scaled[:7]), "each sample is scaled for itself")
        _require(fitted.apply(array.astype(np.float32)).dtype == np.float32, "float32 stays float32")


def sample_dataset() -> Dataset:
    """101 samples with three classes, groups, times and parts, for trying splits."""
    rng = np.random.default_rng(1)
    data = Dataset.from_arrays(rng.normal(size=(SAMPLES, 3)), np.arange(SAMPLES) % 3, ["a", "b", "c"])
    part = np.array(["train", "train", "train", "validation", "test"])[np.arange(SAMPLES) % 5]
    return data.replace(groups=np.arange(SAMPLES) % 17, times=rng.permutation(SAMPLES).astype(np.float64), part=part)


def _check_description(description: Description) -> None:
    kind = type(description)
    _require(kind.from_yaml(description.to_yaml()) == description, "it reads back from YAML")
    _require(kind.from_dict(json.loads(description.to_json())) == description, "it reads back from JSON")


def _require(kept: bool, promise: str) -> None:  # noqa: FBT001 (reads like the sentence it is)
    if not kept:
        raise AssertionError(promise)
