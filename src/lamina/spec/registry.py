"""Components by name: the only way from a word in a file to a piece of code (law 1).

A component is a frozen description registered under a family and a type string. Third parties register theirs by an entry
point of the group ``lamina.components``; naming a type that isn't known loads those once.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from lamina.errors import RegistrationError, nearest
from lamina.spec.plugins import COMPONENTS, Plugins

if TYPE_CHECKING:
    from lamina.spec.description import Description

_TYPE = re.compile(r"[a-z][a-z0-9_]*(@([2-9]|[1-9][0-9]+))?")

T = TypeVar("T", bound="type[Description]")


class Registry:
    """Families of components, each a mapping from type string to description class."""

    def __init__(self) -> None:
        self._families: dict[str, dict[str, type[Description]]] = {}
        self._announced: dict[str, dict[str, str]] = {}
        self._plugins = Plugins(COMPONENTS)

    def announce(self, family: str, modules: Mapping[str, str]) -> None:
        """Say which module registers which type, so that it is imported only when somebody names the type.

        Args:
            family: The family.
            modules: Type string to the full name of the module.
        """
        self._announced.setdefault(family, {}).update(modules)

    def add(self, family: str, name: str, component: type[Description]) -> None:
        """Enter a component.

        Raises:
            RegistrationError: SP008, for a malformed or taken name, or a component without examples for its contract suite.
        """
        known = self._families.setdefault(family, {})
        if not _TYPE.fullmatch(name):
            raise _refused(name, "lower case letters, digits and _, with @2, @3 ... for later versions", repr(name), "rename it")
        taken = known.get(name)
        # The same class again is a module that is loaded again; one that is only called alike is somebody else's.
        if taken is not None and (taken.__module__, taken.__qualname__) != (component.__module__, component.__qualname__):
            raise _refused(
                name,
                f"a name that is free among the {family}s",
                f"{name!r}, which is {taken.__module__}.{taken.__qualname__}",
                f"choose another name, or {name}@2 if this is its next version",
            )
        if not component.has_examples():
            raise _refused(
                name,
                "a classmethod examples() of its own, which the contract suite runs",
                f"{component.__qualname__} without one",
                "add @classmethod def examples(cls) that returns at least one description",
            )
        known[name] = component

    def get(self, family: str, name: str) -> type[Description] | None:
        """The class registered as ``name``, or None; loads third parties' components if it isn't known yet."""
        found = self._families.get(family, {}).get(name)
        module = self._announced.get(family, {}).get(name)
        if found is None and module is not None:
            importlib.import_module(module)
        elif found is None:
            self._plugins.load()
        return self._families.get(family, {}).get(name)

    def names(self, family: str) -> list[str]:
        """All type strings of a family, sorted, third parties' included."""
        self._plugins.load()
        return sorted({*self._families.get(family, {}), *self._announced.get(family, {})})

    def families(self) -> list[str]:
        """Names of all families, those included of which nothing was loaded yet."""
        return sorted({*self._families, *self._announced})

    def components(self, family: str) -> Iterator[tuple[str, type[Description]]]:
        """Pairs of type string and class, sorted."""
        for name in self.names(family):
            found = self.get(family, name)
            if found is not None:
                yield name, found

    def nearest(self, family: str, name: str) -> str | None:
        """The type string most like ``name``."""
        return nearest(name, self.names(family))


registry = Registry()
"""The one registry of the process."""


def register(name: str) -> Callable[[T], T]:
    """Class decorator: make a description known by ``name`` in the family of its root class.

    Versioned names (``dense@2``) are for changed behaviour; the old class stays registered under the old name for ever.

    Raises:
        RegistrationError: SP008, see `Registry.add`.

    Example:
        >>> from lamina.spec import Description
        >>> class Sauce(Description, family="sauce"):
        ...     "Base of all sauces."
        >>> @register("pesto")
        ... class Pesto(Sauce):
        ...     @classmethod
        ...     def examples(cls):
        ...         return [cls()]
        >>> Pesto.type_name
        'pesto'
    """

    def decorate(component: T) -> T:
        registry.add(component.family_name(), name, component)
        component.type_name = name
        return component

    return decorate


def _refused(name: str, expected: str, got: str, fix: str) -> RegistrationError:
    return RegistrationError(
        "SP008", where=f"@register({name!r})", expected=expected, got=got, cause="the component breaks the rules of the registry", fix=fix
    )
