"""Contract suite of evaluations: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import json
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.evaluate.result import Report, Result

SAMPLES = 101
"""A prime: no batch size and no number of shards divides it."""


@dataclass(frozen=True)
class SampleTarget:
    """A target to try an evaluation on."""

    kind: Kind
    labels: tuple[str, ...] | None


def sample_data(kind: Kind, width: int, *, seed: int = 0) -> tuple[Any, Any, Any]:
    """Predictions ``[101, width]`` (float32), targets and weights, with ties among the predictions."""
    rng = np.random.default_rng(seed)
    weight = rng.random(SAMPLES)
    if kind == "numbers":
        target = rng.normal(size=(SAMPLES, width)) * 100 + 1e4
        return (target + rng.normal(size=target.shape)).astype(np.float32), target, weight
    if kind == "multilabel":
        return (rng.integers(0, 33, (SAMPLES, width)) / 32).astype(np.float32), rng.integers(0, 2, (SAMPLES, width)), weight
    scores = rng.integers(1, 9, (SAMPLES, width)).astype(np.float64)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32), rng.integers(0, width, SAMPLES), weight


def survival_data(*, seed: int = 0) -> tuple[Any, Any, Any]:
    """Risks ``[101, 1]``, times and events ``[101, 2]``, and weights, with ties among risks and times."""
    rng = np.random.default_rng(seed)
    risks, times = rng.integers(0, 9, (SAMPLES, 1)) / 8, rng.integers(1, 20, SAMPLES)
    return risks.astype(np.float32), np.stack([times, rng.integers(0, 2, SAMPLES)], axis=1).astype(np.float64), rng.random(SAMPLES)


def check_evaluation(evaluation: Evaluation, *, width: int = 3) -> None:
    """Run the whole contract on one description, for every kind of target that it judges.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _require(bool(evaluation.judges), "judges names the kinds of target it can judge")
    check_description(evaluation)
    for kind in evaluation.judges:
        target = SampleTarget(kind, evaluation.columns or tuple(f"name {i}" for i in range(width)))
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            check_names(evaluation, target)
            check_splits(evaluation, target)
            check_state(evaluation, target)
            check_writing(evaluation, target)


def check_description(evaluation: Evaluation) -> None:
    """It reads back from YAML and JSON as itself."""
    kind = type(evaluation)
    _require(kind.from_yaml(evaluation.to_yaml()) == evaluation, "the description round-trips through YAML")
    _require(kind.from_yaml(evaluation.to_json(full=True)) == evaluation, "the full description round-trips through JSON")


def check_names(evaluation: Evaluation, target: SampleTarget) -> None:
    """The names known before any data are those of the result, and each has a direction."""
    width = len(target.labels or ())
    names = evaluation.metric_names(target, width=width)
    result = _judged(evaluation, target, [np.arange(SAMPLES)]).result()
    _require(list(result.metrics) == names, f"metric_names() are the names that result() gives: {names} and {list(result.metrics)}")
    _require(all(type(value) is float for value in result.metrics.values()), "every metric is a float")
    _require({evaluation.better(name) for name in names} <= {"max", "min"}, "better() knows every metric")


def check_splits(evaluation: Evaluation, target: SampleTarget) -> None:
    """Batches of 1, 7, 32, shards of 1, 2, 3 and any order give the same bits, with and without weights."""
    order = np.random.default_rng(1).permutation(SAMPLES)
    for weighted in (False, True):
        whole = _bits(_judged(evaluation, target, [np.arange(SAMPLES)], weighted=weighted).result())
        for size in (1, 7, 32):
            for shards in (1, 2, 3):
                parts = [
                    _judged(evaluation, target, _batches(order[shard::shards], size), weighted=weighted, known=shard != 1)
                    for shard in range(shards)
                ]
                merged = evaluation.start(target)
                for part in reversed(parts):
                    merged.merge(part)
                _require(merged.samples == SAMPLES, "merging adds up the samples")
                _require(_bits(merged.result()) == whole, f"batches of {size} over {shards} shards give the same bits")


def check_state(evaluation: Evaluation, target: SampleTarget) -> None:
    """Saved in the middle and taken over by another accumulator, it goes on as if nothing had happened."""
    half = SAMPLES // 2
    first = _judged(evaluation, target, [np.arange(half)])
    state = _through_json(first.state_dict())
    second = evaluation.start(target).load_state_dict(state)
    _feed(second, target, np.arange(half, SAMPLES), weighted=False)
    whole = _judged(evaluation, target, [np.arange(SAMPLES)])
    _require(_bits(second.result()) == _bits(whole.result()), "a saved and loaded state goes on to the same bits")
    empty = evaluation.start(target).load_state_dict(_through_json(evaluation.start(target).state_dict()))
    _require(empty.samples == 0, "an empty state loads")


def check_writing(evaluation: Evaluation, target: SampleTarget) -> None:
    """The result prints, and writes itself as strict JSON."""
    result = _judged(evaluation, target, [np.arange(SAMPLES)]).result()
    _require(bool(str(result)), "the result prints")
    _require(bool(Report({"it": result}).to_json()), "the result is plain data")


def _judged(evaluation: Evaluation, target: SampleTarget, batches: list[Any], *, weighted: bool = False, known: bool = True) -> Accumulator:
    """An accumulator that saw some samples; ``known=False`` leaves the width to the first batch."""
    width = len(target.labels or ())
    accumulator = evaluation.start(target, width=width) if known else evaluation.start(SampleTarget(target.kind, None))
    for rows in batches:
        _feed(accumulator, target, rows, weighted=weighted)
    return accumulator


def _feed(accumulator: Accumulator, target: SampleTarget, rows: Any, *, weighted: bool) -> None:
    predictions, targets, weight = sample_data(target.kind, len(target.labels or ()))
    if accumulator.evaluation.columns == ("time", "event"):
        predictions, targets, weight = survival_data()
    accumulator.update(predictions[rows], targets[rows], weight[rows] if weighted else None)


def _batches(rows: Any, size: int) -> list[Any]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _bits(result: Result) -> dict[str, bytes]:
    return {name: struct.pack("<d", value) for name, value in result.metrics.items()}


def _through_json(state: Any) -> Any:
    """The state as a checkpoint keeps it: JSON, and arrays beside it."""
    if isinstance(state, np.ndarray):
        return state.copy()
    if isinstance(state, dict):
        return {key: _through_json(value) for key, value in state.items()}
    return json.loads(json.dumps(state, allow_nan=False))


def _require(holds: bool, promise: str) -> None:  # noqa: FBT001 (an assertion that survives -O)
    if not holds:
        message = f"broken promise: {promise}"
        raise AssertionError(message)
