"""Layers are loaded when they are named, and the table that says where they are is complete."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.network import layers, vertices
from lamina.network.layers import Layer
from lamina.spec import registry

MODULES = sorted(
    (room.__name__, module.name)
    for room in (layers, vertices)
    for module in pkgutil.iter_modules(room.__path__)
    if module.name not in {"layer", "window"}
)


@pytest.mark.parametrize(("room", "name"), MODULES)
def test_the_table_names_every_class_and_type_of_a_module(room: str, name: str) -> None:
    package, module = importlib.import_module(room), importlib.import_module(f"{room}.{name}")
    table = layers._LAYERS if package is layers else vertices._VERTICES
    registered = {
        kind.__name__: kind.__dict__["type_name"]
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Layer) and kind.__module__ == module.__name__ and kind.__dict__.get("type_name")
    }
    listed = dict(word.partition("=")[::2] for word in table.get(name, "").split())
    assert {kind: word for kind, word in listed.items() if word} == registered
    for kind in listed:
        assert getattr(package, kind) is getattr(module, kind)


def test_every_announced_type_is_registered_where_the_table_says() -> None:
    for word, module in registry._announced["layer"].items():
        kind = registry.get("layer", word)
        assert kind is not None
        assert kind.__module__ == module or kind.__module__.startswith(f"{module}.")


def test_naming_one_layer_loads_its_module_only() -> None:
    code = (
        "import sys, lamina as lm; lm.Sequential(lm.features(2), [lm.Dense(2)]);"
        "print(sorted(m for m in sys.modules if m.startswith('lamina.network.layers.')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "recurrent" not in done.stdout
    assert "dense" in done.stdout


def test_an_unknown_class_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Dens"):
        _ = layers.Dens
