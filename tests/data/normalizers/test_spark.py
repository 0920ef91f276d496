"""Numbers found by Spark, partition by partition: those of the same rows in memory, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamina.data.normalizers import Log, MaxAbs, MinMax, Power, Quantile, Robust, Standardize
from lamina.data.normalizers.spark import fit_spark
from lamina.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
NORMALIZERS = {
    "a": Standardize(),
    "b": MinMax(-1.0, 1.0),
    "c": Robust(),
    "d": Quantile("normal"),
    "e": Power(),
    "f.`s": Log("log2_mean"),
    "g": MaxAbs(),
}


@pytest.mark.parametrize("partitions", [1, 4])
def test_partitions_give_the_numbers_of_the_whole(spark: Any, partitions: int) -> None:
    rng = np.random.default_rng(1)
    rows = np.exp(rng.normal(size=(211, len(NORMALIZERS))))
    rows[:, 6] = rng.integers(-50, 50, 211)
    table = [[None if (i + j) % 17 == 0 else float(value) for j, value in enumerate(row)] for i, row in enumerate(rows)]
    schema = ", ".join(f"c{i} double" for i in range(len(NORMALIZERS)))
    frame = spark.createDataFrame(table, schema).repartition(partitions).toDF(*NORMALIZERS)
    fitted = fit_spark(frame, NORMALIZERS)
    for place, (name, normalizer) in enumerate(NORMALIZERS.items()):
        whole = normalizer.fit(np.array([row[place] for row in table if row[place] is not None]))
        ours, theirs = fitted[name].to_arrays(), whole.to_arrays()
        assert ours.keys() == theirs.keys()
        for key, numbers in ours.items():
            np.testing.assert_array_equal(numbers, theirs[key], err_msg=f"{name} {key}")


def test_a_column_without_a_value(spark: Any) -> None:
    frame = spark.createDataFrame([(None,), (None,)], "x double")
    with pytest.raises(DataError) as caught:
        fit_spark(frame, {"x": Standardize()})
    assert caught.value.code == "DA012"
    with pytest.raises(DataError, match="did you mean 'x'") as caught:
        fit_spark(frame, {"X": Standardize()})
    assert caught.value.code == "DA014"
