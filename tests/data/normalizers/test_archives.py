"""What the archive keeps of normalizers: all of it, old files too, and nothing that somebody made up."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.data.dataset import Dataset
from lamina.data.normalizers import ByName, Fitted, Linear, MinMax, Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.errors import DataError
from lamina.spec import registry

RNG = np.random.default_rng(4)
ROWS = np.exp(RNG.normal(size=(40, 3)))
KINDS = [pytest.param(e, id=f"{n}-{i}") for n, kind in registry.components("normalizer") for i, e in enumerate(kind.examples())]


@pytest.mark.parametrize("normalizer", KINDS)
def test_there_and_back(normalizer) -> None:
    fitted = normalizer.fit(ROWS)
    again = Fitted.from_arrays(fitted.to_arrays())
    assert type(again) is type(fitted)
    assert again.axis == fitted.axis
    assert np.array_equal(again.apply(ROWS), fitted.apply(ROWS))
    again.check((3,))


@pytest.mark.parametrize("normalizer", KINDS)
def test_a_model_keeps_them(normalizer) -> None:
    if isinstance(normalizer, ByName):
        normalizer = ByName({"input": next(filter(None, normalizer.of.values()), None)}, rest=normalizer.rest)
    made = Preprocessing.fit(Dataset.from_arrays(ROWS, np.arange(40) % 2), normalize=normalizer)
    again = Preprocessing.from_archive(*made.to_archive())
    assert np.array_equal(again.inputs(ROWS)["input"], made.inputs(ROWS)["input"])


def test_the_first_versions_arrays_are_still_read() -> None:
    old = {"offset": np.array([1.0, 2.0]), "factor": np.array([3.0, 4.0]), "axis": np.asarray(1)}
    assert Fitted.from_arrays(old).apply(np.ones((1, 2))).tolist() == [[0.0, -4.0]]
    assert Linear(**{**old, "axis": 1}).to_arrays().keys() == old.keys()


def hostile() -> list:
    cases = []
    for name, kind in registry.components("normalizer"):
        arrays = kind.examples()[0].fit(ROWS).to_arrays()
        for key, array in arrays.items():
            changed = [None, np.array(["x"]), array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.float64)]
            if array.dtype.kind == "f":
                changed += [array * np.nan, np.stack([array] * 2, axis=-1), np.zeros((0, *array.shape))]
            elif key == "axis" or key.endswith("/axis"):
                changed += [np.asarray(99), np.asarray(-3), np.zeros(5, int)]
            cases += [pytest.param({**arrays, key: value}, id=f"{name}-{key}-{i}") for i, value in enumerate(changed)]
    return cases


@pytest.mark.parametrize("arrays", hostile())
def test_what_somebody_made_up_is_refused(arrays) -> None:
    given = {name: array for name, array in arrays.items() if array is not None}
    if len(given) < len(arrays) and "kind" not in given and {"offset", "factor"} <= set(given):
        pytest.skip("without a kind it is a linear scale of the first version")
    with pytest.raises((ValueError, KeyError)):
        Fitted.from_arrays(given).check((3,))


@pytest.mark.parametrize(
    ("normalizer", "change"),
    [
        ({"type": "quantile"}, {"quantiles": np.array([[1.0, 1, 1], [0, 1, 1]])}),
        ({"type": "power"}, {"sign": np.array([1.0, 1.0, 0.5])}),
        ({"type": "power"}, {"factor": np.array([1.0, 0.0, 1.0])}),
        ({"type": "standardize"}, {"factor": np.zeros(3)}),
        ({"type": "standardize"}, {"factor": np.ones(2), "offset": np.ones(2)}),
        ({"type": "standardize"}, {"axis": np.asarray(-99)}),
        ({"type": "log", "form": "log2_mean"}, {"spread": np.array([1.0, -1.0, 1.0])}),
        ({"type": "standardize"}, {"kind": np.frombuffer(b"pickle", np.uint8)}),
        ({"type": "standardize"}, {"kind": np.frombuffer(b"\xff\xfe", np.uint8)}),
    ],
)
def test_numbers_that_mean_nothing_are_refused(normalizer, change) -> None:
    from lamina.data.normalizers import Normalizer

    arrays = Normalizer._dispatch(normalizer).fit(ROWS).to_arrays()
    with pytest.raises(ValueError):  # noqa: PT011 (any reason will do)
        Fitted.from_arrays({**arrays, **change}).check((3,))


def test_parts_are_looked_through() -> None:
    fitted = ByName({"a": {"type": "standardize"}, "c": {"type": "min_max"}}).fit_columns(ROWS, "abc")
    arrays = fitted.to_arrays()
    assert np.array_equal(Fitted.from_arrays(arrays).apply(ROWS), fitted.apply(ROWS))
    for change in (
        {"0/places": np.array([5])},
        {"0/places": np.array([-1])},
        {"0/offset": np.array([np.inf])},
        {"parts": np.asarray(1 << 40)},
        {"parts": np.asarray(3)},
        {"count": np.asarray(4)},
        {f"0/{name}": array for name, array in arrays.items()},
    ):
        with pytest.raises((ValueError, KeyError)):
            Fitted.from_arrays({**arrays, **change}).check((3,))


def test_an_archive_with_such_numbers_is_refused_whole() -> None:
    made = Preprocessing.fit(Dataset.from_arrays(ROWS, np.arange(40) % 2), normalize=MinMax())
    data, arrays = made.to_archive()
    with pytest.raises(DataError) as caught:
        Preprocessing.from_archive(data, {**arrays, "input/input/offset": np.ones(7), "input/input/factor": np.ones(7)})
    assert caught.value.code == "DA019"
    assert Standardize() == Standardize.from_yaml("{}")
