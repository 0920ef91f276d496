"""Losses are loaded when they are named, and the table that says where they are is complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from lamina.errors import LaminaError
from lamina.network import losses
from lamina.network.losses import Loss
from lamina.spec import registry

MODULES = sorted(module.name for module in pkgutil.iter_modules(losses.__path__) if module.name != "loss")


@pytest.mark.parametrize("name", MODULES)
def test_the_table_names_every_class_and_type_of_a_module(name: str) -> None:
    module = importlib.import_module(f"lamina.network.losses.{name}")
    registered = {
        kind.__name__: kind.__dict__["type_name"]
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Loss) and kind.__module__ == module.__name__ and kind.__dict__.get("type_name")
    }
    listed = dict(word.partition("=")[::2] for word in losses._LOSSES[name].split())
    assert {kind: word for kind, word in listed.items() if word} == registered
    for kind in listed:
        assert getattr(losses, kind) is getattr(module, kind)


def test_every_announced_type_is_registered_where_the_table_says() -> None:
    for word, module in registry._announced["loss"].items():
        kind = registry.get("loss", word)
        assert kind is not None
        assert kind.__module__ == module


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="Cocks"):
        _ = losses.Cocks
    with pytest.raises(LaminaError, match="did you mean 'cox'"):
        Loss.from_yaml("{type: coxx}")


def test_weights_of_units_are_as_many_as_units() -> None:
    assert losses.Dice(weights=[1.0, 2.0]).misfit(2) is None
    misfit = losses.Dice(weights=[1.0, 2.0]).misfit(3)
    assert misfit is not None
    assert "3" in misfit.expected
