"""The gradient check finds what is wrong, and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

import lamina as lm
from lamina.engine.build import build
from lamina.engine.gradients import compare_gradients
from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.masks import Masks
from lamina.errors import TrainingError
from lamina.network.layers import Layer
from lamina.shapes import Sequence, Shape


class Slipped(Layer):
    """Half of what it should be on the way back, or a look at what is not real."""

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    stepwise: ClassVar[bool] = True
    peeks: bool = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]


@runs(Slipped)
class SlippedModule(LayerModule):
    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return x + x.mean(1, keepdim=True) if layer.peeks else x / 2 + x.detach() / 2


X = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.tensor([0, 1, 1, 0])


def checked(*layers: Layer, masks: Masks | None = None, **settings: Any) -> Any:
    network = build(lm.Sequential(lm.sequence(None, 3), [*layers, lm.GlobalAvgPool(), lm.Output(2)]).resolve(), 3, dtype=torch.float64)
    return compare_gradients(network, {"input": X}, {"output": Y}, masks=masks, **settings)


def test_right_gradients_are_right_in_every_tensor() -> None:
    report = checked(lm.LSTM(4), lm.Dense(3, activation="tanh", dropout=0.3), lm.BatchNorm())
    assert report.right
    assert {row.kind for row in report.rows} == {"parameter", "input"}
    assert [row.name for row in report.rows][:2] == ["lstm_1/weight_ih", "lstm_1/weight_hh"]
    assert all(row.checked == min(30, row.size) for row in report.rows)
    assert "right" in str(report)
    report.raise_wrong()


def test_a_wrong_gradient_is_found_before_and_behind_the_layer() -> None:
    report = checked(lm.Dense(3, activation="tanh"), Slipped(), numbers=5)
    wrong = {row.name for row in report.rows if not row.right}
    assert {"dense_1/weight", "dense_1/bias", "input 'input'"} == wrong
    with pytest.raises(TrainingError, match="dense_1/weight") as caught:
        report.raise_wrong()
    assert caught.value.code == "EN043"
    assert len(caught.value.problems) == 3
    row = next(row for row in report.rows if row.name == "dense_1/weight")
    assert row.numeric == pytest.approx(2 * row.analytic, rel=1e-4)


def test_steps_that_are_not_real_must_not_matter() -> None:
    mask = torch.arange(5)[None, :] < torch.tensor([5, 3, 1, 4])[:, None]
    right = checked(lm.GRU(3), masks=Masks({"input": mask}))
    assert right.right
    assert right.rows[-1].kind == "mask"
    wrong = checked(Slipped(peeks=True), lm.Dense(2, activation="tanh"), masks=Masks({"input": mask}))
    assert [row.name for row in wrong.rows if not row.right] == ["mask 'input'"]
    with pytest.raises(TrainingError, match="mixes steps"):
        wrong.raise_wrong()


def test_kinks_are_no_mistakes() -> None:
    network = build(lm.Sequential(lm.features(2), [lm.Dense(2, activation="relu", bias=False), lm.Output(1, loss="mse")]).resolve(), 0)
    network.to(torch.float64)
    with torch.no_grad():
        network.get_parameter("layers.0.weight").zero_()
        network.get_parameter("layers.1.weight").fill_(1.0)
    report = compare_gradients(network, {"input": torch.ones(1, 2, dtype=torch.float64)}, {"output": torch.ones(1, 1, dtype=torch.float64)})
    first = report.rows[0]
    assert first.kinks == 4
    assert report.right


def test_weights_and_statistics_are_as_before() -> None:
    network = build(lm.Sequential(lm.features(3), [lm.BatchNorm(), lm.Output(2)]).resolve(), 0, dtype=torch.float64)
    before = network.named_arrays()
    compare_gradients(network, {"input": X[:, 0]}, {"output": Y})
    after = network.named_arrays()
    assert all((before[name] == after[name]).all() for name in before)


def test_float32_is_refused_and_a_model_is_checked_on_a_copy() -> None:
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    model = lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4, activation="tanh"), lm.Output(2)]))
    with pytest.raises(TrainingError, match="EN044"):
        compare_gradients(model.network, {"input": torch.ones(1, 3)}, {"output": torch.tensor([0])})
    assert model.check_gradients(x, y, samples=4).right
    assert next(model.network.parameters()).dtype == torch.float32


def test_where_many_kinks_meet_nothing_is_called_wrong() -> None:
    """Pixels of 0 below a convolution with rectifier and pooling: each kink takes a side by itself, so the sum may be outside of both."""
    x, y = np.zeros((6, 1, 8, 8)), np.arange(6) % 2
    x[:, :, 3:5, 3:5] = np.random.default_rng(0).uniform(size=(6, 1, 2, 2))
    layers = [lm.Conv2d(6, kernel=3, activation="relu"), lm.MaxPool2d(2), lm.Flatten(), lm.Dense(8, activation="relu"), lm.Output(2)]
    network = build(lm.Sequential(lm.image(1, 8, 8), layers).resolve(), 1, dtype=torch.float64)
    report = compare_gradients(network, {"input": torch.from_numpy(x)}, {"output": torch.from_numpy(y)}, numbers=400)
    assert report.right
    assert report.rows[-1].kinks > 100
    bias = next(row for row in report.rows if row.name == "conv2d_1/bias")
    assert bias.verdict == "unknown"  # all of them 0, where pixels are 0 too
    assert (
        next(row for row in lm.Model(lm.Sequential(lm.image(1, 8, 8), layers)).check_gradients(x, y).rows if row.name == bias.name).kinks
        == 0
    )


class Restless(Slipped):
    """Another draw at every call."""


@runs(Restless)
class RestlessModule(LayerModule):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_numpy(RESTLESS.normal(size=tuple(x.shape)))


RESTLESS = np.random.default_rng(0)


def test_a_draw_that_differs_from_call_to_call_is_no_kink() -> None:
    report = checked(Restless(), lm.Dense(3, activation="tanh"), numbers=5)
    assert not any(row.right for row in report.rows)
    assert not any(row.kinks for row in report.rows)


def test_the_table_shows_how_large_errors_are() -> None:
    report = checked(lm.Dense(3, activation="tanh"))
    assert all(0 < row.error < 1e-4 for row in report.rows)
