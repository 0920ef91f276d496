"""JSON Schema of what a description file may say, for editors that complete and check while one types."""

from __future__ import annotations

import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from lamina.spec.description import Description
from lamina.spec.registry import registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FAMILY_MARK = "x-lamina-family"
"""Key by which `Description` marks a place that takes any member of a family."""


def json_schema(root: type[Description]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``root`` and of every component registered in a family that it can reach.

    What a description checks beyond the form of its settings (bounds that depend on each other, shapes) is not in it.

    Args:
        root: A description, such as ``lamina.train.recipe.Recipe``, or the root of a family, such as ``Layer``.

    Example:
        >>> from lamina.shapes import Shape
        >>> schema = json_schema(Shape)
        >>> schema["$ref"], schema["$defs"]["family.shape"]["anyOf"][0]
        ('#/$defs/family.shape', {'$ref': '#/$defs/Array', 'required': ['type']})
    """
    is_family = bool(root.__dict__.get("family"))
    families = {str(root.family)} if is_family else set()
    models = [] if is_family else [root]
    while True:
        # All at once, each time a family is found: only then does pydantic keep classes of the same name apart.
        members = {family: [member for _, member in registry.components(family)] for family in sorted(families)}
        everything = list(dict.fromkeys([*models, *(member for family in members.values() for member in family)]))
        references, definitions = _generate(everything)
        found = families.union(_families(definitions))
        if found == families:
            break
        families = found
    for family, classes in members.items():
        definitions[f"family.{family}"] = _family(family, classes, references, definitions)
    start = _reference(f"family.{root.family}") if is_family else {"$ref": references[root]}
    return {"$schema": DIALECT, **start, "$defs": _linked({name: definitions[name] for name in sorted(definitions)})}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, where what only Python can hold (an own module, an array) is a value that no file can have."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {"not": {}}


def _generate(models: list[type[Description]]) -> tuple[dict[type[Description], str], dict[str, Any]]:
    """A reference to the schema of each description, and all schemas by name."""
    found, rest = models_json_schema([(model, "validation") for model in models], schema_generator=_Generator)  # type: ignore[misc]
    definitions = rest.get("$defs", {})
    references = {model: found[model, "validation"]["$ref"] for model in models}  # type: ignore[index]
    for model, reference in references.items():
        schema = definitions[reference.rpartition("/")[2]]
        own = {} if model.type_name is None else {"type": {"const": model.type_name}}
        schema["properties"] = {**own, **_explained(model, schema.get("properties", {}))}
        schema["description"] = (model.__doc__ or "").strip().partition("\n")[0]
    return references, definitions


def _family(
    name: str, members: list[type[Description]], references: dict[type[Description], str], definitions: dict[str, Any]
) -> dict[str, Any]:
    """Any member of a family: with its ``type``, as a bare word if all its settings have defaults, or by a shorthand."""
    branches: list[dict[str, Any]] = []
    words: list[str] = []
    for member in members:
        schema = definitions[references[member].rpartition("/")[2]]
        required = schema.get("required", [])
        # A component that needs what only Python can hold can't stand in a file.
        if any(schema["properties"][key].get("not") == {} for key in required):
            continue
        branches.append({"$ref": references[member], "required": ["type"]})
        if not required:
            words.append(str(member.type_name))
    if words:
        branches.append({"enum": words})
    shorthands = members[0].root().shorthand_schema() if members else []
    return {"title": name, "anyOf": [*branches, *shorthands]}


def _explained(model: type[Description], properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a description, each with what the docstrings of its class and parents say of it."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        _, _, attributes = (base.__dict__.get("__doc__") or "").partition("Attributes:\n")
        for name, text in re.findall(r"^ {8}(\w+): (.+(?:\n {9,}.+)*)", attributes, re.MULTILINE):
            # A pointer to the parent tells less than what the parent says.
            if name not in texts or not re.fullmatch(r"See `\w+`\.", text):
                texts[name] = re.sub(r"\s+", " ", text)
    for name, schema in properties.items():
        schema.pop("title", None)
        if name in texts and isinstance(schema, dict):
            schema["description"] = texts[name]
    return properties


def _families(definitions: Any) -> list[str]:
    """Every family that is marked somewhere in the definitions."""
    if isinstance(definitions, dict):
        own = [definitions[FAMILY_MARK]] if FAMILY_MARK in definitions else []
        return own + [family for value in definitions.values() for family in _families(value)]
    if isinstance(definitions, list):
        return [family for value in definitions for family in _families(value)]
    return []


def _linked(schema: Any) -> Any:
    """The schema with every mark of a family made a reference to it."""
    if isinstance(schema, dict):
        rest = {key: _linked(value) for key, value in schema.items() if key != FAMILY_MARK}
        return {**rest, **_reference(f"family.{schema[FAMILY_MARK]}")} if FAMILY_MARK in schema else rest
    return [_linked(item) for item in schema] if isinstance(schema, list) else schema


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}
