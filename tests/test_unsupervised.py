"""What layers that learn without targets can be asked, against straightforward computations from their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit

import lamina as lm
from lamina.errors import LaminaError
from lamina.unsupervised import AutoEncoderView, RbmView, VariationalView

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((9, 1, 3, 2)).astype(np.float32)
FLAT = IMAGES.reshape(9, 6)


def model(*layers: Any, dtype: Any = "float64", scale: float = 1.0) -> lm.Model:
    made = lm.Model(lm.Sequential(lm.image(1, 3, 2), list(layers)), seed=2, dtype=dtype)
    made.load_parameters({name: value + scale * RANDOM.normal(size=value.shape) for name, value in made.parameters().items()})
    return made


def vae(**settings: Any) -> Any:
    return lm.layers.VariationalAutoencoder(2, **{"encoder": [4], "decoder": [5], "activation": "tanh", "name": "vae"} | settings)


def test_boltzmann_machines() -> None:
    made = model(lm.layers.RBM(4, name="below"), lm.layers.RBM(3, name="above"))
    weights = made.parameters()
    w, c, b = (weights[f"above/{name}"] for name in ("weight", "bias", "visible_bias"))
    x = expit(FLAT @ weights["below/weight"].T + weights["below/bias"])
    view = RbmView(made, "above", batch_size=4)
    np.testing.assert_allclose(view.incoming(IMAGES), x, rtol=1e-6)
    np.testing.assert_allclose(view.encode(IMAGES), expit(x @ w.T + c), rtol=1e-6)
    np.testing.assert_allclose(view.free_energy(IMAGES), -x @ b - np.logaddexp(0, x @ w.T + c).sum(1), rtol=1e-6)
    back = expit(expit(x @ w.T + c) @ w + b)
    np.testing.assert_allclose(view.error(IMAGES), -(x * np.log(back) + (1 - x) * np.log(1 - back)).mean(1), rtol=1e-6)
    with pytest.raises(LaminaError, match="(?s)EN103.*below, above.*no name"):
        RbmView(made)


def test_samples_of_a_boltzmann_machine_have_its_distribution() -> None:
    made = model(lm.layers.RBM(3, name="rbm"), scale=0.7)
    weights = made.parameters()
    states = np.array([[(n >> k) & 1 for k in range(6)] for n in range(64)], float)
    free = -states @ weights["rbm/visible_bias"] - np.logaddexp(0, states @ weights["rbm/weight"].T + weights["rbm/bias"]).sum(1)
    exact = (np.exp(-free) / np.exp(-free).sum()) @ states
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    found = RbmView(made).sample(20_000, steps=100, seed=1)
    np.testing.assert_allclose(found.mean(0), exact, atol=0.015)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(RbmView(made).sample(5, steps=9, seed=4), RbmView(made).sample(5, steps=9, seed=4))
    assert not np.array_equal(RbmView(made).sample(5, steps=9, seed=4), RbmView(made).sample(5, steps=9, seed=5))


def test_autoencoders() -> None:
    made = model(lm.layers.AutoEncoder(4, loss="mse", corruption=0.5, name="code"))
    weights = made.parameters()
    code = expit(FLAT @ weights["code/weight"].T + weights["code/bias"])
    back = code @ weights["code/weight"] + weights["code/visible_bias"]
    view = AutoEncoderView(made)
    np.testing.assert_allclose(view.encode(IMAGES), code, rtol=1e-6)
    np.testing.assert_allclose(view.reconstruct(IMAGES), back, rtol=1e-6)
    np.testing.assert_allclose(view.error(IMAGES), ((back - FLAT) ** 2).mean(1), rtol=1e-6)


def decoded(weights: dict[str, np.ndarray], code: np.ndarray) -> np.ndarray:
    hidden = np.tanh(code @ weights["vae/decoder_0_weight"].T + weights["vae/decoder_0_bias"])
    return hidden @ weights["vae/reconstruction_weight"].T + weights["vae/reconstruction_bias"]


def test_variational_autoencoders() -> None:
    made = model(vae(reconstruction="bernoulli"), lm.Output(2))
    weights = made.parameters()
    hidden = np.tanh(FLAT @ weights["vae/encoder_0_weight"].T + weights["vae/encoder_0_bias"])
    mean = hidden @ weights["vae/mean_weight"].T + weights["vae/mean_bias"]
    log_variance = hidden @ weights["vae/log_variance_weight"].T + weights["vae/log_variance_bias"]
    view = VariationalView(made, "vae")
    for found, wanted in zip(view.encode(IMAGES), (mean, log_variance), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(view.reconstruct(IMAGES), expit(decoded(weights, mean)), rtol=1e-6)
    # With very many draws the mean no longer depends on which they were.
    noise = RANDOM.normal(size=(20_000, 9, 2))
    p = expit(decoded(weights, mean + np.exp(log_variance / 2) * noise))
    wanted = (FLAT * np.log(p) + (1 - FLAT) * np.log1p(-p)).sum(-1)
    found = view.reconstruction_log_probability(IMAGES, samples=20_000)
    np.testing.assert_allclose(found, wanted.mean(0), atol=6 * 2 * (wanted.std(0) / np.sqrt(20_000)).max())
    np.testing.assert_allclose(
        view.reconstruction_probability(IMAGES, samples=7), np.exp(view.reconstruction_log_probability(IMAGES, samples=7))
    )
    assert bool((view.log_likelihood(IMAGES, samples=500) > found - 60).all())
    code = RANDOM.normal(size=(4, 2))
    np.testing.assert_allclose(view.generate(code), expit(decoded(weights, code)), rtol=1e-6)
    many = view.generate_random(np.repeat(code[:1], 20_000, 0), seed=3)
    assert set(np.unique(many)) == {0.0, 1.0}
    np.testing.assert_allclose(many.mean(0), expit(decoded(weights, code[:1]))[0], atol=0.02)
    assert view.sample(5).shape == (5, 6)


def test_draws_depend_on_seed_and_sample_alone() -> None:
    made = model(vae(reconstruction="bernoulli"))
    one, other = VariationalView(made, batch_size=2), VariationalView(made, batch_size=9)
    for name in ("reconstruction_log_probability", "log_likelihood"):
        wanted = getattr(one, name)(IMAGES, samples=3)
        np.testing.assert_allclose(getattr(other, name)(IMAGES, samples=3), wanted, rtol=1e-12)
        assert not np.allclose(getattr(other, name)(IMAGES, samples=3, seed=1), wanted)


def test_a_loss_has_errors_and_a_distribution_probabilities() -> None:
    lossy = VariationalView(model(vae(reconstruction={"type": "loss", "loss": "mse"})))
    weights = lossy.model.parameters()
    wanted = ((decoded(weights, lossy.encode(IMAGES)[0]) - FLAT) ** 2).mean(1)
    np.testing.assert_allclose(lossy.reconstruction_error(IMAGES), wanted, rtol=1e-6)
    for name in ("reconstruction_log_probability", "reconstruction_probability", "log_likelihood"):
        with pytest.raises(LaminaError, match="(?s)EN102.*reconstruction_error"):
            getattr(lossy, name)(IMAGES)
    with pytest.raises(LaminaError, match="(?s)EN102.*reconstruction_log_probability"):
        VariationalView(model(vae())).reconstruction_error(IMAGES)


def test_layers_of_another_kind() -> None:
    with pytest.raises(LaminaError, match="(?s)EN103.*'vae'"):
        RbmView(model(vae()), "vae")
    with pytest.raises(LaminaError, match="EN103"):
        VariationalView(lm.Model(torch.nn.Linear(2, 2)))


def test_data_go_through_the_preprocessing_of_the_model() -> None:
    from lamina.data.config import DataConfig, prepare

    parts = prepare(DataConfig(source="digits", split={"validation": 0.5}, normalize="min_max"), seed=0)
    made = lm.Model(lm.Sequential(lm.image(1, 8, 8), [lm.layers.RBM(4)]), seed=0)
    made.preprocessing = parts.preprocessing
    raw = np.full((1, 1, 8, 8), 8.0)
    assert RbmView(made).incoming(raw).max() <= 1.0
