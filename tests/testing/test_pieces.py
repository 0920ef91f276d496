"""The contract suites of small components notice what is wrong, and the lists of components are complete."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lamina.engine.constraints
import lamina.engine.losses
import lamina.engine.noise  # noqa: F401 (these fill the registry)
from lamina.engine.activations import _IMPLEMENTATIONS as ACTIVATIONS
from lamina.engine.constraints import _IMPLEMENTATIONS as CONSTRAINTS
from lamina.engine.initializers import _IMPLEMENTATIONS as INITIALIZERS
from lamina.engine.losses.function import _IMPLEMENTATIONS as LOSSES
from lamina.engine.noise import _MODULES as NOISES
from lamina.network.activations import Relu, Sigmoid
from lamina.network.constraints import MaxNorm
from lamina.network.initializers import Normal
from lamina.network.losses import MeanSquaredError
from lamina.network.noise import DropoutNoise
from lamina.spec import registry
from lamina.testing.activations import check_activation
from lamina.testing.constraints import check_constraint
from lamina.testing.initializers import check_initializer
from lamina.testing.losses import check_loss
from lamina.testing.noise import check_noise


@pytest.mark.parametrize(
    ("table", "wrong", "suite", "example", "promise"),
    [
        (ACTIVATIONS, lambda a: lambda x: x - x.mean(), check_activation, Relu(), "its own value alone"),
        (ACTIVATIONS, lambda a: lambda x: x.clamp(-1, 1), check_activation, Relu(), "low"),
        (ACTIVATIONS, lambda a: lambda x: torch.sigmoid(x.detach()) + 0 * x, check_activation, Sigmoid(), "gradient"),
        (ACTIVATIONS, lambda a: lambda x: x.relu_(), check_activation, Relu(), "left alone"),
        (INITIALIZERS, lambda i, t, p, g: t.normal_(), check_initializer, Normal(), "same seed"),
        (INITIALIZERS, lambda i, t, p, g: None, check_initializer, Normal(), "finite"),
        (LOSSES, lambda loss, a: lambda s, t: (s - t).square().sum(-1) / len(s), check_loss, MeanSquaredError(), "a weight of 2"),
        (LOSSES, lambda loss, a: lambda s, t: (s - t).square().mean(), check_loss, MeanSquaredError(), "for each position"),
        (NOISES, lambda n: torch.nn.Identity(), check_noise, DropoutNoise(0.5), "something changes"),
        (CONSTRAINTS, lambda c, t: t.mul_(c.maximum / t.norm().clamp_min(1)), check_constraint, MaxNorm(1.0), "by itself"),
    ],
)
def test_the_suites_notice_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, table: Any, wrong: Any, suite: Any, example: Any, promise: str
) -> None:
    monkeypatch.setitem(table._known, type(example), wrong)
    with pytest.raises(AssertionError, match=f"broken promise.*{promise}"):
        suite(example)


NAMES = {
    "activation": """cube elu hard_sigmoid hard_tanh identity leaky_relu rational_tanh relu relu6 rrelu sigmoid softmax softplus softsign
        tanh rectified_tanh selu swish thresholded_relu gelu mish silu log_softmax log_sigmoid exp squared_relu hard_swish celu
        soft_shrink hard_shrink tanh_shrink""",
    "loss": """mse l2 mae l1 binary_cross_entropy cross_entropy sparse_cross_entropy negative_log_likelihood kl_divergence
        cosine_proximity hinge squared_hinge mape msle poisson wasserstein f_measure mixture_density multi_label huber log_cosh
        smooth_l1 focal binary_focal quantile categorical_hinge""",
    "initializer": """zeros ones constant identity normal truncated_normal log_normal uniform binomial orthogonal variance_scaling
        xavier_uniform xavier_normal xavier_legacy sigmoid_uniform he_normal he_uniform lecun_normal lecun_uniform""",
    "noise": "dropout alpha_dropout gaussian_dropout gaussian_noise spatial_dropout",
    "weight_noise": "drop_connect weight_noise",
    "constraint": "max_norm min_max_norm non_negative unit_norm",
}


@pytest.mark.parametrize("family", NAMES)
def test_the_lists_are_complete(family: str) -> None:
    """What Deeplearning4j has (but PReLU, which is a layer), and what is common today."""
    assert set(NAMES[family].split()) <= set(registry.names(family))
    assert "prelu" in registry.names("layer")
