"""Relations: those of SciPy and scikit-learn; weights are repeated rows."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import mutual_info_score

from lamina.data.analysis import analyze
from lamina.data.analysis.predictivity import binned, predictivities
from lamina.data.analysis.relations import (
    codes_of,
    contingency,
    correlation_ratio,
    cramers_v,
    entropy,
    mutual_information,
    pearson,
    relations,
    spearman,
    view_of,
)

RNG = np.random.default_rng(9)
N = 400
X = RNG.normal(size=N)
Y = X**3 + RNG.normal(size=N)
A, B = RNG.integers(0, 4, N), RNG.integers(0, 3, N)
B = np.where(RNG.random(N) < 0.5, A % 3, B)
W = RNG.integers(1, 4, N).astype(float)


def test_correlations_are_scipys() -> None:
    ones = np.ones(N)
    assert pearson(X, Y, ones) == pytest.approx(stats.pearsonr(X, Y).statistic, rel=1e-12)
    rounded = np.round(X, 1)
    assert spearman(rounded, Y, ones) == pytest.approx(stats.spearmanr(rounded, Y).statistic, rel=1e-12)
    table = contingency(A, B, ones)
    assert cramers_v(table) == pytest.approx(stats.contingency.association(table.astype(int), method="cramer"), rel=1e-12)
    groups = [Y[value == A] for value in range(4)]
    between = sum(len(group) * (group.mean() - Y.mean()) ** 2 for group in groups)
    assert correlation_ratio(A, Y, ones) == pytest.approx(math.sqrt(between / ((Y - Y.mean()) ** 2).sum()), rel=1e-12)
    assert mutual_information(table) == pytest.approx(mutual_info_score(A, B), rel=1e-12)
    assert entropy(np.bincount(A)) == pytest.approx(stats.entropy(np.bincount(A)), rel=1e-12)


def test_weights_are_repeated_rows() -> None:
    many = W.astype(int)
    x, y, a, b = (np.repeat(column, many) for column in (X, Y, A, B))
    ones = np.ones(len(x))
    assert pearson(X, Y, W) == pytest.approx(pearson(x, y, ones), rel=1e-12)
    assert spearman(X, Y, W) == pytest.approx(spearman(x, y, ones), rel=1e-12)
    assert correlation_ratio(A, Y, W) == pytest.approx(correlation_ratio(a, y, ones), rel=1e-12)
    np.testing.assert_allclose(contingency(A, B, W), contingency(a, b, ones))


def test_what_is_missing_is_left_out_pair_by_pair() -> None:
    holed = np.where(RNG.random(N) < 0.2, np.nan, X)
    known = ~np.isnan(holed)
    assert pearson(holed, Y, np.ones(N)) == pytest.approx(stats.pearsonr(X[known], Y[known]).statistic, rel=1e-12)
    assert spearman(holed, Y, np.ones(N)) == pytest.approx(stats.spearmanr(X[known], Y[known]).statistic, rel=1e-12)


@pytest.mark.parametrize("constant", [np.full(N, 0.1), np.full(N, 1e8) + np.arange(N) % 2 * 1e-9, np.full(N, np.nan)])
def test_what_never_changes_has_no_relation(constant) -> None:
    assert math.isnan(pearson(constant, Y, np.ones(N)))
    assert math.isnan(correlation_ratio(A, constant, np.ones(N)))
    assert math.isnan(cramers_v(contingency(np.zeros(N, int), B, np.ones(N))))


def test_columns_are_seen_as_what_they_are() -> None:
    frame = pl.DataFrame(
        {
            "number": X,
            "few": A,
            "word": [f"w{value}" for value in B],
            "name": [f"n{i}" for i in range(N)],
            "flag": A > 1,
            "list": [[1.0]] * N,
            "moment": pl.Series(np.arange(N)).cast(pl.Datetime("us")),
        }
    )
    seen = {name: view_of(frame[name], np.ones(N)) for name in frame.columns}
    assert seen["list"] is None
    assert seen["name"] is None
    assert seen["number"].codes is None
    assert seen["few"].categories == 4
    assert seen["word"].values is None
    assert seen["flag"].categories == 2
    assert seen["moment"].values[-1] == N - 1
    found = relations(frame, np.ones(N))
    assert found.names == ("number", "few", "word", "flag", "moment")
    assert found.measures[0][2] == "correlation_ratio"
    assert np.array_equal(found.strength, found.strength.T, equal_nan=True)
    assert [pair[2] for pair in found.pairs()] == sorted((pair[2] for pair in found.pairs()), key=lambda value: -abs(value))


def test_wide_tables_are_compared_in_part() -> None:
    wide = pl.DataFrame({f"c{i}": RNG.normal(size=20) for i in range(70)})
    found = relations(wide, np.ones(20))
    assert len(found.names) == 60
    assert found.left_out == tuple(f"c{i}" for i in range(60, 70))


def predicted(frame: pl.DataFrame, target: str) -> dict[str, float]:
    halves = np.random.default_rng(0).random(len(frame)) < 0.5
    return {own.name: own.skill for own in predictivities(frame, np.ones(len(frame)), halves, target)}


def test_what_says_the_target_and_what_does_not() -> None:
    classes = RNG.integers(0, 3, N)
    frame = pl.DataFrame(
        {
            "y": [f"class {value}" for value in classes],
            "copy": [f"kind {value}" for value in classes],
            "number": classes * 2.0 + RNG.uniform(0, 1, N),
            "half": np.where(RNG.random(N) < 0.5, classes, 9),
            "noise": RNG.normal(size=N),
            "id": [f"row {i}" for i in range(N)],
            "list": [[1.0]] * N,
        }
    )
    skills = predicted(frame, "y")
    assert skills["copy"] > 0.98
    assert skills["number"] > 0.95
    assert 0.3 < skills["half"] < 0.8
    assert skills["noise"] < 0.1
    assert skills["id"] < 0.02
    assert "list" not in skills


def test_numbers_to_predict() -> None:
    price = np.exp(RNG.normal(size=2000))
    frame = pl.DataFrame({"price": price, "euro": price * 0.9, "noise": RNG.normal(size=2000), "size": price + RNG.normal(size=2000)})
    skills = predicted(frame, "price")
    assert skills["euro"] > 0.999
    assert skills["noise"] < 0.05
    assert 0.5 < skills["size"] < 0.95


def test_bins_are_about_equally_full() -> None:
    codes = binned(np.concatenate([X, [np.nan]]), np.ones(N + 1), 8)
    assert codes[-1] == -1
    assert np.ptp(np.bincount(codes[:-1])) <= 1
    assert binned(A.astype(float), np.ones(N), 8).tolist() == A.tolist()
    assert codes_of(pl.Series(["b", None, "a", "b"]))[0].tolist() == [1, -1, 0, 1]


def test_nothing_can_be_said_without_a_target() -> None:
    assert analyze(pl.DataFrame({"a": X})).predictivities == []
    assert predicted(pl.DataFrame({"y": ["a"] * 9, "x": range(9)}), "y") == {}
    assert predicted(pl.DataFrame({"y": [None] * 9, "x": range(9)}), "y") == {}
    assert predicted(pl.DataFrame({"y": [f"n{i}" for i in range(60)], "x": range(60)}), "y") == {}


def test_a_table_of_few_different_rows() -> None:
    frame = pl.DataFrame({"y": ["a", "b", "a"], "x": ["u", "v", "u"], "z": ["s", "s", "t"]})
    skills = {own.name: own.skill for own in predictivities(frame, np.array([500.0, 400.0, 300.0]), np.array([True, True, False]), "y")}
    assert skills["x"] > 0.99
    assert skills["z"] < 0.5
    assert relations(frame, np.array([500.0, 400.0, 300.0])).strength[0, 1] == pytest.approx(1)
