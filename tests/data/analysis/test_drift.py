"""How two tables differ: SciPy's distances, and the index by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lamina.data.analysis import Profile, compare
from lamina.data.analysis.drift import chi_square, kolmogorov_smirnov, number_psi, psi
from lamina.data.statistics.ranks import Ranks

RNG = np.random.default_rng(12)


def ranks(values: np.ndarray, limit: int = 1 << 17) -> Ranks:
    made = Ranks(limit)
    made.add(values)
    return made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RNG.normal(size=500), RNG.normal(size=700)),
        (RNG.normal(size=500), RNG.normal(size=700) + 0.3),
        (RNG.integers(0, 5, 400), RNG.integers(1, 7, 300)),
        (np.zeros(10), np.ones(10)),
    ],
)
def test_kolmogorov_and_smirnov(one, other) -> None:
    distance, probability = kolmogorov_smirnov(ranks(one), ranks(other))
    oracle = stats.ks_2samp(one, other, method="asymp")
    assert distance == pytest.approx(oracle.statistic, abs=1e-12)
    # The oracle corrects the asymptotic size a little.
    assert probability == pytest.approx(oracle.pvalue, abs=0.06)


def test_distance_beyond_what_is_exact() -> None:
    one, other = RNG.normal(size=30_000), RNG.normal(size=30_000) * 1.2
    distance, _ = kolmogorov_smirnov(ranks(one, 1024), ranks(other, 1024))
    assert distance == pytest.approx(stats.ks_2samp(one, other).statistic, abs=0.003)


def test_the_index_by_hand() -> None:
    expected, actual = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    assert psi(expected, actual) == pytest.approx(-0.1 * math.log(0.8) + 0.1 * math.log(1.5))
    one, other = RNG.normal(size=4000), RNG.normal(size=3000) + 0.5
    edges = np.quantile(one, np.arange(1, 10) / 10)
    shares = [np.bincount(np.searchsorted(edges, side), minlength=10) / len(side) for side in (one, other)]
    assert number_psi(ranks(one), ranks(other)) == pytest.approx(psi(*shares), rel=1e-9)
    assert number_psi(ranks(one), ranks(one)) == 0
    assert psi(np.array([1.0, 0.0]), np.array([0.0, 1.0])) < 20
    counts = np.array([[20.0, 30.0, 50.0], [30.0, 30.0, 40.0]])
    assert chi_square(counts) == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    assert chi_square(counts[:, :1]) == 1.0


def test_columns_that_moved_and_columns_that_went() -> None:
    old = pl.DataFrame(
        {"a": RNG.normal(size=300), "b": ["x", "y", "z"] * 100, "gone": range(300), "kind": range(300), "flag": [True, False] * 150}
    )
    new = pl.DataFrame(
        {
            "a": RNG.normal(size=200) + 2,
            "b": ["x", "new"] * 100,
            "fresh": range(200),
            "kind": [f"k{i}" for i in range(200)],
            "flag": [True] * 200,
        }
    )
    drift = compare(Profile.of(old), Profile.of(new), ("old", "new"))
    by_name = {own.name: own for own in drift.columns}
    assert set(by_name) == {"a", "b", "flag"}
    assert (drift.missing, drift.new, drift.changed) == (("gone",), ("fresh",), (("kind", "integer", "string"),))
    assert by_name["b"].new == (("new", 100),)
    assert by_name["b"].gone == 2
    assert by_name["flag"].distance == 0.5
    assert by_name["a"].psi > 1
    assert drift.shared_rows is None
    found = [(finding.code, finding.columns) for finding in drift.findings]
    assert found[:3] == [("AN043", ("gone",)), ("AN043", ("fresh",)), ("AN043", ("kind",))]
    assert ("AN041", ("flag",)) in found
    assert "median" in next(finding.found for finding in drift.findings if finding.code == "AN040")
    assert drift.to_dict()["rows"] == [300, 200]


def test_the_same_table_has_not_changed() -> None:
    table = Profile.of(pl.DataFrame({"a": RNG.normal(size=50), "b": ["x", None] * 25, "c": [[1.0]] * 50}))
    drift = compare(table, table)
    assert [finding.code for finding in drift.findings] == ["AN044"]
    assert drift.shared_rows == 50
    assert [own.psi for own in drift.columns[:2]] == [0, 0]
    assert math.isnan(drift.columns[2].psi)
    empty = Profile.of(pl.DataFrame({"a": [], "b": [], "c": []}, schema={"a": pl.Float64, "b": pl.String, "c": pl.List(pl.Float64)}))
    assert math.isnan(compare(table, empty).columns[0].psi)


def test_of_texts_the_lengths_are_compared() -> None:
    old = pl.DataFrame({"text": [f"number {i}" for i in range(300)]})
    same, longer = (
        pl.DataFrame({"text": [f"another {i}" for i in range(300)]}),
        pl.DataFrame({"text": [f"another, longer text {i}" for i in range(300)]}),
    )
    (own,) = compare(Profile.of(old), Profile.of(longer)).columns
    assert own.distance == 1
    assert own.new == ()
    assert {finding.code for finding in compare(Profile.of(old), Profile.of(longer)).findings} == {"AN041"}
    (own,) = compare(Profile.of(old), Profile.of(same)).columns
    assert own.distance == pytest.approx(stats.ks_2samp(old["text"].str.len_chars(), same["text"].str.len_chars()).statistic)
