"""The front door: what stands there, that it costs nothing, and that no name changes by accident.

After a wanted change, write the snapshot anew and commit it with the change::

    python tests/meta/test_api.py
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import lamina
from lamina.spec import registry

SNAPSHOT = Path(__file__).with_name("api.txt")


def describe(name: str) -> str:
    """One line: the name, and for descriptions their settings, for all else the signature."""
    value = getattr(lamina, name)
    if inspect.ismodule(value):
        return f"{name}: module {value.__name__}"
    if isinstance(value, str):
        return f"{name}: str"
    fields = getattr(value, "model_fields", None)
    if fields is not None:
        by_position = value.positional
        parts = [field if field in by_position else f"{field}=" for field in [*by_position, *(f for f in fields if f not in by_position)]]
        return f"{name}({', '.join(parts)})"
    if isinstance(value, type) and issubclass(value, Exception):
        return f"{name}: {value.__mro__[1].__name__}"
    signature = f"{name}{inspect.signature(value)}"
    members = vars(value) if inspect.isclass(value) else {}
    methods = [
        f"    .{key}" if isinstance(member, property) else f"    .{key}{inspect.signature(getattr(member, '__func__', member))}"
        for key, member in sorted(members.items())
        if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member, property | classmethod))
    ]
    return "\n".join([signature, *methods])


def snapshot() -> str:
    return "\n".join(describe(name) for name in lamina.__all__) + "\n"


def test_no_public_name_or_signature_changes_by_accident() -> None:
    assert snapshot() == SNAPSHOT.read_text(), "if the change is wanted: python tests/meta/test_api.py, and a changelog fragment"


@pytest.mark.parametrize("name", lamina.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    assert getattr(lamina, name) is not None


def test_dir_lists_what_all_lists() -> None:
    assert dir(lamina) == lamina.__all__ == sorted(set(lamina.__all__))


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Desne'"):
        lamina.Desne  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    stub = Path(lamina.__file__).with_suffix(".pyi")
    seen = {}
    for statement in ast.parse(stub.read_text()).body[1:]:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.asname == alias.name, "only `import X as X` is exported"
            seen[alias.name] = statement.module
    own = {**lamina._HOME, **{name: home.rpartition(".")[0] for name, home in lamina._ROOMS.items()}, "__version__": "lamina.version"}
    assert seen == own


def test_every_registered_layer_and_vertex_has_a_public_name() -> None:
    """The usual ones stand at the front door; all of them in ``lm.layers`` and ``lm.vertices``."""
    rooms = {*lamina.layers.__all__, *(name for name in dir(lamina.vertices) if not name.startswith("_"))}
    homes = ("lamina.network.layers.", "lamina.network.vertices")
    registered = {kind.__name__ for _, kind in registry.components("layer") if kind.__module__.startswith(homes)}
    assert registered <= rooms


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot())
