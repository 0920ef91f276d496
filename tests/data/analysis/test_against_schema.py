"""Values held against a schema: counted as plain Python counts them."""

from __future__ import annotations

import polars as pl
import pytest

from lamina.data.analysis import quality
from lamina.data.table.schema import Schema
from lamina.errors import DataError

SCHEMA = Schema(
    {
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "city": {"type": "categorical", "values": ["Bern", "Basel"]},
        "name": {"type": "string", "required": True, "max_length": 5},
        "rate": {"type": "float", "allow_nan": False},
        "note": "string",
    }
)
ROWS = pl.DataFrame(
    {
        "age": ["31", "-4", "old", None, "130"],
        "city": ["Bern", "Thun", None, "Basel", "Basel"],
        "name": ["Ann", None, "Bartholomew", "Eve", "Bob"],
        "rate": [0.5, float("nan"), 1.0, None, 2.0],
        "note": ["a", "b", "c", "d", None],
        "more": range(5),
    }
)


@pytest.mark.parametrize("lazy", [False, True])
def test_every_value_is_valid_invalid_or_missing(lazy: bool) -> None:
    found = quality(ROWS.lazy() if lazy else ROWS, SCHEMA)
    counts = {column.name: (column.valid, column.invalid, column.missing) for column in found.columns}
    assert counts == {"age": (1, 3, 1), "city": (3, 1, 1), "name": (3, 1, 1), "rate": (3, 1, 1), "note": (4, 0, 1)}
    # Rows 1 (age, city, name, rate), 2 (age, name) and 4 (age).
    assert (found.rows, found.wrong_rows) == (5, 3)
    reasons = dict(found.columns[0].reasons)
    assert sum(reasons.values()) == 3
    assert found.to_dict()["columns"][4]["reasons"] == ()


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError) as caught:
        quality(ROWS.drop("age"), SCHEMA)
    assert caught.value.code == "DA100"


def test_no_rows_and_nothing_asked() -> None:
    found = quality(ROWS.head(0), Schema({"note": "string"}))
    assert (found.rows, found.wrong_rows, found.columns[0].valid) == (0, 0, 0)
