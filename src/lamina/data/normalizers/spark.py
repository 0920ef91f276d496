"""Normalizers fitted to columns of a Spark DataFrame: each partition counts for itself, and what was counted is merged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lamina.data.normalizers.normalizer import Normalizer
from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted


def fit_spark(frame: Any, normalizers: Mapping[str, Normalizer]) -> dict[str, Fitted]:
    """Numbers of columns, the same to the last bit as those of the rows in one array.

    Args:
        frame: A Spark DataFrame. Missing values (null) are left out; the rows never come to the driver.
        normalizers: For each column its own.

    Raises:
        DataError: DA014 for a column that isn't there; DA012 for one without a value. What is wrong with a value (DA001 for NaN) fails
            the job, with the message in it.
    """
    return {name: own.finish() for name, own in count_spark(frame, normalizers).items()}


def count_spark(frame: Any, normalizers: Mapping[str, Normalizer]) -> dict[str, Accumulator]:
    """What the normalizers of columns want to know of them; see `fit_spark`."""
    described = {name: normalizer.to_dict(full=True) for name, normalizer in normalizers.items()}
    # By place: PySpark looks columns up by names that it does not quote, and names may hold dots and quotes.
    for name in described:
        if name not in frame.columns:
            near = nearest(name, frame.columns)
            raise DataError(
                "DA014",
                where="the Spark frame",
                expected=f"a column {name!r}, to fit a normalizer to",
                got=f"the columns {', '.join(frame.columns[:12])}",
                cause="a typo" if near else "the frame has no such column",
                fix=f"did you mean {near!r}?" if near else "name one of its columns",
            )
    places = [frame.columns.index(name) for name in described]
    numbered = frame.toDF(*[f"c{i}" for i in range(len(frame.columns))])
    columns = numbered.select(*[f"c{place}" for place in places])
    seen = {name: normalizer.start() for name, normalizer in normalizers.items()}
    for row in columns.mapInArrow(_Counting(described), "state string").toLocalIterator():
        for name, state in json.loads(row["state"]).items():
            seen[name].merge(normalizers[name].start().load_state_dict(state))
    return seen


class _Counting:
    """What a partition does: batches of Arrow in, one row of states out."""

    def __init__(self, described: dict[str, dict[str, Any]]) -> None:
        self._described = described

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        import lamina.data.normalizers  # noqa: F401 (makes them known to the worker)

        seen = {name: Normalizer.from_dict(data).start() for name, data in self._described.items()}
        for batch in batches:
            for place, own in enumerate(seen.values()):
                values = batch.column(place).drop_null()
                if len(values):
                    own.add(values.to_numpy(zero_copy_only=False))
        state = json.dumps({name: own.state_dict() for name, own in seen.items()})
        yield pa.RecordBatch.from_pydict({"state": [state]})
