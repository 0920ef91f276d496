"""What all networks of the zoo have in common, and how they are asked for."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import lamina as lm
from lamina.errors import DescriptionError
from lamina.network import Network
from lamina.network.checks import run_checks
from lamina.spec import parse_document
from lamina.zoo.catalog import CATALOG, function, make


@pytest.mark.parametrize("name", CATALOG)
def test_round_trip_through_yaml(name: str) -> None:
    network = make(name)
    assert Network.from_yaml(network.to_yaml()) == network


@pytest.mark.parametrize("name", CATALOG)
def test_documentation_says_where_it_comes_from(name: str) -> None:
    text = inspect.getdoc(function(name)) or ""
    assert "Count:" in text
    assert ("Paper:" in text and "Differences:" in text) or "see `" in text or "Source:" in text
    settings = inspect.signature(function(name)).parameters
    assert all(f"    {setting}:" in text for setting in settings)


@pytest.mark.parametrize("name", CATALOG)
def test_no_check_has_anything_to_say(name: str) -> None:
    network = make(name)
    assert run_checks(network.resolve(), network.ignore, training=True) == []


def test_functions_are_at_the_front_door() -> None:
    assert lm.zoo.alexnet is function("alexnet")
    assert {*CATALOG} < {*dir(lm.zoo)}
    assert lm.zoo.resnet18(classes=7, input=lm.image(1, 64, 64)).resolve().output_shapes == {"fc": lm.features(7)}
    with pytest.raises(AttributeError, match="resnet20"):
        lm.zoo.resnet20  # noqa: B018


@pytest.mark.parametrize(
    ("name", "settings", "code", "fix"),
    [
        ("resnet19", {}, "NN080", "did you mean 'resnet18'?"),
        ("zzz", {}, "NN080", "lamina zoo lists all"),
        ("resnet18", {"clases": 3}, "NN081", "did you mean 'classes'?"),
        ("resnet18", {"temperature": 3}, "NN081", "remove 'temperature'"),
    ],
)
def test_what_is_not_there(name: str, settings: dict[str, Any], code: str, fix: str) -> None:
    with pytest.raises(DescriptionError, match=code) as caught:
        make(name, settings)
    assert caught.value.problems[0].code == code
    assert fix in str(caught.value)


def test_settings_that_do_not_fit_name_the_layer() -> None:
    with pytest.raises(lm.LaminaError, match="classes|units"):
        make("resnet18", {"classes": 0})
    with pytest.raises(lm.LaminaError, match="features_12"):
        make("alexnet", {"input": lm.image(3, 40, 40)}).resolve()


def test_a_shape_may_be_plain_data() -> None:
    shape = parse_document("{type: image, channels: 1, height: 64, width: 48}").data
    assert make("resnet18", {"input": shape}).resolve().inputs == {"input": lm.image(1, 64, 48)}
