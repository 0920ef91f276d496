"""Fitting in parts: the same bits for any split, through JSON, from arrays, memory maps, lazy arrays and Spark."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lamina.data.lazy import LazyArray, Mapped
from lamina.data.normalizers import ImageScaling, Log, Normalizer, Power, Quantile, Robust, Scale, Standardize
from lamina.errors import DataError, LaminaWarning
from lamina.spec import registry

RNG = np.random.default_rng(3)
KINDS = [
    pytest.param(example, id=f"{name}-{i}")
    for name, kind in registry.components("normalizer")
    if kind.__module__.startswith("lamina.")
    for i, example in enumerate(kind.examples())
]
DATA = {
    "rows": np.exp(RNG.normal(size=(101, 3))),
    "column": np.exp(RNG.normal(size=101)),
    "series": np.exp(RNG.normal(size=(101, 5, 3))),
    "images": RNG.integers(1, 255, (101, 1, 4, 4)).astype(np.uint8),
}


def same(one, other) -> bool:
    left, right = one.to_arrays(), other.to_arrays()
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("normalizer", KINDS)
def test_one_two_or_seven_parts(normalizer: Normalizer, name: str) -> None:
    whole = normalizer.fit(DATA[name])
    for parts in (2, 7):
        merged = normalizer.start()
        for part in np.array_split(DATA[name][RNG.permutation(101)], parts):
            seen = normalizer.start()
            seen.add(part)
            merged.merge(normalizer.start().load_state_dict(json.loads(json.dumps(seen.state_dict()))))
        assert merged.count == 101
        assert same(merged.finish(), whole)


@pytest.mark.parametrize("normalizer", KINDS)
def test_maps_and_lazy_arrays_are_read_block_by_block(normalizer: Normalizer, tmp_path) -> None:
    np.save(tmp_path / "rows.npy", DATA["rows"])
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")

    class Lazy(LazyArray):
        shape, dtype = DATA["rows"].shape, np.dtype("f8")

        def take(self, indices, address=None):
            assert address is None
            return DATA["rows"][indices]

    whole = normalizer.fit(DATA["rows"])
    assert same(normalizer.fit(mapped), whole)
    assert same(normalizer.fit(Mapped(Lazy(), lambda rows: rows * 1.0)), whole)


@pytest.mark.parametrize("normalizer", KINDS)
def test_only_what_the_mask_says_counts(normalizer: Normalizer) -> None:
    mask = RNG.random((101, 5)) < 0.7
    series = np.where(mask[:, :, None], DATA["series"], np.nan if normalizer.wants() else 1.0)
    fitted = normalizer.fit(series, mask=mask)
    assert same(fitted, normalizer.fit(DATA["series"][mask][None]))
    films = DATA["series"].reshape(101, 5, 3, 1, 1)
    assert normalizer.fit(films, 2, mask=mask).axis == (2 if fitted.axis == 2 else None)


def test_more_than_one_block(monkeypatch) -> None:
    rows = RNG.integers(0, 9, (5000, 300)).astype(np.float32)
    fitted = Standardize().fit(rows)
    np.testing.assert_allclose(fitted.offset, rows.mean(axis=0, dtype=np.float64), rtol=1e-12)
    scaled = fitted.apply(rows)
    assert np.array_equal(scaled, ((rows.astype(np.float64) - fitted.offset) * fitted.factor).astype(np.float32))


def test_what_is_missing_is_refused_where_it_is() -> None:
    rows = DATA["rows"].copy()
    rows[7, 1] = np.nan
    with pytest.raises(DataError, match="sample 7, column 1") as caught:
        Robust().fit(rows)
    assert caught.value.code == "DA001"


@pytest.mark.parametrize("given", [np.zeros((0, 3)), np.zeros((4, 0)), np.float64(3)])
def test_nothing_to_fit_to(given) -> None:
    with pytest.raises(DataError) as caught:
        Standardize().fit(np.asarray(given))
    assert caught.value.code == "DA012"
    with pytest.raises(DataError, match="of which nothing counts"):
        Quantile().fit(np.ones((3, 2, 1)), mask=np.zeros((3, 2), bool))


def test_parts_of_other_data_are_refused() -> None:
    seen = Standardize().start()
    seen.add(np.zeros((5, 3)))
    for act in (
        lambda: seen.add(np.zeros((5, 4))),
        lambda: seen.add(np.zeros((5, 2, 3))),
        lambda: seen.merge(Robust().start()),
        lambda: Robust().start().load_state_dict(seen.state_dict()),
        lambda: seen.load_state_dict({**seen.state_dict(), "version": 99}),
    ):
        with pytest.raises(DataError) as caught:
            act()
        assert caught.value.code == "DA170"


def test_uncertain_quantiles_are_said_aloud() -> None:
    seen = Robust().start()
    rows = np.concatenate([RNG.uniform(0, 1, 2000), [1e300]])[:, None] + 1e6
    seen.add(rows)
    seen.ranks[0].limit = 64
    crowded = type(seen.ranks[0])(64)
    # All but a few in one bucket of the even grid and of the one that grows.
    crowded.add(np.concatenate([1e6 + RNG.uniform(0, 1e-4, 5000), 10.0 ** RNG.uniform(-300, 300, 5000)]))
    seen.ranks[0] = crowded
    with pytest.warns(LaminaWarning, match="DA172"):
        seen.finish()


def test_what_cannot_be_scaled_is_refused() -> None:
    cases = [
        (lambda: Log().fit(np.ones((2, 1))).apply(np.array([[1.0], [-3.0]])), "sample 1"),
        (lambda: Power("box_cox").fit(np.array([[1.0], [0.0]])), "above 0"),
        (lambda: Power("box_cox").fit(np.array([1.0, 2.0])).apply(np.array([1.0, -1.0, -2.0])), "2 such values"),
    ]
    for act, words in cases:
        with pytest.raises(DataError, match=words) as caught:
            act()
        assert caught.value.code == "DA171"


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(DataError, match="data of 1 channels") as caught:
        ImageScaling(preset="imagenet").fit(DATA["images"])
    assert caught.value.code == "DA173"


def test_a_fixed_scale_needs_no_data() -> None:
    assert Scale(0.5).fit(np.zeros((0, 3))).apply(np.array([4.0])).tolist() == [2.0]
