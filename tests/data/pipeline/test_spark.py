"""Every step gives on Spark what it gives on Polars."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lamina.data.pipeline.frames.spark import SparkFrame
from lamina.spec import registry
from lamina.testing.steps import around, sample_rows

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore:It is preferred to specify type hints:UserWarning"),
]
STEPS = [pytest.param(e, id=f"{name}-{i}") for name, kind in registry.components("step") for i, e in enumerate(kind.examples())]


@pytest.fixture(scope="module")
def rows(spark: Any) -> Any:
    """The sample table on Spark, in two partitions."""
    frame = spark.createDataFrame(sample_rows().to_arrow(compat_level=pl.CompatLevel.oldest()))
    return SparkFrame(frame.coalesce(2))


@pytest.mark.parametrize("step", STEPS)
def test_step(step: Any, rows: SparkFrame) -> None:
    here, there = (around(step).fit_apply(given, seed=5) for given in (sample_rows(), rows))
    assert here[0].to_dict() == there[0].to_dict(), "both learn the same"
    assert_frame_equal(there[1].collect(), here[1].collect(), check_exact=True)
    assert_frame_equal(there[0].apply(rows).collect(), here[0].run(sample_rows()), check_exact=True)
