"""What makes which description run: one table for each family, and where third parties' entries come from.

The descriptions of a package are found through its entry point ``lamina.components``, which must not load torch; what runs
them through its entry point ``lamina.engines``, whose modules are imported the first time that nothing here runs a component.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from lamina.errors import RegistrationError
from lamina.spec import Description
from lamina.spec.plugins import ENGINES, Plugins

F = TypeVar("F", bound=Callable[..., Any])

_PLUGINS = Plugins(ENGINES)
_DESCRIBED, _RUN = "lamina.network.", "lamina.engine."


class Implementations(Generic[F]):
    """From description class to the function, or class, that makes it run.

    Args:
        family: What messages call a member, such as ``activation``.
        decorator: Name under which third parties see `register`, for the messages.
        of: What is decorated, for the messages.
        taken: Code of the error for a description that two make run.
        missing: Code of the error for a description that none makes run.
    """

    def __init__(self, family: str, decorator: str, *, of: str = "a function", taken: str = "EN030", missing: str = "EN031") -> None:
        self.family = family
        self.decorator = decorator
        self._of = of
        self._taken = taken
        self._missing = missing
        self._known: dict[type[Description], F] = {}

    def register(self, *descriptions: type[Description]) -> Callable[[F], F]:
        """Decorator: this function, or class, makes these descriptions run.

        Raises:
            RegistrationError: The code ``taken``, if another already does.
        """

        def decorate(function: F) -> F:
            for description in descriptions:
                taken = self._known.get(description)
                # The same again is a module that is loaded again.
                if taken is not None and _place(taken) != _place(function):
                    raise RegistrationError(
                        self._taken,
                        where=f"@{self.decorator}({description.__name__})",
                        expected=f"{self._of} for each {self.family}, no second one",
                        got=f"{_place(taken)} and {_place(function)}",
                        cause=f"two claim the same {self.family}",
                        fix=f"remove one of them, or register a new version of the {self.family}",
                    )
                self._known[description] = function
            return function

        return decorate

    def find(self, description: Description, *, where: str | None = None) -> F:
        """What runs a description: its own, or that of the nearest base class.

        Args:
            description: What is to run.
            where: Where it stands, for the message.

        Raises:
            RegistrationError: The code ``missing``, if there is none; SP008, if a package that may have it can't be imported.
        """
        kind = type(description)
        found = self._known.get(kind)
        if found is None:
            _load_mirrors(kind)
            found = self._known.get(kind) or (self._inherited(kind) if kind.__module__.startswith("lamina.") else None)
        if found is None:
            # Also where a base class could run it: a package that describes a kind of dense may say how that runs otherwise.
            _PLUGINS.load()
            found = self._inherited(kind)
        if found is not None:
            return found
        name = kind.__name__
        raise RegistrationError(
            self._missing,
            where=where or f"{self.family} {description.type_name or name}",
            expected=f"{self._of} decorated with @{self.decorator}({name})",
            got="none",
            cause="the package that describes it did not say how it runs, or that module is neither imported nor an entry point",
            fix=f"decorate {self._of} with @{self.decorator}({name}); a package names the module as an entry point of {ENGINES}",
        )

    def _inherited(self, kind: type[Description]) -> F | None:
        return next((self._known[base] for base in kind.__mro__ if base in self._known), None)


def _load_mirrors(kind: type[Description]) -> None:
    """Import the engine's twin of each module of ``lamina.network`` that the class or one of its bases stands in, if there is one."""
    for base in kind.__mro__:
        if base.__module__.startswith(_DESCRIBED):
            mirror = _RUN + base.__module__.removeprefix(_DESCRIBED)
            try:
                importlib.import_module(mirror)
            except ModuleNotFoundError as error:
                if error.name is None or not mirror.startswith(error.name):
                    raise  # The twin is there, and something it needs is not.


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
