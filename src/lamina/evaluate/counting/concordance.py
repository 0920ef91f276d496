"""Counting for `lamina.evaluate.concordance`: risks, times and events, and the pairs that can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.errors import EvaluationError, Problem
from lamina.evaluate.batches import Array, column_batch
from lamina.evaluate.concordance import METRICS, Concordance
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import Floats
from lamina.evaluate.result import Cell, Result, Table, metric_table, whole
from lamina.shapes import describe_array

_WHERE = "evaluation 'concordance'"


class Risks(Accumulator):
    """Keeps every sample: its risk, time, event and weight."""

    evaluation: Concordance

    def _open(self, width: int) -> None:
        if width != 2:
            raise EvaluationError(
                "EV004",
                where=_WHERE,
                expected="targets of two columns: time and event",
                got=f"{width} columns",
                cause="a risk is judged by when something happened, and whether it did",
                fix="give the data a target [samples, 2]: how long each was watched, and 1 or 0; or evaluate by regression",
            )
        self.width = width
        self._kept: list[Floats] = []

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        risk, target = np.asarray(predictions), np.asarray(targets)
        if risk.ndim == 2 and risk.shape[1] == 1:
            risk = risk[:, 0]
        if risk.ndim != 1 or target.shape != (len(risk), 2):
            raise EvaluationError(
                "EV002",
                where=_WHERE,
                expected="one risk for each sample, and targets [samples, 2]: time and event",
                got=f"predictions {describe_array(np.shape(predictions))}, targets {describe_array(target.shape)}",
                cause="the output has several units, or the target is not time and event",
                fix="end the network in {type: output, units: 1, loss: cox}",
            )
        # Side by side, so that all three are checked as numbers, and left out where they weigh nothing.
        columns = np.column_stack([risk, target])
        batch = column_batch(columns, columns, weight, where=_WHERE, width=3, seen=self._seen)
        rows = batch.predictions.astype(np.float64)
        wrong = (rows[:, 2] != 0) & (rows[:, 2] != 1)
        if wrong.any():
            raise EvaluationError(
                "EV011",
                where=f"{_WHERE}, column event",
                expected="1 where the event happened, 0 where it hadn't happened yet",
                got=f"{rows[wrong][0, 2]:g}",
                cause="the columns of the target are not time and event, in this order",
                fix="give targets as [time, event]",
            )
        if self.width is None:
            self._open(2)
        heavy = np.ones(len(rows)) if batch.weight is None else batch.weight
        self._kept.append(np.column_stack([rows, heavy]))
        self.samples += len(rows)

    def _merge(self, other: Risks) -> None:
        self._kept.extend(other._kept)

    def _whole(self) -> Floats:
        if len(self._kept) > 1:
            self._kept = [np.concatenate(self._kept)]
        return self._kept[0]

    def _state(self) -> dict[str, Any]:
        return {"samples": self._whole()} if self._kept else {}

    def _load(self, state: Mapping[str, Any]) -> None:
        if state:
            self._kept = [np.asarray(state["samples"], dtype=np.float64)]

    def _result(self) -> Result:
        risk, time, event, weight = self._whole().T
        right, equal, pairs = compared_pairs(risk, time, event > 0, weight)
        value = (right + equal / 2) / pairs if pairs > 0 else math.nan
        metrics = {METRICS[0]: value}
        rows: tuple[tuple[Cell, ...], ...] = (
            ("events", whole(float(weight[event > 0].sum()))),
            ("pairs compared", whole(pairs)),
            ("in the right order", whole(right)),
            ("of equal risk", whole(equal)),
        )
        return Result(
            "concordance",
            self.samples,
            metrics,
            (metric_table(metrics, METRICS), Table("Pairs", ("what", "weight"), rows)),
            (),
            self._undefined(pairs),
        )

    def _undefined(self, pairs: float) -> tuple[Problem, ...]:
        if pairs > 0:
            return ()
        note = Problem(
            code="EV012",
            where=_WHERE,
            expected="samples that failed, and others that outlived them",
            got="none",
            cause="The order of two samples is known only where the one with the shorter time failed",
            fix="judge on more samples",
        )
        return (note,)


def compared_pairs(risk: Floats, time: Floats, event: Array, weight: Floats) -> tuple[float, float, float]:
    """Weights of the pairs in the right order, of those with equal risks, and of all that can be compared.

    In ``n log(n)^2``: the times are halved again and again, and in each half failures before are counted against times after.
    """
    # A full order, so that no sum depends on the order in which samples came.
    order = np.lexsort((weight, risk, ~event, time))
    risk, time, event, weight = risk[order], time[order], event[order], weight[order]
    new = np.concatenate([[False], (time[1:] != time[:-1]) | (event[1:] != event[:-1])])
    rank = np.cumsum(new)  # failures of one time share a rank, what was censored then has the next
    right = equal = pairs = 0.0
    for level in range(int(rank[-1]).bit_length()):
        block, late = rank >> (level + 1), (rank >> level) & 1 == 1
        places = np.lexsort((risk, block))
        b, r, w, after = block[places], risk[places], weight[places], late[places]
        early = ~after & event[places]
        total = np.concatenate([[0.0], np.cumsum(np.where(after, w, 0.0))])
        first_of_block, end_of_block = _bounds(np.concatenate([[True], b[1:] != b[:-1]]))
        first_equal, end_equal = _bounds(np.concatenate([[True], (b[1:] != b[:-1]) | (r[1:] != r[:-1])]))
        below, same = total[first_equal] - total[first_of_block], total[end_equal] - total[first_equal]
        right += float((w * below)[early].sum())
        equal += float((w * same)[early].sum())
        pairs += float((w * (total[end_of_block] - total[first_of_block]))[early].sum())
    return right, equal, pairs


def _bounds(starts: Array) -> tuple[Array, Array]:
    """For each place the beginning and the end of its run, from where runs start."""
    firsts = np.flatnonzero(starts)
    run = np.cumsum(starts) - 1
    ends = np.append(firsts[1:], len(starts))
    return firsts[run], ends[run]
