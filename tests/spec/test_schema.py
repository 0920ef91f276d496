from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lamina.spec import parse_document, registry
from lamina.spec.schema import DIALECT, json_schema
from lamina.train.recipe import Recipe

PYTHON_ONLY = {"module"}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(Recipe)


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Any:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_names_its_dialect_and_every_family(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == DIALECT
    assert {f"family.{name}" for name in ("layer", "network", "optimizer", "schedule", "source", "callback", "evaluation")} <= set(
        schema["$defs"]
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_example_is_valid(file: Path, validator: Any) -> None:
    validator.validate(parse_document(file.read_text()).data)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sead", 3),
        ("seed", "three"),
        ("network.type", "sequentail"),
        ("network.layers[0].filtres", 3),
        ("network.layers[0].filters", 0),
        ("network.layers[0].type", "conf2d"),
        ("network.layers[0].activation", "rleu"),
        ("train.optimizer.learning_rat", 1),
        ("data.source.type", "digit"),
    ],
)
def test_what_a_description_refuses_by_its_form_the_schema_refuses_too(path: str, value: Any, validator: Any, root: Path) -> None:
    document = parse_document((root / "examples" / "digits.yaml").read_text())
    assert validator.is_valid(document.data)
    document.set(f"{path}={yaml.safe_dump(value, default_flow_style=True).removesuffix('...').strip()}")
    assert not validator.is_valid(document.data)


def test_every_registered_components_examples_are_valid(schema: dict[str, Any]) -> None:
    """Each component by its own branch of the family: to try all branches on each is what an editor does, and takes minutes here."""
    for name, definition in schema["$defs"].items():
        family = name.removeprefix("family.")
        if family == name:
            continue
        branches = {_type(branch, schema): branch for branch in definition["anyOf"] if "type" in branch.get("required", ())}
        for type_name, component in registry.components(family):
            if type_name in PYTHON_ONLY or type_name not in branches:
                continue
            own = jsonschema.Draft202012Validator({**branches[type_name], "$defs": schema["$defs"]})
            for example in component.examples():
                description = example[0] if isinstance(example, tuple) else example
                for full in (False, True):
                    data = description.to_dict(full=full)
                    assert own.is_valid(data), f"{family} {type_name}: the schema refuses {data}"


def _type(branch: dict[str, Any], schema: dict[str, Any]) -> str | None:
    found = schema["$defs"][branch["$ref"].rpartition("/")[2]]["properties"].get("type", {})
    return found.get("const")


def test_every_component_that_a_file_can_hold_has_a_branch(schema: dict[str, Any]) -> None:
    for name, definition in schema["$defs"].items():
        family = name.removeprefix("family.")
        if family != name:
            branches = {_type(branch, schema) for branch in definition["anyOf"] if "type" in branch.get("required", ())}
            assert branches >= set(registry.names(family)) - PYTHON_ONLY


def test_settings_explain_themselves(schema: dict[str, Any]) -> None:
    dense = schema["$defs"]["Dense"]
    assert dense["properties"]["units"]["description"] == "Number of outputs."
    assert dense["properties"]["bias"]["description"] == "Whether there is a bias."
    assert dense["description"].startswith("Fully connected layer")
    assert dense["additionalProperties"] is False


def test_a_pointer_to_the_parent_does_not_hide_what_the_parent_says(schema: dict[str, Any]) -> None:
    folder = schema["$defs"]["ImageFolder"]["properties"]
    assert folder["unreadable"]["description"].startswith("What is done")
    assert not [name for name, own in folder.items() if own.get("description", "").startswith("See ")]
