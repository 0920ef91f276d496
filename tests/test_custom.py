"""Own layers, vertices and losses from a function: they pass the suites that Lamina's own pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina import custom
from lamina.errors import DescriptionError, RegistrationError
from lamina.shapes import Features
from lamina.spec import registry
from lamina.testing.contracts import check_component

X, Y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 2


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Every test has a registry of its own."""
    kept = {family: dict(members) for family, members in registry._families.items()}
    yield
    for family, members in kept.items():
        registry._families[family].clear()
        registry._families[family].update(members)


def test_a_function_is_a_layer_with_settings() -> None:
    @custom.layer("bent")
    def bent(x: torch.Tensor, power: float = 2.0, shift: float = 0.0) -> torch.Tensor:
        """``sign(x) |x|^power + shift``."""
        return x.sign() * x.abs() ** power + shift

    check_component(bent)
    model = lm.Model(lm.Sequential(lm.features(4), [bent(power=3.0), lm.Output(2)]), seed=0)
    wanted = torch.tensor(X, dtype=torch.float32)
    found = model.network.activations(wanted)["bent_1"]
    torch.testing.assert_close(found, wanted.sign() * wanted.abs() ** 3)
    assert bent.from_yaml("{type: bent, power: 1.5}") == bent(power=1.5)
    with pytest.raises(DescriptionError, match="did you mean 'power'"):
        bent.from_yaml("{type: bent, powr: 1.5}")


def test_a_function_of_two_is_a_vertex_and_may_give_another_shape() -> None:
    @custom.layer("outer", output=lambda a, b: Features(a.count * b.count), examples=[(Features(3), Features(2))])
    def outer(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """All products of a number of one and a number of the other."""
        return (a[:, :, None] * b[:, None, :]).flatten(1)

    check_component(outer)
    graph = lm.Graph(
        {"a": lm.features(3), "b": lm.features(2)}, {"both": outer(inputs=["a", "b"]), "out": lm.Output(2, inputs="both")}, "out"
    )
    assert str(graph.resolve().node("both").output_shape) == "[batch, 6]"


def test_a_function_is_a_loss_and_a_kept_model_needs_it(tmp_path: Path) -> None:
    @custom.loss("lopsided")
    def lopsided(predictions: torch.Tensor, targets: torch.Tensor, factor: float = 3.0) -> torch.Tensor:
        """The squared error, ``factor`` times that where too little was predicted."""
        error = predictions - targets
        return (error**2 * torch.where(error < 0, factor, 1.0)).mean(-1)

    check_component(lopsided)
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Output(1, loss={"type": "lopsided", "factor": 9.0})]), seed=0)
    y = X[:, :1] + np.random.default_rng(1).normal(size=(30, 1))
    model.fit(X, y, epochs=200, optimizer=lm.Adam(0.05), progress=False)
    assert (model.predict(X) > y).mean() > 0.6, "too much is predicted more often than too little"
    model.save(tmp_path / "own.lamina")
    assert (lm.load(tmp_path / "own.lamina").predict(X) == model.predict(X)).all()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x, "a docstring"),
        (lambda x, power=2.0: x, "a docstring"),
    ],
)
def test_a_function_without_documentation_is_refused(function: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        custom.layer("nameless")(function)


def test_settings_without_a_type_and_losses_of_one_tensor_are_refused() -> None:
    def bare(x, power=2.0):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Something."""
        return x

    with pytest.raises(RegistrationError, match="power without one"):
        custom.layer("bare")(bare)
    with pytest.raises(RegistrationError, match="predictions and targets"):
        custom.loss("single")(_single)


def _single(predictions: torch.Tensor) -> torch.Tensor:
    """One tensor."""
    return predictions


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(RegistrationError, match="dense"):

        @custom.layer("dense")
        def dense(x: torch.Tensor) -> torch.Tensor:
            """Something."""
            return x


def test_tensors_without_names_are_refused() -> None:
    def total(*xs: Any) -> Any:
        """A sum."""
        return sum(xs)

    with pytest.raises(RegistrationError, match="SP008") as caught:
        custom.layer("total_of_all")(total)
    assert "write each tensor" in str(caught.value)
