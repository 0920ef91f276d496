"""Numbers of the normalizers: those of scikit-learn, SciPy, NumPy, and of DataVec's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import MaxAbsScaler, PowerTransformer, QuantileTransformer, StandardScaler

from lamina.data.normalizers import ImageScaling, Log, MaxAbs, MinMax, Power, Quantile, Robust, Standardize, SubtractMean

RNG = np.random.default_rng(11)
SKEWED = np.column_stack(
    [np.exp(RNG.normal(size=700)), RNG.gamma(2, 3, 700), RNG.normal(size=700), -RNG.gamma(1.5, 1, 700), RNG.poisson(3, 700)]
)
NEW = np.column_stack([np.exp(RNG.normal(size=50)), RNG.gamma(2, 3, 50), RNG.normal(size=50), -RNG.gamma(1.5, 1, 50), RNG.poisson(3, 50)])


def test_max_abs_is_scikit_learns() -> None:
    np.testing.assert_allclose(MaxAbs().fit(SKEWED).apply(NEW), MaxAbsScaler().fit(SKEWED).transform(NEW), rtol=1e-15)


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("count", [10, 1000])
def test_quantile_is_scikit_learns(output: str, count: int) -> None:
    oracle = QuantileTransformer(n_quantiles=min(count, 700), output_distribution=output, subsample=None).fit(SKEWED)
    fitted = Quantile(output, quantiles=count).fit(SKEWED)
    np.testing.assert_allclose(fitted.quantiles, oracle.quantiles_, rtol=1e-12)
    scaled, wanted = fitted.apply(NEW), oracle.transform(NEW)
    np.testing.assert_allclose(scaled[:, :4], wanted[:, :4], atol=1e-6 if output == "normal" else 1e-12)
    # Whole numbers: its quantiles are some 1.99999999999997, which tears ties apart.
    np.testing.assert_allclose(scaled[:, 4], wanted[:, 4], atol=0.01)
    np.testing.assert_allclose(
        fitted.invert(fitted.apply(SKEWED)), oracle.inverse_transform(oracle.transform(SKEWED)), rtol=1e-5, atol=1e-7
    )


def test_quantiles_of_a_constant_are_the_middle() -> None:
    fitted = Quantile().fit(np.full((9, 1), 7.0))
    assert fitted.apply(np.array([[7.0]])).tolist() == [[0.5]]
    assert Quantile("normal").fit(np.full((9, 1), 7.0)).apply(np.array([[7.0]])).tolist() == [[0.0]]
    assert fitted.invert(np.array([[0.5]])).tolist() == [[7.0]]


@pytest.mark.parametrize("method", ["yeo_johnson", "box_cox"])
def test_power_is_scikit_learns(method: str) -> None:
    train, new = (SKEWED, NEW) if method == "yeo_johnson" else (SKEWED[:, :2], NEW[:, :2])
    oracle = PowerTransformer(method.replace("_", "-")).fit(train)
    fitted = Power(method).fit(train)
    powers = np.where(fitted.sign > 0, fitted.power, 2 - fitted.power)
    np.testing.assert_allclose(powers, oracle.lambdas_, atol=1e-6)
    np.testing.assert_allclose(fitted.apply(new), oracle.transform(new), atol=1e-5)
    np.testing.assert_allclose(fitted.invert(fitted.apply(new)), new, rtol=1e-9, atol=1e-9)


def test_power_far_from_zero_keeps_its_digits() -> None:
    """Where the plain formula has lost all of them: at a power of -30, all numbers around 1000 are 1 / 30."""
    rows = 1000 + RNG.normal(size=(200, 1)) ** 3
    fitted = Power().fit(rows)
    scaled = fitted.apply(rows)
    assert abs(scaled.mean()) < 1e-9
    assert abs(scaled.std() - 1) < 1e-9
    np.testing.assert_allclose(fitted.invert(scaled), rows, rtol=1e-12)


@pytest.mark.parametrize("train", [SKEWED[:, [2]], SKEWED[:, [3]], SKEWED[:, [0]]], ids=["mixed", "negative", "positive"])
def test_power_takes_all_numbers_up_and_down(train) -> None:
    fitted = Power().fit(train)
    line = np.linspace(-20, 20, 401)[:, None]
    bent = fitted.apply(line)
    assert (np.diff(bent[:, 0]) > 0).all()
    np.testing.assert_allclose(fitted.invert(bent), line, rtol=1e-7, atol=1e-7)
    assert np.isfinite(fitted.invert(np.array([[1e3], [-1e3]]))).all()


def test_log_is_numpys_and_datavecs() -> None:
    column = SKEWED[:, 0]
    np.testing.assert_allclose(Log().fit(column).apply(column), np.log1p(column), rtol=1e-15)
    low, mean = column.min(), column.mean()
    wanted = 0.5 * np.log2((column - low) / (mean - low) + 1)
    np.testing.assert_allclose(Log("log2_mean").fit(column).apply(column), wanted, rtol=1e-12, atol=1e-15)
    zeros = np.concatenate([np.zeros(100), column])
    others = column.mean()
    wanted = 0.5 * np.log2(zeros / others + 1)
    fitted = Log("log2_mean_excluding_min").fit(zeros)
    np.testing.assert_allclose(fitted.apply(zeros), wanted, rtol=1e-12)
    np.testing.assert_allclose(fitted.invert(fitted.apply(zeros)), zeros, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("normalizer", "oracle"), [(Standardize(per="all"), StandardScaler()), (SubtractMean(per="all"), StandardScaler(with_std=False))]
)
def test_one_number_for_all(normalizer, oracle) -> None:
    pixels = RNG.integers(0, 256, (20, 3, 5, 5)).astype(np.uint8)
    wanted = oracle.fit(pixels.reshape(-1, 1)).transform(pixels.reshape(-1, 1).astype(np.float64)).reshape(pixels.shape)
    fitted = normalizer.fit(pixels)
    assert fitted.axis is None
    assert fitted.offset.shape == ()
    np.testing.assert_allclose(fitted.apply(pixels), wanted, atol=1e-12)


def test_channels_have_numbers_of_their_own() -> None:
    pixels = RNG.integers(0, 256, (20, 3, 5, 5)).astype(np.uint8)
    films = RNG.normal(size=(6, 4, 3, 5, 5))
    for array, axis, rest in ((pixels, None, (0, 2, 3)), (films, 2, (0, 1, 3, 4))):
        scaled = Standardize().fit(array, axis).apply(array)
        np.testing.assert_allclose(scaled.mean(axis=rest), 0, atol=1e-12)
        np.testing.assert_allclose(scaled.std(axis=rest), 1, atol=1e-12)


def test_images() -> None:
    pixels = RNG.integers(0, 256, (20, 3, 5, 5)).astype(np.uint8)
    shape = (1, 3, 1, 1)
    mean, std = np.array([0.485, 0.456, 0.406]).reshape(shape), np.array([0.229, 0.224, 0.225]).reshape(shape)
    vgg = np.array([123.68, 116.779, 103.939]).reshape(shape)
    own, spread = (pixels / 255).mean(axis=(0, 2, 3)).reshape(shape), (pixels / 255).std(axis=(0, 2, 3)).reshape(shape)
    for normalizer, wanted in (
        (ImageScaling(), pixels / 255),
        (ImageScaling(-1.0, 1.0), pixels / 127.5 - 1),
        (ImageScaling(bits=16), pixels / 65535),
        (ImageScaling(preset="imagenet"), (pixels / 255 - mean) / std),
        (ImageScaling(preset="vgg16"), pixels - vgg),
        (ImageScaling(mean="fit", std="fit"), (pixels / 255 - own) / spread),
        (ImageScaling(mean="fit"), pixels / 255 - own),
        (ImageScaling(mean=(0.5, 0.25, 0.125), std=(2.0,)), (pixels / 255 - np.array([0.5, 0.25, 0.125]).reshape(shape)) / 2),
    ):
        fitted = normalizer.fit(pixels)
        np.testing.assert_allclose(fitted.apply(pixels), wanted, atol=1e-12)
        np.testing.assert_allclose(fitted.invert(fitted.apply(pixels)), pixels, atol=1e-9)


@pytest.mark.parametrize(
    "normalizer", [Standardize(), MinMax(-1.0, 1.0), MaxAbs(), Robust(), SubtractMean(), Quantile(), Quantile("normal"), Power()]
)
def test_a_table_column_there_and_back(normalizer) -> None:
    column = SKEWED[:, 1]
    fitted = normalizer.fit(column)
    assert fitted.apply(column).shape == column.shape
    np.testing.assert_allclose(fitted.invert(fitted.apply(column)), column, rtol=1e-9)
    assert fitted.apply(column.astype(np.float32)).dtype == np.float32
    assert fitted.apply(np.arange(1, 4)).dtype == np.float64
