from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lamina.errors import DescriptionError, RegistrationError
from lamina.spec import Description, Registry, register, registry
from lamina.spec.plugins import COMPONENTS, Plugins

number = itertools.count()


@pytest.fixture
def root() -> type[Description]:
    """A family of its own for each test, since the registry is one for the process."""

    class Fruit(Description, family=f"fruit_{next(number)}"):
        pass

    return Fruit


def member(root: type[Description], name: str = "Apple") -> Any:
    def examples(cls: Any) -> Sequence[Any]:
        return [cls()]

    return type(root)(name, (root,), {"examples": classmethod(examples), "__module__": __name__, "__qualname__": name})


def test_a_registered_class_is_found_by_its_name(root: type[Description]) -> None:
    apple = register("apple")(member(root))
    assert apple.type_name == "apple"
    assert registry.get(root.family_name(), "apple") is apple
    assert registry.get(root.family_name(), "pear") is None
    assert registry.names(root.family_name()) == ["apple"]
    assert root.family_name() in registry.families()
    assert list(registry.components(root.family_name())) == [("apple", apple)]
    assert registry.nearest(root.family_name(), "appel") == "apple"


@pytest.mark.parametrize("name", ["Apple", "2apple", "apple-pie", "apple@1", "apple@02", "apple@", "", "äpfel", "apple\n"])
def test_malformed_names_are_refused(root: type[Description], name: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        register(name)(member(root))
    assert caught.value.code == "SP008"
    assert caught.value.problems[0].fix == "rename it"


def test_a_taken_name_is_refused_and_names_the_next_version(root: type[Description]) -> None:
    register("apple")(member(root))
    with pytest.raises(RegistrationError) as caught:
        register("apple")(member(root, "Other"))
    assert caught.value.problems[0].fix == "choose another name, or apple@2 if this is its next version"
    assert f"{__name__}.Apple" in caught.value.problems[0].got


def test_versions_live_side_by_side(root: type[Description]) -> None:
    old, new = register("apple")(member(root)), register("apple@2")(member(root, "Apple2"))
    assert registry.get(root.family_name(), "apple") is old
    assert registry.get(root.family_name(), "apple@2") is new
    assert new().to_dict() == {"type": "apple@2"}


def test_a_class_may_be_registered_again_when_its_module_is_loaded_again(root: type[Description]) -> None:
    register("apple")(member(root))
    again = register("apple")(member(root))
    assert registry.get(root.family_name(), "apple") is again


def test_a_component_without_examples_is_refused(root: type[Description]) -> None:
    class Bare(root):  # type: ignore[misc,valid-type]
        pass

    with pytest.raises(RegistrationError) as caught:
        register("bare")(Bare)
    assert caught.value.code == "SP008"
    assert caught.value.problems[0].fix == "add @classmethod def examples(cls) that returns at least one description"
    assert registry.get(root.family_name(), "bare") is None


PLUGIN = """
from typing import ClassVar
from lamina.spec import register
from lamina.shapes import Shape

@register("ring_PLACE")
class Ring(Shape):
    axes: ClassVar = ("count",)
    count: int

    @classmethod
    def examples(cls):
        return [cls(count=3)]
"""


def install(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip leaves behind for a package with an entry point."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{COMPONENTS}]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "_plugins", Plugins(COMPONENTS))


def test_third_parties_components_are_loaded_when_an_unknown_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.shapes import Shape

    name = f"plugin_{next(number)}"
    families = dict(registry._families)
    monkeypatch.setattr(registry, "_families", {**families, "shape": dict(families["shape"])})
    install(tmp_path, name, PLUGIN.replace("PLACE", name), monkeypatch)
    Shape.from_yaml("{type: features, count: 1}")
    assert name not in sys.modules, "what is known needs no plugins"
    shape = Shape.from_yaml(f"{{type: ring_{name}, count: 4}}")
    assert str(shape) == "[batch, 4]"


def test_a_broken_plugin_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"plugin_{next(number)}"
    install(tmp_path, name, "raise ValueError('half installed')", monkeypatch)
    with pytest.raises(RegistrationError) as caught:
        registry.names("shape")
    problem = caught.value.problems[0]
    assert (problem.code, problem.where, problem.got) == ("SP008", f"entry point {name} = {name}", "ValueError: half installed")
    assert problem.fix == "update or uninstall the package that declares this entry point"


def test_a_broken_plugin_is_named_every_time_and_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.shapes import Shape

    families = dict(registry._families)
    monkeypatch.setattr(registry, "_families", {**families, "shape": dict(families["shape"])})
    broken, whole = f"plugin_{next(number)}", f"plugin_{next(number)}"
    install(tmp_path, broken, "raise ValueError('half installed')", monkeypatch)
    install(tmp_path, whole, PLUGIN.replace("PLACE", whole), monkeypatch)
    for _ in range(2):
        with pytest.raises(RegistrationError, match=broken):
            registry.names("shape")
    assert str(Shape.from_yaml(f"{{type: ring_{whole}, count: 4}}")) == "[batch, 4]"


def test_a_plugin_that_asks_for_what_is_unknown_while_it_is_imported_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"plugin_{next(number)}"
    code = "from lamina.spec import registry\nassert registry.get('shape', 'no_such_shape') is None\n"
    install(tmp_path, name, code, monkeypatch)
    assert "no_such_shape" not in registry.names("shape")


def test_a_class_of_the_same_name_from_elsewhere_does_not_take_the_place(root: type[Description]) -> None:
    apple = register("apple")(member(root))
    stranger = member(root)
    stranger.__module__ = "somebody.elses"
    with pytest.raises(RegistrationError) as caught:
        register("apple")(stranger)
    assert caught.value.problems[0].fix == "choose another name, or apple@2 if this is its next version"
    assert registry.get(root.family_name(), "apple") is apple


def test_a_registry_of_its_own_starts_empty() -> None:
    assert Registry().families() == []


def test_a_type_of_another_family_is_unknown(root: type[Description]) -> None:
    register("apple")(member(root))
    with pytest.raises(DescriptionError) as caught:
        root.from_yaml("features")
    assert caught.value.code == "SP003"
    assert caught.value.problems[0].fix == "use one of those above"
