"""Every family has a contract suite, and every example of every registered component passes it: no one has to write a test."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
import torch

import lamina
from lamina.network import Sequential
from lamina.network.layers import Dense, Output
from lamina.network.losses import MeanSquaredError
from lamina.shapes import Features, Image
from lamina.spec import Description, registry
from lamina.testing.contracts import SUITES, cases, check_component, check_example, examples_of
from lamina.testing.networks import check_network
from lamina.testing.shapes import check_shape
from lamina.testing.triggers import check_trigger
from lamina.train.triggers import Every, TriggerRun

TESTS = Path(__file__).parents[1]
ELSEWHERE = {
    "callback": "train/test_callback_contract.py",
    "evaluation": "evaluate/test_contract.py",
    "normalizer": "data/test_contracts.py",
    "source": "data/test_contracts.py",
    "split": "data/test_contracts.py",
}
"""Families whose suites need surroundings (files, data sets), and the test that runs them over the registry."""


def everything() -> None:
    """Import all of Lamina, so that every family and component is known."""
    for module in pkgutil.walk_packages(lamina.__path__, "lamina."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


everything()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # Tensors of a few numbers: threads would only wait for each other.
    torch.set_num_threads(1)


def roots(base: type = Description) -> set[str]:
    found = set()
    for kind in base.__subclasses__():
        if kind.__module__.startswith("lamina.") and kind.__dict__.get("family"):
            found.add(kind.family)
        found |= roots(kind)
    return found


def test_every_family_has_a_suite() -> None:
    assert roots() == set(SUITES)


@pytest.mark.parametrize("family", sorted(SUITES))
def test_every_component_has_examples_of_its_own(family: str) -> None:
    ours = [kind for _, kind in registry.components(family) if kind.__module__.startswith("lamina.")]
    assert ours
    for component in ours:
        examples_of(component)


@pytest.mark.parametrize("family", sorted(ELSEWHERE))
def test_what_runs_elsewhere_runs_over_the_registry(family: str) -> None:
    text = (TESTS / ELSEWHERE[family]).read_text()
    assert f'examples("{family}")' in text or f'registry.components("{family}")' in text


@pytest.mark.parametrize(
    ("family", "example"), [pytest.param(family, example, id=name) for name, family, example in cases(*sorted({*SUITES} - {*ELSEWHERE}))]
)
def test_contract(family: str, example: Any, tmp_path: Path) -> None:
    check_example(family, example, tmp_path)


def test_a_component_is_checked_by_itself() -> None:
    check_component(MeanSquaredError)


def test_inherited_examples_prove_nothing() -> None:
    class Narrow(Dense):
        """As dense."""

    with pytest.raises(AssertionError, match="examples of Narrow are its own, not Denses"):
        examples_of(Narrow)


def test_no_examples_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeanSquaredError, "examples", classmethod(lambda cls: []))
    with pytest.raises(AssertionError, match="at least one"):
        check_component(MeanSquaredError)


def test_the_suite_of_shapes_notices_a_shape_that_matches_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "matches", lambda self, dims: True)
    with pytest.raises(AssertionError, match="another rank"):
        check_shape(Image(1, 2, 3))


def test_the_suite_of_triggers_notices_one_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(TriggerRun):
        needs_step = True

        def __init__(self) -> None:
            self.count = 0

        def after_step(self, trainer: Any) -> bool:
            self.count += 1
            return self.count % 4 == 0

    monkeypatch.setattr(Every, "start", lambda self: Counting())
    with pytest.raises(AssertionError, match="resumed"):
        check_trigger(Every(4, "steps"))


def test_the_suite_of_networks_notices_defaults_that_get_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.network.network import Network

    network = Sequential(Features(4), [Dense(5), Output(3)], defaults={"activation": "relu"})
    check_network(network)
    monkeypatch.setattr(Sequential, "to_dict", Network.to_dict)
    with pytest.raises(AssertionError, match="in full"):
        check_network(network)
